#ifndef TESTS_LIB_AMX_MODEL_H
#define TESTS_LIB_AMX_MODEL_H

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * The instructions of model/cpu/amx.h in plain C, as Intel's "Architecture
 * Instruction Set Extensions Programming Reference" defines them in chapter 3.
 * What raises an exception there fails the test here.
 */
#define AMX_TARGET
#define AMX_CONFIGURE(config) amx_configure(config)
#define AMX_RELEASE() amx_release()
#define AMX_ZERO(tile) amx_zero(tile)
#define AMX_LOAD(tile, memory, stride) amx_load(tile, memory, stride)
#define AMX_STORE(tile, memory, stride) amx_store(tile, memory, stride)
#define AMX_DOT_INT8(sums, x, w) amx_dot_int8(sums, x, w)
#define AMX_DOT_BF16(sums, x, w) amx_dot_bf16(sums, x, w)

/* Not ck_assert, which notes down each success: this is asked for millions of times. */
#define AMX_EXPECT(condition)                                     \
	do {                                                      \
		if (!(condition))                                 \
			ck_abort_msg("AMX: not %s", #condition); \
	} while (0)

enum { AMX_TILES = 8, AMX_ROWS = 16, AMX_ROW_BYTES = 64 };

/* What a thread has of tiles.  Rows beyond the configured ones, and bytes beyond them in a row, are zero. */
struct amx_state {
	bool configured;
	size_t rows[AMX_TILES], row_bytes[AMX_TILES];
	uint8_t data[AMX_TILES][AMX_ROWS][AMX_ROW_BYTES];
};
static struct amx_state amx_state;

/* LDTILECFG: byte 0 the palette, 1 the start row, 16 to 47 bytes of a row (16 bits each), 48 to 63 rows. */
static inline void amx_configure(const void *memory)
{
	uint8_t config[64];
	memcpy(config, memory, sizeof config);
	AMX_EXPECT(config[0] == 1);
	AMX_EXPECT(config[1] == 0); /* legal, but then a load would begin in the middle of a tile */
	for (size_t i = 2; i < 16; i++)
		AMX_EXPECT(config[i] == 0);
	amx_state = (struct amx_state){.configured = true};
	for (size_t tile = 0; tile < 16; tile++) {
		size_t row_bytes = config[16 + 2 * tile] + 256u * config[17 + 2 * tile], rows = config[48 + tile];
		if (tile >= AMX_TILES) {
			AMX_EXPECT(row_bytes == 0 && rows == 0);
			continue;
		}
		AMX_EXPECT(row_bytes <= AMX_ROW_BYTES);
		AMX_EXPECT(rows <= AMX_ROWS);
		AMX_EXPECT((rows == 0) == (row_bytes == 0));
		amx_state.rows[tile] = rows;
		amx_state.row_bytes[tile] = row_bytes;
	}
}

static inline void amx_release(void)
{
	amx_state = (struct amx_state){.configured = false};
}

static inline void amx_expect_tile(size_t tile)
{
	AMX_EXPECT(amx_state.configured);
	AMX_EXPECT(tile < AMX_TILES);
	AMX_EXPECT(amx_state.rows[tile] > 0);
}

static inline void amx_zero(size_t tile)
{
	amx_expect_tile(tile);
	memset(amx_state.data[tile], 0, sizeof amx_state.data[tile]);
}

static inline void amx_load(size_t tile, const void *memory, size_t stride)
{
	amx_zero(tile);
	for (size_t row = 0; row < amx_state.rows[tile]; row++)
		memcpy(amx_state.data[tile][row], (const uint8_t *)memory + row * stride, amx_state.row_bytes[tile]);
}

static inline void amx_store(size_t tile, void *memory, size_t stride)
{
	amx_expect_tile(tile);
	for (size_t row = 0; row < amx_state.rows[tile]; row++)
		memcpy((uint8_t *)memory + row * stride, amx_state.data[tile][row], amx_state.row_bytes[tile]);
}

/* What every product asks of the shapes of its tiles. */
static inline void amx_expect_shapes(size_t sums, size_t x, size_t w)
{
	amx_expect_tile(sums);
	amx_expect_tile(x);
	amx_expect_tile(w);
	AMX_EXPECT(sums != x && sums != w && x != w);
	AMX_EXPECT(amx_state.row_bytes[sums] % 4 == 0);
	AMX_EXPECT(amx_state.row_bytes[x] % 4 == 0);
	AMX_EXPECT(amx_state.rows[sums] == amx_state.rows[x]);
	AMX_EXPECT(amx_state.row_bytes[sums] == amx_state.row_bytes[w]);
	AMX_EXPECT(amx_state.row_bytes[x] / 4 == amx_state.rows[w]);
}

/* TDPBUSD: four products of an unsigned byte by a signed one are added to 32 bits, without saturation. */
static inline void amx_dot_int8(size_t sums, size_t x, size_t w)
{
	amx_expect_shapes(sums, x, w);
	for (size_t m = 0; m < amx_state.rows[sums]; m++)
		for (size_t n = 0; n < amx_state.row_bytes[sums] / 4; n++) {
			uint32_t sum;
			memcpy(&sum, &amx_state.data[sums][m][4 * n], sizeof sum);
			for (size_t k = 0; k < amx_state.row_bytes[x] / 4; k++)
				for (size_t i = 0; i < 4; i++)
					sum += (uint32_t)((int32_t)amx_state.data[x][m][4 * k + i] *
							  (int8_t)amx_state.data[w][k][4 * n + i]);
			memcpy(&amx_state.data[sums][m][4 * n], &sum, sizeof sum);
		}
}

/* Denormals are zeros, of operands and results. */
static inline float amx_flush(float value)
{
	return fpclassify(value) == FP_SUBNORMAL ? copysignf(0, value) : value;
}

static inline float amx_bf16(const uint8_t *bytes)
{
	uint32_t bits = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 24;
	float value;
	memcpy(&value, &bits, sizeof value);
	return amx_flush(value);
}

/* TDPBF16PS: even and odd products each in a sum of their own (fused, to the nearest), which are then added, and that to the tile. */
static inline void amx_dot_bf16(size_t sums, size_t x, size_t w)
{
	amx_expect_shapes(sums, x, w);
	for (size_t m = 0; m < amx_state.rows[sums]; m++)
		for (size_t n = 0; n < amx_state.row_bytes[sums] / 4; n++) {
			float parts[2] = {0}, sum;
			for (size_t k = 0; k < amx_state.row_bytes[x] / 4; k++)
				for (size_t i = 0; i < 2; i++)
					parts[i] = amx_flush(fmaf(amx_bf16(&amx_state.data[x][m][4 * k + 2 * i]),
								  amx_bf16(&amx_state.data[w][k][4 * n + 2 * i]),
								  parts[i]));
			memcpy(&sum, &amx_state.data[sums][m][4 * n], sizeof sum);
			sum = amx_flush(amx_flush(sum) + amx_flush(parts[0] + parts[1]));
			memcpy(&amx_state.data[sums][m][4 * n], &sum, sizeof sum);
		}
}

#endif
