#ifndef MODEL_TRAIN_LOSS_H
#define MODEL_TRAIN_LOSS_H

#include <stddef.h>

/*
 * Cross-entropy over both heads, with label smoothing and class weights as in
 * PyTorch's CrossEntropyLoss.  A text has a label of either head, or of both;
 * a batch's loss is the weighted mean over all of its labels.  Targets by
 * probabilities after Hinton et al., arXiv:1503.02531: the cross-entropy of
 * softmax(logits / T), times T^2 so that T does not change how much they count.
 */
struct loss_options {
	double smoothing;     /* what is taken from the label and given to all classes alike */
	const float *weights; /* [outputs]: of each class; NULL = 1 */
	double soft;          /* the weight of a target */
	double hard;          /* where a head has both: the label's share; the rest is the target's */
	double temperature;   /* T, which the targets were made with */
	size_t topics;
};

/* A head may have a target beside its label or instead of it: probabilities that another model gave. */
struct loss_labels {
	int polarity, topic; /* -1: none */
	const float *polarity_target, *topic_target; /* of all classes, or NULL */
};

/* The weight of a text's labels, which a batch's sum divides by. */
double loss_weight(const struct loss_options *options, struct loss_labels labels);

/* One text's loss, not yet divided; its logits[3 + topics] become gradients, divided by `divisor`. */
double loss_row(const struct loss_options *options, struct loss_labels labels, double divisor, float *logits);

#endif
