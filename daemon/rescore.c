/*
 * The sample is the same for the same database, newest documents first, and
 * fair: a topic that fills the stream does not take the place of one that is
 * seldom written about.  Texts are judged as the pipeline does, whole.
 */
#include "daemon/rescore.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/item.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_OF_TOPIC 20     /* texts, where there are too many topics for more */
#define LOOKED_AT 200000      /* documents */
#define RUN_TEXTS 128         /* of one call of the classifier, */
#define RUN_BYTES (64u << 10) /* and their size */

struct sampled {
	size_t text, length, topics, topic_count; /* places in the sample's buffers */
	enum judgement old;
	float score;
	bool given;
};

struct sample {
	struct sampled *each; /* [RESCORE_TEXTS] */
	size_t count;
	char *text;
	size_t text_used, text_room;
	uint32_t *topics;
	size_t topics_used, topics_room;
	uint32_t *of_topic; /* how many each topic has */
	uint32_t quota;
};

static enum judgement judgement_of(enum polarity polarity)
{
	switch (polarity) {
	case POLARITY_NONE: return NOT_JUDGED;
	case POLARITY_NEGATIVE: return JUDGED_NEGATIVE;
	default: return JUDGED_OTHER;
	}
}

/* ---- taking the sample ---- */

static void sample_init(struct sample *sample, size_t topic_count)
{
	*sample = (struct sample){
		.each = xcalloc(RESCORE_TEXTS, sizeof *sample->each),
		.of_topic = xcalloc(topic_count + 1, sizeof *sample->of_topic),
		.quota = topic_count > 0 ? (uint32_t)(RESCORE_TEXTS / topic_count) : 0,
	};
	if (sample->quota < LEAST_OF_TOPIC)
		sample->quota = LEAST_OF_TOPIC;
}

static void sample_reset(struct sample *sample)
{
	free(sample->each);
	free(sample->text);
	free(sample->topics);
	free(sample->of_topic);
}

static bool is_wanted(const struct sample *sample, const struct store_judged *judged)
{
	for (size_t i = 0; i < judged->topic_count; i++)
		if (sample->of_topic[judged->topics[i]] < sample->quota)
			return true;
	return false;
}

/* Far more than a model reads: a body of megabytes, thousands of times, would not fit. */
enum { MOST_TEXT = 64 * 1024 };

static size_t copy_text(struct sample *sample, const struct store_judged *judged)
{
	const struct item item = {.title = judged->title, .body = judged->body};
	size_t room = strlen(judged->title) + strlen(judged->body) + 8;
	room = room < MOST_TEXT ? room : MOST_TEXT;
	if (sample->text_used + room > sample->text_room) {
		sample->text_room = (sample->text_used + room) * 2;
		sample->text = xrealloc(sample->text, sample->text_room);
	}
	size_t length = item_text(&item, sample->text + sample->text_used, room);
	sample->text_used += length;
	return length;
}

static void copy_topics(struct sample *sample, const struct store_judged *judged)
{
	if (sample->topics_used + judged->topic_count > sample->topics_room) {
		sample->topics_room = (sample->topics_used + judged->topic_count) * 2;
		sample->topics = xrealloc(sample->topics, sample->topics_room * sizeof *sample->topics);
	}
	for (size_t i = 0; i < judged->topic_count; i++) {
		sample->topics[sample->topics_used++] = judged->topics[i];
		sample->of_topic[judged->topics[i]]++;
	}
}

static int take(void *context, const struct store_judged *judged)
{
	struct sample *sample = context;
	if (!is_wanted(sample, judged))
		return 0;
	struct sampled *one = &sample->each[sample->count++];
	*one = (struct sampled){
		.text = sample->text_used,
		.topics = sample->topics_used,
		.topic_count = judged->topic_count,
		.old = judgement_of(judged->polarity),
		.score = judged->score,
		.given = judged->given,
	};
	if (!judged->given)
		one->length = copy_text(sample, judged);
	copy_topics(sample, judged);
	return sample->count == RESCORE_TEXTS;
}

/* ---- judging it anew ---- */

static void add_pair(struct store_switch *into, const struct sample *sample, const struct sampled *one, enum judgement new,
		     double score)
{
	double shift = score - (double)one->score;
	switch_pairs_add(&into->overall, one->old, new, shift);
	for (size_t i = 0; i < one->topic_count; i++)
		switch_pairs_add(&into->pairs[sample->topics[one->topics + i]], one->old, new, shift);
	into->texts++;
}

/* The texts from `*at` on that one call takes; what has a given polarity costs no call. */
static size_t gather(const struct sample *sample, size_t *at, struct text *texts, const struct sampled **of)
{
	size_t count = 0, bytes = 0;
	for (; *at < sample->count && count < RUN_TEXTS && bytes < RUN_BYTES; ++*at) {
		const struct sampled *one = &sample->each[*at];
		if (one->given)
			continue;
		of[count] = one;
		texts[count++] = (struct text){sample->text + one->text, one->length};
		bytes += one->length;
	}
	return count;
}

