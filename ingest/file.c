/*
 * A file read once from where the last run stopped to its end.  Every item
 * carries the place behind its line, so that a crash at any instant goes on
 * with the line that was not stored; standard input and named pipes have no
 * places.
 */
#include "ingest/source_kind.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "ingest/file/place.h"
#include "ingest/file/reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct file {
	struct source *source;
	struct file_options options;
	struct message_map map;
	char *position; /* as pushed last; "" = none */
	/* Playing by the documents' own clock: what was published then is due now. */
	int64_t played_us, published_us;
};

static const char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

static void copy_map(struct message_map *to, const struct message_map *from)
{
	*to = (struct message_map){
		.title = copy(from->title),
		.body = copy(from->body),
		.published = copy(from->published),
		.url = copy(from->url),
		.id = copy(from->id),
		.publisher = copy(from->publisher),
		.lang = copy(from->lang),
	};
}

static void free_map(struct message_map *map)
{
	free((char *)map->title);
	free((char *)map->body);
	free((char *)map->published);
	free((char *)map->url);
	free((char *)map->id);
	free((char *)map->publisher);
	free((char *)map->lang);
}

static void file_close(void *state)
{
	struct file *file = state;

	if (!file)
		return;
	free((char *)file->options.path);
	free_map(&file->map);
	free(file->position);
	free(file);
}

static void *file_open(struct source *source, const struct source_options *options, const struct saved_position *saved,
		       size_t saved_count, struct err *e)
{
	const char *path = options->file.path, *position = "";
	struct file *file;

	if (!path || !*path) {
		err_set(e, "no path is given");
		return NULL;
	}
	if (!isfinite(options->file.speed) || options->file.speed < 0) {
		err_set(e, "speed is %g: it must be 0 (as fast as possible) or more", options->file.speed);
		return NULL;
	}
	for (size_t i = 0; i < saved_count; i++)
		if (strcmp(saved[i].stream, path) == 0)
			position = saved[i].next;
	file = xcalloc(1, sizeof(*file));
	file->source = source;
	file->options = options->file;
	file->options.path = xstrdup(path);
	copy_map(&file->map, &options->map);
	file->position = xstrdup(position);
	file->published_us = TIME_NONE;
	return file;
}

/* Wait until the document is due.  False when the source is to stop. */
static bool pace(struct file *file, int64_t published_us)
{
	double due_us;
	int64_t now_us = monotonic_us();

	if (file->options.speed == 0 || published_us == TIME_NONE)
		return true;
	if (file->published_us == TIME_NONE) {
		file->published_us = published_us;
		file->played_us = now_us;
	}
	due_us = (double)file->played_us + (double)(published_us - file->published_us) / file->options.speed;
	if (due_us <= (double)now_us)
		return true;
	/* A date far ahead (a wrong one) must not overflow. */
	return source_wait(file->source, (int64_t)fmin(due_us - (double)now_us, 1e15));
}

static int push(struct file *file, const struct file_reader *reader, struct item *item)
{
	char next[PLACE_TEXT_MAX];

	item->source = source_name(file->source);
	item->received_us = clock_now_us(&wall_clock);
	if (file_reader_is_seekable(reader)) {
		item->position.stream = file->options.path;
		item->position.previous = file->position;
		item->position.next = file_place_format(file_reader_place(reader), next);
	}
	if (!pace(file, item->published_us) || source_push(file->source, item_create(item)) != 0)
		return -1;
	if (file_reader_is_seekable(reader)) {
		free(file->position);
		file->position = xstrdup(next);
	}
	return 0;
}

static void report_end(struct file *file)
{
	struct source_health health;

	source_get_health(file->source, &health);
	source_set_state(file->source, SOURCE_DONE, "%s: %" PRIu64 " documents, %" PRIu64 " lines rejected",
			 file->options.path, health.documents, health.rejects);
}

static void file_run(void *state)
{
	struct file *file = state;
	struct file_place place;
	struct file_reader *reader;
	enum file_result result = FILE_NOTHING;
	struct err e;

	file_place_parse(&place, file->position);
	reader = file_reader_open(&file->options, &file->map, &place, source_stop_fd(file->source), &e);
	if (!reader) {
		source_set_state(file->source, SOURCE_FATAL, "%s", e.text);
		return;
	}
	source_set_state(file->source, SOURCE_OK, "reading %s", file->options.path);
	while (!source_stopping(file->source) && result != FILE_END && result != FILE_FAILED) {
		struct item item = {.flags = ITEM_OWN_CLOCK};

		source_beat(file->source);
		result = file_reader_next(reader, &item, &e);
		if (result != FILE_DOCUMENT && result != FILE_REJECT)
			continue;
		source_progress(file->source);
		if (push(file, reader, &item) != 0)
			break;
	}
	if (result == FILE_END)
		report_end(file);
	else if (result == FILE_FAILED)
		source_set_state(file->source, SOURCE_FATAL, "%s", e.text);
	file_reader_close(reader);
}

/* Read up to the first document: that says what the file is and whether it can be read. */
static void file_check(const struct source_options *options, source_report *report, void *context)
{
	const char *path = options->file.path;
	struct file_place start = {0};
	struct file_reader *reader;
	struct item item = {0};
	enum file_result result;
	char message[256];
	struct err e;

	if (strcmp(path, "-") == 0) {
		report(context, "ok", "standard input", "read when the daemon runs");
		return;
	}
	reader = file_reader_open(&options->file, &options->map, &start, -1, &e);
	if (!reader) {
		report(context, "error", path, e.text);
		return;
	}
	if (!file_reader_is_seekable(reader)) {
		report(context, "ok", path, "a pipe, read when the daemon runs");
		goto done;
	}
	do
		result = file_reader_next(reader, &item, &e);
	while (result == FILE_NOTHING);
	if (result == FILE_DOCUMENT) {
		snprintf(message, sizeof(message), "%s, first document: %.100s", file_reader_format(reader), item.title);
		report(context, "ok", path, message);
	} else if (result == FILE_REJECT) {
		snprintf(message, sizeof(message), "%s, its first line cannot be read: %.120s",
			 file_reader_format(reader), item.reason);
		report(context, "warning", path, message);
	} else if (result == FILE_END) {
		report(context, "warning", path, "it holds no documents");
	} else {
		report(context, "error", path, e.text);
	}
done:
	file_reader_close(reader);
}

const struct source_kind_ops source_file_ops = {
	.name = "file",
	.open = file_open,
	.run = file_run,
	.close = file_close,
	.check = file_check,
};
