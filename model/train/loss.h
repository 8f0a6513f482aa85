#ifndef MODEL_TRAIN_LOSS_H
#define MODEL_TRAIN_LOSS_H

#include <stddef.h>

/*
 * Cross-entropy over both heads, with label smoothing and class weights as in
 * PyTorch's CrossEntropyLoss.  A text has a label of either head, or of both;
 * a batch's loss is the weighted mean over all of its labels.  Targets by
 * probabilities after Hinton et al., arXiv:1503.02531, at temperature 1.
 */
struct loss_options {
	double smoothing;     /* what is taken from the label and given to all classes alike */
	const float *weights; /* [outputs]: of each class; NULL = 1 */
	double soft;          /* the weight of a target that is no label */
	size_t topics;
};

/* A head without a label may have a target instead: probabilities that another model gave. */
struct loss_labels {
	int polarity, topic; /* -1: none */
	const float *polarity_target, *topic_target; /* of all classes, or NULL */
};

/* The weight of a text's labels, which a batch's sum divides by. */
double loss_weight(const struct loss_options *options, struct loss_labels labels);

/* One text's loss, not yet divided; its logits[3 + topics] become gradients, divided by `divisor`. */
double loss_row(const struct loss_options *options, struct loss_labels labels, double divisor, float *logits);

#endif
