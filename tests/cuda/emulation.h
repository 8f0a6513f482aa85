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

/* How many devices there are, as a rule one, and what one of them says of itself.  What belongs to one is refused by the others. */
enum { EMULATED_MOST = 4 };
void emulation_devices(int count);
void emulation_capability(int device, int major, int minor);

/*
 * The call that comes after `calls` others returns `error`, and does nothing;
 * where `lost`, all after it as well, as of a device that is gone.  A negative
 * number of calls: none fails.  emulation_fail_on counts and fails one device's
 * calls alone, beside what fails on the others; emulation_fail ends all that.
 */
void emulation_fail(long calls, int error, bool lost);
void emulation_fail_on(int device, long calls, int error, bool lost);

/* Calls since emulation_fail, or emulation_fail_on of that device.  Has any failed since then? */
enum { NO_DEVICE = -1 };
long emulation_calls(int device);
bool emulation_failed(void);

/* Kernels that a device was told to run, ever. */
long emulation_launches(int device);

/* Things of the driver and of cuBLASLt that were made and not yet given back. */
size_t emulation_live(void);

/* Inside the emulation */

/* Whose context this thread uses; NO_DEVICE as long as it has said none. */
int emulation_current(void);

/* The error that a call to the device, or to none, must return; 0 as a rule. */
int emulation_fault(int device);
void emulation_count(int step); /* of live things */

#define FAULT_OF(device)                                                                                              \
	do {                                                                                                          \
		int due = emulation_fault(device);                                                                    \
		if (due != 0)                                                                                         \
			return due;                                                                                   \
	} while (0)

__attribute__((noreturn)) void emulation_wrong(const char *what);

/* `run(data)` when the stream, which is one of the current device, comes to it; then `data` is freed. */
struct CUstream_st;
void emulation_enqueue(struct CUstream_st *stream, void (*run)(void *data), void *data);

/* Memory of a device, or the host's pinned one with NO_DEVICE.  What is given back must be of that kind; returns whose it was. */
void *emulation_memory_make(size_t size, int device);
int emulation_memory_end(const void *place, bool pinned);
bool emulation_memory_holds(const void *address, size_t size, int device);

/* Such an address, with as many bytes behind it, is the current device's: else the process ends. */
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
