#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "daemon/base/err.h"

#include <stddef.h>

/*
 * What a Hugging Face directory says of its model in config.json (and of the
 * length of its texts in tokenizer_config.json).  Absent keys have BertConfig's
 * defaults.
 */
enum activation {
	ACTIVATION_GELU,
	ACTIVATION_GELU_TANH, /* gelu_new, gelu_pytorch_tanh */
	ACTIVATION_RELU,
};

enum pooling {
	POOLING_CLS,  /* dense and tanh over the first token: BERT's pooler */
	POOLING_MEAN, /* the mean of all tokens, as it is */
};

struct model_config {
	char model_type[32];
	size_t hidden, layers, heads, intermediate;
	size_t vocab_size, positions, types;
	float norm_epsilon;
	enum activation activation;
	enum pooling pooling;
	int polarity_row[3];  /* which row of the classifier is negative, neutral, positive; -1: a base without them */
	char **topics;        /* NULL without topic_labels */
	size_t topic_count;
	size_t max_tokens;    /* tokenizer_config.json's model_max_length, at most `positions` */
};

/* Reads directory/config.json and, where it exists, directory/tokenizer_config.json.  Fails where they cannot be read
 * or ask for what the encoder cannot do, and names the key. */
int model_config_read(struct model_config *config, const char *directory, struct err *e);

/* The same of a model to train from, which may have other heads or none: its classifier's labels are not looked at where
 * they are not polarity's. */
int model_config_read_base(struct model_config *config, const char *directory, struct err *e);

/* Frees what it holds; {0} is legal. */
void model_config_clear(struct model_config *config);

#endif
