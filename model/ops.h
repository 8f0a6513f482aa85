#ifndef MODEL_OPS_H
#define MODEL_OPS_H

#include "daemon/base/err.h"
#include "model/devices.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a kind of hardware must be able to do for a BERT encoder, as one const
 * table of named fused operations.  encoder.c is written once over this table;
 * the plain C table is the reference.  A new device's tables are listed in
 * ops.c (new instructions of the CPU begin in cpu/gemm.h), and
 * tests/unit/test_ops.c holds every table against the same sums in double.
 *
 * Batches are packed: the tokens of all texts lie one after another in
 * x[tokens, hidden], row-major, without padding; `starts` says where each text
 * begins.
 *
 * A device owns the weights packed for it, in whatever form its kernels like.
 * A stream is one worker's place on a device: a block of memory that the
 * caller carves into buffers, and scratch.  A stream is used by one thread at
 * a time; streams of one device run side by side.  Operations on a stream
 * happen in order and may be asynchronous: only `download` waits.
 *
 * Nothing here fails but opening, packing and download; an operation that
 * went wrong on the device is reported by the next download.
 */
struct device;
struct stream;
struct linear;    /* packed weights of one linear layer */
struct embedding; /* packed embedding tables */
struct buffer;    /* device memory; activations have the element type that the table likes */

enum linear_use {
	LINEAR_HIDDEN, /* as precise as the table is */
	LINEAR_EXACT,  /* kept at full precision: the pooler and the heads, which cost little; linear_logits needs it */
};

/* LayerNorm over rows of `width` values. */
struct norm_source {
	const float *gamma, *beta; /* [width] */
	float epsilon;
};

/* y = x weight^T + bias; all float32, row-major, copied by pack_linear. */
struct linear_source {
	enum linear_use use;
	const float *weight; /* [outputs, inputs] */
	const float *bias;   /* [outputs] */
	bool rotated; /* each output's weights are those that model/cpu/hadamard.h brings them to, as convert stores int8 */
	size_t outputs, inputs;
	const struct norm_source *norm; /* for linear_residual_norm, else NULL */
};

/* A table that is too large to be held twice: the device asks for its rows, [rows, width], when it has a place for them. */
enum table_type { TABLE_F32, TABLE_F16, TABLE_BF16 };

struct table_source {
	enum table_type type; /* of what `read` gives */
	int (*read)(const struct table_source *source, size_t first, size_t count, void *out, struct err *e);
	const void *context;
};

struct embedding_source {
	struct table_source words; /* [word_count, width]; a table of less than float32 may keep fewer bits of them */
	const float *positions; /* [position_count, width] */
	const float *type;      /* [width]: token type 0, the only one that single texts have */
	size_t word_count, position_count, width;
	struct norm_source norm;
};

/* What a stream must be ready for. */
struct stream_limits {
	size_t tokens;     /* of one batch */
	size_t longest;    /* tokens of one text */
	size_t hidden;
	size_t widest;     /* values that a linear layer reads from a row */
	size_t heads;      /* hidden / heads values each */
	size_t block_size; /* bytes for the caller to carve */
};

/* A batch on the device. */
struct packed {
	const struct buffer *ids;    /* int32 [tokens] */
	const struct buffer *starts; /* int32 [texts + 1]: text i is rows starts[i] up to starts[i + 1] */
	size_t texts, tokens;
	size_t longest; /* tokens of the longest text */
};

struct ops {
	const char *device;    /* "cpu" */
	const char *precision; /* "fp32" */
	size_t batch_tokens;   /* tokens of a batch that the hardware likes best */

	/* The device of that number, or DEVICE_ANY: the first that can; fails where the hardware is not there. */
	struct device *(*device_open)(const struct ops *ops, int number, struct err *e);
	void (*device_close)(struct device *device); /* frees what was packed too; its streams are closed already */
	const char *(*kernels)(const struct device *device); /* "cpu-avx512-vnni" */

	struct linear *(*pack_linear)(struct device *device, const struct linear_source *source, struct err *e);
	struct embedding *(*pack_embedding)(struct device *device, const struct embedding_source *source,
					    struct err *e);

	struct stream *(*stream_open)(struct device *device, const struct stream_limits *limits, struct err *e);
	void (*stream_close)(struct stream *stream);
	struct buffer *(*buffer_at)(struct stream *stream, size_t offset); /* in the block; a multiple of 64 */
	size_t (*activation_size)(size_t rows, size_t columns);            /* bytes of a buffer of activations */

	void (*upload)(struct stream *stream, const int32_t *values, size_t count, struct buffer *out);
	int (*download)(struct stream *stream, const struct buffer *logits, size_t count, float *out, struct err *e);

	/* out[tokens, width] = LayerNorm(word + position + type) */
	void (*embed)(struct stream *stream, const struct embedding *embedding, const struct packed *batch,
		      struct buffer *out);

	/* y[rows, outputs] = f(x[rows, inputs] weight^T + bias) */
	void (*linear)(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows,
		       struct buffer *y);
	void (*linear_gelu)(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows,
			    struct buffer *y); /* the exact form, by erf */
	void (*linear_gelu_tanh)(struct stream *stream, const struct linear *linear, const struct buffer *x,
				 size_t rows, struct buffer *y);
	void (*linear_relu)(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows,
			    struct buffer *y);
	void (*linear_tanh)(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows,
			    struct buffer *y);

	/* y = LayerNorm(y + x weight^T + bias): y holds the residual and takes the result */
	void (*linear_residual_norm)(struct stream *stream, const struct linear *linear, const struct buffer *x,
				     size_t rows, struct buffer *y);

	/* As linear, and y is float32 whatever activations are. */
	void (*linear_logits)(struct stream *stream, const struct linear *linear, const struct buffer *x, size_t rows,
			      struct buffer *y);

	/* Multi-head self-attention inside each text.  qkv[tokens, 3 hidden] holds queries, keys, values side by side;
	 * out[tokens, hidden]. */
	void (*attention)(struct stream *stream, const struct packed *batch, const struct buffer *qkv,
			  struct buffer *out);

	/* The same for the first token of each text alone: q[texts, hidden], kv[tokens, 2 hidden], out[texts, hidden]. */
	void (*attention_first)(struct stream *stream, const struct packed *batch, const struct buffer *q,
				const struct buffer *kv, struct buffer *out);

	/* x[tokens, hidden] to out[texts, hidden]: the row of each text's first token; the mean of each text's rows. */
	void (*gather_first)(struct stream *stream, const struct packed *batch, const struct buffer *x,
			     struct buffer *out);
	void (*mean_pool)(struct stream *stream, const struct packed *batch, const struct buffer *x,
			  struct buffer *out);
};

/* The tables of this build, CUDA's before the CPU's, the fastest first and plain C last; NULL after it. */
const struct ops *ops_table(size_t index);

/*
 * The table for a kind of device and its number, as devices_parse has them, and
 * "auto", "fp32", "bf16", "int8", with an open device in *device.  "auto" takes
 * the best that is there.  NULL where this build or machine has no such thing,
 * with the remedy in `e`.
 */
const struct ops *ops_open(const char *kind, int number, const char *precision, struct device **device,
			   struct err *e);

/* 0 where the table that "auto" chose is one of CUDA's; else -1 and, in one line, why it is not. */
int ops_why_not_cuda(const struct ops *chosen, struct err *e);

#endif
