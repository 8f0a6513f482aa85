/*
 * What this machine could do at most: arithmetic instructions over registers
 * alone, one core and all cores, for each that the CPU and its system offer.
 * The encoder's bench divides by these.
 *
 *   bench_peak [MILLISECONDS]     of one round (4); the best of ROUNDS counts
 *
 * The loops are assembly, so that no compiler folds, spills or reorders them,
 * and so that no option of the build decides what can be measured.  Twelve
 * independent sums hide a latency of four cycles on two or three ports; six
 * tiles do so for AMX, whose latency is 52 cycles at one instruction in 16.
 * Operands are ordinary numbers: zeros would cost less power than real work.
 */
#include "daemon/base/check.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sched.h>
#include <sys/syscall.h>

enum { ROUNDS = 60, MAX_CPUS = 1024, MAX_LOOPS = 16, SUMS = 12, TILE_SUMS = 6 };

/* What CPUID and the system's saved state say. */
struct features {
	bool fma, avx2, avx512f, avx512_vnni, avx512_bf16, avx_vnni, amx_bf16, amx_int8;
};

/* Saved by the system at a task switch: Intel's manual, volume 1, 13.1. */
enum { STATE_YMM = 0x6, STATE_ZMM = 0xe6, STATE_TILES = 0x60000 };

