#include "model/cpu/gemm.h"

#if defined(__x86_64__)
#include "model/cpu/level.h"

#ifndef AMX_INSTRUCTIONS
#define AMX_INSTRUCTIONS "model/cpu/amx.h"
#endif
#include AMX_INSTRUCTIONS

#include <string.h>

/*
 * A tile of x is 16 rows of 16 words; a tile of weights is 16 words of 16
 * outputs, which is how panels lie anyway.  Two by two tiles of sums take four
 * of the eight: each tile that is loaded serves two products, and four
 * products in flight hide each other's latency (52 cycles, 16 of them busy).
 */
enum {
	SIDE = 16, /* rows of a tile, and words of its row */
	ROWS = 2 * SIDE,
	PANEL = 2 * SIDE,
	SIDE_BYTES = SIDE * sizeof(gemm_word),
	PANEL_BYTES = PANEL * sizeof(gemm_word),
};

#define TILE_TARGET AMX_TARGET
#define TILE(name) amx_bf16_##name
#define TILE_INTEGER 0
enum { TILE(columns) = PANEL };
#include "model/cpu/gemm_finish.h"
#undef TILE
#undef TILE_INTEGER

#define TILE(name) amx_int8_##name
#define TILE_INTEGER 1
enum { TILE(columns) = PANEL };
#include "model/cpu/gemm_finish.h"
#undef TILE
#undef TILE_INTEGER

/* Numbers of tiles: sums of upper and lower rows by left and right outputs, and what they are made of. */
#define UPPER_LEFT 0
#define UPPER_RIGHT 1
#define LOWER_LEFT 2
#define LOWER_RIGHT 3
#define UPPER 4
#define LOWER 5
#define LEFT 6
#define RIGHT 7

