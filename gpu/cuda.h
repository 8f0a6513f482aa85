#ifndef GPU_CUDA_H
#define GPU_CUDA_H

#include "daemon/base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * What is used of NVIDIA's driver and of cuBLASLt, as pointers to their
 * functions: both are looked for at run time, so that one program serves
 * machines with and without a GPU.  The interfaces are declared here, after NVIDIA's documentation
 * (CUDA Driver API; cuBLAS, "Using the cuBLASLt API"): so the host's code
 * compiles, and is tested over an emulation, where there is no toolkit.  Where there is one,
 * tests/cuda/check_declarations.c holds these numbers and sizes against its headers.
 *
 * Every function returns 0 or an error's number.
 */
struct CUctx_st;
struct CUmod_st;
struct CUfunc_st;
struct CUstream_st;

enum cuda_constant {
	CUDA_COMPUTE_MAJOR = 75,      /* CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR */
	CUDA_COMPUTE_MINOR = 76,
	CUDA_STREAM_NON_BLOCKING = 1, /* CU_STREAM_NON_BLOCKING */
	CUDA_WAIT_ASLEEP = 4,         /* CU_CTX_SCHED_BLOCKING_SYNC */
};

/* name, name in the library, arguments */
#define CUDA_FUNCTIONS(F)                                                                                             \
	F(init, cuInit, (unsigned flags))                                                                             \
	F(error_string, cuGetErrorString, (int error, const char **text))                                             \
	F(device_count, cuDeviceGetCount, (int *count))                                                               \
	F(device_get, cuDeviceGet, (int *device, int index))                                                          \
	F(device_name, cuDeviceGetName, (char *name, int size, int device))                                           \
	F(device_attribute, cuDeviceGetAttribute, (int *value, int attribute, int device))                            \
	F(context_flags, cuDevicePrimaryCtxSetFlags_v2, (int device, unsigned flags))                                 \
	F(context_retain, cuDevicePrimaryCtxRetain, (struct CUctx_st **context, int device))                          \
	F(context_release, cuDevicePrimaryCtxRelease_v2, (int device))                                                \
	F(context_use, cuCtxSetCurrent, (struct CUctx_st *context))                                                   \
	F(module_load, cuModuleLoadData, (struct CUmod_st **module, const void *image))                               \
	F(module_unload, cuModuleUnload, (struct CUmod_st *module))                                                   \
	F(module_function, cuModuleGetFunction,                                                                       \
	  (struct CUfunc_st **function, struct CUmod_st *module, const char *name))                                   \
	F(allocate, cuMemAlloc_v2, (uint64_t *address, size_t size))                                                  \
	F(free, cuMemFree_v2, (uint64_t address))                                                                     \
	F(allocate_pinned, cuMemHostAlloc, (void **memory, size_t size, unsigned flags))                              \
	F(free_pinned, cuMemFreeHost, (void *memory))                                                                 \
	F(copy_in, cuMemcpyHtoDAsync_v2, (uint64_t to, const void *from, size_t size, struct CUstream_st *stream))    \
	F(copy_out, cuMemcpyDtoHAsync_v2, (void *to, uint64_t from, size_t size, struct CUstream_st *stream))         \
	F(stream_create, cuStreamCreate, (struct CUstream_st **stream, unsigned flags))                               \
	F(stream_destroy, cuStreamDestroy_v2, (struct CUstream_st *stream))                                           \
	F(stream_wait, cuStreamSynchronize, (struct CUstream_st *stream))                                             \
	F(launch, cuLaunchKernel,                                                                                     \
	  (struct CUfunc_st *function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,           \
	   unsigned block_y, unsigned block_z, unsigned shared, struct CUstream_st *stream, void **arguments,         \
	   void **extra))

/* cuBLASLt: opaque handles, and a choice of algorithm of a known size. */
struct cublasLtContext;
struct cublas_description;
struct cublas_layout;
struct cublas_preference;

