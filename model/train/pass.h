#ifndef MODEL_TRAIN_PASS_H
#define MODEL_TRAIN_PASS_H

#include "model/train/kernel_attention.h"
#include "model/train/kernel_rows.h"
#include "model/train/tape.h"

/*
 * A shard's way through the net: some whole texts of a micro-batch, by one
 * thread.  Shards share the tape, each in rows of its own.
 */
struct pass_room {
	struct net_room net;
	float *slope;     /* [tokens, H]: the gradient on its way down */
	float *wide;      /* [tokens, max(H, I)] */
	float *attention; /* a head's scratch */
	float *relation;  /* relation_room */
};
int pass_room_open(struct pass_room *room, const struct net *net, size_t tokens, size_t longest, struct err *e);
void pass_room_close(struct pass_room *room);

struct relation;
struct states;

struct pass {
	const struct net *net;
	const struct tape *tape;
	const struct pass_room *room;
	struct dropout dropout;
	const float *words; /* [the tape's tokens, H] in place of the words' embeddings; NULL: those of the ids */
	size_t first_token, tokens, first_text, texts;
	size_t first_masked, masked; /* of the tape's masked tokens */
	float *small; /* gradients of the layout's small parameters, to be added to */
	const struct relation *relation; /* to a teacher's last layer; or NULL */
	const struct states *states;     /* of a teacher; or NULL */
	double *taught_loss;             /* what both add to the loss, weighted, is added */
	double *importance; /* [layers, heads]: |gradient x output| of each text and head is added; or NULL */
};

/* Token ids to logits (without the bias of a source). */
void pass_forward(const struct pass *pass);

/* From the logits' gradients, which stand in their place, down to the embeddings'. */
void pass_backward(const struct pass *pass);

/* The same of a masked layout: the loss of guessing the words, not yet divided; and the way back from there. */
double pass_guess(const struct pass *pass, double divisor);
void pass_guess_backward(const struct pass *pass);

/* Inside of them: all layers, and the way back through them from the last one's gradient in room->slope. */
void pass_encode(const struct pass *pass);
void pass_encode_backward(const struct pass *pass);

/* Places of random numbers. */
enum { SITES_EACH_LAYER = 4, SITE_WEIGHTS = 0, SITE_ATTENDED = 1, SITE_OUT = 2, SITE_EMBEDDED = 0xFFFF0, SITE_POOLED = 0xFFFF1 };

/* The rows of a layer after its attention. */
struct pass_rows {
	size_t first, count;
	uint32_t place; /* the first one's */
};
struct pass_rows pass_rows(const struct pass *pass, size_t layer);

static inline uint32_t pass_site(size_t layer, uint32_t which)
{
	return (uint32_t)layer * SITES_EACH_LAYER + which;
}

/* What attention reads of a text in a layer; heads are `size` apart. */
struct attention_pass pass_attention(const struct pass *pass, size_t layer, size_t text);

#endif
