#ifndef MODEL_CPU_DEVICE_H
#define MODEL_CPU_DEVICE_H

#include "model/cpu/gemm.h"
#include "model/cpu/rows.h"
#include "model/ops.h"

/*
 * What the float32 tables of the CPU are made of, inside model/cpu only:
 * packed weights in plain memory that the device keeps, and streams.
 */
struct device {
	const struct gemm *gemm;
	char name[64];
	struct block *blocks; /* packed weights */
};

struct linear {
	size_t outputs, inputs;
	const float *packed, *bias;
	struct norm norm;
};

struct embedding {
	size_t width;
	const float *words, *positions, *type;
	struct norm norm;
};

struct stream {
	struct device *device;
	size_t hidden, heads;
	unsigned char *block; /* the caller's */
	float *scratch;       /* of one head's attention */
};

struct device *cpu_device_open(const struct gemm *gemm, struct err *e);
void cpu_device_close(struct device *device);

struct linear *cpu_pack_linear(struct device *device, const struct linear_source *source, struct err *e);
struct embedding *cpu_pack_embedding(struct device *device, const struct embedding_source *source, struct err *e);

struct stream *cpu_stream_open(struct device *device, const struct stream_limits *limits, struct err *e);
void cpu_stream_close(struct stream *stream);

#endif
