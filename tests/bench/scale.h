#ifndef TESTS_BENCH_SCALE_H
#define TESTS_BENCH_SCALE_H

#include "alerts/store.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Made-up topics for bench_scale.c, and their past: the same every time.
 *
 * Occupancy: documents a day are log-normal over topics, the median is 2, the
 * busiest have 10,000; days and nights, weekdays and weekends.  The trends are
 * those of a year, as retention leaves them (15 minutes for 8 days, hours for 13
 * weeks, days for the year), the documents those that a start reads: of three
 * days.  These are fed through the core, as the daemon does.
 */
enum { DAYS = 365, HOUR_DAYS = 91, QUARTER_DAYS = 8, DOCUMENT_DAYS = 3, BATCH_MAX = 4096 };
#define FIRST_DAY INT64_C(20089)    /* 2025-01-01, in days since 1970 */
#define MEDIAN_A_DAY 2.0
#define SPREAD 2.3                  /* of the logarithm */
#define MOST_A_DAY 10000.0
#define NEGATIVE_SHARE 0.25

struct scale {
	size_t topics;
	const char **names;
	double *rates;              /* documents a day */
	double *cumulative;         /* of the rates */
	struct store *store;
	struct watch *watch;
	struct watch_effects *effects;
	struct store_document *documents;
	struct item **items;
	uint32_t *about;
	int64_t last_document, now_us;
	uint64_t state;
};

static const struct rule_spec rule = {.name = "spike", .metric = RULE_NEGATIVE_COUNT, .keep_firing_us = 6 * HOUR_US};

static inline double draw(struct scale *scale)
{
	scale->state = scale->state * 6364136223846793005u + 1442695040888963407u;
	return ((double)(scale->state >> 11) + 0.5) / 9007199254740992.0;
}

static inline uint32_t draw_below(struct scale *scale, uint32_t below)
{
	return (uint32_t)(draw(scale) * below);
}

static inline uint32_t draw_poisson(struct scale *scale, double mean)
{
	double limit, product = draw(scale);
	uint32_t count = 0;

	if (mean > 40) /* near enough a normal one */
		return (uint32_t)fmax(0, mean + sqrt(mean) * sqrt(-2 * log(product)) * cos(2 * M_PI * draw(scale)) + 0.5);
	for (limit = exp(-mean); product > limit; product *= draw(scale))
		count++;
	return count;
}

static inline void check(bool good, const struct err *e)
{
	if (good)
		return;
	fprintf(stderr, "bench_scale: %s\n", e->text);
	exit(EXIT_FAILURE);
}

/* ---- topics ---- */

