/*
 * One growing buffer: complete lines are handed out in place, what is left of
 * them moves to the front before the next read.  Of a line beyond the limit the
 * start is kept and the rest is counted and forgotten, so that memory is
 * bounded whatever comes.
 */
#include "ingest/file/lines.h"

#include "daemon/base/check.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES ((size_t)256 << 10)
#define WAIT_MS 250

struct line_reader {
	int fd, stop_fd;
	char *data;
	size_t room;
	size_t start, end; /* unread bytes */
	size_t searched;   /* from start: known to hold no newline */
	uint64_t offset;   /* of data[start] in the file */
	uint64_t skipped;  /* bytes of the present line that were forgotten behind LINE_KEPT_BYTES */
	bool skipping;
	bool ended;
};

struct line_reader *line_reader_create(int fd, int stop_fd, uint64_t offset)
{
	struct line_reader *reader = xcalloc(1, sizeof(*reader));

	reader->fd = fd;
	reader->stop_fd = stop_fd;
	reader->offset = offset;
	return reader;
}

void line_reader_free(struct line_reader *reader)
{
	if (!reader)
		return;
	free(reader->data);
	free(reader);
}

static void make_room(struct line_reader *reader)
{
	size_t held = reader->end - reader->start;

	if (reader->start) {
		memmove(reader->data, reader->data + reader->start, held);
		reader->start = 0;
		reader->end = held;
	}
	if (reader->room - held < READ_BYTES) {
		reader->room = reader->room < READ_BYTES ? 2 * READ_BYTES : 2 * reader->room;
		reader->data = xrealloc(reader->data, reader->room);
	}
}

/* LINE_OK where the buffer has more than before. */
static enum line_result read_more(struct line_reader *reader, struct err *e)
{
	struct pollfd fds[2] = {{.fd = reader->fd, .events = POLLIN}, {.fd = reader->stop_fd, .events = POLLIN}};
	ssize_t got;

	if (poll(fds, 2, WAIT_MS) < 0 && errno != EINTR) {
		err_sys(e, errno, "cannot wait for input");
		return LINE_FAILED;
	}
	if (fds[1].revents || !fds[0].revents)
		return LINE_NOTHING;
	make_room(reader);
	got = read(reader->fd, reader->data + reader->end, READ_BYTES);
	if (got < 0) {
		if (errno == EINTR || errno == EAGAIN)
			return LINE_NOTHING;
		err_sys(e, errno, "cannot read");
		return LINE_FAILED;
	}
	if (got == 0)
		reader->ended = true;
	reader->end += (size_t)got;
	return LINE_OK;
}

/* No newline yet: forget what goes beyond the limit. */
static void limit_line(struct line_reader *reader)
{
	size_t held = reader->end - reader->start;

	if (!reader->skipping && held <= LINE_MAX_BYTES)
		return;
	reader->skipping = true;
	if (held > LINE_KEPT_BYTES) {
		reader->skipped += held - LINE_KEPT_BYTES;
		reader->end = reader->start + LINE_KEPT_BYTES;
		reader->searched = LINE_KEPT_BYTES;
	}
}

/* Hand out `length` bytes at the start, `mark` more are the end mark. */
static enum line_result take_line(struct line_reader *reader, size_t length, size_t mark, struct line *line)
{
	bool too_long = reader->skipping || length > LINE_MAX_BYTES;

	line->text = reader->data + reader->start;
	line->length = too_long && length > LINE_KEPT_BYTES ? LINE_KEPT_BYTES : length;
	line->start = reader->offset;
	line->end = reader->offset + length + reader->skipped + mark;
	if (!too_long && line->length && line->text[line->length - 1] == '\r')
		line->length--;
	reader->start += length + mark;
	reader->offset = line->end;
	reader->searched = 0;
	reader->skipped = 0;
	reader->skipping = false;
	return too_long ? LINE_TOO_LONG : LINE_OK;
}

enum line_result line_reader_next(struct line_reader *reader, struct line *line, struct err *e)
{
	for (;;) {
		size_t held = reader->end - reader->start;
		const char *newline = NULL;
		enum line_result result;

		if (held > reader->searched)
			newline = memchr(reader->data + reader->start + reader->searched, '\n', held - reader->searched);
		if (newline)
			return take_line(reader, (size_t)(newline - (reader->data + reader->start)), 1, line);
		reader->searched = held;
		limit_line(reader);
		if (reader->ended)
			return held ? take_line(reader, reader->end - reader->start, 0, line) : LINE_END;
		result = read_more(reader, e);
		if (result != LINE_OK)
			return result;
	}
}
