#include "tests/cuda/fibres.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

/*
 * This file is built without ThreadSanitizer's instrumentation: what it
 * writes for fibres to read is no race.
 */
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif

#if defined(WITH_ASAN)
void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size);
void __asan_unpoison_memory_region(const volatile void *address, size_t size);
#endif
#if defined(EMULATE_WITH_TSAN)
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_switch_to_fiber(void *fibre, unsigned flags);
void __tsan_acquire(void *address);
void __tsan_release(void *address);
enum { TSAN_WITHOUT_ORDER = 1 };
#endif

enum state { READY, AT_BARRIER, AT_EXCHANGE, DONE };

enum { STACK_SIZE = 256 << 10 };

struct fibre {
	void *stack_pointer;
	unsigned char *stack;
	enum state state;
	enum exchange kind;
	int line;
	unsigned barriers; /* passed */
	uint64_t value;
	struct copies copies;
	void *fake, *tsan; /* of the sanitizers */
};

struct place launch_thread, launch_block, launch_threads, launch_blocks;

static struct fibre *fibres[MOST_THREADS];
static uint64_t exchanged[MOST_THREADS / LANES][LANES]; /* what each warp's lanes last brought */
static struct fibre *current;
static void *scheduler;
static const struct launch *running;
static void *shared;
static uint64_t order;
#if defined(WITH_ASAN)
static const void *main_bottom;
static size_t main_size;
static void *main_fake;
#endif
#if defined(EMULATE_WITH_TSAN)
static void *main_tsan;
static char token_begin, token_end, token_barrier[2];
#endif

void launch_fail(const char *what, int line)
{
	fprintf(stderr, "emulation: %s: %s; block (%u, %u, %u), thread %u, line %d\n", running->name, what, launch_block.x,
		launch_block.y, launch_block.z, launch_thread.x, line);
	abort();
}

/* Switching */

#if defined(__x86_64__)
void fibre_switch(void **save, void *to);
__asm__(".text\n"
	".type fibre_switch, @function\n"
	"fibre_switch:\n"
	"push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"mov %rsp, (%rdi)\n"
	"mov %rsi, %rsp\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
	"ret\n"
	".size fibre_switch, . - fibre_switch\n");
#else
#include <ucontext.h>
static void fibre_switch(void **save, void *to)
{
	swapcontext(*save, to);
}
#endif

static void to_scheduler(void)
{
	struct fibre *fibre = current;
#if defined(WITH_ASAN)
	__sanitizer_start_switch_fiber(fibre->state == DONE ? NULL : &fibre->fake, main_bottom, main_size);
#endif
#if defined(EMULATE_WITH_TSAN)
	__tsan_switch_to_fiber(main_tsan, TSAN_WITHOUT_ORDER);
#endif
	fibre_switch(&fibre->stack_pointer, scheduler);
#if defined(WITH_ASAN)
	__sanitizer_finish_switch_fiber(fibre->fake, &main_bottom, &main_size);
#endif
}

static void to_fibre(struct fibre *fibre, unsigned index)
{
	current = fibre;
	launch_thread.x = index;
#if defined(WITH_ASAN)
	__sanitizer_start_switch_fiber(&main_fake, fibre->stack, STACK_SIZE);
#endif
#if defined(EMULATE_WITH_TSAN)
	__tsan_switch_to_fiber(fibre->tsan, TSAN_WITHOUT_ORDER);
#endif
	fibre_switch(&scheduler, fibre->stack_pointer);
#if defined(WITH_ASAN)
	__sanitizer_finish_switch_fiber(main_fake, NULL, NULL);
#endif
}

/* The first thing on a fibre's stack; never returns. */
static void fibre_main(void)
{
#if defined(WITH_ASAN)
	__sanitizer_finish_switch_fiber(NULL, &main_bottom, &main_size);
#endif
#if defined(EMULATE_WITH_TSAN)
	__tsan_acquire(&token_begin);
#endif
	running->body(running->arguments);
#if defined(EMULATE_WITH_TSAN)
	__tsan_release(&token_end);
#endif
	if (current->copies.count > 0)
		launch_fail("a copy was begun and never waited for", 0);
	current->state = DONE;
	to_scheduler();
	abort();
}

