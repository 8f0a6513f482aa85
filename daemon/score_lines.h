#ifndef DAEMON_SCORE_LINES_H
#define DAEMON_SCORE_LINES_H

#include "daemon/base/err.h"
#include "model/classifier.h"

#include <stddef.h>
#include <stdio.h>

/* What `bellwether score` does, on a text in memory: one JSON object to `out` for each line of `text`.  Any thread. */
int score_lines(struct classifier *classifier, const char *text, size_t length, FILE *out, struct err *e);

#endif
