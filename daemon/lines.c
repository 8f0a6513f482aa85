/*
 * One buffer, read into at its end; a line lies in it where it was read.  What
 * was searched for a newline once is not searched again, so a long line that
 * comes in small pieces costs no more than its length.
 */
#include "daemon/lines.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_CAPACITY (128 << 10)

struct lines {
	int fd;
	char *buffer;
	size_t capacity;
	size_t start;    /* the next line begins here */
	size_t searched; /* no newline between start and here */
	size_t end;
	bool finished;
};

struct lines *lines_open(int fd)
{
	struct lines *l = xcalloc(1, sizeof *l);
	l->fd = fd;
	l->capacity = FIRST_CAPACITY;
	l->buffer = xmalloc(l->capacity);
	return l;
}

void lines_close(struct lines *l)
{
	if (l == NULL)
		return;
	free(l->buffer);
	free(l);
}

/* Room for more: moves what is left to the front, or, where that is already there, doubles. */
static int make_room(struct lines *l, struct err *e)
{
	if (l->end < l->capacity)
		return 0;
	if (l->start > 0) {
		memmove(l->buffer, l->buffer + l->start, l->end - l->start);
		l->searched -= l->start;
		l->end -= l->start;
		l->start = 0;
		return 0;
	}
	char *bigger = realloc(l->buffer, l->capacity * 2);
	if (bigger == NULL)
		return err_set(e, "a line of more than %zu bytes does not fit in memory", l->capacity);
	l->buffer = bigger;
	l->capacity *= 2;
	return 0;
}

static enum lines_result wait_for_input(const struct lines *l, int64_t until_us, struct err *e)
{
	for (;;) {
		int wait_ms = -1;
		if (until_us >= 0) {
			int64_t left_us = until_us - monotonic_us();
			wait_ms = left_us > 0 ? (int)((left_us + 999) / 1000) : 0;
		}
		struct pollfd fd = {.fd = l->fd, .events = POLLIN};
		int ready = poll(&fd, 1, wait_ms);
		if (ready > 0)
			return LINES_OK;
		if (ready == 0)
			return LINES_TIMED_OUT;
		if (errno != EINTR) {
			err_sys(e, errno, "cannot wait for input");
			return LINES_FAILED;
		}
	}
}

static enum lines_result read_more(struct lines *l, int64_t until_us, struct err *e)
{
	if (make_room(l, e) != 0)
		return LINES_FAILED;
	enum lines_result result = wait_for_input(l, until_us, e);
	if (result != LINES_OK)
		return result;
	ssize_t got = read(l->fd, l->buffer + l->end, l->capacity - l->end);
	if (got < 0 && errno != EINTR && errno != EAGAIN) {
		err_sys(e, errno, "cannot read the input");
		return LINES_FAILED;
	}
	if (got == 0)
		l->finished = true;
	else if (got > 0)
		l->end += (size_t)got;
	return LINES_OK;
}

static void take_line(struct lines *l, size_t line_end, size_t next, const char **text, size_t *length)
{
	*text = l->buffer + l->start;
	*length = line_end - l->start;
	l->start = l->searched = next;
}

enum lines_result lines_next(struct lines *l, int64_t timeout_us, const char **text, size_t *length, struct err *e)
{
	int64_t until_us = -1;
	for (bool waited = false;; waited = true) {
		const char *newline = memchr(l->buffer + l->searched, '\n', l->end - l->searched);
		if (newline != NULL) {
			size_t at = (size_t)(newline - l->buffer);
			take_line(l, at, at + 1, text, length);
			return LINES_OK;
		}
		l->searched = l->end;
		if (l->finished) {
			if (l->start == l->end)
				return LINES_END;
			take_line(l, l->end, l->end, text, length);
			return LINES_OK;
		}
		if (!waited && timeout_us >= 0) /* the clock is asked only where there may be a wait */
			until_us = monotonic_us() + timeout_us;
		enum lines_result result = read_more(l, until_us, e);
		if (result != LINES_OK)
			return result;
	}
}
