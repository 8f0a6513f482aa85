#include "daemon/agreement.h"

#include "daemon/base/check.h"
#include "daemon/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

/* A batch of lines, and what both models say of it. */
struct batch {
	size_t count;
	struct text texts[BATCH];
	struct score scores[2][BATCH];
	float *topic_logits[2]; /* [BATCH, topics] */
};

static void batch_clear(struct batch *batch)
{
	while (batch->count > 0)
		free((char *)(uintptr_t)batch->texts[--batch->count].data);
}

static int batch_read(struct batch *batch, struct lines *lines, struct err *e)
{
	while (batch->count < BATCH) {
		const char *line;
		size_t length;
		enum lines_result result = lines_next(lines, LINES_FOREVER, &line, &length, e);
		if (result != LINES_OK)
			return result == LINES_END ? 0 : -1;
		char *copy = xmalloc(length + 1);
		memcpy(copy, line, length);
		batch->texts[batch->count++] = (struct text){copy, length};
	}
	return 0;
}

static size_t largest(const float *values, size_t count)
{
	size_t best = 0;
	for (size_t i = 1; i < count; i++)
		best = values[i] > values[best] ? i : best;
	return best;
}

static double mean_change(const float *a, const float *b, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += fabs((double)a[i] - (double)b[i]);
	return sum / (double)count;
}

static double most_change(const float *a, const float *b, size_t count, double most)
{
	for (size_t i = 0; i < count; i++)
		most = fmax(most, fabs((double)a[i] - (double)b[i]));
	return most;
}

static void compare(struct batch *batch, size_t index, size_t topics, struct agreement *out)
{
	const struct score *a = &batch->scores[0][index], *b = &batch->scores[1][index];
	out->texts++;
	out->polarity_equal += score_polarity(a) == score_polarity(b);
	out->polarity_change += mean_change(a->polarity, b->polarity, 3);
	out->logit_change = most_change(a->polarity_logits, b->polarity_logits, 3, out->logit_change);
	if (topics == 0)
		return;
	float *x = batch->topic_logits[0] + index * topics, *y = batch->topic_logits[1] + index * topics;
	out->logit_change = most_change(x, y, topics, out->logit_change);
	out->topic_equal += largest(x, topics) == largest(y, topics);
	softmax_row(x, topics);
	softmax_row(y, topics);
	out->topic_change += mean_change(x, y, topics);
}

int agreement_measure(struct classifier *original, struct classifier *changed, int fd, struct agreement *out,
		      struct err *e)
{
	struct classifier *const both[2] = {original, changed};
	size_t topics = classifier_get_info(original)->topic_count;
	struct batch *batch = xcalloc(1, sizeof *batch);
	struct lines *lines = lines_open(fd);
	*out = (struct agreement){0};
	for (int i = 0; i < 2; i++)
		batch->topic_logits[i] = xcalloc(BATCH, (topics + 1) * sizeof(float));
	int result;
	while ((result = batch_read(batch, lines, e)) == 0 && batch->count > 0) {
		for (int i = 0; i < 2 && result == 0; i++)
			result = classifier_run(both[i], batch->texts, batch->count, batch->scores[i],
						batch->topic_logits[i], e);
		for (size_t i = 0; i < batch->count && result == 0; i++)
			compare(batch, i, topics, out);
		if (result < 0)
			break;
		batch_clear(batch);
	}
	batch_clear(batch);
	for (int i = 0; i < 2; i++)
		free(batch->topic_logits[i]);
	lines_close(lines);
	free(batch);
	return result;
}