static void fibre_reset(struct fibre *fibre)
{
#if defined(__x86_64__)
	/* As if fibre_main had been called: six registers and where to go; the stack is 8 off a multiple of 16 there. */
	void **top = (void **)(void *)(fibre->stack + STACK_SIZE - 64);
	top[-1] = NULL;
	top[-2] = (void *)fibre_main;
	fibre->stack_pointer = top - 8;
#else
	ucontext_t *context = fibre->stack_pointer;
	getcontext(context);
	context->uc_stack.ss_sp = fibre->stack;
	context->uc_stack.ss_size = STACK_SIZE;
	makecontext(context, fibre_main, 0);
#endif
#if defined(WITH_ASAN)
	enum { LEFT = 4096 }; /* frames that were never returned from, of fibre_main on */
	__asan_unpoison_memory_region(fibre->stack + STACK_SIZE - LEFT, LEFT);
#endif
	fibre->state = READY;
	fibre->barriers = 0;
	fibre->copies.count = 0;
}

static void fibres_make(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (fibres[i] != NULL)
			continue;
		struct fibre *fibre = fibres[i] = calloc(1, sizeof *fibre);
		fibre->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#if defined(EMULATE_WITH_TSAN)
		fibre->tsan = __tsan_create_fiber(0);
#endif
#if !defined(__x86_64__)
		fibre->stack_pointer = calloc(1, sizeof(ucontext_t));
#endif
	}
#if !defined(__x86_64__)
	static ucontext_t own;
	scheduler = &own;
#endif
}

/* Waiting */

void *launch_shared(void)
{
	return shared;
}

struct copies *launch_copies(void)
{
	return &current->copies;
}

void launch_barrier(int line)
{
	struct fibre *fibre = current;
	fibre->state = AT_BARRIER;
	fibre->line = line;
#if defined(EMULATE_WITH_TSAN)
	/* Two in turn: who is past this barrier may be at the next before the last one leaves this. */
	char *token = &token_barrier[fibre->barriers % 2];
	__tsan_release(token);
#endif
	fibre->barriers++;
	to_scheduler();
#if defined(EMULATE_WITH_TSAN)
	__tsan_acquire(token);
#endif
}

const uint64_t *launch_exchange(unsigned mask, enum exchange kind, uint64_t value, int line)
{
	struct fibre *fibre = current;
	unsigned warp = launch_thread.x / LANES;
	if (mask != ~0u)
		launch_fail("an exchange that is not the whole warp's", line);
	fibre->state = AT_EXCHANGE;
	fibre->kind = kind;
	fibre->value = value;
	fibre->line = line;
	to_scheduler();
	return exchanged[warp];
}

/* Lets a warp go where all of its lanes have come. */
static bool exchange_finish(unsigned warp)
{
	const struct fibre *leader = fibres[warp * LANES];
	for (unsigned i = 0; i < LANES; i++) {
		const struct fibre *fibre = fibres[warp * LANES + i];
		launch_thread.x = warp * LANES + i;
		if (fibre->state == DONE)
			launch_fail("an exchange waits for a lane that is gone", leader->line);
		if (fibre->state != AT_EXCHANGE)
			return false;
		if (fibre->kind != leader->kind || fibre->line != leader->line)
			launch_fail("lanes of a warp are at different exchanges", fibre->line);
	}
	for (unsigned i = 0; i < LANES; i++) {
		struct fibre *fibre = fibres[warp * LANES + i];
		/* All have read what came before: they are here. */
		((volatile uint64_t *)exchanged[warp])[i] = fibre->value;
		fibre->state = READY;
	}
	return true;
}

/* Some of the lanes wait for the others. */
static bool exchange_is_due(unsigned warp)
{
	for (unsigned i = 0; i < LANES; i++)
		if (fibres[warp * LANES + i]->state == AT_EXCHANGE)
			return true;
	return false;
}

/* All that are left wait at one barrier: they go on.  False where none is left. */
static bool barrier_finish(unsigned threads)
{
	const struct fibre *leader = NULL;
	for (unsigned i = 0; i < threads; i++) {
		const struct fibre *fibre = fibres[i];
		launch_thread.x = i;
		if (fibre->state == DONE)
			continue;
		if (fibre->state != AT_BARRIER)
			launch_fail("waits without end", fibre->line);
		if (leader != NULL && leader->line != fibre->line)
			launch_fail("threads wait at different barriers", fibre->line);
		leader = fibre;
	}
	for (unsigned i = 0; i < threads; i++)
		if (fibres[i]->state == AT_BARRIER)
			fibres[i]->state = READY;
	return leader != NULL;
}