/* The value that a normal variable is below with this probability. */
static inline double normal_quantile(double p)
{
	double low = -9, high = 9;

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (erfc(-middle / M_SQRT2) / 2 < p)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static inline struct scale make_scale(size_t topics)
{
	struct scale scale = {.topics = topics, .state = 1};
	double sum = 0;

	scale.names = xcalloc(topics, sizeof *scale.names);
	scale.rates = xcalloc(topics, sizeof *scale.rates);
	scale.cumulative = xcalloc(topics, sizeof *scale.cumulative);
	for (size_t i = 0; i < topics; i++) {
		char name[32];
		size_t rank = i * 7919 % topics; /* the busy ones are all over the list */

		snprintf(name, sizeof name, "topic-%05zu", i);
		scale.names[i] = xstrdup(name);
		scale.rates[i] = fmin(MEDIAN_A_DAY * exp(SPREAD * normal_quantile(((double)rank + 0.5) / (double)topics)), MOST_A_DAY);
		scale.cumulative[i] = sum += scale.rates[i];
	}
	return scale;
}

static inline double total_rate(const struct scale *scale)
{
	return scale->cumulative[scale->topics - 1];
}

static inline uint32_t draw_topic(struct scale *scale)
{
	double at = draw(scale) * total_rate(scale);
	size_t low = 0, high = scale->topics - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (scale->cumulative[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return (uint32_t)low;
}

static inline void open_store(struct scale *scale, const char *directory)
{
	static const char *const rules[] = {"spike"};
	struct store_names names = {scale->names, scale->topics, rules, 1, NULL, 0};
	struct err e = {0};
	char path[4200];

	snprintf(path, sizeof path, "%s/scale.db", directory);
	scale->store = store_open(path, STORE_DAEMON, 0, &e);
	check(scale->store && store_set_names(scale->store, &names, &e) == STORE_DONE, &e);
}

static inline void open_watch(struct scale *scale)
{
	struct watch_options options = {.topics = scale->names, .topic_count = scale->topics, .rules = &rule, .rule_count = 1};
	struct err e = {0};

	scale->watch = watch_create(&options);
	scale->effects = watch_effects_create();
	check(store_load_marks(scale->store, &scale->last_document, &scale->now_us, &e) == 0 &&
	      store_load_watch(scale->store, scale->watch, &e) == 0, &e);
	scale->documents = xcalloc(BATCH_MAX, sizeof *scale->documents);
	scale->items = xcalloc(BATCH_MAX, sizeof *scale->items);
	scale->about = xcalloc(BATCH_MAX, sizeof *scale->about);
}

static inline void close_all(struct scale *scale)
{
	watch_effects_free(scale->effects);
	watch_free(scale->watch);
	store_close(scale->store);
	for (size_t i = 0; i < scale->topics; i++)
		free((char *)scale->names[i]);
	free(scale->names);
	free(scale->rates);
	free(scale->cumulative);
	free(scale->documents);
	free(scale->items);
	free(scale->about);
}

/* ---- history: trends alone ---- */

static inline double busy(int64_t day, int hour)
{
	double weekday = (day + 3) % 7 < 5 ? 1.2 : 0.5; /* 1970 began on a Thursday */

	return weekday * (1 + 0.8 * sin((hour - 7) * M_PI / 12));
}

struct trends {
	struct watch_bucket *buckets;
	size_t count, capacity;
};

static inline void add_bucket(struct trends *trends, uint32_t topic, int32_t width_s, int64_t start_s, uint32_t count,
		       uint32_t negative)
{
	if (count == 0)
		return;
	if (trends->count == trends->capacity) {
		trends->capacity = trends->capacity ? trends->capacity * 2 : 65536;
		trends->buckets = xrealloc(trends->buckets, trends->capacity * sizeof *trends->buckets);
	}
	trends->buckets[trends->count++] = (struct watch_bucket){
		.topic = topic, .width_s = width_s, .start_s = start_s, .total = count, .negative = negative,
		.neutral = count - negative, .score_sum = -0.1 * count, .stories = count, .judged_stories = count,
		.negative_stories = negative, .story_score_sum = -0.1 * count};
}

static inline void write_trends(struct scale *scale, struct trends *trends, int64_t day)
{
	struct watch_effects effects = {.increments = trends->buckets, .increment_count = trends->count};
	struct store_batch batch = {.applied_us = (day + 1) * DAY_US - 1, .effects = &effects};
	struct err e = {0};

	check(store_write(scale->store, &batch, &e) == STORE_DONE, &e);
	trends->count = 0;
}

/* In the order of the table's key. */
static inline void make_day(struct scale *scale, struct trends *trends, int64_t day, bool hours, bool quarters, uint32_t *sums)
{
	memset(sums, 0, scale->topics * sizeof *sums);
	for (int hour = 0; hour < 24; hour++) {
		int64_t start_s = (day * 24 + hour) * 3600;
		double share = busy(day, hour) / 24;

		for (uint32_t t = 0; t < scale->topics; t++) {
			uint32_t neutral = draw_poisson(scale, scale->rates[t] * share * (1 - NEGATIVE_SHARE));
			uint32_t negative = draw_poisson(scale, scale->rates[t] * share * NEGATIVE_SHARE);
			uint32_t count = neutral + negative;

			sums[t] += count;
			if (hours)
				add_bucket(trends, t, 3600, start_s, count, negative);
			for (uint32_t q = 0; quarters && q < 4; q++)
				add_bucket(trends, t, 900, start_s + q * 900, count / 4 + (q < count % 4), negative / 4);
		}
	}
	for (uint32_t t = 0; t < scale->topics; t++)
		add_bucket(trends, t, 86400, day * 86400, sums[t], sums[t] / 4);
}

static inline void make_history(struct scale *scale)
{
	struct trends trends = {0};
	uint32_t *sums = xcalloc(scale->topics, sizeof *sums);
	uint64_t hours = 0;

	for (int64_t day = 0; day < DAYS - DOCUMENT_DAYS; day++) {
		bool has_hours = day >= DAYS - HOUR_DAYS;

		make_day(scale, &trends, FIRST_DAY + day, has_hours, day >= DAYS - QUARTER_DAYS, sums);
		for (size_t i = 0; i < trends.count; i++)
			hours += trends.buckets[i].width_s == 3600;
		write_trends(scale, &trends, FIRST_DAY + day);
	}
	printf("history: %zu topics, %.0f documents a day, topics are written about in %.1f hours of a day\n", scale->topics,
	       total_rate(scale), (double)hours / (double)scale->topics / (HOUR_DAYS - DOCUMENT_DAYS));
	free(trends.buckets);
	free(sums);
}

/* ---- documents, through the core ---- */

static inline struct item *make_item(struct scale *scale, uint32_t topic)
{
	static const char *const verbs[] = {"raises", "cuts", "confirms", "withdraws", "reports", "delays", "denies"};
	static const char *const things[] = {"guidance", "dividend", "outlook", "merger talks", "a recall", "a strike", "layoffs"};
	char title[160], external[32];

	snprintf(external, sizeof external, "%016llx", (unsigned long long)scale->state);
	snprintf(title, sizeof title, "Company %u of Ruritania %s %s in division %u after quarter %u", topic,
		 verbs[draw_below(scale, 7)], things[draw_below(scale, 7)], draw_below(scale, 100), draw_below(scale, 20));
	return item_create(&(struct item){
		.kind = ITEM_DOCUMENT, .polarity = POLARITY_NONE, .published_us = scale->now_us, .received_us = scale->now_us,
		.source = "wire", .position = {"news/0", "", ""}, .external_id = external, .publisher = "Example Wire",
		.title = title, .url = "https://news.example.com/2026/01/05/story", .lang = "en"});
}

struct took {
	int64_t core_us, commit_us;
};

static inline void feed(struct scale *scale, size_t i)
{
	struct item *item = scale->items[i];
	bool negative = draw(scale) < NEGATIVE_SHARE;
	struct watch_document document = {
		.id = ++scale->last_document, .source = item->source, .published_us = item->published_us,
		.applied_us = scale->now_us, .polarity = negative ? POLARITY_NEGATIVE : POLARITY_NEUTRAL, .score = negative ? -0.6f : 0.1f, .topics = &scale->about[i], .topic_count = 1,
		.publisher = item->publisher, .title = item->title, .url = item->url};

	story_sign(item->title, strlen(item->title), &document.signature);
	scale->documents[i] = (struct store_document){
		.id = document.id, .item = item, .published_us = item->published_us, .polarity = document.polarity,
		.score = document.score, .model = "m-1", .topics = &scale->about[i], .topic_count = 1,
		.story = watch_document(scale->watch, &document, scale->effects)};
	scale->documents[i].counted = watch_counted(scale->watch);
}

/* To the next document: so many come in a day, more of them by day. */
static inline void pass_time(struct scale *scale)
{
	int hour = (int)(scale->now_us / HOUR_US % 24);

	scale->now_us += (int64_t)((double)DAY_US / total_rate(scale) / busy(scale->now_us / DAY_US, hour));
}

/* `count` documents, as many seconds of the stream as they are. */
static inline struct took run_batch(struct scale *scale, size_t count)
{
	struct store_batch batch = {.documents = scale->documents, .document_count = count, .effects = scale->effects};
	struct err e = {0};
	struct took took;
	int64_t start_us;

	for (size_t i = 0; i < count; i++) {
		scale->about[i] = draw_topic(scale);
		pass_time(scale);
		scale->items[i] = make_item(scale, scale->about[i]);
	}
	batch.applied_us = scale->now_us;
	start_us = monotonic_us();
	for (size_t i = 0; i < count; i++)
		feed(scale, i);
	took.core_us = monotonic_us() - start_us;
	start_us = monotonic_us();
	check(store_write(scale->store, &batch, &e) == STORE_DONE, &e);
	took.commit_us = monotonic_us() - start_us;
	watch_effects_clear(scale->effects);
	for (size_t i = 0; i < count; i++)
		item_free(scale->items[i]);
	return took;
}

/* What the daemon does between batches, until there is nothing left to do. */
static inline void retain(struct scale *scale)
{
	bool more = true;
	struct err e = {0};

	while (more)
		check(store_retain(scale->store, scale->now_us, 0, 0, 4096, &more, &e) == STORE_DONE, &e);
}

#endif
