#include "daemon/score_lines.h"

#include "daemon/base/check.h"
#include "daemon/score_format.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 256 };

/* The lines from *at on, at most BATCH; a last one without newline counts, an empty rest does not. */
static size_t take_lines(const char **at, const char *end, struct text *lines)
{
	size_t count = 0;
	while (count < BATCH && *at < end) {
		const char *newline = memchr(*at, '\n', (size_t)(end - *at));
		const char *stop = newline != NULL ? newline : end;
		lines[count++] = (struct text){*at, (size_t)(stop - *at)};
		*at = newline != NULL ? newline + 1 : end;
	}
	return count;
}

int score_lines(struct classifier *classifier, const char *text, size_t length, FILE *out, struct err *e)
{
	const struct classifier_info *info = classifier_get_info(classifier);
	struct score_format *format = score_format_create(info, false, false);
	struct text *lines = xcalloc(BATCH, sizeof *lines);
	struct score *scores = xcalloc(BATCH, sizeof *scores);
	float *logits = xcalloc(BATCH, info->topic_count * sizeof *logits);
	const char *at = length > 0 ? text : "", *end = at + length;
	int rc = 0;
	for (size_t count; rc == 0 && (count = take_lines(&at, end, lines)) > 0;) {
		rc = classifier_run(classifier, lines, count, scores, logits, e);
		for (size_t i = 0; rc == 0 && i < count; i++)
			score_format_write(format, &scores[i], logits + i * info->topic_count, out);
	}
	free(logits);
	free(scores);
	free(lines);
	score_format_free(format);
	return rc;
}
