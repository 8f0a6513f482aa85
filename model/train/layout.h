#ifndef MODEL_TRAIN_LAYOUT_H
#define MODEL_TRAIN_LAYOUT_H

#include "daemon/base/err.h"
#include "model/config.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Where each parameter of a BERT with its heads stands in one block of
 * float32.  Matrices come first, then the small ones (biases, norms), of which
 * each shard of a batch has gradients of its own.  Gradients, the optimiser's
 * moments and averages are blocks of the same layout.
 *
 * Weight decay is for matrices alone, as Hugging Face's trainers do it.
 */
struct layout_tensor {
	char name[96]; /* Hugging Face's, without "bert."; "" for one that no file holds */
	size_t offset, rows, columns; /* rows = 0: a vector */
};

/* H = hidden, I = intermediate; offsets into the block. */
struct layout_layer {
	size_t qkv;      /* [3 H, H]: query, key, value */
	size_t attended; /* [H, H] */
	size_t up;       /* [I, H] */
	size_t down;     /* [H, I] */
	size_t qkv_bias, attended_bias, up_bias, down_bias;
	size_t attended_norm, output_norm; /* gamma [H]; beta stands `norm_step` further */
};

struct layout {
	size_t hidden, layers, heads, intermediate, words, positions, types;
	float epsilon;
	enum activation activation;
	enum pooling pooling;
	size_t topics, outputs; /* outputs = 3 + topics */
	size_t sources;         /* rows that have a bias of their own in training; 0 = none */

	size_t word, position, type; /* [words, H], [positions, H], [types, H] */
	size_t embedding_norm, norm_step;
	struct layout_layer *layer;
	size_t pooler, pooler_bias; /* CLS pooling only */
	size_t head, head_bias;     /* [outputs, H]: polarity in the classifier's own order, then topics */
	size_t source_bias;         /* [sources, outputs] */

	/* A linear map of what embeddings and layers give to a teacher's width, which training alone has; `projected` = 0: none. */
	size_t projected, projection, projection_bias; /* [projected, H] */

	/* Instead of pooler and heads, where `masked`: BERT's head that guesses words, whose last matrix is that of the words. */
	bool masked;
	size_t transform, transform_bias, transform_norm; /* [H, H] */
	size_t word_bias;                                 /* [words] */

	size_t small; /* the first of the small ones */
	size_t total;
	struct layout_tensor *tensors;
	size_t tensor_count;
};

/* `topics` may differ from the configuration's. */
int layout_make(struct layout *layout, const struct model_config *config, size_t topics, size_t sources, struct err *e);

/* The encoder with the head that guesses masked words: Devlin et al., arXiv:1810.04805. */
int layout_make_masked(struct layout *layout, const struct model_config *config, struct err *e);
void layout_clear(struct layout *layout);

/* Gives a layout without one a projection to `width`.  Empty after a failure. */
int layout_project(struct layout *layout, size_t width, struct err *e);

/* The tensors of the classifier, of the topic head and of the one that guesses words. */
bool layout_is_head(const struct layout_tensor *tensor);

#endif