/* Tiles are large, so that Linux wants to be asked first. */
static bool tiles_request(void)
{
	enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
	return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static struct features features_detect(void)
{
	struct features f = {0};
	unsigned a, b, c, d, low, high;
	if (!__get_cpuid(1, &a, &b, &c, &d) || (c & bit_OSXSAVE) == 0)
		return f;
	bool fma = (c & bit_FMA) != 0;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	bool ymm = (low & STATE_YMM) == STATE_YMM, zmm = (low & STATE_ZMM) == STATE_ZMM;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return f;
	f.fma = ymm && fma;
	f.avx2 = ymm && (b & 1u << 5) != 0;
	f.avx512f = zmm && (b & 1u << 16) != 0;
	f.avx512_vnni = f.avx512f && (c & 1u << 11) != 0;
	bool tiles = (low & STATE_TILES) == STATE_TILES && (d & 1u << 24) != 0 && tiles_request();
	f.amx_bf16 = tiles && (d & 1u << 22) != 0;
	f.amx_int8 = tiles && (d & 1u << 25) != 0;
	if (__get_cpuid_count(7, 1, &a, &b, &c, &d)) {
		f.avx_vnni = ymm && (a & 1u << 4) != 0;
		f.avx512_bf16 = f.avx512f && (a & 1u << 5) != 0;
	}
	return f;
}

/* The loops */

#define TWELVE(op, last) \
	op "2" last op "3" last op "4" last op "5" last op "6" last op "7" last op "8" last op "9" last op "10" last \
	op "11" last op "12" last op "13" last

#define CLOBBERS                                                                                                    \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
		"xmm13", "xmm14", "cc", "memory"

/* Registers 0 and 1 hold `pattern` in each 32 bits, 2 to 13 the sums. */
#define VECTOR_LOOP(name, size, pattern, body)                                                         \
	static void name(uint64_t rounds)                                                              \
	{                                                                                              \
		static const uint32_t value = (pattern);                                               \
		__asm__ volatile("vbroadcastss %1, %%" size "mm0\n\tvbroadcastss %1, %%" size "mm1\n\t" \
				 TWELVE("vbroadcastss %1, %%" size "mm", "\n\t")                        \
				 ".p2align 5\n1:\n\t" body "dec %0\n\tjnz 1b\n\tvzeroupper"              \
				 : "+r"(rounds)                                                        \
				 : "m"(value)                                                          \
				 : CLOBBERS);                                                          \
	}

#define ONE_AND_A_BIT 0x3f8ccccd  /* 1.1f */
#define TWO_BF16 0x3f8d3f8d
#define FOUR_BYTES 0x5b2a6d17
#define MULTIPLY(instruction, size) TWELVE(instruction " %%" size "mm0, %%" size "mm1, %%" size "mm", "\n\t")

VECTOR_LOOP(fma_ymm, "y", ONE_AND_A_BIT, MULTIPLY("vfmadd231ps", "y"))
VECTOR_LOOP(fma_zmm, "z", ONE_AND_A_BIT, MULTIPLY("vfmadd231ps", "z"))
VECTOR_LOOP(bf16_zmm, "z", TWO_BF16, MULTIPLY("vdpbf16ps", "z"))
VECTOR_LOOP(vnni_ymm, "y", FOUR_BYTES, MULTIPLY("%{vex%} vpdpbusd", "y"))
VECTOR_LOOP(vnni_zmm, "z", FOUR_BYTES, MULTIPLY("vpdpbusd", "z"))

/* Exact products of bytes without VNNI: widened to 16 bits, multiplied, and the pairs' sums added. */
#define WIDENED(sum) "vpmaddwd %%ymm0, %%ymm1, %%ymm14\n\tvpaddd %%ymm14, %%ymm" sum ", %%ymm" sum "\n\t"
VECTOR_LOOP(maddwd_ymm, "y", FOUR_BYTES,
	    WIDENED("2") WIDENED("3") WIDENED("4") WIDENED("5") WIDENED("6") WIDENED("7") WIDENED("8") WIDENED("9")
	    WIDENED("10") WIDENED("11") WIDENED("12") WIDENED("13"))

/* Eight tiles of 16 rows of 64 bytes: 0 to 5 are sums, 6 and 7 the operands. */
struct tile_config {
	uint8_t palette, start_row, reserved[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
};

#define TILE_LOOP(name, instruction, pattern)                                                        \
	static void name(uint64_t rounds)                                                            \
	{                                                                                            \
		struct tile_config config = {.palette = 1};                                          \
		uint32_t values[256];                                                                \
		for (int i = 0; i < 8; i++) {                                                        \
			config.row_bytes[i] = 64;                                                    \
			config.rows[i] = 16;                                                         \
		}                                                                                    \
		for (int i = 0; i < 256; i++)                                                        \
			values[i] = (pattern);                                                       \
		__asm__ volatile("ldtilecfg %1\n\t"                                                  \
				 "tilezero %%tmm0\n\ttilezero %%tmm1\n\ttilezero %%tmm2\n\t"         \
				 "tilezero %%tmm3\n\ttilezero %%tmm4\n\ttilezero %%tmm5\n\t"         \
				 "tileloadd (%2,%3), %%tmm6\n\ttileloadd (%2,%3), %%tmm7\n\t"        \
				 ".p2align 5\n1:\n\t" instruction " %%tmm7, %%tmm6, %%tmm0\n\t"      \
				 instruction " %%tmm7, %%tmm6, %%tmm1\n\t"                           \
				 instruction " %%tmm7, %%tmm6, %%tmm2\n\t"                           \
				 instruction " %%tmm7, %%tmm6, %%tmm3\n\t"                           \
				 instruction " %%tmm7, %%tmm6, %%tmm4\n\t"                           \
				 instruction " %%tmm7, %%tmm6, %%tmm5\n\t"                           \
				 "dec %0\n\tjnz 1b\n\ttilerelease"                                   \
				 : "+r"(rounds)                                                      \
				 : "m"(config), "r"(values), "r"((uint64_t)64)                       \
				 : "cc", "memory");                                                  \
	}

TILE_LOOP(amx_bf16, "tdpbf16ps", TWO_BF16)
TILE_LOOP(amx_int8, "tdpbusd", FOUR_BYTES)

/* Additions that wait for each other: one a cycle, whatever else the core could do. */
static void add_chain(uint64_t rounds)
{
	uint64_t sum = 0;
	__asm__ volatile(".p2align 5\n1:\n\t"
			 "add %0, %1\n\tadd %0, %1\n\tadd %0, %1\n\tadd %0, %1\n\t"
			 "add %0, %1\n\tadd %0, %1\n\tadd %0, %1\n\tadd %0, %1\n\t"
			 "add %0, %1\n\tadd %0, %1\n\tadd %0, %1\n\tadd %0, %1\n\t"
			 "dec %0\n\tjnz 1b"
			 : "+r"(rounds), "+r"(sum)
			 :
			 : "cc");
}

struct loop {
	const char *instruction, *registers;
	const char *precision; /* of the encoder that lives from it */
	const char *needs;
	bool here;
	void (*run)(uint64_t rounds);
	int instructions; /* of one round */
	int operations;   /* of one instruction: a multiplication and an addition are two */
};

/* Measuring */

/* Threads that run every loop side by side, round after round, so that a busy spell of the machine spoils one round of
 * every loop and not all rounds of one. */
struct crew {
	const struct loop *loops;
	int loop_count;
	const int *cpus;
	int count;
	uint64_t rounds[MAX_LOOPS];
	pthread_barrier_t barrier;
	struct member *members;
};

struct member {
	struct crew *crew;
	int cpu;
	double begin[ROUNDS][MAX_LOOPS], end[ROUNDS][MAX_LOOPS];
};

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void stay_on(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof set, &set);
}

static void *member_run(void *argument)
{
	struct member *member = argument;
	struct crew *crew = member->crew;
	stay_on(member->cpu);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < crew->loop_count; i++) {
			pthread_barrier_wait(&crew->barrier);
			member->begin[round][i] = now();
			if (crew->loops[i].here)
				crew->loops[i].run(crew->rounds[i]);
			member->end[round][i] = now();
		}
	}
	return NULL;
}

/* Rounds of a loop that take about `seconds`. */
static uint64_t rounds_for(const struct loop *loop, double seconds)
{
	for (uint64_t rounds = 1000; loop->here; rounds *= 4) {
		double began = now();
		loop->run(rounds);
		double took = now() - began;
		if (took > seconds / 8)
			return (uint64_t)((double)rounds * seconds / took) + 1;
	}
	return 0;
}

