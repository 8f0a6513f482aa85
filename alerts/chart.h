#ifndef ALERTS_CHART_H
#define ALERTS_CHART_H

#include "alerts/watch.h"

#include <stddef.h>
#include <stdint.h>

/*
 * A picture of counts in time against what was expected of them, as SVG.
 *
 * Pure: no file, no clock, no state.  The text stands for itself (SVG 1.1, no
 * script, no font, nothing from elsewhere), is readable on light and, where the
 * viewer asks for it, on dark; a viewer that ignores styles shows the light form.
 *
 *   bars           what was counted; where an alert fires they change colour
 *   line           what was expected
 *   dashed line    the limit: where a count would have fired by itself; what lies
 *                  between it and the expected is shaded
 *   shaded spans   alerts, each with a mark above
 *
 * Many points are thinned to the picture's width, and nothing that stood out is
 * lost: a bar is the largest of its points, and it crosses the limit where one
 * of them did, and only there.
 */
enum chart_size {
	CHART_LARGE, /* a report: 960 by 320 */
	CHART_SMALL, /* beside an alert: 480 by 180 */
};

struct chart_alert {
	int64_t from_s, until_s; /* until INT64_MAX = it still goes on; what lies outside of the chart is cut */
	enum alert_state state;  /* ALERT_PENDING is drawn lightly, all others as firing */
};

struct chart {
	enum chart_size size;
	const char *title;       /* cut where it is too long; NULL or "" = none */
	const char *label;       /* what a bar counts: "negative stories an hour"; NULL = "count" */
	int64_t start_s;         /* seconds since 1970 UTC: where the first point begins */
	int64_t step_s;          /* how long a point lasts */
	size_t count;            /* of points; with 0, or a span of time that is no calendar's, the chart says "no data" */
	const float *counts;     /* [count] */
	const float *expected;   /* [count], NULL = none */
	const float *limit;      /* [count], NULL = none.  What is not finite in any of the three is not drawn */
	const struct chart_alert *alerts;
	size_t alert_count;
};

/* The picture's text, UTF-8; the caller frees it.  Titles and labels may hold any bytes. */
char *chart_write_svg(const struct chart *chart);

#endif
