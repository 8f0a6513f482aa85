#ifndef DAEMON_SCORE_FORMAT_H
#define DAEMON_SCORE_FORMAT_H

#include "model/classifier.h"

#include <stdbool.h>
#include <stdio.h>

/* One score as a line: a JSON object, or polarity TAB topic. */
struct score_format;

/* `info` outlives it. */
struct score_format *score_format_create(const struct classifier_info *info, bool tsv, bool logits);
void score_format_free(struct score_format *format);

/* `topic_logits` is the score's row, NULL without a topic head. */
void score_format_write(const struct score_format *format, const struct score *score, const float *topic_logits,
			FILE *out);

#endif
