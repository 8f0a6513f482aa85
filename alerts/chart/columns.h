#ifndef ALERTS_CHART_COLUMNS_H
#define ALERTS_CHART_COLUMNS_H

#include "alerts/chart.h"

/* What is drawn side by side: a point, or where there are too many, a run of them. */
struct chart_column {
	size_t first, end;             /* points [first, end) */
	double count, expected, limit; /* NaN = nothing to draw */
};

/* Make `max` columns at most of the chart's points.  Returns how many; `columns` has room for them. */
size_t chart_make_columns(const struct chart *chart, size_t max, struct chart_column *columns);

#endif
