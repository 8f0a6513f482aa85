/*
 * A question and its answer lie in one slot that is handed to and fro.  A
 * caller that gave up leaves its question to the thread, which throws the
 * answer away; until then the next caller gets none.
 */
#include "daemon/words.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/metric.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXTS = WORDS_TITLES * (WORDS_LEFT_OUT + 1) };

/* A word of a title, where it stands. */
struct span {
	size_t start, length;
};

struct title {
	char *text; /* owned */
	size_t length;
	enum polarity polarity;
	struct span spans[WORDS_LEFT_OUT];
	size_t span_count;
};

struct question {
	struct title titles[WORDS_TITLES];
	size_t count;
	struct watch_words found[WORDS_TITLES];
	struct watch_word words[WORDS_TITLES][WORDS_TOLD]; /* texts owned */
};

enum stage { STAGE_FREE, STAGE_ASKED, STAGE_ANSWERED, STAGE_GIVEN_UP };

struct words {
	struct classifier *classifier;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* guarded by lock: */
	enum stage stage;
	bool stopping;
	/* owned by the thread while asked or given up, else by the caller: */
	struct question question;
	/* owned by the thread: */
	struct text texts[TEXTS];
	struct score scores[TEXTS];
};

static void clear_question(struct question *question)
{
	for (size_t i = 0; i < question->count; i++) {
		free(question->titles[i].text);
		for (size_t w = 0; w < question->found[i].count; w++)
			free((char *)question->words[i][w].text);
	}
	memset(question, 0, sizeof *question);
}

/* ---- finding ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Dots, commas and quotes at its ends are no part of a word; all of UTF-8 above ASCII is. */
static bool is_edge(char c)
{
	return c != '\0' && strchr(".,;:!?\"'()[]{}<>", c) != NULL;
}

static void find_spans(struct title *title)
{
	const char *text = title->text;
	for (size_t at = 0; at < title->length && title->span_count < WORDS_LEFT_OUT;) {
		while (at < title->length && is_blank(text[at]))
			at++;
		size_t start = at;
		while (at < title->length && !is_blank(text[at]))
			at++;
		size_t end = at;
		while (start < end && is_edge(text[start]))
			start++;
		while (end > start && is_edge(text[end - 1]))
			end--;
		if (end > start)
			title->spans[title->span_count++] = (struct span){start, end - start};
	}
}

/* The title without one of its words. */
static char *without(const struct title *title, const struct span *span)
{
	char *text = xmalloc(title->length - span->length + 1);
	memcpy(text, title->text, span->start);
	memcpy(text + span->start, title->text + span->start + span->length, title->length - span->start - span->length);
	return text;
}

/* The title, then the title without each of its words.  Returns how many. */
static size_t lay_out(const struct title *title, struct text *texts)
{
	texts[0] = (struct text){title->text, title->length};
	for (size_t s = 0; s < title->span_count; s++)
		texts[s + 1] = (struct text){without(title, &title->spans[s]), title->length - title->spans[s].length};
	return title->span_count + 1;
}

static void free_layout(struct text *texts, size_t count)
{
	for (size_t i = 1; i < count; i++)
		free((char *)texts[i].data);
}

/* The heaviest first; of equals the one that stands first. */
static void keep(struct watch_word *kept, size_t *count, const struct title *title, const struct span *span, float weight)
{
	size_t at = *count;
	while (at > 0 && kept[at - 1].weight < weight)
		at--;
	if (at == WORDS_TOLD)
		return;
	if (*count == WORDS_TOLD)
		free((char *)kept[--*count].text);
	memmove(kept + at + 1, kept + at, (*count - at) * sizeof *kept);
	char *text = xmalloc(span->length + 1);
	memcpy(text, title->text + span->start, span->length);
	text[span->length] = '\0';
	kept[at] = (struct watch_word){text, weight};
	++*count;
}

/* The logarithm of a polarity's odds: its logit against the other two together. */
static float log_odds(const struct score *score, enum polarity polarity)
{
	float a = score->polarity_logits[(polarity + 1) % 3], b = score->polarity_logits[(polarity + 2) % 3];
	return score->polarity_logits[polarity] - fmaxf(a, b) - log1pf(expf(-fabsf(a - b)));
}

/* What was told of the story may rest on its body as well: a title that says something else explains nothing. */
static void weigh(const struct title *title, const struct score *scores, struct watch_word *words, struct watch_words *found)
{
	size_t count = 0;
	if (title->polarity == POLARITY_NONE || !scores[0].can_judge ||
	    score_polarity(&scores[0]) != (int)title->polarity)
		return;
	for (size_t s = 0; s < title->span_count; s++) {
		float weight = log_odds(&scores[0], title->polarity) - log_odds(&scores[s + 1], title->polarity);
		if (scores[s + 1].can_judge && weight >= WORDS_LEAST)
			keep(words, &count, title, &title->spans[s], weight);
	}
	*found = (struct watch_words){words, count};
}

