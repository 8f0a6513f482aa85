#ifndef DAEMON_EXPLAIN_FORMAT_H
#define DAEMON_EXPLAIN_FORMAT_H

#include "model/train/explain.h"

#include <stdio.h>

/* What is said of explanations as lines and on the page. */
struct explain_view {
	const struct explainer_info *info;
	enum explain_method method;
	enum explain_baseline baseline;
	bool topic; /* a topic is explained, not the polarity */
};

/* The name of a class of the head that is explained. */
const char *explain_class_name(const struct explain_view *view, size_t class);
/* The number of its classes, and their probabilities. */
size_t explain_class_count(const struct explain_view *view);
const float *explain_probabilities(const struct explain_view *view, const struct explanation *explanation);

/* One JSON object and a newline.  Words are named with the place of their first character and of the one after their last,
 * as Unicode counts them; bytes that are not UTF-8 count and are written as U+FFFD. */
void explain_format_write(const struct explain_view *view, const struct text *text, const struct explanation *explanation,
			  FILE *out);

#endif
