/* Documents gather in a batch, for the classifier's sake; then each goes to every replay, in order. */
#include "daemon/replay_feed.h"

#include "alerts/story.h"
#include "daemon/base/check.h"
#include "daemon/base/item.h"
#include "daemon/replay_match.h"
#include "daemon/replay_score.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_DOCUMENTS = 256, BATCH_BYTES = 1 << 20 };
enum { SOON = 16, NEXT = 8 }; /* documents ahead, when what they touch is fetched */

/* A document that waits; its texts and topics as offsets, since what they lie in grows. */
struct waiting {
	struct watch_document document;
	size_t source, publisher, title, url, text, text_length;
	size_t topics[REPLAY_SIDES], topic_count[REPLAY_SIDES];
	bool wants_score;
	const char *label; /* what the model has just called it; NULL = nothing new */
};

struct replay_feed {
	struct replay *replays[REPLAY_SIDES];
	struct replay_matcher *matchers[REPLAY_SIDES]; /* NULL = finds what the first one finds */
	size_t sides;
	bool needs_labels;
	struct replay_scorer *scorer;
	/* the text that is matched */
	char *text;
	size_t text_room;
	/* the batch */
	struct waiting batch[BATCH_DOCUMENTS];
	size_t count;
	char *bytes;
	size_t used, room;
	uint32_t *topics;
	size_t topics_used, topics_room;
	struct text texts[BATCH_DOCUMENTS];
	struct replay_score scores[BATCH_DOCUMENTS];
};

struct replay_feed *replay_feed_create(struct replay *const *replays, size_t count)
{
	struct replay_feed *feed = xcalloc(1, sizeof *feed);
	const struct config *configs[REPLAY_SIDES];

	CHECK(count > 0 && count <= REPLAY_SIDES);
	feed->sides = count;
	for (size_t s = 0; s < count; s++) {
		configs[s] = replay_config(replays[s]);
		feed->replays[s] = replays[s];
		feed->needs_labels |= config_needs_labels(configs[s]);
		if (s == 0 || !replay_match_alike(configs[0], configs[s]))
			feed->matchers[s] = replay_matcher_create(configs[s]);
	}
	feed->scorer = replay_scorer_create(configs, count);
	feed->topics_room = BATCH_DOCUMENTS;
	feed->topics = xcalloc(feed->topics_room, sizeof *feed->topics);
	return feed;
}

void replay_feed_free(struct replay_feed *feed)
{
	if (!feed)
		return;
	for (size_t s = 0; s < feed->sides; s++)
		replay_matcher_free(feed->matchers[s]);
	replay_scorer_free(feed->scorer);
	free(feed->text);
	free(feed->bytes);
	free(feed->topics);
	free(feed);
}

/* ---- matching ---- */

static struct replay_matcher *matcher_of(const struct replay_feed *feed, size_t side)
{
	return feed->matchers[side] ? feed->matchers[side] : feed->matchers[0];
}

/* As the daemon joins title and body for the matcher and the model (item_text). */
static const char *join_text(struct replay_feed *feed, const char *title, const char *body, size_t *length)
{
	struct item item = {.title = title, .body = body};
	size_t size = strlen(title) + strlen(body) + 4;

	if (body[0] == '\0') {
		*length = strlen(title);
		return title;
	}
	if (feed->text_room < size) {
		feed->text_room = 2 * size;
		free(feed->text);
		feed->text = xmalloc(feed->text_room);
	}
	*length = item_text(&item, feed->text, size);
	return feed->text;
}

static void match(struct replay_feed *feed, const char *text, size_t length, const char *label)
{
	for (size_t s = 0; s < feed->sides; s++) {
		struct replay_matcher *matcher = feed->matchers[s];

		if (!matcher)
			continue;
		replay_match_words(matcher, text, length);
		if (label)
			replay_match_again(matcher, matcher->found, matcher->count, label);
	}
}

static bool wants_score(const struct replay_feed *feed, const struct replay_entry *entry)
{
	if (entry->scored)
		return false;
	if (feed->needs_labels)
		return true;
	if (entry->document.flags & ITEM_LABELLED)
		return false;
	for (size_t s = 0; s < feed->sides; s++)
		if (feed->matchers[s] && replay_match_wants_polarity(feed->matchers[s]))
			return true;
	return false;
}

/* ---- the batch ---- */

/* Room for so many bytes behind what is kept; returns where they begin. */
static size_t take_room(struct replay_feed *feed, size_t size)
{
	size_t at = feed->used;

	if (feed->room - at < size) {
		feed->room = 2 * (at + size);
		feed->bytes = xrealloc(feed->bytes, feed->room);
	}
	feed->used += size;
	return at;
}

static size_t keep_bytes(struct replay_feed *feed, const char *bytes, size_t length)
{
	size_t at = take_room(feed, length + 1);

	memcpy(feed->bytes + at, bytes, length);
	feed->bytes[at + length] = '\0';
	return at;
}

