#include "model/weights_convert.h"

#include "model/half.h"

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

/* Nonzero where any value has all exponent bits set.  The largest of the magnitudes tells. */
static bool any_bad(enum weight_type type, const unsigned char *data, size_t count)
{
	uint16_t top16 = 0, limit = type == WEIGHT_F16 ? 0x7C00 : 0x7F80;
	uint32_t top32 = 0;
	switch (type) {
	case WEIGHT_F32:
		for (size_t i = 0; i < count; i++) {
			uint32_t magnitude = load32(data + 4 * i) & 0x7FFFFFFFu;
			top32 = magnitude > top32 ? magnitude : top32;
		}
		return top32 >= 0x7F800000u;
	case WEIGHT_F16:
	case WEIGHT_BF16:
		for (size_t i = 0; i < count; i++) {
			uint16_t magnitude = load16(data + 2 * i) & 0x7FFFu;
			top16 = magnitude > top16 ? magnitude : top16;
		}
		return top16 >= limit;
	case WEIGHT_I8:
		return false;
	case WEIGHT_OTHER:
		break;
	}
	return true;
}

static void widen(enum weight_type type, const unsigned char *data, size_t count, float *out)
{
	switch (type) {
	case WEIGHT_F32:
		memcpy(out, data, count * sizeof *out);
		break;
	case WEIGHT_F16:
		for (size_t i = 0; i < count; i++)
			out[i] = half_widen(load16(data + 2 * i));
		break;
	case WEIGHT_BF16:
		for (size_t i = 0; i < count; i++)
			out[i] = bfloat_widen(load16(data + 2 * i));
		break;
	case WEIGHT_I8:
		for (size_t i = 0; i < count; i++)
			out[i] = (float)(int8_t)data[i];
		break;
	case WEIGHT_OTHER:
		break;
	}
}

size_t weight_finite(enum weight_type type, const void *data, size_t count)
{
	const unsigned char *bytes = data;
	size_t width = weight_size(type);
	for (size_t at = 0; at < count; at += CHUNK) {
		size_t here = count - at < CHUNK ? count - at : CHUNK;
		if (!any_bad(type, bytes + at * width, here))
			continue;
		while (!any_bad(type, bytes + at * width, 1))
			at++;
		return at;
	}
	return count;
}

/* Chunk by chunk, so that the second walk finds the values in the cache. */
size_t weight_convert(enum weight_type type, const void *data, size_t count, float *out)
{
	const unsigned char *bytes = data;
	size_t width = weight_size(type);
	for (size_t at = 0; at < count; at += CHUNK) {
		size_t here = count - at < CHUNK ? count - at : CHUNK;
		size_t finite = weight_finite(type, bytes + at * width, here);
		if (finite < here)
			return at + finite;
		widen(type, bytes + at * width, here, out + at);
	}
	return count;
}

static const struct {
	const char *name;
	enum weight_type type;
	size_t size;
} types[] = {
	{"F32", WEIGHT_F32, 4},	  {"F16", WEIGHT_F16, 2},   {"BF16", WEIGHT_BF16, 2}, {"I8", WEIGHT_I8, 1},
	{"F64", WEIGHT_OTHER, 8}, {"I64", WEIGHT_OTHER, 8}, {"U64", WEIGHT_OTHER, 8}, {"I32", WEIGHT_OTHER, 4},
	{"U32", WEIGHT_OTHER, 4}, {"I16", WEIGHT_OTHER, 2}, {"U16", WEIGHT_OTHER, 2}, {"U8", WEIGHT_OTHER, 1},
	{"BOOL", WEIGHT_OTHER, 1},
};

enum weight_type weight_type_parse(const char *name, size_t *size)
{
	*size = 0;
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (strcmp(name, types[i].name) == 0) {
			*size = types[i].size;
			return types[i].type;
		}
	}
	return WEIGHT_OTHER;
}

size_t weight_size(enum weight_type type)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].type == type)
			return types[i].size;
	return 0;
}
