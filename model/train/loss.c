#include "model/train/loss.h"

#include "model/train/kernel_rows.h"

#include <math.h>
#include <string.h>

static double weight_of(const float *weights, size_t class)
{
	return weights != NULL ? (double)weights[class] : 1.0;
}

/* One head's labels and what they are worth. */
struct head {
	const float *weights, *target;
	int label;
	size_t first, classes; /* of the logits */
};

static struct head head_of(const struct loss_options *options, const struct loss_labels *labels, int which)
{
	size_t first = which == 0 ? 0 : 3;
	return (struct head){
		.weights = options->weights != NULL ? options->weights + first : NULL,
		.target = which == 0 ? labels->polarity_target : labels->topic_target,
		.label = which == 0 ? labels->polarity : labels->topic,
		.first = first,
		.classes = which == 0 ? 3 : options->topics,
	};
}

double loss_weight(const struct loss_options *options, struct loss_labels labels)
{
	double sum = 0;
	for (int i = 0; i < 2; i++) {
		struct head head = head_of(options, &labels, i);
		if (head.label >= 0)
			sum += weight_of(head.weights, (size_t)head.label);
		else if (head.target != NULL)
			sum += options->soft;
	}
	return sum;
}

static double label_loss(double smoothing, const struct head *head, double divisor, float *logits)
{
	size_t classes = head->classes, label = (size_t)head->label;
	double share = smoothing / (double)classes, own = (1 - smoothing) * weight_of(head->weights, label);
	double spread = 0, weighted = 0;
	for (size_t i = 0; i < classes; i++) {
		spread += weight_of(head->weights, i);
		weighted += weight_of(head->weights, i) * (double)logits[i];
	}
	double chosen = logits[label], log_sum = row_softmax(logits, classes);
	for (size_t i = 0; i < classes; i++) {
		double slope = (own + share * spread) * (double)logits[i] - share * weight_of(head->weights, i);
		if (i == label)
			slope -= own;
		logits[i] = (float)(slope / divisor);
	}
	return own * (log_sum - chosen) + share * (spread * log_sum - weighted);
}

static double target_loss(double weight, const struct head *head, double divisor, float *logits)
{
	double weighted = 0;
	for (size_t i = 0; i < head->classes; i++)
		weighted += (double)head->target[i] * (double)logits[i];
	double log_sum = row_softmax(logits, head->classes);
	for (size_t i = 0; i < head->classes; i++)
		logits[i] = (float)(weight * ((double)logits[i] - (double)head->target[i]) / divisor);
	return weight * (log_sum - weighted);
}

double loss_row(const struct loss_options *options, struct loss_labels labels, double divisor, float *logits)
{
	double sum = 0;
	for (int i = 0; i < 2; i++) {
		struct head head = head_of(options, &labels, i);
		if (head.label >= 0)
			sum += label_loss(options->smoothing, &head, divisor, logits + head.first);
		else if (head.target != NULL)
			sum += target_loss(options->soft, &head, divisor, logits + head.first);
		else
			memset(logits + head.first, 0, head.classes * sizeof *logits);
	}
	return sum;
}