/* "TILECFG", table 3-1 of the reference that amx.h names. */
struct configuration {
	uint8_t palette, start_row, reserved[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
};
_Static_assert(sizeof(struct configuration) == 64, "as the instruction reads it");

AMX_TARGET static void configure(size_t upper, size_t lower)
{
	_Alignas(64) struct configuration configuration = {.palette = 1};
	const uint8_t rows[] = {
		[UPPER_LEFT] = (uint8_t)upper, [UPPER_RIGHT] = (uint8_t)upper, [UPPER] = (uint8_t)upper,
		[LOWER_LEFT] = (uint8_t)lower, [LOWER_RIGHT] = (uint8_t)lower, [LOWER] = (uint8_t)lower,
		[LEFT] = SIDE, [RIGHT] = SIDE,
	};
	for (size_t tile = 0; tile < sizeof rows; tile++) {
		configuration.rows[tile] = rows[tile];
		configuration.row_bytes[tile] = rows[tile] > 0 ? SIDE_BYTES : 0;
	}
	AMX_CONFIGURE(&configuration);
}

/* Up to 32 rows of x, `stride` words apart; `lower` says that there are more than 16. */
struct block {
	const gemm_word *x;
	size_t stride, rows;
	bool lower;
};

/* Adds the products of 16 words to the sums. */
CPU_INLINE AMX_TARGET void add(enum gemm_form form, bool lower, const gemm_word *x, size_t stride,
			       const gemm_word *panel)
{
	size_t row_bytes = stride * sizeof *x;
	AMX_LOAD(LEFT, panel, PANEL_BYTES);
	AMX_LOAD(UPPER, x, row_bytes);
	AMX_LOAD(RIGHT, panel + SIDE, PANEL_BYTES);
	if (lower)
		AMX_LOAD(LOWER, x + SIDE * stride, row_bytes);
	if (form == GEMM_INT8) {
		AMX_DOT_INT8(UPPER_LEFT, UPPER, LEFT);
		AMX_DOT_INT8(UPPER_RIGHT, UPPER, RIGHT);
		if (lower) {
			AMX_DOT_INT8(LOWER_LEFT, LOWER, LEFT);
			AMX_DOT_INT8(LOWER_RIGHT, LOWER, RIGHT);
		}
	} else {
		AMX_DOT_BF16(UPPER_LEFT, UPPER, LEFT);
		AMX_DOT_BF16(UPPER_RIGHT, UPPER, RIGHT);
		if (lower) {
			AMX_DOT_BF16(LOWER_LEFT, LOWER, LEFT);
			AMX_DOT_BF16(LOWER_RIGHT, LOWER, RIGHT);
		}
	}
}

/* The last words, fewer than 16, filled up with zeros: the widths of models are multiples, so this is rare. */
AMX_TARGET static void add_rest(enum gemm_form form, const struct block *block, const gemm_word *panel, size_t word,
				size_t words)
{
	size_t count = words - word;
	gemm_word x[ROWS * SIDE] = {0}, weights[SIDE * PANEL] = {0};
	for (size_t row = 0; row < block->rows; row++)
		memcpy(x + row * SIDE, block->x + row * block->stride + word, count * sizeof *x);
	memcpy(weights, panel + word * PANEL, count * PANEL * sizeof *weights);
	if (block->lower)
		add(form, true, x, SIDE, weights);
	else
		add(form, false, x, SIDE, weights);
}

/* sums[rows, 32]; `form` and `lower` are constants where this is inlined. */
CPU_INLINE AMX_TARGET void sum(enum gemm_form form, bool lower, const struct block *block, const gemm_word *panel,
			       size_t words, gemm_word *sums)
{
	AMX_ZERO(UPPER_LEFT);
	AMX_ZERO(UPPER_RIGHT);
	if (lower) {
		AMX_ZERO(LOWER_LEFT);
		AMX_ZERO(LOWER_RIGHT);
	}
	size_t word = 0;
	for (; word + SIDE <= words; word += SIDE)
		add(form, lower, block->x + word, block->stride, panel + word * PANEL);
	if (word < words)
		add_rest(form, block, panel, word, words);
	AMX_STORE(UPPER_LEFT, sums, PANEL_BYTES);
	AMX_STORE(UPPER_RIGHT, sums + SIDE, PANEL_BYTES);
	if (lower) {
		AMX_STORE(LOWER_LEFT, sums + SIDE * PANEL, PANEL_BYTES);
		AMX_STORE(LOWER_RIGHT, sums + SIDE * PANEL + SIDE, PANEL_BYTES);
	}
}

/* Where results go. */
struct target {
	enum gemm_finish finish;
	float *y;
	size_t stride;
};

/* Rows first up to end by all weights, in blocks of the height that was configured. */
CPU_INLINE AMX_TARGET void multiply_rows(enum gemm_form form, bool lower, const struct gemm_weights *weights,
					 const struct gemm_rows *x, size_t first, size_t end,
					 const struct target *target)
{
	_Alignas(64) gemm_word sums[ROWS * PANEL];
	for (size_t column = 0; column < weights->outputs; column += PANEL) {
		const gemm_word *panel = weights->panels + column * weights->words;
		for (size_t row = first, rows; row < end; row += rows) {
			rows = end - row < ROWS ? end - row : ROWS;
			const struct block block = {
				.x = x->words + row * x->stride, .stride = x->stride, .rows = rows, .lower = lower};
			sum(form, lower, &block, panel, weights->words, sums);
			float *y = target->y + row * target->stride + column;
			if (form == GEMM_INT8)
				amx_int8_finish(sums, weights, x, row, rows, column, target->finish, y, target->stride);
			else
				amx_bf16_finish(sums, weights, x, row, rows, column, target->finish, y, target->stride);
		}
	}
}

/* The height of tiles is configured twice at most: for full blocks of rows, and for what is left of them. */
CPU_INLINE AMX_TARGET void multiply(enum gemm_form form, const struct gemm_weights *weights, const struct gemm_rows *x,
				    const struct target *target)
{
	size_t rest = x->count % ROWS, full = x->count - rest;
	if (full > 0) {
		configure(SIDE, SIDE);
		multiply_rows(form, true, weights, x, 0, full, target);
	}
	if (rest > SIDE) {
		configure(SIDE, rest - SIDE);
		multiply_rows(form, true, weights, x, full, x->count, target);
	} else if (rest > 0) {
		configure(rest, 0);
		multiply_rows(form, false, weights, x, full, x->count, target);
	}
	AMX_RELEASE();
}

AMX_TARGET static void bf16_multiply(const struct gemm_weights *weights, const struct gemm_rows *x,
				     enum gemm_finish finish, float *y, size_t stride)
{
	multiply(GEMM_BF16, weights, x, &(struct target){.finish = finish, .y = y, .stride = stride});
}

AMX_TARGET static void int8_multiply(const struct gemm_weights *weights, const struct gemm_rows *x,
				     enum gemm_finish finish, float *y, size_t stride)
{
	multiply(GEMM_INT8, weights, x, &(struct target){.finish = finish, .y = y, .stride = stride});
}

static bool bf16_available(void)
{
	return cpu_has(CPU_AMX_BF16) && cpu_allows_tiles();
}

static bool int8_available(void)
{
	return cpu_has(CPU_AMX_INT8) && cpu_allows_tiles();
}

const struct gemm gemm_amx_bf16 = {
	.name = "amx-bf16",
	.precision = "bf16",
	.form = GEMM_BF16,
	.panel = PANEL,
	.available = bf16_available,
	.multiply = bf16_multiply,
};

const struct gemm gemm_amx_int8 = {
	.name = "amx-int8",
	.precision = "int8",
	.form = GEMM_INT8,
	.panel = PANEL,
	.available = int8_available,
	.multiply = int8_multiply,
};
#endif
