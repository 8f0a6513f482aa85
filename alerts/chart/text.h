#ifndef ALERTS_CHART_TEXT_H
#define ALERTS_CHART_TEXT_H

#include <stdio.h>

/* Write any bytes as text of XML 1.0: escaped, on one line, what no XML may hold as U+FFFD. */
void chart_put_text(FILE *out, const char *text);

/* The same, cut with an ellipsis so that it is about `width` wide at this font size at most.  Returns its estimated width. */
double chart_put_fitting(FILE *out, const char *text, double font_size, double width);

/* About how wide text is in a usual font without serifs. */
double chart_text_width(const char *text, double font_size);

/* A coordinate, with one decimal at most. */
void chart_put_number(FILE *out, double value);

#endif
