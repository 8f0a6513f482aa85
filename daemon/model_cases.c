#include "daemon/model_cases.h"

enum { BATCH = 128 };

/* A text that the model cannot judge is not answered right. */
static bool is_right(const struct correction *correction, const struct score *score)
{
	return score->can_judge && score_polarity(score) == (int)correction->polarity;
}

int model_cases_run(struct classifier *classifier, const struct corrections *corrections, model_cases_wrong *wrong, void *context,
		    struct model_cases *out, struct err *e)
{
	struct text texts[BATCH];
	struct score scores[BATCH];
	*out = (struct model_cases){.cases = corrections->count};
	for (size_t first = 0, count; first < corrections->count; first += count) {
		count = corrections->count - first < BATCH ? corrections->count - first : BATCH;
		for (size_t i = 0; i < count; i++)
			texts[i] = (struct text){corrections->each[first + i].text, corrections->each[first + i].length};
		if (classifier_run(classifier, texts, count, scores, NULL, e) != 0)
			return -1;
		for (size_t i = 0; i < count; i++) {
			const struct correction *one = &corrections->each[first + i];
			if (is_right(one, &scores[i]))
				out->right++;
			else
				wrong(context, one, &scores[i]);
		}
	}
	return 0;
}
