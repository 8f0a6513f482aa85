#ifndef MODEL_CPU_DEVICE_H
#define MODEL_CPU_DEVICE_H

#include "model/cpu/gemm.h"
#include "model/cpu/rows.h"
#include "model/ops.h"

/*
 * What the tables of the CPU are made of, inside model/cpu only: packed
 * weights in plain memory that the device keeps, and streams.  The tables
 * differ in the product alone; activations are float32 in all of them.
 */
struct cpu_ops {
	struct ops ops; /* first, so that a pointer to it is one to the whole */
	const struct gemm *gemm;
	const struct gemm *exact; /* fp32, for LINEAR_EXACT; available wherever `gemm` is */
};

struct device {
	const struct cpu_ops *table;
	char name[32];
	struct block *blocks; /* packed weights */
};

struct linear {
	const struct gemm *gemm;
	struct gemm_weights weights;
	struct norm norm; /* where gamma is not NULL */
};

/* The words, most of a small model's bytes, as they lie in the file; float16 instead of float32 below fp32. */
struct embedding {
	size_t width;
	enum table_type word_type;
	const void *words; /* [word_count, width] */
	const float *positions, *type;
	struct norm norm;
};

struct stream {
	struct device *device;
	size_t hidden, heads;
	unsigned char *block; /* the caller's */
	float *attention;     /* scratch of one head */
	gemm_word *words;     /* a block of rows for a product */
	struct gemm_range *ranges;
};

/* Rows that go through a layer together at most, few enough for the second cache level: whole pairs of AMX's tiles. */
enum { CPU_TILE_ROWS = 32, CPU_BLOCK_ROWS = 6 * CPU_TILE_ROWS };

struct device *cpu_device_open(const struct ops *ops, int number, struct err *e);
void cpu_device_close(struct device *device);

struct linear *cpu_pack_linear(struct device *device, const struct linear_source *source, struct err *e);
struct embedding *cpu_pack_embedding(struct device *device, const struct embedding_source *source, struct err *e);

struct stream *cpu_stream_open(struct device *device, const struct stream_limits *limits, struct err *e);
void cpu_stream_close(struct stream *stream);

#endif
