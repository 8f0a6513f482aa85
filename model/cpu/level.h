#ifndef MODEL_CPU_LEVEL_H
#define MODEL_CPU_LEVEL_H

#include "daemon/base/err.h"

#include <stdbool.h>

/*
 * One body of plain C, compiled for several levels of the instruction set, the
 * best taken at run time.  (Not target_clones: its resolvers run before the
 * sanitizers are ready.)
 */
enum cpu_level {
	CPU_BASE,   /* what every machine of this architecture has */
	CPU_AVX2,   /* with FMA */
	CPU_AVX512, /* F, BW, DQ, VL */
	CPU_AMX,    /* tiles; for plain C the same as AVX-512 */
};

/* What this CPU and its operating system can do, and the environment's BELLWETHER_CPU allows. */
enum cpu_level cpu_level(void);

/* -1 where BELLWETHER_CPU is none of plain, avx2, avx512, amx. */
int cpu_level_check(struct err *e);

/* What not every CPU of a level has. */
enum cpu_feature {
	CPU_AVX_VNNI,
	CPU_AVX512_VNNI,
	CPU_AVX512_BF16,
	CPU_AMX_BF16,
	CPU_AMX_INT8,
};
bool cpu_has(enum cpu_feature feature); /* x86-64 only */

/* Whether the kernel lets this process use tiles; it is asked at the first call. */
bool cpu_allows_tiles(void); /* x86-64 only */

#define CPU_INLINE static inline __attribute__((always_inline))

/*
 * Define function `name` with the given parameters over its body, the
 * CPU_INLINE function name##_body with the same parameters; `arguments` are the
 * parameters' names, both in parentheses.
 */
#if defined(__x86_64__)
#define CPU_TARGET_AVX2 __attribute__((target("avx2,fma")))
#if defined(__clang__)
#define CPU_WIDE "" /* clang takes the widest vectors by itself */
#else
#define CPU_WIDE ",prefer-vector-width=512"
#endif
/* `more`: "", or a comma and what a kernel needs besides. */
#define CPU_TARGET_AVX512_WITH(more) \
	__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl" more CPU_WIDE)))
#define CPU_TARGET_AVX512 CPU_TARGET_AVX512_WITH("")
#define CPU_LEVELS(name, parameters, arguments)                                \
	CPU_TARGET_AVX2 static void name##_avx2 parameters                     \
	{                                                                      \
		name##_body arguments;                                         \
	}                                                                      \
	CPU_TARGET_AVX512 static void name##_avx512 parameters                 \
	{                                                                      \
		name##_body arguments;                                         \
	}                                                                      \
	void name parameters                                                   \
	{                                                                      \
		switch (cpu_level()) {                                         \
		case CPU_AMX:                                                  \
		case CPU_AVX512:                                               \
			name##_avx512 arguments;                               \
			break;                                                 \
		case CPU_AVX2:                                                 \
			name##_avx2 arguments;                                 \
			break;                                                 \
		case CPU_BASE:                                                 \
			name##_body arguments;                                 \
			break;                                                 \
		}                                                              \
	}
#else
#define CPU_LEVELS(name, parameters, arguments)                                \
	void name parameters                                                   \
	{                                                                      \
		name##_body arguments;                                         \
	}
#endif

#endif
