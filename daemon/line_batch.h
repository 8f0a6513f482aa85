#ifndef DAEMON_LINE_BATCH_H
#define DAEMON_LINE_BATCH_H

#include "daemon/base/err.h"
#include "daemon/lines.h"
#include "model/classifier.h"

#include <stddef.h>

/*
 * Lines of a stream, taken together as they come: a pipe that fills fast gives
 * whole batches, a person who types waits for the linger alone.
 */
struct line_batch {
	struct text *texts; /* valid until the next read */
	size_t count;
	/* private: */
	size_t most;
	size_t *starts;
	char *bytes; /* of all lines, one after another */
	size_t capacity, used;
};

/* At most `most` lines a batch. */
void line_batch_open(struct line_batch *batch, size_t most);
void line_batch_close(struct line_batch *batch);

/* Waits for a line, then takes those that follow it closely.  None at the end of the input. */
int line_batch_read(struct line_batch *batch, struct lines *lines, struct err *e);

#endif