/* Order */

void launch_order(uint64_t wanted)
{
	order = wanted;
}

static bool one_by_one(void)
{
	return order % 2 == 0;
}

/* The `count` numbers from 0 in the order that is set. */
static void order_fill(unsigned *out, unsigned count, uint64_t salt)
{
	uint64_t state = order * UINT64_C(0x9E3779B97F4A7C15) + salt;
	for (unsigned i = 0; i < count; i++)
		out[i] = order == 1 ? count - 1 - i : i;
	for (unsigned i = count; order > 1 && i > 1; i--) {
		state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
		unsigned k = (unsigned)((state >> 33) % i), swapped = out[i - 1];
		out[i - 1] = out[k];
		out[k] = swapped;
	}
}

/* Lets these threads, of one warp or of all, go on until they wait; whether some need not wait any more. */
static bool threads_run(const unsigned *in_order, unsigned count)
{
	bool some = false;
	for (unsigned i = 0; i < count; i++)
		if (fibres[in_order[i]]->state == READY)
			to_fibre(fibres[in_order[i]], in_order[i]);
	for (unsigned i = 0; i < count; i += LANES) {
		unsigned warp = count == LANES ? in_order[0] / LANES : i / LANES;
		some |= exchange_is_due(warp) && exchange_finish(warp);
	}
	return some;
}

/* Brings each warp's threads together, in the order that they are in; the warps as their first ones are. */
static void order_by_warps(unsigned *in_order, unsigned threads)
{
	for (unsigned first = 0; first < threads; first += LANES) {
		unsigned found = first;
		for (unsigned i = first; i < threads; i++) {
			unsigned thread = in_order[i];
			if (thread / LANES != in_order[first] / LANES)
				continue;
			for (unsigned k = i; k > found; k--)
				in_order[k] = in_order[k - 1];
			in_order[found++] = thread;
		}
	}
}

/*
 * Up to the next barrier the warps go side by side, or each as far as it can
 * before the next one moves: what is read too early is not there yet, and what is
 * overwritten too early is still needed.
 */
static void block_run(unsigned threads, const unsigned *in_order)
{
	unsigned at_once = one_by_one() ? LANES : threads;
	for (size_t i = 0; i < running->shared; i++)
		((volatile unsigned char *)shared)[i] = 0xff;
	for (unsigned i = 0; i < threads; i++)
		fibre_reset(fibres[i]);
	do {
		for (unsigned i = 0; i < threads; i += at_once)
			while (threads_run(in_order + i, at_once))
				continue;
	} while (barrier_finish(threads));
}

void launch_run(const struct launch *launch)
{
	static unsigned thread_order[MOST_THREADS];
	unsigned blocks = launch->grid[0] * launch->grid[1] * launch->grid[2];
	unsigned *block_order = malloc((blocks + 1) * sizeof *block_order);
	running = launch;
	shared = malloc(launch->shared);
	launch_threads = (struct place){launch->threads, 1, 1};
	launch_blocks = (struct place){launch->grid[0], launch->grid[1], launch->grid[2]};
	fibres_make(launch->threads);
	order_fill(block_order, blocks, 1);
#if defined(EMULATE_WITH_TSAN)
	main_tsan = __tsan_get_current_fiber();
#endif
	for (unsigned i = 0; i < blocks; i++) {
		unsigned block = block_order[i];
		launch_block = (struct place){block % launch_blocks.x, block / launch_blocks.x % launch_blocks.y,
					      block / launch_blocks.x / launch_blocks.y};
		order_fill(thread_order, launch->threads, block + 2);
		if (one_by_one())
			order_by_warps(thread_order, launch->threads);
		/* Blocks share the place of shared memory, so they are ordered; what they do to one another shows when their
		 * order changes. */
#if defined(EMULATE_WITH_TSAN)
		__tsan_release(&token_begin);
#endif
		block_run(launch->threads, thread_order);
#if defined(EMULATE_WITH_TSAN)
		__tsan_acquire(&token_end);
#endif
	}
	free(shared);
	free(block_order);
}
