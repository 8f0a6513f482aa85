#include "model/train/loss.h"

#include "daemon/base/check.h"

#include <math.h>
#include <string.h>

enum { MOST_CLASSES = 4096 }; /* of a head, as config.json and tables of rows have at most */

static double weight_of(const float *weights, size_t class)
{
	return weights != NULL ? (double)weights[class] : 1.0;
}

/* One head's labels and what they are worth. */
struct head {
	const float *weights, *target;
	int label;
	double label_share, target_share;
	size_t first, classes; /* of the logits */
};

static struct head head_of(const struct loss_options *options, const struct loss_labels *labels, int which)
{
	size_t first = which == 0 ? 0 : 3;
	struct head head = {
		.weights = options->weights != NULL ? options->weights + first : NULL,
		.target = which == 0 ? labels->polarity_target : labels->topic_target,
		.label = which == 0 ? labels->polarity : labels->topic,
		.first = first,
		.classes = which == 0 ? 3 : options->topics,
	};
	if (head.label >= 0)
		head.label_share = head.target != NULL ? options->hard : 1;
	if (head.target != NULL)
		head.target_share = (1 - head.label_share) * options->soft;
	return head;
}

double loss_weight(const struct loss_options *options, struct loss_labels labels)
{
	double sum = 0;
	for (int i = 0; i < 2; i++) {
		struct head head = head_of(options, &labels, i);
		if (head.label >= 0)
			sum += head.label_share * weight_of(head.weights, (size_t)head.label);
		sum += head.target_share;
	}
	return sum;
}

/* log(sum e^(x / T)) */
static double log_sum_of(const float *x, size_t count, double temperature)
{
	double top = -INFINITY, sum = 0;
	for (size_t i = 0; i < count; i++)
		top = fmax(top, (double)x[i]);
	for (size_t i = 0; i < count; i++)
		sum += exp(((double)x[i] - top) / temperature);
	return top / temperature + log(sum);
}

/* Adds the label's gradients to slopes[classes]. */
static double label_loss(double smoothing, const struct head *head, const float *logits, double *slopes)
{
	size_t classes = head->classes, label = (size_t)head->label;
	double own = (1 - smoothing) * weight_of(head->weights, label), share = smoothing / (double)classes;
	double spread = 0, weighted = 0, log_sum = log_sum_of(logits, classes, 1);
	for (size_t i = 0; i < classes; i++) {
		spread += weight_of(head->weights, i);
		weighted += weight_of(head->weights, i) * (double)logits[i];
	}
	for (size_t i = 0; i < classes; i++) {
		double slope = (own + share * spread) * exp((double)logits[i] - log_sum) - share * weight_of(head->weights, i);
		slopes[i] += head->label_share * (i == label ? slope - own : slope);
	}
	return head->label_share * (own * (log_sum - (double)logits[label]) + share * (spread * log_sum - weighted));
}

static double target_loss(double temperature, const struct head *head, const float *logits, double *slopes)
{
	double weighted = 0, log_sum = log_sum_of(logits, head->classes, temperature);
	for (size_t i = 0; i < head->classes; i++) {
		double scaled = (double)logits[i] / temperature;
		weighted += (double)head->target[i] * scaled;
		slopes[i] += head->target_share * temperature * (exp(scaled - log_sum) - (double)head->target[i]);
	}
	return head->target_share * temperature * temperature * (log_sum - weighted);
}

double loss_row(const struct loss_options *options, struct loss_labels labels, double divisor, float *logits)
{
	double sum = 0;
	for (int i = 0; i < 2; i++) {
		struct head head = head_of(options, &labels, i);
		double slopes[MOST_CLASSES];
		CHECK(head.classes <= MOST_CLASSES);
		memset(slopes, 0, head.classes * sizeof *slopes);
		if (head.label_share > 0)
			sum += label_loss(options->smoothing, &head, logits + head.first, slopes);
		if (head.target_share > 0)
			sum += target_loss(options->temperature, &head, logits + head.first, slopes);
		for (size_t k = 0; k < head.classes; k++)
			logits[head.first + k] = (float)(slopes[k] / divisor);
	}
	return sum;
}
