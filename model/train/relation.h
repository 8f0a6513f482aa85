#ifndef MODEL_TRAIN_RELATION_H
#define MODEL_TRAIN_RELATION_H

#include "model/train/pass.h"

/*
 * How a teacher's last layer relates the tokens of a text to each other, as
 * something to learn: the softmax of queries by keys (its attention) and that
 * of values by values, each the student's against the teacher's by Kullback and Leibler's
 * divergence.  Wang et al., "MiniLM", arXiv:2002.10957; that widths of any kind
 * are cut into one number of heads is from "MiniLMv2", arXiv:2012.15828.
 *
 * Where only first tokens have a query (net_is_narrow), theirs alone are
 * compared.
 */
struct relation {
	const struct tape *teacher; /* after its way forward over the same texts */
	size_t heads;               /* both widths are multiples of it */
	double weight;              /* of a text's loss: the mean over heads and tokens of either relation */
};

/* Floats that relation_backward needs for a shard of so many tokens. */
size_t relation_room(size_t tokens, size_t longest, size_t hidden);

/* Before the last layer's way back through its attention: the weighted loss, and its gradients of queries, keys and values
 * into room[tokens, 3 H]. */
double relation_backward(const struct pass *pass, const struct relation *relation, float *room);

/* After it: adds them to those that are there. */
void relation_add(const struct pass *pass, const float *room);

#endif
