#ifndef MODEL_WEIGHTS_CONVERT_H
#define MODEL_WEIGHTS_CONVERT_H

#include <stddef.h>

enum weight_type {
	WEIGHT_F32,
	WEIGHT_F16,
	WEIGHT_BF16,
	WEIGHT_OTHER, /* known to exist, not read here: integers, 64 and 8 bits */
};

/* The type of a safetensors name ("F16"), and the bytes of one value in *size (0 where the name is unknown). */
enum weight_type weight_type_parse(const char *name, size_t *size);

/* Little-endian values of any alignment to float32.  Returns `count`, or the index of the first value that is a NaN or
 * an infinity. */
size_t weight_convert(enum weight_type type, const void *data, size_t count, float *out);

#endif
