#ifndef GPU_PRODUCT_H
#define GPU_PRODUCT_H

#include "gpu/stream.h"

/*
 * y[rows, outputs] = x[rows, inputs] weight^T by cuBLASLt, with the layer's bias where `biased`.  x and the weights are as
 * activations are; y as well, or float32 where `wide`.  x and y have rows_padded(rows) rows.
 */
struct product {
	const struct linear *linear;
	uint64_t x, y;
	size_t rows;
	bool biased, wide;
};

void product_run(struct stream *stream, const struct product *product);

void product_plans_free(struct stream *stream);

#endif
