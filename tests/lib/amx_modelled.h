#ifndef TESTS_LIB_AMX_MODELLED_H
#define TESTS_LIB_AMX_MODELLED_H

/*
 * The kernels for AMX over the model of its instructions: modelled_amx_bf16
 * and modelled_amx_int8, for any machine.  Defines much; include it last.
 */
#include "model/cpu/gemm.h"

#if defined(__x86_64__)
#pragma GCC diagnostic ignored "-Wunknown-pragmas" /* of OpenMP, which tests are built without */
#define AMX_INSTRUCTIONS "tests/lib/amx_model.h"
#define gemm_amx_bf16 modelled_amx_bf16
#define gemm_amx_int8 modelled_amx_int8
#include "model/cpu/gemm_amx.c"
#undef gemm_amx_bf16
#undef gemm_amx_int8
#endif

#endif