enum cublas_constant {
	CUBLAS_FLOAT32 = 0,       /* CUDA_R_32F */
	CUBLAS_BFLOAT16 = 14,     /* CUDA_R_16BF */
	CUBLAS_SUMS_FLOAT32 = 68, /* CUBLAS_COMPUTE_32F: no TF32 */
	CUBLAS_TRANSPOSE = 1,     /* CUBLAS_OP_T */
	/* cublasLtMatmulDescAttributes_t */
	CUBLAS_TRANSPOSE_A = 3,
	CUBLAS_EPILOGUE = 7,
	CUBLAS_BIAS_POINTER = 8,
	/* cublasLtEpilogue_t */
	CUBLAS_EPILOGUE_BIAS = 4,
	/* cublasLtMatmulPreferenceAttributes_t */
	CUBLAS_WORKSPACE_BYTES = 1,
	CUBLAS_ALIGNMENT_A = 5, /* B, C and D follow */
};

struct cublas_algorithm {
	uint64_t data[8];
};

struct cublas_choice {
	struct cublas_algorithm algorithm;
	size_t workspace;
	int state;
	float waves;
	int reserved[4];
};

#define CUBLAS_FUNCTIONS(F)                                                                                           \
	F(create, cublasLtCreate, (struct cublasLtContext **handle))                                                  \
	F(destroy, cublasLtDestroy, (struct cublasLtContext *handle))                                                 \
	F(description_create, cublasLtMatmulDescCreate, (struct cublas_description **out, int sums, int scale_type))   \
	F(description_destroy, cublasLtMatmulDescDestroy, (struct cublas_description *description))                   \
	F(description_set, cublasLtMatmulDescSetAttribute,                                                            \
	  (struct cublas_description *description, int attribute, const void *value, size_t size))                    \
	F(layout_create, cublasLtMatrixLayoutCreate,                                                                  \
	  (struct cublas_layout **out, int type, uint64_t rows, uint64_t columns, int64_t leading))                   \
	F(layout_destroy, cublasLtMatrixLayoutDestroy, (struct cublas_layout *layout))                                \
	F(preference_create, cublasLtMatmulPreferenceCreate, (struct cublas_preference **out))                        \
	F(preference_destroy, cublasLtMatmulPreferenceDestroy, (struct cublas_preference *preference))                \
	F(preference_set, cublasLtMatmulPreferenceSetAttribute,                                                       \
	  (struct cublas_preference *preference, int attribute, const void *value, size_t size))                      \
	F(choose, cublasLtMatmulAlgoGetHeuristic,                                                                     \
	  (struct cublasLtContext *handle, struct cublas_description *description, struct cublas_layout *a,           \
	   struct cublas_layout *b, struct cublas_layout *c, struct cublas_layout *d,                                 \
	   struct cublas_preference *preference, int wanted, struct cublas_choice *choices, int *found))              \
	F(multiply, cublasLtMatmul,                                                                                   \
	  (struct cublasLtContext *handle, struct cublas_description *description, const void *alpha, const void *a,  \
	   struct cublas_layout *a_layout, const void *b, struct cublas_layout *b_layout, const void *beta,           \
	   const void *c, struct cublas_layout *c_layout, void *d, struct cublas_layout *d_layout,                    \
	   const struct cublas_algorithm *algorithm, void *workspace, size_t workspace_size,                          \
	   struct CUstream_st *stream))

#define CUDA_POINTER(name, symbol, arguments) int(*name) arguments;

struct cuda {
	CUDA_FUNCTIONS(CUDA_POINTER)
};

struct cublas {
	CUBLAS_FUNCTIONS(CUDA_POINTER)
};

/* Both libraries, and the image of the kernels for them. */
struct cuda_libraries {
	struct cuda cuda;
	struct cublas cublas;
	const void *kernels;
};

/* Finds them, once; they stay for the life of the process.  Any thread.  NULL where one is missing or too old, with its name. */
const struct cuda_libraries *cuda_load(struct err *e);

#endif
