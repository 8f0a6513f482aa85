#include "daemon/line_batch.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>

/* A line is copied out of the reader's buffer, which the next one may move. */
enum { BATCH_BYTES = 1 << 20, LINGER_US = 20000 };

void line_batch_open(struct line_batch *batch, size_t most)
{
	*batch = (struct line_batch){.most = most};
	batch->texts = xcalloc(most, sizeof *batch->texts);
	batch->starts = xcalloc(most, sizeof *batch->starts);
}

void line_batch_close(struct line_batch *batch)
{
	free(batch->texts);
	free(batch->starts);
	free(batch->bytes);
	*batch = (struct line_batch){0};
}

static int add(struct line_batch *batch, const char *line, size_t length, struct err *e)
{
	if (batch->capacity - batch->used < length) {
		size_t capacity = 2 * (batch->used + length);
		char *bytes = realloc(batch->bytes, capacity);
		if (bytes == NULL)
			return err_set(e, "out of memory for a line of %zu bytes", length);
		batch->bytes = bytes;
		batch->capacity = capacity;
	}
	if (length > 0)
		memcpy(batch->bytes + batch->used, line, length);
	batch->starts[batch->count] = batch->used;
	batch->texts[batch->count++].length = length;
	batch->used += length;
	return 0;
}

int line_batch_read(struct line_batch *batch, struct lines *lines, struct err *e)
{
	int64_t deadline_us = 0, wait_us = LINES_FOREVER;
	batch->count = batch->used = 0;
	while (batch->count < batch->most && batch->used < BATCH_BYTES) {
		const char *line;
		size_t length;
		enum lines_result result = lines_next(lines, wait_us, &line, &length, e);
		if (result == LINES_FAILED)
			return -1;
		if (result != LINES_OK)
			break;
		if (add(batch, line, length, e) < 0)
			return -1;
		int64_t now_us = monotonic_us();
		if (batch->count == 1)
			deadline_us = now_us + LINGER_US;
		wait_us = deadline_us > now_us ? deadline_us - now_us : 0;
	}
	for (size_t i = 0; i < batch->count; i++)
		batch->texts[i].data = batch->bytes != NULL ? batch->bytes + batch->starts[i] : "";
	return 0;
}
