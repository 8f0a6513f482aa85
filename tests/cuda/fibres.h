#ifndef TESTS_CUDA_FIBRES_H
#define TESTS_CUDA_FIBRES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A grid of CUDA threads on one thread of the CPU: every thread of a block is a
 * fibre, which runs until it waits for the others.  So a kernel behaves as the language says and no better:
 *
 *  - threads and blocks run in an order that can be changed; a result that
 *    changes with it misses a barrier;
 *  - shared memory is poisoned before each block, is as large as the launch
 *    says, and lies on the heap: AddressSanitizer sees an overrun;
 *  - to ThreadSanitizer each fibre is a thread, and a block's barrier is the only
 *    thing that orders them: exchanges within a warp order no memory;
 *  - what is wrong with a barrier or an exchange (threads that wait at different
 *    places, lanes that are missing, a wait without end) ends the process with
 *    the kernel, block, thread and line.
 *
 * Not modelled: time, caches, memory weaker than what barriers order, TMA and
 * wgmma.  One launch runs at a time.
 */
#ifdef __cplusplus
extern "C" {
#endif

enum { LANES = 32, MOST_THREADS = 1024, MOST_COPIES = 256 };

struct launch {
	const char *name;
	unsigned grid[3], threads;
	size_t shared; /* bytes */
	void (*body)(const void *arguments);
	const void *arguments;
};

void launch_run(const struct launch *launch);

/* 0: threads and blocks as they are numbered; 1: backwards; else shuffled by that seed.  In even orders a warp goes as far
 * as it can before the next one moves, in odd ones they go side by side. */
void launch_order(uint64_t order);

/* Inside a kernel */

struct place {
	unsigned x, y, z;
};

extern struct place launch_thread, launch_block, launch_threads, launch_blocks; /* threadIdx and so on */

void *launch_shared(void);

void launch_barrier(int line);

enum exchange { EXCHANGE_SHUFFLE, EXCHANGE_MULTIPLY, EXCHANGE_LOAD, EXCHANGE_LOAD_TRANSPOSED };

/* Every lane's value, until the warp's next exchange.  All 32 must come, with the same `kind`, and `mask` says so. */
const uint64_t *launch_exchange(unsigned mask, enum exchange kind, uint64_t value, int line);

/* The calling thread's copies that were begun and not waited for. */
struct copies {
	size_t count;
	struct {
		void *to;
		const void *from;
	} list[MOST_COPIES];
};
struct copies *launch_copies(void);

/* Ends the process with what the kernel did wrong. */
__attribute__((noreturn)) void launch_fail(const char *what, int line);

#ifdef __cplusplus
}
#endif

#endif
