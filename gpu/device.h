#ifndef GPU_DEVICE_H
#define GPU_DEVICE_H

#include "gpu/cuda.h"
#include "gpu/kernels/arguments.h"
#include "model/ops.h"

#include <stdbool.h>

/*
 * What CUDA's tables are made of, inside gpu/ only.  Addresses of the device
 * are numbers on the host, so that nobody follows one.
 */
struct gpu_ops {
	struct ops ops; /* first, so that a pointer to it is one to the whole */
	bool narrow;    /* activations and weights are bfloat16 */
};

#define KERNEL_NUMBER(name, arguments) KERNEL_##name,
enum kernel { KERNELS(KERNEL_NUMBER) KERNEL_COUNT };

struct device {
	const struct gpu_ops *table;
	const struct cuda *cuda;
	const struct cublas *cublas;
	int number;
	struct CUctx_st *context;
	struct CUmod_st *module;
	struct CUfunc_st *kernels[KERNEL_COUNT];
	struct cublasLtContext *handle;
	struct stream *loader; /* brings the weights */
	struct held *held;     /* what is freed with the device */
	char name[160];
};

struct device_norm {
	uint64_t gamma, beta;
	float epsilon;
};

struct linear {
	bool exact;
	size_t outputs, inputs;
	uint64_t weight; /* [outputs, inputs], float32 where exact, else as activations are */
	uint64_t bias;   /* float32 [outputs] */
	uint64_t bias_like; /* as activations are, for cuBLASLt */
	struct device_norm norm;
};

struct embedding {
	size_t width;
	enum word_type word_type;
	uint64_t words, positions, type;
	struct device_norm norm;
};

struct device *gpu_device_open(const struct ops *ops, int number, struct err *e);
void gpu_device_close(struct device *device);
struct linear *gpu_pack_linear(struct device *device, const struct linear_source *source, struct err *e);
struct embedding *gpu_pack_embedding(struct device *device, const struct embedding_source *source, struct err *e);
void gpu_weights_free(struct device *device);

/* The message of an error of the driver: "what: the driver's words".  Returns -1. */
int gpu_error(const struct cuda *cuda, int error, const char *what, struct err *e);

static inline size_t gpu_value_size(const struct device *device)
{
	return device->table->narrow ? sizeof(uint16_t) : sizeof(float);
}

#endif