static int judge(const struct rescore_options *options, const struct sample *sample, struct store_switch *into,
		 struct err *e)
{
	struct text texts[RUN_TEXTS];
	struct score scores[RUN_TEXTS];
	const struct sampled *of[RUN_TEXTS];
	int64_t until = monotonic_us() + RESCORE_US;
	size_t at = 0, count;
	/* A polarity that came with the document is the same whatever the model. */
	for (size_t i = 0; i < sample->count; i++)
		if (sample->each[i].given)
			add_pair(into, sample, &sample->each[i], sample->each[i].old, (double)sample->each[i].score);
	while (monotonic_us() < until && (count = gather(sample, &at, texts, of)) > 0) {
		if (classifier_run(options->classifier, texts, count, scores, NULL, e) != 0)
			return -1;
		for (size_t i = 0; i < count; i++) {
			bool judged = scores[i].can_judge;
			enum judgement new = judged ? judgement_of((enum polarity)score_polarity(&scores[i])) : NOT_JUDGED;
			add_pair(into, sample, of[i], new, judged ? (double)score_value(&scores[i]) : 0);
		}
		if (options->progress != NULL)
			options->progress(options->context);
	}
	return 0;
}

/* ---- the switch ---- */

/* Back to a model that was left lately: what was seen then counts as well. */
static int add_way_back(struct store *store, struct store_switch *into, struct err *e)
{
	struct store_switch *switches;
	size_t count;
	if (store_load_switches(store, &switches, &count, e) != 0)
		return -1;
	for (size_t i = count; i-- > 0;) {
		if (strcmp(switches[i].old_model, into->new_model) != 0 || strcmp(switches[i].new_model, into->old_model) != 0)
			continue;
		switch_pairs_add_reverse(&into->overall, &switches[i].overall);
		for (size_t t = 0; t < into->topic_count; t++)
			switch_pairs_add_reverse(&into->pairs[t], &switches[i].pairs[t]);
		break;
	}
	store_switches_free(switches, count);
	return 0;
}

/* Not before the last stamp of the writer, and on a full second: that is how buckets say when they changed. */
static int time_switch(const struct rescore_options *options, int64_t *at_us, struct err *e)
{
	int64_t document, applied_us;
	if (store_load_marks(options->store, &document, &applied_us, e) != 0)
		return -1;
	*at_us = applied_us != TIME_NONE && applied_us > options->now_us ? applied_us : options->now_us;
	*at_us = (*at_us / SECOND_US + 1) * SECOND_US;
	return 0;
}

static void describe(const struct switch_pairs *pairs, struct rescore_result *result)
{
	double before = 0, after = 0, all = 0;
	for (int old = 0; old < JUDGEMENTS; old++) {
		for (int new = 0; new < JUDGEMENTS; new++) {
			double count = pairs->counts[old][new];
			all += count;
			before += old == JUDGED_NEGATIVE ? count : 0;
			after += new == JUDGED_NEGATIVE ? count : 0;
		}
	}
	result->negative_before = all > 0 ? before / all : 0;
	result->negative_after = all > 0 ? after / all : 0;
}

static int add_switch(const struct rescore_options *options, struct store_switch *added, struct rescore_result *result,
		      struct err *e)
{
	struct sample sample;
	sample_init(&sample, added->topic_count);
	int rc = store_each_judged(options->store, added->old_model, LOOKED_AT, take, &sample, e);
	if (rc == 0)
		rc = judge(options, &sample, added, e);
	sample_reset(&sample);
	result->texts = added->texts;
	describe(&added->overall, result);
	if (rc != 0 || add_way_back(options->store, added, e) != 0 || time_switch(options, &added->switched.at_us, e) != 0)
		return -1;
	enum store_result stored = store_add_switch(options->store, added, e);
	if (stored == STORE_AGAIN)
		err_busy(e);
	return stored == STORE_DONE ? 0 : -1;
}

/* As they are stored: what is new has no history to speak of. */
static int use_names(struct store *store, const struct config *config, struct err *e)
{
	const struct watch_options *watch = &config->watch;
	const char **rules = xcalloc(watch->rule_count + 1, sizeof *rules);
	for (size_t i = 0; i < watch->rule_count; i++)
		rules[i] = watch->rules[i].name;
	struct store_names names = {.topics = watch->topics,
				    .topic_count = watch->topic_count,
				    .rules = rules,
				    .rule_count = watch->rule_count,
				    .receivers = config->receiver_names,
				    .receiver_count = config->receiver_count};
	int rc = store_use_names(store, &names, e);
	free(rules);
	return rc;
}

int rescore_history(const struct rescore_options *options, struct rescore_result *result, struct err *e)
{
	const struct config *config = options->config;
	const char *version = classifier_get_info(options->classifier)->version;
	int64_t start = monotonic_us();
	*result = (struct rescore_result){0};
	if (store_current_model(options->store, result->old_model, sizeof result->old_model, e) != 0)
		return -1;
	if (result->old_model[0] == '\0' || strcmp(result->old_model, version) == 0)
		return 0;
	if (use_names(options->store, config, e) != 0)
		return -1;
	struct store_switch added = {
		.old_model = result->old_model,
		.new_model = xstrdup(version),
		.pairs = xcalloc(config->watch.topic_count + 1, sizeof *added.pairs),
		.topic_count = config->watch.topic_count,
	};
	int rc = add_switch(options, &added, result, e);
	free(added.new_model);
	free(added.pairs);
	result->switched = rc == 0;
	result->took_us = monotonic_us() - start;
	return rc;
}
