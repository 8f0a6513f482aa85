/* The kernels as nvcc compiled them for every architecture, as bytes of the program; the build says where they lie. */
__asm__(".section .rodata\n"
	".balign 16\n"
	".global gpu_kernels_image\n"
	"gpu_kernels_image:\n"
	".incbin \"" GPU_KERNELS_FILE "\"\n"
	".previous\n");
