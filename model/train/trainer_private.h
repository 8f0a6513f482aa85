#ifndef MODEL_TRAIN_TRAINER_PRIVATE_H
#define MODEL_TRAIN_TRAINER_PRIVATE_H

#include "model/train/loss.h"
#include "model/train/pass.h"
#include "model/train/relation.h"
#include "model/train/states.h"
#include "model/train/trainer.h"
#include "model/workers.h"

/*
 * What the trainer's files share.  A step is a row of works for the pool, each
 * begun when the one before is done: shards (forward and back), tiles of
 * gradients, sums of squares, updates, packing.
 */
struct shard {
	size_t first_token, tokens, first_text, texts;
	size_t first_masked, masked;
	double loss, taught_loss;
};

/* A piece of the matrices' gradients. */
struct tile {
	size_t matrix, piece;
};

struct trainer {
	struct trainer_options options;
	float *class_weights; /* a copy, or NULL */
	struct net net;
	struct tape tape;
	struct workers *workers;
	struct pass_room *rooms; /* of each worker */
	size_t threads;

	struct trainer_state state;
	float *gradients;
	const float *packed; /* the block that the net's panels hold; NULL: none */

	struct shard *shards;
	size_t shard_capacity, shard_count, shard_tokens; /* shard_tokens: of one at most */
	float *small; /* [shard_capacity, small parameters]: each shard's gradients of them */
	double *importance; /* [shard_capacity, layers x heads] while it is asked for; else NULL */
	struct tile *tiles;
	size_t tile_count;
	size_t *touched; /* words with a gradient in this step */
	size_t touched_count;
	double *squares; /* of each chunk */
};

static inline size_t trainer_small_count(const struct trainer *trainer)
{
	return trainer->net.layout.total - trainer->net.layout.small;
}

/* Brings a block of values into the products' panels, where it is not there. */
int trainer_pack(struct trainer *trainer, const float *values, struct err *e);

/* Cuts the next texts into a micro-batch with its shards; returns how many they are. */
size_t trainer_load(struct trainer *trainer, const struct trainer_text *texts, size_t count);

/* The way forward without dropout of what was loaded. */
int trainer_forward(struct trainer *trainer, struct err *e);

/* All gradients of a batch into trainer->gradients; the words' rows are zero but for those in `touched`. */
int trainer_differentiate(struct trainer *trainer, const struct trainer_text *texts, size_t count,
			  struct trainer_result *result, struct err *e);

/* Forgets them: the words' rows are zero again. */
void trainer_forget(struct trainer *trainer);

/* Sums of squares, AdamW and the average over `state` by the gradients. */
int trainer_norm(struct trainer *trainer, double *norm, struct err *e);
int trainer_update(struct trainer *trainer, double rate, double clip, struct err *e);
size_t trainer_chunks(const struct trainer *trainer);

#endif
