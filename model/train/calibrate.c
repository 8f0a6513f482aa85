#include "model/train/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* With fewer rows a temperature would say more of them than of the model; and none is to be extreme. */
enum { FEWEST_ROWS = 50 };
static const double least = 0.5, most = 3;

/* The rows' labels and logits of one head. */
struct head_rows {
	const int *truth; /* -1: not counted */
	const float *logits;
	size_t rows, stride, classes, counted;
};

/* The mean of -log p(truth) at a temperature: it has one minimum, since it is convex in the temperature's inverse. */
static double loss_at(const struct head_rows *head, double temperature)
{
	double total = 0;
	for (size_t row = 0; row < head->rows; row++) {
		const float *logits = head->logits + row * head->stride;
		double top = -INFINITY, sum = 0;
		if (head->truth[row] < 0)
			continue;
		for (size_t i = 0; i < head->classes; i++)
			top = fmax(top, (double)logits[i]);
		for (size_t i = 0; i < head->classes; i++)
			sum += exp(((double)logits[i] - top) / temperature);
		total += log(sum) - ((double)logits[head->truth[row]] - top) / temperature;
	}
	return total / (double)head->counted;
}

/* By golden sections. */
static double temperature_find(const struct head_rows *head)
{
	const double part = 0.6180339887498949;
	double low = least, high = most;
	for (int i = 0; i < 40; i++) {
		double a = high - part * (high - low), b = low + part * (high - low);
		if (loss_at(head, a) < loss_at(head, b))
			high = b;
		else
			low = a;
	}
	return (low + high) / 2;
}

static double head_calibrate(const struct layout *layout, struct head_rows *head, size_t first, float *values)
{
	for (size_t i = 0; i < head->rows; i++)
		head->counted += head->truth[i] >= 0;
	if (head->counted < FEWEST_ROWS)
		return 1;
	double temperature = temperature_find(head);
	float *weights = values + layout->head + first * layout->hidden, *biases = values + layout->head_bias + first;
	for (size_t i = 0; i < head->classes * layout->hidden; i++)
		weights[i] = (float)((double)weights[i] / temperature);
	for (size_t i = 0; i < head->classes; i++)
		biases[i] = (float)((double)biases[i] / temperature);
	return temperature;
}

static void values_load(struct trainer *trainer, const float *values)
{
	struct trainer_state state = trainer_state(trainer);
	memcpy(state.values, values, state.count * sizeof *values);
	trainer_set(trainer, state.steps);
}

int fit_calibrate(struct trainer *trainer, const struct fit_texts *texts, struct fit_outcome *outcome,
		  struct calibration *calibration, struct err *e)
{
	const struct layout *layout = trainer_layout(trainer);
	size_t count = texts->validation_count;
	struct trainer_text *chosen = calloc(count + 1, sizeof *chosen);
	float *logits = calloc(count + 1, layout->outputs * sizeof *logits);
	int *truth = calloc(2 * count + 1, sizeof *truth), result = -1;
	*calibration = (struct calibration){1, 1};
	if (chosen == NULL || logits == NULL || truth == NULL) {
		err_set(e, "out of memory");
		goto done;
	}
	for (size_t i = 0; i < count; i++) {
		chosen[i] = texts->texts[texts->validation[i]];
		truth[i] = chosen[i].polarity;
		truth[count + i] = chosen[i].topic;
	}
	values_load(trainer, outcome->block);
	if (trainer_run(trainer, false, chosen, count, logits, e) < 0)
		goto done;
	struct head_rows head = {.truth = truth, .logits = logits, .rows = count, .stride = layout->outputs, .classes = 3};
	calibration->polarity = head_calibrate(layout, &head, 0, outcome->block);
	head = (struct head_rows){.truth = truth + count, .logits = logits + 3, .rows = count, .stride = layout->outputs,
				  .classes = layout->topics};
	calibration->topic = head_calibrate(layout, &head, 3, outcome->block);
	values_load(trainer, outcome->block);
	result = fit_evaluate(trainer, false, texts->texts, texts->validation, count, &outcome->figures, e);
done:
	free(chosen);
	free(logits);
	free(truth);
	return result;
}
