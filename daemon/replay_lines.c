/*
 * A recorded stream.  What was read goes on where the input pauses, so a pipe
 * shows its alerts as they happen.
 */
#include "daemon/base/clock.h"
#include "daemon/lines.h"
#include "daemon/replay_feed.h"
#include "ingest/message.h"

#include <stdio.h>
#include <string.h>

#define LINGER_US 20000

struct reader {
	struct replay_source *source;
	struct replay_feed *feed;
	struct message_parser *parser;
	uint64_t line;
	int64_t documents, applied_us;
	bool over; /* what comes now is of after `until` */
};

static float score_of_label(enum polarity polarity)
{
	return polarity == POLARITY_NEGATIVE ? -1.f : polarity == POLARITY_POSITIVE ? 1.f : 0.f;
}

/* 0 = it is one, 1 = it is none, and `e` says why. */
static int read_entry(struct reader *reader, const char *line, size_t length, struct replay_entry *entry, struct err *e)
{
	struct item item = {.published_us = TIME_NONE, .polarity = POLARITY_NONE};
	bool labelled;

	if (message_parse(reader->parser, line, length, &item, e) < 0)
		return 1;
	if (item.published_us == TIME_NONE)
		item.published_us = reader->applied_us;
	if (item.published_us == TIME_NONE) {
		err_set(e, "no usable time in \"published\"");
		return 1;
	}
	if (item.published_us > reader->applied_us)
		reader->applied_us = item.published_us;
	labelled = item.flags & ITEM_LABELLED;
	*entry = (struct replay_entry){
		.document = {.id = ++reader->documents,
			     .source = "replay",
			     .flags = ITEM_OWN_CLOCK | (labelled ? ITEM_LABELLED : 0),
			     .published_us = item.published_us,
			     .applied_us = reader->applied_us,
			     .polarity = labelled ? item.polarity : POLARITY_NONE,
			     .score = labelled ? score_of_label(item.polarity) : 0,
			     .publisher = item.publisher,
			     .title = item.title,
			     .url = item.url},
		.body = item.body,
	};
	return 0;
}

static bool is_blank(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static int take_line(struct reader *reader, const char *line, size_t length, struct err *e)
{
	struct replay_entry entry;
	struct err why;

	reader->line++;
	if (is_blank(line, length))
		return 0;
	if (read_entry(reader, line, length, &entry, &why) != 0) {
		if (reader->source->rejected++ == 0)
			fprintf(stderr, "bellwether replay: line %llu: %s\n", (unsigned long long)reader->line, why.text);
		return 0;
	}
	reader->over = entry.document.applied_us >= reader->source->until_us;
	if (reader->over)
		return 0;
	if (reader->source->progress && reader->documents % REPLAY_PROGRESS == 0)
		reader->source->progress((uint64_t)reader->documents, reader->applied_us);
	return replay_feed_add(reader->feed, &entry, e);
}

static int pause_input(struct reader *reader, struct err *e)
{
	if (replay_feed_flush(reader->feed, e) < 0)
		return -1;
	if (reader->source->pause)
		reader->source->pause();
	return 0;
}

static int read_all(struct reader *reader, struct lines *lines, struct err *e)
{
	const char *line;
	size_t length;

	for (bool busy = false; !reader->over;) {
		switch (lines_next(lines, busy ? LINGER_US : LINES_FOREVER, &line, &length, e)) {
		case LINES_OK:
			busy = true;
			if (take_line(reader, line, length, e) < 0)
				return -1;
			break;
		case LINES_TIMED_OUT:
			busy = false;
			if (pause_input(reader, e) < 0)
				return -1;
			break;
		case LINES_END: return pause_input(reader, e);
		case LINES_FAILED: return -1;
		}
	}
	return pause_input(reader, e);
}

int replay_read_lines(struct replay_source *source, int fd, struct err *e)
{
	static const struct message_map usual_names;
	struct reader reader = {.source = source, .applied_us = TIME_NONE};
	struct lines *lines;
	int result = -1;

	reader.parser = message_parser_create(&usual_names, MESSAGE_LABELS, e);
	if (!reader.parser)
		return -1;
	reader.feed = replay_feed_create(source->replays, source->count);
	lines = lines_open(fd);
	if (read_all(&reader, lines, e) < 0)
		goto done;
	result = 0;
	for (size_t i = 0; i < source->count && result == 0; i++)
		result = replay_finish(source->replays[i], TIME_NONE, e);
done:
	lines_close(lines);
	replay_feed_free(reader.feed);
	message_parser_free(reader.parser);
	return result;
}
