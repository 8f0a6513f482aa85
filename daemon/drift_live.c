/*
 * Three walks over the documents: one counts what each week has, so that the
 * second may choose; the third collects the newest week's words once the
 * weeks before are known, and so is needed without a profile alone.  Texts are
 * judged anew by one model: what is stored was judged by whichever was there.
 */
#include "daemon/drift_live.h"

#include "alerts/store.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/hash.h"
#include "daemon/drift_weeks.h"

#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX 128         /* of one call of the classifier, */
#define BYTES_MAX (64u << 10) /* and their size */
#define WEEK_US (7 * DAY_US)

struct walk {
	const struct drift_live_options *options;
	struct drift_live *live;
	struct drift_weeks weeks;
	size_t done, wanted;
	int32_t *ids;
	/* the texts that wait for the classifier */
	char *bytes;
	size_t used, room, count;
	size_t offsets[TEXTS_MAX + 1], of_week[TEXTS_MAX], of_source[TEXTS_MAX];
	float *logits;
	struct err failure;
	bool failed;
};

/* ---- which documents ---- */

/* As the watch has it: nothing was published after it came, but in a recording. */
static int64_t time_of(const struct watch_document *document)
{
	bool ahead = document->published_us > document->applied_us && !(document->flags & ITEM_OWN_CLOCK);
	return ahead ? document->applied_us : document->published_us;
}

static bool is_wanted(const struct walk *walk, const struct store_past *past)
{
	return (walk->options->all || past->scored) && past->document.published_us != TIME_NONE;
}

static int count_one(void *context, const struct store_past *past)
{
	struct walk *walk = context;
	if (is_wanted(walk, past))
		drift_weeks_add(&walk->weeks, time_of(&past->document));
	return 0;
}

/* The place of its week, or SIZE_MAX where it is not among those that are taken. */
static size_t choose(const struct walk *walk, const struct store_past *past)
{
	size_t week = is_wanted(walk, past) ? drift_weeks_find(&walk->weeks, time_of(&past->document)) : SIZE_MAX;
	if (week == SIZE_MAX)
		return SIZE_MAX;
	uint64_t chance = hash_bytes(1, &past->document.id, sizeof past->document.id) % walk->weeks.each[week].texts;
	return chance < walk->options->texts ? week : SIZE_MAX;
}

/* ---- profiles ---- */

static size_t encode(const struct walk *walk, const struct drift_profile *like, const char *text, size_t length)
{
	return tokenizer_encode(walk->options->tokenizer, text, length, walk->ids, like->longest);
}

static struct drift_profile *earlier_of(struct walk *walk, size_t week)
{
	return walk->options->before == NULL && week + 1 < walk->live->week_count ? &walk->live->earlier : NULL;
}

static int judge_batch(struct walk *walk)
{
	struct text texts[TEXTS_MAX];
	struct score scores[TEXTS_MAX];
	size_t topics = classifier_get_info(walk->options->classifier)->topic_count;
	for (size_t i = 0; i < walk->count; i++)
		texts[i] = (struct text){walk->bytes + walk->offsets[i], walk->offsets[i + 1] - walk->offsets[i]};
	if (classifier_run(walk->options->classifier, texts, walk->count, scores, walk->logits, &walk->failure) != 0) {
		walk->failed = true;
		return -1;
	}
	for (size_t i = 0; i < walk->count; i++) {
		const float *row = walk->logits + i * topics;
		int polarity = scores[i].can_judge ? score_polarity(&scores[i]) : -1, topic = topics > 0 ? 0 : -1;
		double confidence = polarity >= 0 ? (double)scores[i].polarity[polarity] : 0;
		for (size_t t = 1; t < topics; t++)
			topic = row[t] > row[topic] ? (int)t : topic;
		struct drift_profile *earlier = earlier_of(walk, walk->of_week[i]);
		drift_profile_judge(&walk->live->weeks[walk->of_week[i]].profile, polarity, topic, confidence);
		drift_profile_judge(&walk->live->sources[walk->of_source[i]].profile, polarity, topic, confidence);
		if (earlier != NULL)
			drift_profile_judge(earlier, polarity, topic, confidence);
	}
	walk->done += walk->count;
	walk->count = walk->used = 0;
	if (walk->options->progress != NULL)
		walk->options->progress(walk->options->context, walk->done, walk->wanted);
	return 0;
}

static size_t source_find(struct walk *walk, const char *name)
{
	struct drift_live *live = walk->live;
	for (size_t i = 0; i < live->source_count; i++)
		if (strcmp(live->sources[i].name, name) == 0)
			return i;
	live->sources = xrealloc(live->sources, (live->source_count + 1) * sizeof *live->sources);
	struct drift_group *group = &live->sources[live->source_count];
	group->name = xstrdup(name);
	drift_profile_open(&group->profile, walk->options->tokenizer, live->weeks[0].profile.longest,
			   live->weeks[0].profile.topic_count);
	return live->source_count++;
}

/* The text as the daemon scores it, behind those that wait; returns where it begins. */
static const char *text_put(struct walk *walk, const struct store_past *past, size_t *length)
{
	const struct item item = {.title = past->document.title, .body = past->body};
	size_t room = strlen(item.title) + strlen(item.body) + 8;
	if (walk->used + room > walk->room) {
		walk->room = 2 * (walk->used + room);
		walk->bytes = xrealloc(walk->bytes, walk->room);
	}
	*length = item_text(&item, walk->bytes + walk->used, room);
	return walk->bytes + walk->used;
}

struct news {
	const struct drift_filter *known;
	struct drift_tally *tally;
};

