#include "model/train/loss.h"

#include "model/train/kernel_rows.h"

#include <math.h>
#include <string.h>

static double weight_of(const float *weights, size_t class)
{
	return weights != NULL ? (double)weights[class] : 1.0;
}

double loss_weight(const struct loss_options *options, struct loss_labels labels)
{
	double sum = 0;
	if (labels.polarity >= 0)
		sum += weight_of(options->weights, (size_t)labels.polarity);
	if (labels.topic >= 0)
		sum += weight_of(options->weights, 3 + (size_t)labels.topic);
	return sum;
}

/* One head: `weights` are its classes'. */
static double head_loss(double smoothing, const float *weights, int label, double divisor, float *logits, size_t classes)
{
	if (label < 0) {
		memset(logits, 0, classes * sizeof *logits);
		return 0;
	}
	double share = smoothing / (double)classes, own = (1 - smoothing) * weight_of(weights, (size_t)label);
	double spread = 0, weighted = 0;
	for (size_t i = 0; i < classes; i++) {
		spread += weight_of(weights, i);
		weighted += weight_of(weights, i) * (double)logits[i];
	}
	double chosen = logits[label], log_sum = row_softmax(logits, classes);
	for (size_t i = 0; i < classes; i++) {
		double slope = (own + share * spread) * (double)logits[i] - share * weight_of(weights, i);
		if ((int)i == label)
			slope -= own;
		logits[i] = (float)(slope / divisor);
	}
	return own * (log_sum - chosen) + share * (spread * log_sum - weighted);
}

double loss_row(const struct loss_options *options, struct loss_labels labels, double divisor, float *logits)
{
	const float *weights = options->weights;
	double sum = head_loss(options->smoothing, weights, labels.polarity, divisor, logits, 3);
	if (options->topics > 0)
		sum += head_loss(options->smoothing, weights != NULL ? weights + 3 : NULL, labels.topic, divisor, logits + 3,
				 options->topics);
	return sum;
}
