#include "daemon/train_drift.h"

#include "daemon/base/check.h"
#include "daemon/drift_profile.h"
#include "model/classifier.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 256, JUDGED_LEARNT = 2000 };

static int most_probable(const float *row, size_t count)
{
	int best = 0;
	for (size_t i = 1; i < count; i++)
		if (row[i] > row[best])
			best = (int)i;
	return best;
}

/* `logits`: a row's outputs; the rows of the polarity head are in the classifier's own order. */
static void judge(struct drift_profile *profile, const struct train_data *data, float *logits, size_t topics)
{
	softmax_row(logits, 3);
	int row = most_probable(logits, 3), polarity = 0;
	while (polarity < 2 && data->polarity_row[polarity] != row)
		polarity++;
	drift_profile_judge(profile, polarity, topics > 0 ? most_probable(logits + 3, topics) : -1, (double)logits[row]);
}

static int judge_all(struct drift_profile *profile, struct trainer *trainer, const struct train_data *data, struct err *e)
{
	const struct dataset_split *split = &data->split;
	const uint32_t *which = split->validation_count > 0 ? split->validation : split->training;
	size_t all = split->validation_count > 0 ? split->validation_count : split->training_count;
	size_t outputs = trainer_layout(trainer)->outputs, topics = trainer_layout(trainer)->topics;
	struct trainer_text texts[BATCH];
	float *logits = xcalloc(BATCH, outputs * sizeof *logits);
	int result = 0;
	if (split->validation_count == 0 && all > JUDGED_LEARNT)
		all = JUDGED_LEARNT;
	for (size_t first = 0, count; first < all && result == 0; first += count) {
		count = all - first < BATCH ? all - first : BATCH;
		for (size_t i = 0; i < count; i++)
			texts[i] = data->dataset.texts[which[first + i]];
		result = trainer_run(trainer, false, texts, count, logits, e);
		for (size_t i = 0; i < count && result == 0; i++)
			judge(profile, data, logits + i * outputs, topics);
	}
	free(logits);
	return result;
}

int train_drift_write(struct trainer *trainer, const float *values, const struct train_data *data, const char *model,
		      const char *directory, struct err *e)
{
	char path[4200];
	struct drift_profile profile;
	struct trainer_state state = trainer_state(trainer);
	struct tokenizer *tokenizer = tokenizer_open_model(model, e);
	if (tokenizer == NULL)
		return -1;
	memcpy(state.values, values, state.count * sizeof *values);
	trainer_set(trainer, state.steps);
	drift_profile_open(&profile, tokenizer, data->longest, trainer_layout(trainer)->topics);
	for (size_t i = 0; i < data->dataset.count; i++)
		drift_profile_add(&profile, data->dataset.texts[i].ids, data->dataset.texts[i].length);
	drift_profile_seal(&profile);
	snprintf(path, sizeof path, "%s/drift.json", directory);
	int result = judge_all(&profile, trainer, data, e);
	if (result == 0)
		result = drift_profile_write(&profile, path, e);
	drift_profile_close(&profile);
	tokenizer_free(tokenizer);
	return result;
}
