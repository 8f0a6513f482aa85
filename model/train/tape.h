#ifndef MODEL_TRAIN_TAPE_H
#define MODEL_TRAIN_TAPE_H

#include "model/train/net.h"

#include <stdint.h>

/*
 * What the way forward leaves for the way back, of all tokens of a
 * micro-batch.  T tokens and N texts lie one after another without padding; a
 * layer has R rows after its attention: T, or N where it is narrow
 * (net_is_narrow).
 *
 * The gradient of a product's result takes the place of what is not needed any
 * more ("later dy"), so that the gradients of all matrices can be computed when
 * the way back is done, each from operands of the whole micro-batch.
 */
struct tape_layer {
	float *qkv;        /* [T, 3 H]: queries, keys, values; narrow: [T, 2 H] keys, values; later dy */
	float *query;      /* narrow: [N, H]; later dy */
	float *residual;   /* [R, H]: what goes in; narrow: its first tokens' rows */
	float *attended;   /* [R, H] */
	float *middle_hat; /* [R, H]: normalised, before gamma; later dy of `attended`'s product */
	float *middle;     /* [R, H] */
	float *up;         /* [R, I]: slopes of the activation; later dy */
	float *active;     /* [R, I] */
	float *out_hat;    /* [R, H]; later dy of `active`'s product */
	float *out;        /* [R, H] */
	float *middle_rstd, *out_rstd; /* [R] */
};

/* What a masked layout's head leaves, of the M masked tokens. */
struct tape_masked {
	size_t count;
	int32_t *token;   /* [M]: which of the micro-batch */
	int32_t *word;    /* [M]: what stood there */
	float *gathered;  /* [M, H]: the last layer's rows of them */
	float *up;        /* [M, H]: slopes of the activation; later dy of the transform */
	float *hat;       /* [M, H]: normalised, before gamma */
	float *rstd;      /* [M] */
	float *out;       /* [M, H] */
	float *logits;    /* [M, words]; later dy */
};

struct tape {
	const struct net *net;
	size_t token_capacity, text_capacity;
	void *block;
	int32_t *ids;       /* [T] */
	int32_t *starts;    /* [N + 1] */
	float *embedded_hat; /* [T, H]; later the gradient of the sum of embeddings */
	float *embedded_rstd; /* [T] */
	float *embedded;    /* [T, H] */
	struct tape_layer *layers;
	float *pooled;      /* [N, H] */
	float *pooled_slope; /* [N, H]: gradient of the pooler's product (of the mean, where there is none) */
	float *dropped;     /* [N, H]: `pooled` after dropout */
	float *logits;      /* [N, outputs]; later dy */
	struct tape_masked masked;
	float *projected;   /* [layers + 1, T, the layout's projected]: gradients of the projection's results, of the
			     * embeddings and of each layer; a narrow one's rows come first in its place */

	/* the micro-batch at hand */
	size_t tokens, texts;
	uint32_t first_token, first_text; /* of the whole batch: places of the random numbers */
};

int tape_open(struct tape *tape, const struct net *net, size_t tokens, size_t texts, struct err *e);
void tape_close(struct tape *tape);

/* Operands of the gradient of matrix `index` of the net, after the way back.  It may have seen several things: the gradient
 * is the sum over `which` < tape_uses. */
size_t tape_uses(const struct tape *tape, size_t index);
struct net_operands tape_operands(const struct tape *tape, size_t index, size_t which);

/* State 0 is what the embeddings give, state i + 1 what layer i does: its rows, of texts where it is narrow, else of tokens. */
const float *tape_state(const struct tape *tape, size_t state);
bool tape_is_narrow(const struct tape *tape, size_t state);

/* The place of a state in `projected`. */
float *tape_projected(const struct tape *tape, size_t state);

#endif
