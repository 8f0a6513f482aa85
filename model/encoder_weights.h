#ifndef MODEL_ENCODER_WEIGHTS_H
#define MODEL_ENCODER_WEIGHTS_H

#include "daemon/base/err.h"
#include "model/config.h"
#include "model/ops.h"
#include "model/weights.h"

#include <stddef.h>

/* BERT's weights as packed by a device, which owns them.  H = hidden, I = intermediate. */
struct encoder_layer {
	struct linear *qkv;      /* [3 H, H]: query, key, value; NULL in a last layer of which only first rows are read */
	struct linear *query;    /* [H, H] and */
	struct linear *key_value; /* [2 H, H]: there instead */
	struct linear *attended; /* [H, H], with the norm after it */
	struct linear *up;       /* [I, H] */
	struct linear *down;     /* [H, I], with the norm after it */
};

struct encoder_weights {
	struct embedding *embedding;
	struct encoder_layer *layers;
	struct linear *pooler; /* [H, H]; NULL with mean pooling */
	struct linear *heads;  /* [3 + topics, H] */
};

/* Reads, checks and packs them.  Hugging Face's names, with or without the prefix "bert.".  Linear layers of type I8 are
 * taken as convert writes them, rotated (model/cpu/hadamard.h), which another program's integers are not.  On failure
 * `e` names the tensor and *out is to be cleared still. */
int encoder_weights_pack(struct encoder_weights *out, const struct ops *ops, struct device *device,
			 const struct model_config *config, const struct weights *weights, struct err *e);

/* What a tensor of this name is to the encoder. */
enum encoder_part {
	ENCODER_LINEAR, /* the matrix of a linear layer that is as precise as the table */
	ENCODER_WORDS,  /* the words' embeddings */
	ENCODER_OTHER,
};
enum encoder_part encoder_weights_part(const char *name);

/* Frees what is not the device's; {0} is legal. */
void encoder_weights_clear(struct encoder_weights *weights);

#endif
