#ifndef MODEL_WEIGHTS_CONVERT_H
#define MODEL_WEIGHTS_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

enum weight_type {
	WEIGHT_F32,
	WEIGHT_F16,
	WEIGHT_BF16,
	WEIGHT_I8,    /* with a scale of each row in a tensor of its own */
	WEIGHT_OTHER, /* known to exist, not read here: other integers, 64 and 8 bits */
};

/* The type of a safetensors name ("F16"), and the bytes of one value in *size (0 where the name is unknown). */
enum weight_type weight_type_parse(const char *name, size_t *size);

/* Bytes of a value; `type` is one that is read here. */
size_t weight_size(enum weight_type type);

/* Little-endian values of any alignment to float32.  Returns `count`, or the index of the first value that is a NaN or
 * an infinity. */
size_t weight_convert(enum weight_type type, const void *data, size_t count, float *out);

/* The same without the conversion: `count`, or the index of the first value that is not finite. */
size_t weight_finite(enum weight_type type, const void *data, size_t count);

#endif
