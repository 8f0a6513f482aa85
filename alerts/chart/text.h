#ifndef ALERTS_CHART_TEXT_H
#define ALERTS_CHART_TEXT_H

#include <stdio.h>

/* Markup of text (daemon/base/markup.h), cut with an ellipsis so that it is about `width` wide at this font size at most.
 * Returns its estimated width. */
double chart_put_fitting(FILE *out, const char *text, double font_size, double width);

/* About how wide text is in a usual font without serifs. */
double chart_text_width(const char *text, double font_size);

/* A coordinate, with one decimal at most. */
void chart_put_number(FILE *out, double value);

#endif
