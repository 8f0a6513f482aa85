#include "daemon/replay_score.h"

#include "daemon/base/check.h"
#include "daemon/model_path.h"

#include <stdlib.h>
#include <string.h>

enum { SIDES_MAX = 2, RUN_MAX = 256 };

struct replay_scorer {
	const struct config *configs[SIDES_MAX];
	size_t count;
	struct classifier *classifier; /* NULL = not opened yet */
	struct score scores[RUN_MAX];
	float *logits;                 /* [RUN_MAX, labels] */
};

struct replay_scorer *replay_scorer_create(const struct config *const *configs, size_t count)
{
	struct replay_scorer *scorer = xcalloc(1, sizeof *scorer);

	CHECK(count > 0 && count <= SIDES_MAX);
	memcpy(scorer->configs, configs, count * sizeof *configs);
	scorer->count = count;
	return scorer;
}

void replay_scorer_free(struct replay_scorer *scorer)
{
	if (!scorer)
		return;
	classifier_close(scorer->classifier);
	free(scorer->logits);
	free(scorer);
}

static int open_classifier(struct replay_scorer *scorer, struct err *e)
{
	const struct config *config = scorer->configs[0];
	struct classifier_options options = {.device = config->model.device,
					     .precision = config->model.precision,
					     .threads = (int)config->model.threads};
	const struct classifier_info *info;
	char path[4096], other[4096];

	if (model_path_find(config->model.path, path, sizeof path, e) < 0)
		return -1;
	for (size_t i = 1; i < scorer->count; i++) {
		if (model_path_find(scorer->configs[i]->model.path, other, sizeof other, e) < 0)
			return -1;
		if (strcmp(path, other) != 0)
			return err_set(e, "documents are scored once, but %s names the model %s and %s names %s; name one in both",
				       config->path, path, scorer->configs[i]->path, other);
	}
	options.path = path;
	scorer->classifier = classifier_open(&options, e);
	if (!scorer->classifier)
		return -1;
	info = classifier_get_info(scorer->classifier);
	for (size_t i = 0; i < scorer->count; i++)
		if (config_check_labels(scorer->configs[i], info->topics, info->topic_count, config_print_problem, NULL) < 0)
			return err_set(e, "a topic asks for labels that the model does not have");
	scorer->logits = xcalloc(RUN_MAX, (info->topic_count + 1) * sizeof *scorer->logits);
	return 0;
}

static const char *best_label(const struct classifier_info *info, const float *logits)
{
	size_t best = 0;

	for (size_t l = 1; l < info->topic_count; l++)
		if (logits[l] > logits[best])
			best = l;
	return info->topic_count ? info->topics[best] : NULL;
}

int replay_scorer_run(struct replay_scorer *scorer, const struct text *texts, size_t count, struct replay_score *scores,
		      struct err *e)
{
	const struct classifier_info *info;

	CHECK(count <= RUN_MAX);
	if (!scorer->classifier && open_classifier(scorer, e) < 0)
		return -1;
	if (classifier_run(scorer->classifier, texts, count, scorer->scores, scorer->logits, e) < 0)
		return -1;
	info = classifier_get_info(scorer->classifier);
	for (size_t i = 0; i < count; i++) {
		const struct score *score = &scorer->scores[i];

		scores[i] = (struct replay_score){.polarity = POLARITY_NONE};
		if (!score->can_judge)
			continue;
		scores[i].polarity = (enum polarity)score_polarity(score);
		scores[i].score = score_value(score);
		scores[i].label = best_label(info, scorer->logits + i * info->topic_count);
	}
	return 0;
}
