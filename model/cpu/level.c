#include "model/cpu/level.h"

enum cpu_level cpu_level(void)
{
#if defined(__x86_64__)
	/* A load and a few tests: the compiler's runtime asked CPUID and XCR0 (what the kernel saves) before main. */
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		return CPU_AVX512;
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		return CPU_AVX2;
#endif
	return CPU_BASE;
}