static void take_new_word(void *context, const struct drift_word *word)
{
	struct news *news = context;
	if (!drift_filter_has(news->known, word->hash))
		drift_tally_add(news->tally, word);
}

static void add_news(struct walk *walk, const struct drift_profile *like, const struct drift_profile *before, size_t length)
{
	struct news news = {&before->words, &walk->live->news};
	drift_tally_next(&walk->live->news);
	drift_words_each(like->vocab, walk->ids, length, like->unknown_id, take_new_word, &news);
}

static int add_one(void *context, const struct store_past *past)
{
	struct walk *walk = context;
	size_t week = choose(walk, past), length;
	if (week == SIZE_MAX)
		return 0;
	const char *text = text_put(walk, past, &length);
	size_t source = source_find(walk, past->document.source);
	struct drift_profile *profile = &walk->live->weeks[week].profile, *earlier = earlier_of(walk, week);
	size_t count = encode(walk, profile, text, length);
	drift_profile_add(profile, walk->ids, count);
	drift_profile_add(&walk->live->sources[source].profile, walk->ids, count);
	if (earlier != NULL)
		drift_profile_add(earlier, walk->ids, count);
	if (walk->options->before != NULL && week + 1 == walk->live->week_count)
		add_news(walk, profile, walk->options->before, count);
	walk->of_week[walk->count] = week;
	walk->of_source[walk->count] = source;
	walk->offsets[walk->count++] = walk->used;
	walk->used += length;
	walk->offsets[walk->count] = walk->used;
	return walk->count == TEXTS_MAX || walk->used >= BYTES_MAX ? judge_batch(walk) : 0;
}

static int add_news_one(void *context, const struct store_past *past)
{
	struct walk *walk = context;
	size_t week = choose(walk, past), length;
	if (week == SIZE_MAX || week + 1 < walk->live->week_count)
		return 0;
	const struct drift_profile *profile = &walk->live->weeks[week].profile;
	const char *text = text_put(walk, past, &length);
	add_news(walk, profile, &walk->live->earlier, encode(walk, profile, text, length));
	return 0;
}

/* ---- all of it ---- */

static void open_weeks(struct walk *walk)
{
	const struct drift_live_options *options = walk->options;
	const struct classifier_info *info = classifier_get_info(options->classifier);
	size_t longest = options->before != NULL ? options->before->longest : info->max_tokens;
	struct drift_live *live = walk->live;
	drift_weeks_keep(&walk->weeks, options->before == NULL && options->weeks < 2 ? 2 : options->weeks);
	live->week_count = walk->weeks.count;
	live->weeks = xcalloc(live->week_count + 1, sizeof *live->weeks);
	for (size_t i = 0; i < live->week_count; i++) {
		char name[40];
		time_format_iso(walk->weeks.each[i].number * WEEK_US + DRIFT_MONDAY_US, name, sizeof name);
		name[10] = '\0';
		live->weeks[i].name = xstrdup(name);
		drift_profile_open(&live->weeks[i].profile, options->tokenizer, longest, info->topic_count);
		walk->wanted += walk->weeks.each[i].texts < options->texts ? walk->weeks.each[i].texts : options->texts;
	}
	live->has_earlier = options->before == NULL;
	if (live->has_earlier)
		drift_profile_open(&live->earlier, options->tokenizer, longest, info->topic_count);
	walk->ids = xcalloc(longest + 1, sizeof *walk->ids);
	walk->logits = xcalloc(TEXTS_MAX, (info->topic_count + 1) * sizeof *walk->logits);
}

static int documents_walk(struct walk *walk, struct store *store, struct err *e)
{
	const struct drift_live_options *options = walk->options;
	if (store_each_document(store, INT64_MIN, count_one, walk, e) < 0)
		return -1;
	if (walk->weeks.count == 0)
		return err_set(e, "%s: no document there was scored by a model%s", options->database,
			       options->all ? "" : " (--all takes the others)");
	if (options->before == NULL && walk->weeks.count < 2)
		return err_set(e, "%s: the text is of one week, and the model has no drift.json to hold it against",
			       options->database);
	open_weeks(walk);
	if (store_each_document(store, INT64_MIN, add_one, walk, e) < 0)
		return -1;
	if (!walk->failed && walk->count > 0)
		judge_batch(walk);
	if (walk->failed) {
		*e = walk->failure;
		return -1;
	}
	if (!walk->live->has_earlier)
		return 0;
	drift_profile_seal(&walk->live->earlier);
	return store_each_document(store, INT64_MIN, add_news_one, walk, e);
}

int drift_live_read(struct drift_live *live, const struct drift_live_options *options, struct err *e)
{
	static const struct store_names names = {0};
	struct walk walk = {.options = options, .live = live};
	*live = (struct drift_live){0};
	struct store *store = store_open(options->database, STORE_READ, 0, e);
	int result = store != NULL && store_use_names(store, &names, e) == 0 ? documents_walk(&walk, store, e) : -1;
	store_close(store);
	drift_weeks_clear(&walk.weeks);
	free(walk.ids);
	free(walk.bytes);
	free(walk.logits);
	return result;
}

void drift_live_clear(struct drift_live *live)
{
	for (size_t i = 0; i < live->week_count; i++) {
		free(live->weeks[i].name);
		drift_profile_close(&live->weeks[i].profile);
	}
	for (size_t i = 0; i < live->source_count; i++) {
		free(live->sources[i].name);
		drift_profile_close(&live->sources[i].profile);
	}
	free(live->weeks);
	free(live->sources);
	drift_profile_close(&live->earlier);
	drift_tally_clear(&live->news);
	*live = (struct drift_live){0};
}
