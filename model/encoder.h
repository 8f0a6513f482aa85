#ifndef MODEL_ENCODER_H
#define MODEL_ENCODER_H

#include "daemon/base/err.h"
#include "model/config.h"
#include "model/ops.h"
#include "model/weights.h"

#include <stddef.h>
#include <stdint.h>

/*
 * BERT with its heads: token ids in, logits out, over any table of operations.
 * Weights are packed at open and immutable; what a run writes is in the
 * context, one for each worker.
 */
struct encoder;

/* `device` is open and outlives the encoder, which frees none of it.  The weights may be closed afterwards. */
struct encoder *encoder_open(const struct ops *ops, struct device *device, const struct model_config *config,
			     const struct weights *weights, struct err *e);
void encoder_close(struct encoder *encoder);

/* Logits of one text: the polarity head's three in the classifier's own order, then the topic head's. */
size_t encoder_outputs(const struct encoder *encoder);

/* Texts packed one after another without padding. */
struct token_batch {
	const int32_t *ids;    /* [starts[texts]], each below the vocabulary's size */
	const int32_t *starts; /* [texts + 1]: text i is ids[starts[i]] up to ids[starts[i + 1]]; starts[0] is 0 */
	size_t texts;          /* none is empty or longer than the model's positions */
};

/* Everything that a run needs, allocated here: batches of at most `max_tokens` tokens in at most `max_texts` texts. */
struct encoder_context;
struct encoder_context *encoder_context_open(const struct encoder *encoder, size_t max_tokens, size_t max_texts,
					     struct err *e);
void encoder_context_close(struct encoder_context *context);

/* logits[texts, encoder_outputs] float32.  One thread at a time for a context.  Fails only where the device does. */
int encoder_run(struct encoder_context *context, const struct token_batch *batch, float *logits, struct err *e);

#endif
