#include "model/cpu/level.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The names that BELLWETHER_CPU takes. */
static const char *const level_names[] = {
	[CPU_BASE] = "plain", [CPU_AVX2] = "avx2", [CPU_AVX512] = "avx512", [CPU_AMX] = "amx"};

static int level_parse(const char *name, enum cpu_level *level)
{
	for (int i = CPU_BASE; i <= CPU_AMX; i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*level = (enum cpu_level)i;
			return 0;
		}
	}
	return -1;
}

int cpu_level_check(struct err *e)
{
	const char *name = getenv("BELLWETHER_CPU");
	enum cpu_level level;
	if (name == NULL || level_parse(name, &level) == 0)
		return 0;
	return err_set(e, "BELLWETHER_CPU is \"%s\": plain, avx2, avx512 or amx", name);
}

#if defined(__x86_64__)
#include <cpuid.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

/* CPUID, leaf 7: Intel's manual, volume 2A.  A subleaf that the CPU lacks reads as zero. */
struct leaf {
	unsigned eax, ebx, ecx, edx;
};

static struct leaf leaf_read(unsigned subleaf)
{
	struct leaf leaf = {0};
	__get_cpuid_count(7, subleaf, &leaf.eax, &leaf.ebx, &leaf.ecx, &leaf.edx);
	return leaf;
}

static bool bit(unsigned value, int index)
{
	return value >> index & 1;
}

/* Whether the operating system keeps tiles' configuration and data apart for each thread: bits 17 and 18 of XCR0. */
static bool tiles_are_saved(void)
{
	unsigned low, high;
	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return bit(low, 17) && bit(low, 18);
}

/* The compiler's runtime asked CPUID, and XCR0 for vectors, before main. */
static enum cpu_level level_find(void)
{
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
		return CPU_BASE;
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
	    !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
		return CPU_AVX2;
	return bit(leaf_read(0).edx, 24) && tiles_are_saved() ? CPU_AMX : CPU_AVX512;
}

bool cpu_has(enum cpu_feature feature)
{
	enum cpu_level level = cpu_level();
	switch (feature) {
	case CPU_AVX_VNNI:
		return level >= CPU_AVX2 && bit(leaf_read(1).eax, 4);
	case CPU_AVX512_VNNI:
		return level >= CPU_AVX512 && bit(leaf_read(0).ecx, 11);
	case CPU_AVX512_BF16:
		return level >= CPU_AVX512 && bit(leaf_read(1).eax, 5);
	case CPU_AMX_BF16:
		return level >= CPU_AMX && bit(leaf_read(0).edx, 22);
	case CPU_AMX_INT8:
		return level >= CPU_AMX && bit(leaf_read(0).edx, 25);
	}
	return false;
}

/* Linux, Documentation/arch/x86/xstate.rst: without it the first use of a tile ends the process. */
static bool tiles_allowed;

static void tiles_ask(void)
{
	enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
	tiles_allowed = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

bool cpu_allows_tiles(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, tiles_ask);
	return tiles_allowed;
}
#else
static enum cpu_level level_find(void)
{
	return CPU_BASE;
}
#endif

static enum cpu_level level_decide(void)
{
	enum cpu_level level = level_find(), most;
	const char *name = getenv("BELLWETHER_CPU");
	return name != NULL && level_parse(name, &most) == 0 && most < level ? most : level;
}

enum cpu_level cpu_level(void)
{
	/* Asked for every row: so it is one load.  Whichever threads come first, they all find the same. */
	static atomic_int known = -1;
	int level = atomic_load_explicit(&known, memory_order_relaxed);
	if (level < 0) {
		level = level_decide();
		atomic_store_explicit(&known, level, memory_order_relaxed);
	}
	return (enum cpu_level)level;
}
