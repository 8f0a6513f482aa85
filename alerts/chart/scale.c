/* Values and times to places: linear each way. */
#include "alerts/chart/drawing.h"

#include <math.h>

double chart_x_of_point(const struct drawing *drawing, double point)
{
	const struct frame *frame = drawing->frame;

	return frame->left + point / (double)drawing->chart->count * (frame->right - frame->left);
}

double chart_x_of_time(const struct drawing *drawing, int64_t time_s)
{
	double point = (double)(time_s - drawing->chart->start_s) / (double)drawing->chart->step_s;

	return chart_x_of_point(drawing, fmin(fmax(point, 0), (double)drawing->chart->count));
}

double chart_y_of(const struct drawing *drawing, double value)
{
	const struct frame *frame = drawing->frame;
	double part = (value - drawing->low) / (drawing->high - drawing->low);

	return frame->bottom - part * (frame->bottom - frame->top);
}

bool chart_is_whole(const struct drawing *drawing)
{
	for (size_t c = 0; c < drawing->column_count; c++) {
		double count = drawing->columns[c].count;

		if (!isnan(count) && count != floor(count))
			return false;
	}
	return true;
}

static void stretch(struct drawing *drawing, double value)
{
	drawing->low = fmin(drawing->low, value); /* fmin and fmax take the number where one is NaN */
	drawing->high = fmax(drawing->high, value);
}

/* Everything counted and expected, and the limit where it is not so far away that the rest would be flat. */
void chart_set_scale(struct drawing *drawing)
{
	bool whole = chart_is_whole(drawing);
	double reach;

	drawing->low = drawing->high = 0;
	for (size_t c = 0; c < drawing->column_count; c++) {
		stretch(drawing, drawing->columns[c].count);
		stretch(drawing, drawing->columns[c].expected);
	}
	if (whole)
		drawing->high = fmax(drawing->high, 2);
	reach = 2 * (drawing->high - drawing->low);
	for (size_t c = 0; c < drawing->column_count; c++) {
		double limit = drawing->columns[c].limit;

		if (fabs(limit) <= reach)
			stretch(drawing, limit);
	}
	if (drawing->high - drawing->low < 1e-9)
		drawing->high = drawing->low + 1;
	reach = 0.06 * (drawing->high - drawing->low);
	if (drawing->low < 0)
		drawing->low -= reach;
	if (drawing->high > 0)
		drawing->high += reach;
}
