/* Bars, lines, the band, and alerts. */
#include "alerts/chart/axis.h"
#include "alerts/chart/drawing.h"
#include "alerts/chart/text.h"

#include <math.h>

void chart_put_point(const struct drawing *drawing, char command, double x, double y)
{
	fputc(command, drawing->out);
	chart_put_number(drawing->out, x);
	fputc(' ', drawing->out);
	chart_put_number(drawing->out, y);
}

void chart_put_step(const struct drawing *drawing, char command, double at)
{
	fputc(command, drawing->out);
	chart_put_number(drawing->out, at);
}

static double clip(const struct drawing *drawing, double value)
{
	return fmin(fmax(value, drawing->low), drawing->high);
}

static bool is_shown(const struct drawing *drawing, double value)
{
	return value >= drawing->low && value <= drawing->high; /* not NaN */
}

double chart_pick_expected(const struct chart_column *column)
{
	return column->expected;
}

double chart_pick_limit(const struct chart_column *column)
{
	return column->limit;
}

/* A line in steps; where there is nothing, or it is out of sight, it breaks. */
void chart_draw_steps(const struct drawing *drawing, const char *look, double (*pick)(const struct chart_column *))
{
	bool open = false;

	fprintf(drawing->out, "<path %s d=\"", look);
	for (size_t c = 0; c < drawing->column_count; c++) {
		const struct chart_column *column = &drawing->columns[c];
		double value = pick(column);

		if (!is_shown(drawing, value)) {
			open = false;
			continue;
		}
		if (open)
			chart_put_step(drawing, 'V', chart_y_of(drawing, value));
		else
			chart_put_point(drawing, 'M', chart_x_of_point(drawing, (double)column->first), chart_y_of(drawing, value));
		chart_put_step(drawing, 'H', chart_x_of_point(drawing, (double)column->end));
		open = true;
	}
	fputs("\"/>\n", drawing->out);
}

static bool has_band(const struct chart_column *column)
{
	return !isnan(column->expected) && !isnan(column->limit);
}

/* One piece of the band: there by the limit, back by the expected. */
static void draw_piece(const struct drawing *drawing, size_t first, size_t end)
{
	const struct chart_column *columns = drawing->columns;
	double x = chart_x_of_point(drawing, (double)columns[first].first);

	chart_put_point(drawing, 'M', x, chart_y_of(drawing, clip(drawing, columns[first].limit)));
	for (size_t c = first; c < end; c++) {
		chart_put_step(drawing, 'V', chart_y_of(drawing, clip(drawing, columns[c].limit)));
		chart_put_step(drawing, 'H', chart_x_of_point(drawing, (double)columns[c].end));
	}
	for (size_t c = end; c-- > first;) {
		chart_put_step(drawing, 'V', chart_y_of(drawing, clip(drawing, columns[c].expected)));
		chart_put_step(drawing, 'H', chart_x_of_point(drawing, (double)columns[c].first));
	}
	fputc('Z', drawing->out);
}

void chart_draw_band(const struct drawing *drawing)
{
	fputs("<path " BAND " d=\"", drawing->out);
	for (size_t c = 0, first; c < drawing->column_count; c++) {
		for (first = c; c < drawing->column_count && has_band(&drawing->columns[c]); c++)
			continue;
		if (c > first)
			draw_piece(drawing, first, c);
	}
	fputs("\"/>\n", drawing->out);
}

/* Does a firing alert touch this column? */
static bool is_hot(const struct chart *chart, const struct chart_column *column)
{
	int64_t from_s = chart->start_s + (int64_t)column->first * chart->step_s;
	int64_t until_s = chart->start_s + (int64_t)column->end * chart->step_s;

	for (size_t i = 0; i < chart->alert_count; i++) {
		const struct chart_alert *alert = &chart->alerts[i];

		if (alert->state != ALERT_PENDING && alert->from_s < until_s && alert->until_s > from_s)
			return true;
	}
	return false;
}

/* Bars have air between them where there is room for it. */
void chart_draw_bars(const struct drawing *drawing, bool hot)
{
	double width = (drawing->frame->right - drawing->frame->left) / (double)drawing->column_count;
	double air = width >= 3 ? fmin(0.2 * width, 2) : 0;
	double base = chart_y_of(drawing, 0);

	fprintf(drawing->out, "<path %s d=\"", hot ? HOT : BAR);
	for (size_t c = 0; c < drawing->column_count; c++) {
		const struct chart_column *column = &drawing->columns[c];
		double x = chart_x_of_point(drawing, (double)column->first) + air / 2;
		double end = chart_x_of_point(drawing, (double)column->end) - air / 2;

		if (isnan(column->count) || column->count == 0 || is_hot(drawing->chart, column) != hot)
			continue;
		chart_put_point(drawing, 'M', x, base);
		chart_put_step(drawing, 'V', chart_y_of(drawing, column->count));
		chart_put_step(drawing, 'H', end);
		chart_put_step(drawing, 'V', base);
		fputc('Z', drawing->out);
	}
	fputs("\"/>\n", drawing->out);
}

/* ---- alerts ---- */

static void draw_alert(const struct drawing *drawing, const struct chart_alert *alert, double from, double until)
{
	const struct frame *frame = drawing->frame;
	bool pending = alert->state == ALERT_PENDING;
	int64_t start_s = drawing->chart->start_s;
	char time[CHART_LABEL_SIZE];

	chart_format_time(alert->from_s < CHART_FIRST_TIME_S ? start_s : alert->from_s, time);
	fprintf(drawing->out, "<g><title>%s from %s", pending ? "pending" : "alert", time);
	if (alert->until_s < CHART_LAST_TIME_S) {
		chart_format_time(alert->until_s, time);
		fprintf(drawing->out, " until %s", time);
	}
	fprintf(drawing->out, " UTC</title><rect %s x=\"", pending ? PENDING : ALERT);
	chart_put_number(drawing->out, from);
	fprintf(drawing->out, "\" y=\"%g\" width=\"", frame->top);
	chart_put_number(drawing->out, fmax(until - from, 1.5));
	fprintf(drawing->out, "\" height=\"%g\"/>", frame->bottom - frame->top);
	if (!pending) {
		fputs("<path " MARK " d=\"", drawing->out);
		chart_put_point(drawing, 'M', from - 4, frame->top - 8);
		fputs("h8l-4 7z\"/>", drawing->out);
	}
	fputs("</g>\n", drawing->out);
}

/* In order of time; what would lie wholly under the one drawn before is left out. */
void chart_draw_alerts(const struct drawing *drawing)
{
	const struct chart *chart = drawing->chart;
	int64_t end_s = chart->start_s + (int64_t)chart->count * chart->step_s;
	double last_from = -1, last_until = -1;

	for (size_t i = 0; i < chart->alert_count; i++) {
		const struct chart_alert *alert = &chart->alerts[i];
		double from, until;

		if (alert->from_s >= end_s || alert->until_s <= chart->start_s || alert->from_s > alert->until_s)
			continue;
		from = chart_x_of_time(drawing, alert->from_s);
		until = chart_x_of_time(drawing, alert->until_s < end_s ? alert->until_s : end_s);
		if (fabs(from - last_from) < 1 && until - last_until < 1)
			continue;
		draw_alert(drawing, alert, from, until);
		last_from = from;
		last_until = until;
	}
}
