#ifndef DAEMON_LINES_H
#define DAEMON_LINES_H

#include "daemon/base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Lines from a file descriptor, for commands that stream: the caller learns
 * when input pauses, which is when what it holds back should be written.
 * Lines may hold any bytes and have any length; memory is that of the longest.
 * (A source that reads a file bounds its lines and knows their offsets:
 * ingest/file/lines.h.)
 */
struct lines;

enum lines_result {
	LINES_OK,
	LINES_TIMED_OUT, /* no whole line until the time-out */
	LINES_END,       /* nothing more; a last line without newline has been given */
	LINES_FAILED,
};

#define LINES_FOREVER INT64_C(-1)

/* `fd` stays the caller's. */
struct lines *lines_open(int fd);
void lines_close(struct lines *lines);

/* The next line without its newline.  Waits `timeout_us` at most (0 = do not wait).  `*text` is valid until the next call. */
enum lines_result lines_next(struct lines *lines, int64_t timeout_us, const char **text, size_t *length, struct err *e);

#endif
