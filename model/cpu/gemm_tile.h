/*
 * The body of a gemm on vectors, included once for each (no guard).  The
 * including file defines
 *
 *   TILE(name)              puts its own prefix before `name`
 *   TILE_TARGET             the attribute that allows its instructions
 *   TILE_ROWS, TILE_VECTORS the tile that its registers hold: rows of x by vectors of outputs
 *   TILE_LANES              words of a vector
 *   TILE_VECTOR             the vector's type, with TILE_ZERO(), TILE_BROADCAST(word), TILE_STORE(words, vector)
 *   TILE_PARTS              words of x that belong to one of weights: 1, or 2 for GEMM_BF16_WIDE
 *   TILE_LOAD(words, part)  the weights for one of them
 *   TILE_DOT(sum, x, w)     sum + x w, for each word: one product, or the two or four of its parts
 *   TILE_INTEGER            1 where sums are int32, else 0: float32
 *
 * and gets TILE(multiply); TILE, TILE_DOT and TILE_INTEGER are undefined again.
 *
 * For each panel the rows of x pass by in tiles whose sums stay in registers: Goto and van de Geijn, "Anatomy of High-Performance
 * Matrix Multiplication", ACM TOMS 34 (2008).  The panel stays in the first
 * cache level (its 32 outputs of 384 int8 are 12 KiB), the rows in the second.
 */
#include "model/cpu/gemm.h"
#include "model/cpu/level.h"

#if defined(__clang__)
#define TILE_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TILE_UNROLL _Pragma("GCC unroll 32")
#endif

enum { TILE(columns) = TILE_VECTORS * TILE_LANES };
#include "model/cpu/gemm_finish.h"

/* sums[rows, columns]; `rows` is a constant where this is inlined, so that all but the longest loop unroll. */
CPU_INLINE TILE_TARGET void TILE(sum)(const struct gemm_rows *x, size_t first, size_t rows, const gemm_word *panel,
				      size_t words, gemm_word *sums)
{
	const gemm_word *row = x->words + first * x->stride;
	size_t stride = x->stride;
	TILE_VECTOR sum[TILE_ROWS][TILE_VECTORS];
	TILE_UNROLL
	for (size_t i = 0; i < rows; i++)
		TILE_UNROLL
		for (size_t j = 0; j < TILE_VECTORS; j++)
			sum[i][j] = TILE_ZERO();
	for (size_t word = 0; word < words; word++, panel += TILE(columns)) {
		TILE_UNROLL
		for (size_t part = 0; part < TILE_PARTS; part++) {
			TILE_VECTOR weights[TILE_VECTORS];
			TILE_UNROLL
			for (size_t j = 0; j < TILE_VECTORS; j++)
				weights[j] = TILE_LOAD(panel + j * TILE_LANES, part);
			TILE_UNROLL
			for (size_t i = 0; i < rows; i++) {
				TILE_VECTOR value = TILE_BROADCAST(row[i * stride + word * TILE_PARTS + part]);
				TILE_UNROLL
				for (size_t j = 0; j < TILE_VECTORS; j++)
					sum[i][j] = TILE_DOT(sum[i][j], value, weights[j]);
			}
		}
	}
	TILE_UNROLL
	for (size_t i = 0; i < rows; i++)
		TILE_UNROLL
		for (size_t j = 0; j < TILE_VECTORS; j++)
			TILE_STORE(sums + i * TILE(columns) + j * TILE_LANES, sum[i][j]);
}

/* Ask for a tile's share of the next panel, which comes from the third cache level while this one is at work: a twentieth less
 * time for int8. */
CPU_INLINE TILE_TARGET void TILE(prefetch)(const gemm_word *next, size_t words, size_t tile, size_t tiles)
{
	enum { LINE_WORDS = 16 };
	for (size_t word = words * tile / tiles; word < words * (tile + 1) / tiles; word += LINE_WORDS)
		__builtin_prefetch(next + word, 0, 2);
}

#define TILE_CASE(height)                                                        \
	case height:                                                             \
		if (height <= TILE_ROWS)                                         \
			TILE(sum)(x, first, height, panel, weights->words, sums); \
		break;

TILE_TARGET static void TILE(panel)(const struct gemm_weights *weights, const struct gemm_rows *x, size_t column,
				    enum gemm_finish finish, float *y, size_t stride)
{
	const gemm_word *panel = weights->panels + column * weights->words;
	size_t size = TILE(columns) * weights->words;
	bool is_last = column + TILE(columns) >= weights->outputs;
	size_t tiles = (x->count + TILE_ROWS - 1) / TILE_ROWS;
	_Alignas(64) gemm_word sums[TILE_ROWS * TILE(columns)];
	for (size_t tile = 0, first = 0; tile < tiles; tile++) {
		/* Heights differ by one at most: a last tile of one row would cost as much as one of five. */
		size_t rows = (x->count - first) / (tiles - tile);
		if (!is_last)
			TILE(prefetch)(panel + size, size, tile, tiles);
		switch (rows) {
			TILE_CASE(1) TILE_CASE(2) TILE_CASE(3) TILE_CASE(4) TILE_CASE(5) TILE_CASE(6) TILE_CASE(7)
			TILE_CASE(8) TILE_CASE(9) TILE_CASE(10) TILE_CASE(11) TILE_CASE(12) TILE_CASE(13) TILE_CASE(14)
		}
		TILE(finish)(sums, weights, x, first, rows, column, finish, y + first * stride, stride);
		first += rows;
	}
}
#undef TILE_CASE

static void TILE(multiply)(const struct gemm_weights *weights, const struct gemm_rows *x, enum gemm_finish finish,
			   float *y, size_t stride)
{
	for (size_t column = 0; column < weights->outputs; column += TILE(columns))
		TILE(panel)(weights, x, column, finish, y + column, stride);
}

#undef TILE_UNROLL
#undef TILE
#undef TILE_DOT
#undef TILE_INTEGER
