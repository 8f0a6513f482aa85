#include "model/cpu/gemm.h"
#include "model/cpu/level.h"

#include <stdio.h>
#include <string.h>

/*
 * Weights lie in panels of 16 outputs, input by input, so that a tile of 6 rows
 * by 16 outputs stays in registers (12 of AVX2's 16) while one panel streams
 * by.  A last panel is filled up with zeros.
 */
enum { TILE_ROWS = 6, TILE_COLUMNS = 16 };

static size_t panel_count(size_t outputs)
{
	return (outputs + TILE_COLUMNS - 1) / TILE_COLUMNS;
}

static size_t packed_count(size_t outputs, size_t inputs)
{
	return panel_count(outputs) * TILE_COLUMNS * inputs;
}

static void pack(const float *weight, size_t outputs, size_t inputs, float *packed)
{
	memset(packed, 0, packed_count(outputs, inputs) * sizeof *packed);
	for (size_t output = 0; output < outputs; output++) {
		float *panel = packed + output / TILE_COLUMNS * TILE_COLUMNS * inputs + output % TILE_COLUMNS;
		for (size_t input = 0; input < inputs; input++)
			panel[input * TILE_COLUMNS] = weight[output * inputs + input];
	}
}

struct tile {
	float sum[TILE_ROWS][TILE_COLUMNS];
};

/* `rows` is a constant where this is inlined, so that the loops unroll. */
CPU_INLINE void tile_multiply(const float *x, size_t rows, const float *panel, size_t inputs, struct tile *out)
{
	float sum[TILE_ROWS][TILE_COLUMNS] = {{0}};
	for (size_t input = 0; input < inputs; input++, panel += TILE_COLUMNS) {
		for (size_t row = 0; row < rows; row++) {
#pragma omp simd
			for (size_t column = 0; column < TILE_COLUMNS; column++)
				sum[row][column] += x[row * inputs + input] * panel[column];
		}
	}
	memcpy(out->sum, sum, sizeof sum);
}

CPU_INLINE void panel_multiply_body(const float *x, size_t rows, const float *panel, size_t inputs, struct tile *out)
{
	if (rows == TILE_ROWS) {
		tile_multiply(x, TILE_ROWS, panel, inputs, out);
		return;
	}
	struct tile one;
	for (size_t row = 0; row < rows; row++) {
		tile_multiply(x + row * inputs, 1, panel, inputs, &one);
		memcpy(out->sum[row], one.sum[0], sizeof one.sum[0]);
	}
}
CPU_LEVELS(panel_multiply, (const float *x, size_t rows, const float *panel, size_t inputs, struct tile *out),
	   (x, rows, panel, inputs, out))

static void store(const struct tile *tile, size_t rows, size_t columns, size_t stride, bool add, float *y)
{
	for (size_t row = 0; row < rows; row++)
		for (size_t column = 0; column < columns; column++)
			y[row * stride + column] = tile->sum[row][column] + (add ? y[row * stride + column] : 0.0f);
}

static void multiply(const float *x, size_t rows, const float *packed, size_t outputs, size_t inputs, bool add,
		     float *y)
{
	for (size_t panel = 0; panel < panel_count(outputs); panel++) {
		size_t column = panel * TILE_COLUMNS;
		size_t columns = outputs - column < TILE_COLUMNS ? outputs - column : TILE_COLUMNS;
		for (size_t row = 0; row < rows; row += TILE_ROWS) {
			size_t height = rows - row < TILE_ROWS ? rows - row : TILE_ROWS;
			struct tile tile;
			panel_multiply(x + row * inputs, height, packed + column * inputs, inputs, &tile);
			store(&tile, height, columns, outputs, add, y + row * outputs + column);
		}
	}
}

static int plain_open(char *name, size_t size, struct err *e)
{
	(void)e;
	snprintf(name, size, "plain");
	return 0;
}

const struct gemm gemm_plain = {
	.open = plain_open,
	.packed_count = packed_count,
	.pack = pack,
	.multiply = multiply,
};
