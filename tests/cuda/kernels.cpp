#include "gpu/kernels/kernels.cu"

extern "C" {
#include "tests/cuda/emulation.h"
}

/* The same text that nvcc compiles, each kernel behind a function of one kind. */
#define BODY(name, arguments)                                                                                         \
	static void run_##name(const void *a)                                                                         \
	{                                                                                                             \
		name(*static_cast<const arguments *>(a));                                                             \
	}
KERNELS(BODY)

#define ENTRY(name, arguments) {#name, run_##name, sizeof(arguments)},

extern "C" const struct emulated_kernel emulated_kernels[] = {KERNELS(ENTRY){nullptr, nullptr, 0}};
