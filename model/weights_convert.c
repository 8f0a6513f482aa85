#include "model/weights_convert.h"

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "safetensors values are read as they lie");

/*
 * One loop without branches a type, so that the compiler vectorises it: a model
 * is tens of millions of values and the program is to start at once.  Whether
 * all were finite is gathered on the way; which was not is looked for only
 * then.
 */
enum { CHUNK = 4096 };

static uint16_t load16(const unsigned char *at)
{
	uint16_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

static uint32_t load32(const unsigned char *at)
{
	uint32_t value;
	memcpy(&value, at, sizeof value);
	return value;
}

static void store_float(float *out, uint32_t bits)
{
	memcpy(out, &bits, sizeof bits);
}

/* Each returns nonzero bits where any value has all exponent bits set. */

static uint32_t convert_f32(const unsigned char *data, size_t count, float *out)
{
	uint32_t bad = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t bits = load32(data + 4 * i);
		bad |= (bits & 0x7F800000u) == 0x7F800000u;
		store_float(out + i, bits);
	}
	return bad;
}

static uint32_t convert_bf16(const unsigned char *data, size_t count, float *out)
{
	uint32_t bad = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t bits = (uint32_t)load16(data + 2 * i) << 16;
		bad |= (bits & 0x7F800000u) == 0x7F800000u;
		store_float(out + i, bits);
	}
	return bad;
}

/* The ten bits of fraction and five of exponent are moved to their place in a float; the difference of the exponents'
 * biases (127 - 15) is a factor, which sets subnormal values right too. */
static uint32_t convert_f16(const unsigned char *data, size_t count, float *out)
{
	uint32_t bad = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t bits = load16(data + 2 * i);
		bad |= (bits & 0x7C00u) == 0x7C00u;
		float magnitude, value;
		store_float(&magnitude, (bits & 0x7FFFu) << 13);
		magnitude *= 0x1p112f;
		uint32_t shape;
		memcpy(&shape, &magnitude, sizeof shape);
		store_float(&value, shape | (bits & 0x8000u) << 16);
		out[i] = value;
	}
	return bad;
}

static uint32_t convert(enum weight_type type, const unsigned char *data, size_t count, float *out)
{
	switch (type) {
	case WEIGHT_F32:
		return convert_f32(data, count, out);
	case WEIGHT_F16:
		return convert_f16(data, count, out);
	case WEIGHT_BF16:
		return convert_bf16(data, count, out);
	case WEIGHT_OTHER:
		break;
	}
	return 1;
}

size_t weight_convert(enum weight_type type, const void *data, size_t count, float *out)
{
	const unsigned char *bytes = data;
	size_t width = type == WEIGHT_F32 ? 4 : 2;
	for (size_t at = 0; at < count; at += CHUNK) {
		size_t here = count - at < CHUNK ? count - at : CHUNK;
		if (convert(type, bytes + at * width, here, out + at) == 0)
			continue;
		while (convert(type, bytes + at * width, 1, out + at) == 0)
			at++;
		return at;
	}
	return count;
}

enum weight_type weight_type_parse(const char *name, size_t *size)
{
	static const struct {
		const char *name;
		enum weight_type type;
		size_t size;
	} types[] = {
		{"F32", WEIGHT_F32, 4},	   {"F16", WEIGHT_F16, 2},   {"BF16", WEIGHT_BF16, 2}, {"F64", WEIGHT_OTHER, 8},
		{"I64", WEIGHT_OTHER, 8},  {"U64", WEIGHT_OTHER, 8}, {"I32", WEIGHT_OTHER, 4}, {"U32", WEIGHT_OTHER, 4},
		{"I16", WEIGHT_OTHER, 2},  {"U16", WEIGHT_OTHER, 2}, {"I8", WEIGHT_OTHER, 1},  {"U8", WEIGHT_OTHER, 1},
		{"BOOL", WEIGHT_OTHER, 1},
	};
	*size = 0;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (strcmp(name, types[i].name) == 0) {
			*size = types[i].size;
			return types[i].type;
		}
	}
	return WEIGHT_OTHER;
}
