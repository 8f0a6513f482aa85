/*
 * What gpu/cuda.h says of NVIDIA's libraries, against their own headers: compiled by tests/check_cuda.sh where there is
 * a toolkit, never run.
 */
#include <cublasLt.h>
#include <cuda.h>

#include "gpu/cuda.h"

#include <stddef.h>

#define SAME(ours, theirs) _Static_assert((long)(ours) == (long)(theirs), #ours)

SAME(CUDA_COMPUTE_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
SAME(CUDA_COMPUTE_MINOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
SAME(CUDA_STREAM_NON_BLOCKING, CU_STREAM_NON_BLOCKING);
SAME(CUDA_WAIT_ASLEEP, CU_CTX_SCHED_BLOCKING_SYNC);
SAME(0, CUDA_SUCCESS);
SAME(sizeof(uint64_t), sizeof(CUdeviceptr));
SAME(sizeof(int), sizeof(CUdevice));
SAME(sizeof(int), sizeof(CUresult));
SAME(sizeof(int), sizeof(CUdevice_attribute));

SAME(CUBLAS_FLOAT32, CUDA_R_32F);
SAME(CUBLAS_BFLOAT16, CUDA_R_16BF);
SAME(CUBLAS_SUMS_FLOAT32, CUBLAS_COMPUTE_32F);
SAME(CUBLAS_TRANSPOSE, CUBLAS_OP_T);
SAME(CUBLAS_TRANSPOSE_A, CUBLASLT_MATMUL_DESC_TRANSA);
SAME(CUBLAS_EPILOGUE, CUBLASLT_MATMUL_DESC_EPILOGUE);
SAME(CUBLAS_BIAS_POINTER, CUBLASLT_MATMUL_DESC_BIAS_POINTER);
SAME(CUBLAS_EPILOGUE_BIAS, CUBLASLT_EPILOGUE_BIAS);
SAME(CUBLAS_WORKSPACE_BYTES, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES);
SAME(CUBLAS_ALIGNMENT_A, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES);
SAME(CUBLAS_ALIGNMENT_A + 1, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES);
SAME(CUBLAS_ALIGNMENT_A + 2, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES);
SAME(CUBLAS_ALIGNMENT_A + 3, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
SAME(0, CUBLAS_STATUS_SUCCESS);
SAME(sizeof(int), sizeof(cublasStatus_t));
SAME(sizeof(struct cublas_algorithm), sizeof(cublasLtMatmulAlgo_t));
SAME(sizeof(struct cublas_choice), sizeof(cublasLtMatmulHeuristicResult_t));
SAME(offsetof(struct cublas_choice, algorithm), offsetof(cublasLtMatmulHeuristicResult_t, algo));
SAME(offsetof(struct cublas_choice, workspace), offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize));
SAME(offsetof(struct cublas_choice, state), offsetof(cublasLtMatmulHeuristicResult_t, state));

/* The names that are looked for are those that the header's macros make of the plain ones. */
#define TEXT(symbol) TEXT_(symbol)
#define TEXT_(symbol) #symbol
#define EXISTS(name, symbol, arguments) extern __typeof__(symbol) *const found_##symbol;
CUDA_FUNCTIONS(EXISTS)
CUBLAS_FUNCTIONS(EXISTS)
