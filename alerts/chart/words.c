/* Titles, the legend and the axes' labels. */
#include "alerts/chart/axis.h"
#include "alerts/chart/drawing.h"
#include "alerts/chart/text.h"
#include "daemon/base/markup.h"

#include <math.h>
#include <string.h>

static void put_text_start(const struct drawing *drawing, const char *look, double x, double y, const char *anchor, double size)
{
	fprintf(drawing->out, "<text %s x=\"", look);
	chart_put_number(drawing->out, x);
	fputs("\" y=\"", drawing->out);
	chart_put_number(drawing->out, y);
	fprintf(drawing->out, "\" text-anchor=\"%s\" font-size=\"%g\"", anchor, size);
}

void chart_draw_text(const struct drawing *drawing, const char *look, double x, double y, const char *anchor,
		     double size, const char *text)
{
	put_text_start(drawing, look, x, y, anchor, size);
	fputc('>', drawing->out);
	markup_put(drawing->out, text);
	fputs("</text>\n", drawing->out);
}

/* Title on the left, the span of time on the right. */
void chart_draw_header(const struct drawing *drawing, bool has_data)
{
	const struct frame *frame = drawing->frame;
	const struct chart *chart = drawing->chart;
	bool has_span = has_data && chart->size == CHART_LARGE;
	char from[CHART_LABEL_SIZE], until[CHART_LABEL_SIZE], span[3 * CHART_LABEL_SIZE] = "";

	if (has_span) {
		chart_format_time(chart->start_s, from);
		chart_format_time(chart->start_s + (int64_t)chart->count * chart->step_s, until);
		snprintf(span, sizeof span, "%s to %s UTC", from, until);
		chart_draw_text(drawing, FAINT, frame->right, frame->title_y, "end", frame->font, span);
	}
	put_text_start(drawing, INK, frame->left, frame->title_y, "start", frame->title_font);
	fputs(" font-weight=\"600\">", drawing->out);
	chart_put_fitting(drawing->out, chart->title ? chart->title : "", frame->title_font * 1.2,
			  frame->right - frame->left - chart_text_width(span, frame->font) - 12);
	fputs("</text>\n", drawing->out);
}

/* One entry of the legend; returns where the next begins. */
static double draw_key(const struct drawing *drawing, double x, const char *swatch, const char *text)
{
	const struct frame *frame = drawing->frame;
	double y = frame->legend_y, size = frame->font;

	fputs("<path ", drawing->out);
	fprintf(drawing->out, "%s d=\"", swatch);
	chart_put_point(drawing, 'M', x, y - size * 0.35);
	fputs(strstr(swatch, "stroke=") ? "h16\"/>\n" : "m0 -4h12v8h-12z\"/>\n", drawing->out);
	x += strstr(swatch, "stroke=") ? 21 : 17;
	put_text_start(drawing, FAINT, x, y, "start", size);
	fputc('>', drawing->out);
	x += chart_put_fitting(drawing->out, text, size, (frame->right - frame->left) / 2);
	fputs("</text>\n", drawing->out);
	return x + size * 1.6;
}

static bool has_any(const struct drawing *drawing, double (*pick)(const struct chart_column *))
{
	for (size_t c = 0; c < drawing->column_count; c++)
		if (!isnan(pick(&drawing->columns[c])))
			return true;
	return false;
}

void chart_draw_legend(const struct drawing *drawing)
{
	const struct frame *frame = drawing->frame;
	const struct chart *chart = drawing->chart;
	double x = draw_key(drawing, frame->left, BAR, chart->label ? chart->label : "count");

	if (has_any(drawing, chart_pick_expected))
		x = draw_key(drawing, x, EXPECTED, "expected");
	if (has_any(drawing, chart_pick_limit))
		x = draw_key(drawing, x, LIMIT, "alert limit");
	if (chart->alert_count)
		draw_key(drawing, x, HOT, "alert");
	if (chart->size == CHART_SMALL)
		chart_draw_text(drawing, FAINT, frame->right, frame->legend_y, "end", frame->font, "UTC");
}

void chart_draw_value_axis(const struct drawing *drawing)
{
	const struct frame *frame = drawing->frame;
	struct chart_tick ticks[CHART_TICKS_MAX];
	size_t count = chart_value_ticks(drawing->low, drawing->high, frame->value_ticks, chart_is_whole(drawing), ticks);

	fputs("<path " GRID " d=\"", drawing->out);
	for (size_t i = 0; i < count; i++) {
		chart_put_point(drawing, 'M', frame->left, chart_y_of(drawing, ticks[i].at));
		chart_put_step(drawing, 'H', frame->right);
	}
	fputs("\"/>\n", drawing->out);
	for (size_t i = 0; i < count; i++)
		chart_draw_text(drawing, FAINT, frame->left - 6, chart_y_of(drawing, ticks[i].at) + frame->font * 0.35, "end",
				frame->font, ticks[i].label);
}

void chart_draw_time_axis(const struct drawing *drawing)
{
	const struct frame *frame = drawing->frame;
	const struct chart *chart = drawing->chart;
	struct chart_tick ticks[CHART_TICKS_MAX];
	size_t most = (size_t)((frame->right - frame->left) / frame->tick_width);
	size_t count = chart_time_ticks(chart->start_s, chart->start_s + (int64_t)chart->count * chart->step_s, most, ticks);

	fputs("<path " AXIS " d=\"", drawing->out);
	chart_put_point(drawing, 'M', frame->left, chart_y_of(drawing, 0));
	chart_put_step(drawing, 'H', frame->right);
	for (size_t i = 0; i < count; i++) {
		chart_put_point(drawing, 'M', chart_x_of_time(drawing, (int64_t)ticks[i].at), frame->bottom);
		fputs(ticks[i].strong ? "v7" : "v4", drawing->out);
	}
	fputs("\"/>\n", drawing->out);
	for (size_t i = 0; i < count; i++) {
		double x = chart_x_of_time(drawing, (int64_t)ticks[i].at);
		double half = chart_text_width(ticks[i].label, frame->font) / 2;

		if (x + half <= frame->width)
			chart_draw_text(drawing, ticks[i].strong ? INK : FAINT, x, frame->bottom + 7 + frame->font, "middle",
					frame->font, ticks[i].label);
	}
}
