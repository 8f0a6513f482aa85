#ifndef INGEST_FILE_LINES_H
#define INGEST_FILE_LINES_H

#include "daemon/base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Lines of a file or pipe, handed out as they arrive.  A line ends with "\n" or
 * "\r\n", the last one also with the end of the file.
 */
#define LINE_MAX_BYTES ((size_t)16 << 20)
#define LINE_KEPT_BYTES ((size_t)64 << 10) /* of a line that is longer than LINE_MAX_BYTES */

enum line_result {
	LINE_OK,
	LINE_TOO_LONG, /* `text` is its start */
	LINE_NOTHING,  /* nothing came for a while, or `stop_fd` is readable */
	LINE_END,
	LINE_FAILED,
};

struct line {
	const char *text; /* the reader's until its next call; not ended by a NUL */
	size_t length;
	uint64_t start, end; /* offsets in the file; `end` is behind the line's end mark */
};

struct line_reader;

/* Reads `fd`, which stays the caller's, from where it stands; that is offset `offset`.  `stop_fd` may be -1. */
struct line_reader *line_reader_create(int fd, int stop_fd, uint64_t offset);
void line_reader_free(struct line_reader *reader);

enum line_result line_reader_next(struct line_reader *reader, struct line *line, struct err *e);

#endif
