#ifndef MODEL_TRAIN_NET_H
#define MODEL_TRAIN_NET_H

#include "model/cpu/gemm.h"
#include "model/train/layout.h"

#include <stddef.h>

/*
 * A layout's matrices in the forms that products read, and the products.  They
 * are packed anew whenever the values have changed.
 */
struct net_matrix {
	size_t outputs, inputs;
	size_t weight, bias;          /* offsets in the layout's block */
	struct gemm_weights forward;  /* [outputs, inputs]: y = x weight^T + bias */
	struct gemm_weights backward; /* [inputs, outputs]: dx = dy weight */
};

/* In CLS pooling's last layer only first tokens have a query, so it is a matrix of its own there. */
enum { NET_QKV, NET_ATTENDED, NET_UP, NET_DOWN, NET_KEY_VALUE, NET_MATRICES };

struct net {
	struct layout layout;
	const struct gemm *gemm;
	const float *values; /* what was packed last: the layout's block */
	size_t matrix_count;
	struct net_matrix *matrices; /* NET_MATRICES a layer, then the pooler, the heads (in a masked layout the transform and
				      * the words) and the projection; outputs = 0 where there is none */
	float *zeros;                /* as many as any matrix has inputs */
	void *panels;
};

/* The fastest that this CPU has; "fp32" or "bf16". */
const struct gemm *net_gemm_find(const char *precision, struct err *e);

/* Takes the layout over, which is empty afterwards.  `gemm` is available and no integer one. */
int net_open(struct net *net, struct layout *layout, const struct gemm *gemm, struct err *e);
void net_close(struct net *net);

static inline const struct net_matrix *net_layer_matrix(const struct net *net, size_t layer, size_t which)
{
	return &net->matrices[layer * NET_MATRICES + which];
}

static inline const struct net_matrix *net_pooler(const struct net *net)
{
	return &net->matrices[net->layout.layers * NET_MATRICES];
}

static inline const struct net_matrix *net_head(const struct net *net)
{
	return &net->matrices[net->layout.layers * NET_MATRICES + 1];
}

static inline const struct net_matrix *net_projection(const struct net *net)
{
	return &net->matrices[net->layout.layers * NET_MATRICES + 2];
}

/* Only first tokens' rows go through this layer after its attention. */
static inline bool net_is_narrow(const struct net *net, size_t layer)
{
	return net->layout.pooling == POOLING_CLS && layer + 1 == net->layout.layers;
}

/* Packs `values`, which stay the caller's, piece by piece: each of net_pack_pieces, in any order and by any thread, after
 * net_pack_begin. */
void net_pack_begin(struct net *net, const float *values);
size_t net_pack_pieces(const struct net *net);
void net_pack(const struct net *net, size_t piece);

/* What a thread needs for products of at most `rows` rows. */
struct net_room {
	gemm_word *words; /* rows in the product's form */
	float *turned;    /* a block of dy, transposed */
	gemm_word *panel;
};
int net_room_open(const struct net *net, struct net_room *room, size_t rows, struct err *e);
void net_room_close(struct net_room *room);

/* y[rows, outputs] = x[rows, inputs] weight^T + bias */
void net_forward(const struct net *net, const struct net_matrix *matrix, const float *x, size_t rows, float *y,
		 const struct net_room *room);

/* dx[rows, inputs] = dy[rows, outputs] weight, or that added to dx */
void net_backward(const struct net *net, const struct net_matrix *matrix, const float *dy, size_t rows, bool add, float *dx,
		  const struct net_room *room);

/* What a matrix saw of a micro-batch. */
struct net_operands {
	const float *x, *dy; /* [rows, inputs], [rows, outputs] */
	size_t rows;
};

/* Tile `piece` of net_gradient_pieces of the matrix' gradient, dy^T x, put or added to where it stands in `gradients`. */
size_t net_gradient_pieces(const struct net_matrix *matrix);
void net_gradient(const struct net *net, const struct net_matrix *matrix, const struct net_operands *operands, bool add,
		  size_t piece, float *gradients, const struct net_room *room);

#endif
