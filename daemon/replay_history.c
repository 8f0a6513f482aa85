/*
 * The stored history, as the writer saw it: documents and the desk's commands
 * in order of `applied`, the grid's ticks between them (daemon/replay.c).
 *
 * Topics are matched anew, so that a topic that was never configured can be
 * tried; judgements and stories are those that were stored.
 */
#include "alerts/store.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/replay_feed.h"

#include <stdlib.h>
#include <string.h>

struct silence {
	char *topic; /* NULL = all */
	int64_t until_us, applied_us;
};

/* Changes of the model, by one side's topics. */
struct switches {
	struct store_switch *list;
	size_t count, next;
};

struct history {
	struct replay_source *source;
	struct replay_feed *feed;
	struct store *store;
	struct silence *silences; /* in order of applied */
	size_t silence_count, next_silence;
	struct switches switches[REPLAY_SIDES];
	uint64_t documents;
	struct err *e;
	int result;
};

/* ---- what is known before the first document ---- */

static int add_silence(void *context, size_t columns, const char *const *values)
{
	struct history *history = context;
	struct silence *silence;

	CHECK(columns == 3);
	history->silences =
		xrealloc(history->silences, (history->silence_count + 1) * sizeof *history->silences);
	silence = &history->silences[history->silence_count++];
	*silence = (struct silence){
		.topic = strcmp(values[0], "*") == 0 ? NULL : xstrdup(values[0]),
		.until_us = strtoll(values[1], NULL, 10),
		.applied_us = strtoll(values[2], NULL, 10),
	};
	return 0;
}

static int load_silences(struct history *history)
{
	return store_query(history->store,
			   "SELECT subject, until, done FROM commands WHERE verb = 'silence' AND done IS NOT NULL"
			   " AND until IS NOT NULL AND problem IS NULL ORDER BY done, id",
			   add_silence, history, history->e);
}

/* Chances of a change are by topic, and each side has its own topics. */
static int load_switches(struct history *history, size_t side)
{
	const struct watch_options *watch = &replay_config(history->source->replays[side])->watch;
	struct store_names names = {.topics = watch->topics, .topic_count = watch->topic_count};
	struct switches *switches = &history->switches[side];

	if (store_use_names(history->store, &names, history->e) < 0)
		return -1;
	return store_load_switches(history->store, &switches->list, &switches->count, history->e);
}

static int load(struct history *history)
{
	if (load_silences(history) < 0)
		return -1;
	for (size_t s = 0; s < history->source->count; s++)
		if (load_switches(history, s) < 0)
			return -1;
	/* Topics are matched anew: those that are stored need not be read. */
	return store_use_names(history->store, &(struct store_names){0}, history->e);
}

/* ---- events ---- */

static int feed_silence(struct history *history, const struct silence *silence)
{
	if (replay_feed_flush(history->feed, history->e) < 0)
		return -1;
	for (size_t s = 0; s < history->source->count; s++)
		if (replay_silence(history->source->replays[s], silence->topic, silence->until_us, silence->applied_us,
				   history->e) < 0)
			return -1;
	return 0;
}

/* Those carried out before `applied_us`: a command is the last of its batch. */
static int feed_silences(struct history *history, int64_t applied_us)
{
	while (history->next_silence < history->silence_count &&
	       history->silences[history->next_silence].applied_us < applied_us)
		if (feed_silence(history, &history->silences[history->next_silence++]) < 0)
			return -1;
	return 0;
}

static int feed_switches(struct history *history, int64_t document)
{
	for (size_t s = 0; s < history->source->count; s++) {
		struct switches *switches = &history->switches[s];

		for (; switches->next < switches->count; switches->next++) {
			const struct watch_switch *next = &switches->list[switches->next].switched;

			if (next->last_document >= document)
				break;
			if (replay_feed_flush(history->feed, history->e) < 0 ||
			    replay_switch(history->source->replays[s], next, history->e) < 0)
				return -1;
		}
	}
	return 0;
}

static int feed_document(void *context, const struct store_past *past)
{
	struct history *history = context;
	struct replay_entry entry = {
		.document = past->document,
		.body = past->body,
		.scored = past->scored,
		.label = past->label,
	};
	bool recorded = past->document.flags & ITEM_OWN_CLOCK;
	if ((recorded ? past->document.published_us : past->document.applied_us) >= history->source->until_us)
		return !recorded; /* behind a recorded one there may be others of before */
	history->result = -1;
	if (feed_silences(history, past->document.applied_us) < 0 || feed_switches(history, past->document.id) < 0 ||
	    replay_feed_add(history->feed, &entry, history->e) < 0)
		return -1;
	history->result = 0;
	if (history->source->progress && ++history->documents % REPLAY_PROGRESS == 0)
		history->source->progress(history->documents, past->document.applied_us);
	return 0;
}

/* To where the daemon was when it last wrote. */
static int finish(struct history *history)
{
	int64_t last_document, applied_us;

	if (replay_feed_flush(history->feed, history->e) < 0 ||
	    store_load_marks(history->store, &last_document, &applied_us, history->e) < 0)
		return -1;
	if (applied_us != TIME_NONE && applied_us >= history->source->until_us)
		applied_us = history->source->until_us - 1;
	if (applied_us != TIME_NONE && feed_silences(history, applied_us) < 0)
		return -1;
	for (size_t s = 0; s < history->source->count; s++)
		if (replay_finish(history->source->replays[s], applied_us, history->e) < 0)
			return -1;
	return 0;
}

int replay_read_history(struct replay_source *source, const char *database, struct err *e)
{
	struct history history = {.source = source, .e = e};
	int result = -1;

	history.store = store_open(database, STORE_READ, 0, e);
	if (!history.store || load(&history) < 0)
		goto done;
	history.feed = replay_feed_create(source->replays, source->count);
	if (store_each_document(history.store, INT64_MIN, feed_document, &history, e) < 0 || history.result < 0)
		goto done;
	result = finish(&history);
done:
	replay_feed_free(history.feed);
	for (size_t i = 0; i < history.silence_count; i++)
		free(history.silences[i].topic);
	free(history.silences);
	for (size_t s = 0; s < source->count; s++)
		store_switches_free(history.switches[s].list, history.switches[s].count);
	store_close(history.store);
	return result;
}
