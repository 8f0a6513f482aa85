#ifndef TESTS_CUDA_EMULATION_H
#define TESTS_CUDA_EMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A driver and a cuBLASLt on the CPU, which gpu/ gets from cuda_load in place
 * of NVIDIA's.  Kernels run through fibres.h.  What is asked of a stream is done
 * when the stream is waited for and not before, so that what forgets to wait finds poison; memory of
 * the device is poisoned, and copies from or to anything else end the process.
 */

/* Who asks for the libraries finds none, with that reason; NULL puts them back. */
void emulation_hide(const char *reason);

/* What the only device says of itself. */
void emulation_capability(int major, int minor);

/*
 * The call that comes after `calls` others returns `error`, and does nothing;
 * where `lost`, all after it as well, as of a device that is gone.  A negative
 * number of calls: none fails.
 */
void emulation_fail(long calls, int error, bool lost);

/* Calls since then; one failed. */
long emulation_calls(void);
bool emulation_failed(void);

/* Things of the driver and of cuBLASLt that were made and not yet given back. */
size_t emulation_live(void);

/* Inside the emulation */

/* The error that this call must return; 0 as a rule. */
int emulation_fault(void);
void emulation_count(int step); /* of live things */

/* `run(data)` when the stream comes to it; then `data` is freed. */
struct CUstream_st;
void emulation_enqueue(struct CUstream_st *stream, void (*run)(void *data), void *data);

/* Such an address, with as many bytes behind it, is the device's: else the process ends. */
void emulation_check_memory(const void *address, size_t size, const char *what);

struct cublas;
extern const struct cublas emulated_cublas;

/* The kernels by name; the list ends with a NULL name. */
struct emulated_kernel {
	const char *name;
	void (*body)(const void *arguments);
	size_t arguments_size;
};
extern const struct emulated_kernel emulated_kernels[];

#endif