static size_t keep_text(struct replay_feed *feed, const char *text)
{
	return keep_bytes(feed, text, strlen(text));
}

static size_t keep_topics(struct replay_feed *feed, const struct replay_matcher *matcher)
{
	size_t at = feed->topics_used;

	if (feed->topics_room - at < matcher->count) {
		feed->topics_room = 2 * (at + matcher->count);
		feed->topics = xrealloc(feed->topics, feed->topics_room * sizeof *feed->topics);
	}
	memcpy(feed->topics + at, matcher->found, matcher->count * sizeof *matcher->found);
	feed->topics_used += matcher->count;
	return at;
}

static struct waiting *keep(struct replay_feed *feed, const struct watch_document *document)
{
	struct waiting *waiting = &feed->batch[feed->count++];

	*waiting = (struct waiting){
		.document = *document,
		.source = keep_text(feed, document->source),
		.publisher = keep_text(feed, document->publisher),
		.title = keep_text(feed, document->title),
		.url = keep_text(feed, document->url),
	};
	for (size_t s = 0; s < feed->sides; s++) {
		const struct replay_matcher *matcher = feed->matchers[s];

		waiting->topics[s] = matcher ? keep_topics(feed, matcher) : waiting->topics[0];
		waiting->topic_count[s] = matcher ? matcher->count : waiting->topic_count[0];
	}
	return waiting;
}

static int score(struct replay_feed *feed, struct err *e)
{
	size_t at = 0;

	for (size_t i = 0; i < feed->count; i++)
		if (feed->batch[i].wants_score)
			feed->texts[at++] = (struct text){feed->bytes + feed->batch[i].text, feed->batch[i].text_length};
	if (at && replay_scorer_run(feed->scorer, feed->texts, at, feed->scores, e) < 0)
		return -1;
	at = 0;
	for (size_t i = 0; i < feed->count; i++) {
		struct waiting *waiting = &feed->batch[i];
		const struct replay_score *score = &feed->scores[at];

		if (!waiting->wants_score)
			continue;
		at++;
		if (!(waiting->document.flags & ITEM_LABELLED)) {
			waiting->document.polarity = score->polarity;
			waiting->document.score = score->score;
		}
		waiting->label = score->label;
	}
	return 0;
}

/* The topics that this side found, with those that the model's label brings now. */
static void set_topics(struct replay_feed *feed, size_t side, const struct waiting *waiting, struct watch_document *document)
{
	document->topics = feed->topics + waiting->topics[side];
	document->topic_count = waiting->topic_count[side];
	if (waiting->label) {
		struct replay_matcher *matcher = matcher_of(feed, side);

		replay_match_again(matcher, document->topics, document->topic_count, waiting->label);
		document->topics = matcher->found;
		document->topic_count = matcher->count;
	}
}

/* The first replay finds the story, where it is not known; the second need not seek it again. */
static int pass_on(struct replay_feed *feed, const struct waiting *waiting, struct err *e)
{
	struct watch_document document = waiting->document;

	document.source = feed->bytes + waiting->source;
	document.publisher = feed->bytes + waiting->publisher;
	document.title = feed->bytes + waiting->title;
	document.url = feed->bytes + waiting->url;
	for (size_t s = 0; s < feed->sides; s++) {
		set_topics(feed, s, waiting, &document);
		document.story = replay_document(feed->replays[s], &document, e);
		if (document.story < 0)
			return -1;
	}
	return 0;
}

static void fetch(const struct replay_feed *feed, size_t index, bool near)
{
	const struct waiting *waiting;
	struct watch_document document;

	if (index >= feed->count)
		return;
	waiting = &feed->batch[index];
	document = waiting->document;
	for (size_t s = 0; s < feed->sides; s++) {
		document.topics = feed->topics + waiting->topics[s];
		document.topic_count = waiting->topic_count[s];
		replay_fetch(feed->replays[s], &document, near);
	}
}

int replay_feed_flush(struct replay_feed *feed, struct err *e)
{
	int result = score(feed, e);

	for (size_t i = 0; i < feed->count && result == 0; i++) {
		fetch(feed, i + SOON, false);
		fetch(feed, i + NEXT, true);
		result = pass_on(feed, &feed->batch[i], e);
	}
	feed->count = feed->used = feed->topics_used = 0;
	return result;
}

int replay_feed_add(struct replay_feed *feed, const struct replay_entry *entry, struct err *e)
{
	size_t length;
	const char *text = join_text(feed, entry->document.title, entry->body, &length);
	struct waiting *waiting;

	match(feed, text, length, entry->label);
	waiting = keep(feed, &entry->document);
	if (!waiting->document.story)
		story_sign(entry->document.title, strlen(entry->document.title), &waiting->document.signature);
	if (wants_score(feed, entry)) {
		waiting->wants_score = true;
		waiting->text = keep_bytes(feed, text, length);
		waiting->text_length = length;
	}
	if (feed->count < BATCH_DOCUMENTS && feed->used < BATCH_BYTES)
		return 0;
	return replay_feed_flush(feed, e);
}