/* From the first thread's begin to the last one's end, in the best round. */
static double best_seconds(const struct crew *crew, int loop)
{
	double best = 1e9;
	for (int round = 0; round < ROUNDS; round++) {
		double begin = 1e18, end = 0;
		for (int i = 0; i < crew->count; i++) {
			const struct member *member = &crew->members[i];
			begin = member->begin[round][loop] < begin ? member->begin[round][loop] : begin;
			end = member->end[round][loop] > end ? member->end[round][loop] : end;
		}
		best = end - begin < best ? end - begin : best;
	}
	return best;
}

/* rates[loop]: instructions a second, in billions, of all threads together */
static void crew_measure(struct crew *crew, double seconds, double *rates)
{
	pthread_t *threads = xcalloc((size_t)crew->count, sizeof *threads);
	crew->members = xcalloc((size_t)crew->count, sizeof *crew->members);
	for (int i = 0; i < crew->loop_count; i++)
		crew->rounds[i] = rounds_for(&crew->loops[i], seconds);
	CHECK(pthread_barrier_init(&crew->barrier, NULL, (unsigned)crew->count) == 0);
	for (int i = 0; i < crew->count; i++) {
		crew->members[i].crew = crew;
		crew->members[i].cpu = crew->cpus[i];
		CHECK(pthread_create(&threads[i], NULL, member_run, &crew->members[i]) == 0);
	}
	for (int i = 0; i < crew->count; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < crew->loop_count; i++) {
		double instructions = (double)crew->rounds[i] * crew->loops[i].instructions * crew->count;
		rates[i] = instructions / best_seconds(crew, i) * 1e-9;
	}
	pthread_barrier_destroy(&crew->barrier);
	free(crew->members);
	free(threads);
}

static int cpus_find(int cpus[MAX_CPUS])
{
	cpu_set_t set;
	int count = 0;
	CHECK(sched_getaffinity(0, sizeof set, &set) == 0);
	for (int i = 0; i < CPU_SETSIZE && count < MAX_CPUS; i++)
		if (CPU_ISSET(i, &set))
			cpus[count++] = i;
	return count;
}

static void loop_print(const struct loop *loop, double one, double all, double clock)
{
	printf("%-16s %-5s %-5s ", loop->instruction, loop->registers, loop->precision);
	if (loop->here)
		printf("%12.1f %12.1f %10.2f\n", one * loop->operations, all * loop->operations, one / clock);
	else
		printf("skipped: this machine has no %s\n", loop->needs);
}

int main(int argc, char **argv)
{
	double seconds = (argc > 1 ? atof(argv[1]) : 4) * 1e-3;
	struct features f = features_detect();
	const struct loop loops[] = {
		{"add", "", "", "", true, add_chain, 12, 1}, /* tells the clock */
		{"vfmadd231ps", "ymm", "fp32", "AVX2 with FMA", f.fma, fma_ymm, SUMS, 16},
		{"vfmadd231ps", "zmm", "fp32", "AVX-512", f.avx512f, fma_zmm, SUMS, 32},
		{"vdpbf16ps", "zmm", "bf16", "AVX512_BF16", f.avx512_bf16, bf16_zmm, SUMS, 64},
		{"tdpbf16ps", "tile", "bf16", "AMX_BF16", f.amx_bf16, amx_bf16, TILE_SUMS, 2 * 16 * 16 * 32},
		{"vpmaddwd+vpaddd", "ymm", "int8", "AVX2", f.avx2, maddwd_ymm, SUMS, 32},
		{"vpdpbusd", "ymm", "int8", "AVX_VNNI", f.avx_vnni, vnni_ymm, SUMS, 64},
		{"vpdpbusd", "zmm", "int8", "AVX512_VNNI", f.avx512_vnni, vnni_zmm, SUMS, 128},
		{"tdpbusd", "tile", "int8", "AMX_INT8", f.amx_int8, amx_int8, TILE_SUMS, 2 * 16 * 16 * 64},
	};
	enum { LOOPS = sizeof loops / sizeof *loops };
	_Static_assert(sizeof loops <= MAX_LOOPS * sizeof *loops, "room for every loop");
	static int cpus[MAX_CPUS];
	double one[LOOPS], all[LOOPS];
	int count = cpus_find(cpus);
	if (seconds <= 0 || count == 0)
		return 2;
	struct crew crew = {.loops = loops, .loop_count = LOOPS, .cpus = cpus, .count = 1};
	crew_measure(&crew, seconds, one);
	crew.count = count;
	crew_measure(&crew, seconds, all);

	printf("clock of one core: %.2f GHz (dependent additions); %d cores\n", one[0], count);
	printf("%-16s %-5s %-5s %12s %12s %10s\n", "instruction", "size", "for", "1 core GOP/s", "all GOP/s", "per cycle");
	for (int i = 1; i < LOOPS; i++)
		loop_print(&loops[i], one[i], all[i], one[0]);
	return 0;
}

#else
int main(void)
{
	puts("skipped: no loops for this architecture");
	return 77;
}
#endif