/* All titles in one call. */
static void answer(struct words *words)
{
	struct question *question = &words->question;
	size_t at[WORDS_TITLES + 1] = {0};
	struct err e;
	int64_t start = monotonic_us();
	for (size_t i = 0; i < question->count; i++) {
		find_spans(&question->titles[i]);
		at[i + 1] = at[i] + lay_out(&question->titles[i], words->texts + at[i]);
	}
	if (classifier_run(words->classifier, words->texts, at[question->count], words->scores, NULL, &e) != 0)
		log_warning("the words of an alert's evidence: %s", e.text);
	else
		for (size_t i = 0; i < question->count; i++)
			weigh(&question->titles[i], words->scores + at[i], question->words[i], &question->found[i]);
	for (size_t i = 0; i < question->count; i++)
		free_layout(words->texts + at[i], at[i + 1] - at[i]);
	metric_observe(METRIC_WORDS_SECONDS, monotonic_us() - start);
}

static void *run(void *context)
{
	struct words *words = context;
	pthread_mutex_lock(&words->lock);
	for (;;) {
		while ((words->stage == STAGE_FREE || words->stage == STAGE_ANSWERED) && !words->stopping)
			pthread_cond_wait(&words->changed, &words->lock);
		if (words->stopping)
			break;
		pthread_mutex_unlock(&words->lock);
		answer(words);
		pthread_mutex_lock(&words->lock);
		words->stage = words->stage == STAGE_GIVEN_UP ? STAGE_FREE : STAGE_ANSWERED;
		pthread_cond_broadcast(&words->changed);
	}
	pthread_mutex_unlock(&words->lock);
	return NULL;
}

/* ---- what others call ---- */

struct words *words_start(struct classifier *classifier)
{
	struct words *words = xcalloc(1, sizeof *words);
	pthread_condattr_t attributes;
	words->classifier = classifier;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	CHECK(pthread_mutex_init(&words->lock, NULL) == 0 && pthread_cond_init(&words->changed, &attributes) == 0);
	pthread_condattr_destroy(&attributes);
	CHECK(pthread_create(&words->thread, NULL, run, words) == 0);
	return words;
}

void words_stop(struct words *words)
{
	if (words == NULL)
		return;
	pthread_mutex_lock(&words->lock);
	words->stopping = true;
	pthread_cond_broadcast(&words->changed);
	pthread_mutex_unlock(&words->lock);
	CHECK(pthread_join(words->thread, NULL) == 0);
	clear_question(&words->question);
	pthread_cond_destroy(&words->changed);
	pthread_mutex_destroy(&words->lock);
	free(words);
}

static void put_question(struct question *question, const char *const *titles, const enum polarity *polarities,
			 size_t count)
{
	clear_question(question);
	question->count = count < WORDS_TITLES ? count : WORDS_TITLES;
	for (size_t i = 0; i < question->count; i++) {
		question->titles[i].text = xstrdup(titles[i]);
		question->titles[i].length = strlen(titles[i]);
		question->titles[i].polarity = polarities[i];
	}
}

/* Waits for a stage; false = not within the time. */
static bool wait_for(struct words *words, enum stage stage, enum stage other, const struct timespec *until)
{
	int rc = 0;
	while (words->stage != stage && words->stage != other && rc == 0)
		rc = pthread_cond_timedwait(&words->changed, &words->lock, until);
	return words->stage == stage || words->stage == other;
}

void words_find(struct words *words, const char *const *titles, const enum polarity *polarities, size_t count,
		struct watch_words *found, int64_t wait_us)
{
	int64_t until_us = monotonic_us() + wait_us;
	struct timespec until = {.tv_sec = until_us / SECOND_US, .tv_nsec = until_us % SECOND_US * 1000};
	pthread_mutex_lock(&words->lock);
	if (wait_for(words, STAGE_FREE, STAGE_ANSWERED, &until)) {
		put_question(&words->question, titles, polarities, count);
		words->stage = STAGE_ASKED;
		pthread_cond_broadcast(&words->changed);
		if (wait_for(words, STAGE_ANSWERED, STAGE_ANSWERED, &until))
			memcpy(found, words->question.found, words->question.count * sizeof *found);
		else
			words->stage = STAGE_GIVEN_UP;
	}
	bool answered = words->stage == STAGE_ANSWERED;
	pthread_mutex_unlock(&words->lock);
	metric_add(answered ? METRIC_WORDS_FOUND : METRIC_WORDS_LATE, 1);
}
