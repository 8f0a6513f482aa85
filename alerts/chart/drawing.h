#ifndef ALERTS_CHART_DRAWING_H
#define ALERTS_CHART_DRAWING_H

#include "alerts/chart.h"
#include "alerts/chart/columns.h"

#include <stdbool.h>
#include <stdio.h>

#define CHART_FIRST_TIME_S (-INT64_C(62135596800)) /* year 1 */
#define CHART_LAST_TIME_S INT64_C(253402300800)    /* year 10000 */

/* Where things lie; in units of the picture, which are pixels at its own size. */
struct frame {
	double width, height;
	double left, right, top, bottom; /* of the plot */
	double title_y, legend_y;
	double title_font, font;
	double tick_width;               /* room that a label of time takes */
	size_t value_ticks;
};

/* A kind of mark: its class in the style sheet and its light attributes. */
#define PAPER "class=\"c-paper\" fill=\"#ffffff\""
#define INK "class=\"c-ink\" fill=\"#1f2937\""
#define FAINT "class=\"c-faint\" fill=\"#5b6472\""
#define GRID "class=\"c-grid\" fill=\"none\" stroke=\"#e3e6ea\" stroke-width=\"1\""
#define AXIS "class=\"c-axis\" fill=\"none\" stroke=\"#9aa3af\" stroke-width=\"1\""
#define BAR "class=\"c-bar\" fill=\"#8c9bb0\""
#define HOT "class=\"c-hot\" fill=\"#c8372d\""
#define BAND "class=\"c-band\" fill=\"#2563c9\" fill-opacity=\"0.09\""
#define EXPECTED "class=\"c-expected\" fill=\"none\" stroke=\"#2563c9\" stroke-width=\"1.6\""
#define LIMIT "class=\"c-limit\" fill=\"none\" stroke=\"#2563c9\" stroke-width=\"1\" stroke-dasharray=\"4 3\""
#define ALERT "class=\"c-hot\" fill=\"#c8372d\" fill-opacity=\"0.13\""
#define PENDING "class=\"c-pending\" fill=\"#b7791f\" fill-opacity=\"0.13\""
#define MARK "class=\"c-hot\" fill=\"#c8372d\""

struct drawing {
	FILE *out;
	const struct chart *chart;
	const struct frame *frame;
	struct chart_column *columns;
	size_t column_count;
	double low, high; /* values at the bottom and the top */
};


/* ---- scale.c ---- */
double chart_x_of_point(const struct drawing *drawing, double point);
double chart_x_of_time(const struct drawing *drawing, int64_t time_s); /* cut to the plot */
double chart_y_of(const struct drawing *drawing, double value);
/* Are all counts whole numbers? */
bool chart_is_whole(const struct drawing *drawing);
void chart_set_scale(struct drawing *drawing);

/* ---- marks.c ---- */
/* Pieces of a path's data: "M12.5 30", "V20". */
void chart_put_point(const struct drawing *drawing, char command, double x, double y);
void chart_put_step(const struct drawing *drawing, char command, double at);

double chart_pick_expected(const struct chart_column *column);
double chart_pick_limit(const struct chart_column *column);
void chart_draw_steps(const struct drawing *drawing, const char *look, double (*pick)(const struct chart_column *));
void chart_draw_band(const struct drawing *drawing);
void chart_draw_bars(const struct drawing *drawing, bool hot);
void chart_draw_alerts(const struct drawing *drawing);

/* ---- words.c ---- */
void chart_draw_text(const struct drawing *drawing, const char *look, double x, double y, const char *anchor,
		     double size, const char *text);
void chart_draw_header(const struct drawing *drawing, bool has_data); /* title, and the span of time */
void chart_draw_legend(const struct drawing *drawing);
void chart_draw_value_axis(const struct drawing *drawing);
void chart_draw_time_axis(const struct drawing *drawing);

#endif
