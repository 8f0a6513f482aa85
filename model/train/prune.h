#ifndef MODEL_TRAIN_PRUNE_H
#define MODEL_TRAIN_PRUNE_H

#include "model/train/trainer.h"

/*
 * What a model can do without: layers, of which a smaller model begins with
 * some, and attention heads, of which those go first that the loss feels least:
 * Michel et al., "Are Sixteen Heads Really Better than One?", arXiv:1905.10650.
 */
struct prune_head {
	size_t layer, head;
	double importance; /* |gradient x output| of it, the layer's having length 1 */
};

/* order[layers x heads], the least important first, by the loss on texts with labels.  The trainer learns nothing from it. */
int prune_rank(struct trainer *trainer, const struct trainer_text *texts, size_t count, struct prune_head *order,
	       struct err *e);

/*
 * Sets what the head gives to zero, in a block of values: its rows of the
 * values' matrix and its columns of the one behind.  Shapes stay what they are,
 * and since either side's gradient is a multiple of the other it never comes back
 * in training.
 */
void prune_remove(const struct layout *layout, float *values, size_t layer, size_t head);

/* chosen[count] of `layers`, evenly spaced, with the first and the last, whose output the heads know: 0, 2, 5 of six. */
void prune_space(size_t layers, size_t count, size_t *chosen);

#endif
