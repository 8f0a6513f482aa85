/*
 * The first line decides what the file is, and in TSV what its columns are; so
 * it is read even where reading goes on further down.
 */
#include "ingest/file/reader.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "ingest/file/tsv.h"
#include "ingest/message.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum file_format {
	FORMAT_UNKNOWN,
	FORMAT_JSON,
	FORMAT_TSV,
};

struct file_reader {
	char *path;
	int fd;
	int stop_fd;
	bool seekable;
	enum file_format format;
	bool begun; /* the first line is behind us */
	struct line_reader *lines;
	struct message_parser *json;
	struct tsv *tsv;
	struct file_place place;
	struct file_place resume; /* offset 0 = from the start */
	char *coordinates;
	size_t coordinates_size;
	struct err reason;
};

static enum file_format format_of_name(const char *path)
{
	static const struct {
		const char *ending;
		enum file_format format;
	} known[] = {
		{".jsonl", FORMAT_JSON}, {".ndjson", FORMAT_JSON}, {".json", FORMAT_JSON},
		{".tsv", FORMAT_TSV},	 {".tab", FORMAT_TSV},	   {".txt", FORMAT_TSV},
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(known) / sizeof(*known); i++)
		if (strcasecmp(dot, known[i].ending) == 0)
			return known[i].format;
	return FORMAT_UNKNOWN;
}

static int open_path(struct file_reader *reader, struct err *e)
{
	struct stat status;

	if (strcmp(reader->path, "-") == 0) {
		reader->fd = STDIN_FILENO;
		return 0;
	}
	/* Not to block where it is a named pipe that nobody writes to yet. */
	reader->fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (reader->fd < 0 || fstat(reader->fd, &status) != 0)
		return err_sys(e, errno, "cannot open %s", reader->path);
	if (S_ISDIR(status.st_mode))
		return err_set(e, "%s is a directory, not a file", reader->path);
	reader->seekable = S_ISREG(status.st_mode);
	return 0;
}

struct file_reader *file_reader_open(const struct file_options *options, const struct message_map *map,
				     const struct file_place *place, int stop_fd, struct err *e)
{
	struct file_reader *reader = xcalloc(1, sizeof(*reader));

	reader->fd = -1;
	reader->stop_fd = stop_fd;
	reader->path = xstrdup(options->path);
	reader->coordinates_size = strlen(reader->path) + 32;
	reader->coordinates = xcalloc(reader->coordinates_size, 1);
	reader->format = format_of_name(reader->path);
	reader->tsv = tsv_create(map);
	reader->json = message_parser_create(map, MESSAGE_LABELS, e);
	if (!reader->json || open_path(reader, e) != 0)
		goto fail;
	if (reader->seekable) {
		if (place->offset && file_place_fits(place, reader->fd))
			reader->resume = *place;
		if (lseek(reader->fd, 0, SEEK_SET) != 0) {
			err_sys(e, errno, "cannot read %s", reader->path);
			goto fail;
		}
		file_place_set_head(&reader->place, reader->fd);
	}
	reader->lines = line_reader_create(reader->fd, stop_fd, 0);
	return reader;
fail:
	file_reader_close(reader);
	return NULL;
}

void file_reader_close(struct file_reader *reader)
{
	if (!reader)
		return;
	if (reader->fd > STDERR_FILENO)
		close(reader->fd);
	line_reader_free(reader->lines);
	message_parser_free(reader->json);
	tsv_free(reader->tsv);
	free(reader->coordinates);
	free(reader->path);
	free(reader);
}

static bool is_blank(const struct line *line)
{
	for (size_t i = 0; i < line->length; i++)
		if (!strchr(" \t\r\v\f", line->text[i]) || line->text[i] == '\0')
			return false;
	return true;
}

static void drop_byte_order_mark(struct line *line)
{
	if (line->start == 0 && line->length >= 3 && memcmp(line->text, "\xef\xbb\xbf", 3) == 0) {
		line->text += 3;
		line->length -= 3;
	}
}

/* Go on where an earlier run stopped. */
static enum file_result resume(struct file_reader *reader, struct err *e)
{
	uint64_t offset = reader->resume.offset;

	if (lseek(reader->fd, (off_t)offset, SEEK_SET) != (off_t)offset) {
		err_sys(e, errno, "cannot go on in %s", reader->path);
		return FILE_FAILED;
	}
	line_reader_free(reader->lines);
	reader->lines = line_reader_create(reader->fd, reader->stop_fd, offset);
	reader->place.offset = offset;
	reader->place.line = reader->resume.line;
	return FILE_NOTHING;
}

/* The first line that is not blank.  True where it was a header. */
static bool begin(struct file_reader *reader, const struct line *line)
{
	reader->begun = true;
	if (reader->format == FORMAT_UNKNOWN) {
		size_t blank = 0;

		while (blank < line->length && (line->text[blank] == ' ' || line->text[blank] == '\t'))
			blank++;
		reader->format = blank < line->length && line->text[blank] == '{' ? FORMAT_JSON : FORMAT_TSV;
	}
	return reader->format == FORMAT_TSV && tsv_read_header(reader->tsv, line->text, line->length);
}

static enum file_result read_line(struct file_reader *reader, const struct line *line, bool too_long,
				  struct item *item)
{
	struct err *reason = &reader->reason;
	int bad;

	snprintf(reader->coordinates, reader->coordinates_size, "%s:%" PRIu64,
		 strcmp(reader->path, "-") == 0 ? "stdin" : reader->path, reader->place.line);
	item->coordinates = reader->coordinates;
	item->kind = ITEM_DOCUMENT;
	item->polarity = POLARITY_NONE;
	item->published_us = TIME_NONE;
	if (too_long)
		bad = err_set(reason, "the line is longer than %zu MiB", LINE_MAX_BYTES >> 20);
	else if (reader->format == FORMAT_TSV)
		bad = tsv_parse(reader->tsv, line->text, line->length, item, reason);
	else
		bad = message_parse(reader->json, line->text, line->length, item, reason);
	if (!bad)
		return FILE_DOCUMENT;
	item->kind = ITEM_REJECT;
	item->reason = reason->text;
	item->body = message_raw(reader->json, line->text, line->length);
	return FILE_REJECT;
}

enum file_result file_reader_next(struct file_reader *reader, struct item *item, struct err *e)
{
	struct line line;
	enum line_result result = line_reader_next(reader->lines, &line, e);

	switch (result) {
	case LINE_OK:
	case LINE_TOO_LONG:
		break;
	case LINE_NOTHING:
		return FILE_NOTHING;
	case LINE_END:
		return FILE_END;
	case LINE_FAILED:
		err_prefix(e, "%s", reader->path);
		return FILE_FAILED;
	}
	reader->place.line++;
	file_place_pass(&reader->place, line.text, line.length, line.start, line.end);
	drop_byte_order_mark(&line);
	if (is_blank(&line))
		return FILE_NOTHING;
	if (!reader->begun) {
		bool header = begin(reader, &line);

		if (reader->resume.offset)
			return resume(reader, e);
		if (header)
			return FILE_NOTHING;
	}
	return read_line(reader, &line, result == LINE_TOO_LONG, item);
}

const struct file_place *file_reader_place(const struct file_reader *reader)
{
	return &reader->place;
}

bool file_reader_is_seekable(const struct file_reader *reader)
{
	return reader->seekable;
}

const char *file_reader_format(const struct file_reader *reader)
{
	return reader->format == FORMAT_JSON ? "JSON Lines" : "TSV";
}
