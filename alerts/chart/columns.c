/*
 * Thinning that tells the truth about crossings.  A column shows its most
 * striking count.  Its limit is that of a point that crossed, where one did
 * (the column's count is at least as striking, so it crosses too), else the
 * widest of its limits (which no count that had one reached, so it does not).
 */
#include "alerts/chart/columns.h"

#include <math.h>

static double value_at(const float *values, size_t i)
{
	return values && isfinite(values[i]) ? (double)values[i] : NAN;
}

/* Does the limit lie below the expected, so that what is small stands out?  It is one rule's: the same everywhere. */
static bool is_floor(const struct chart *chart)
{
	size_t below = 0, above = 0;

	for (size_t i = 0; i < chart->count; i++) {
		double expected = value_at(chart->expected, i), limit = value_at(chart->limit, i);

		below += limit < expected; /* NaN is neither */
		above += limit >= expected;
	}
	return below > above;
}

/* Is `a` further out than `b`, on the side of the limit?  Everything is further than nothing. */
static bool is_further(double a, double b, bool floor)
{
	if (isnan(a) || isnan(b))
		return !isnan(a);
	return floor ? a < b : a > b;
}

static struct chart_column make_column(const struct chart *chart, bool floor, size_t first, size_t end)
{
	struct chart_column column = {.first = first, .end = end, .count = NAN, .expected = NAN, .limit = NAN};
	double sum = 0;
	size_t expected_points = 0;
	bool crossed = false;

	for (size_t i = first; i < end; i++) {
		double count = value_at(chart->counts, i);
		double expected = value_at(chart->expected, i), limit = value_at(chart->limit, i);
		bool crosses = !isnan(count) && !isnan(limit) && !is_further(limit, count, floor);

		if (is_further(count, column.count, floor))
			column.count = count;
		if (crosses ? !crossed : !crossed && is_further(limit, column.limit, floor))
			column.limit = limit;
		crossed |= crosses;
		if (!isnan(expected)) {
			sum += expected;
			expected_points++;
		}
	}
	if (!crossed && !is_further(column.limit, column.count, floor))
		column.limit = NAN; /* the count is from where no limit was known */
	if (expected_points)
		column.expected = sum / (double)expected_points;
	return column;
}

size_t chart_make_columns(const struct chart *chart, size_t max, struct chart_column *columns)
{
	size_t count = chart->count < max ? chart->count : max;
	bool floor = is_floor(chart);

	for (size_t c = 0; c < count; c++)
		columns[c] = make_column(chart, floor, c * chart->count / count, (c + 1) * chart->count / count);
	return count;
}
