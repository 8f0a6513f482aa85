#ifndef MODEL_CPU_ATTENTION_H
#define MODEL_CPU_ATTENTION_H

#include <stddef.h>

/* One head of one text.  Row i of each operand is `stride` floats after row i - 1 and holds `size` values. */
struct attention_head {
	const float *queries; /* [query_count, size] */
	const float *keys;    /* [length, size] */
	const float *values;  /* [length, size] */
	float *out;           /* [query_count, size] */
	size_t query_stride, key_stride, out_stride;
	size_t query_count, length, size;
	float *scratch; /* attention_scratch_count floats */
};

size_t attention_scratch_count(size_t longest, size_t size);

/* out = softmax(queries keys^T / sqrt(size)) values */
void attention_head_run(const struct attention_head *head);

#endif
