#ifndef MODEL_CPU_AMX_H
#define MODEL_CPU_AMX_H

#include "model/cpu/level.h"

#include <immintrin.h>

/*
 * The instructions of AMX that gemm_amx.c is written over: Intel, "Architecture Instruction Set Extensions Programming
 * Reference", chapter 3.  Eight tiles of up to 16 rows of 64 bytes; a tile's number is a literal.  tests/lib/amx_model.h
 * has the same in plain C, so that the kernel is tested on machines without them.
 *
 * An empty assembler statement keeps what was written to memory before a load: GCC's intrinsics do not tell the
 * compiler that they read it.
 */
#define AMX_TARGET CPU_TARGET_AVX512_WITH(",amx-tile,amx-int8,amx-bf16")
#define AMX_WRITTEN(memory) __asm__ volatile("" : : "r"(memory) : "memory")

/* From 64 bytes in memory; all tiles become zero. */
#define AMX_CONFIGURE(config) (__extension__({ AMX_WRITTEN(config); _tile_loadconfig(config); }))
/* No thread holds tiles that the kernel would save and restore with it. */
#define AMX_RELEASE() _tile_release()
#define AMX_ZERO(tile) _tile_zero(tile)
/* Rows of a tile lie `stride` bytes apart. */
#define AMX_LOAD(tile, memory, stride) (__extension__({ AMX_WRITTEN(memory); _tile_loadd(tile, memory, stride); }))
#define AMX_STORE(tile, memory, stride) _tile_stored(tile, memory, stride)
/* sums[m, n] += x[m, k] w[k, n], for words of four bytes (x unsigned, w signed) or of two bfloat16 */
#define AMX_DOT_INT8(sums, x, w) _tile_dpbusd(sums, x, w)
#define AMX_DOT_BF16(sums, x, w) _tile_dpbf16ps(sums, x, w)

#endif
