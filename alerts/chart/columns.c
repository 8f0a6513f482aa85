/*
 * Thinning that tells the truth about crossings.  A column shows its most
 * striking count.  Its limit is that of the most striking point that crossed,
 * where one did (the column's count is at least as striking, so it crosses
 * too), else the widest of its limits (which no count that had one reached, so
 * it does not).
 *
 * Columns are round times, where points allow it: of ten hours each, they would
 * now show a day and now a night, and lines would flicker.
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
	double sum = 0, crossing = NAN; /* the most striking count that crossed */
	size_t expected_points = 0;

	for (size_t i = first; i < end; i++) {
		double count = value_at(chart->counts, i);
		double expected = value_at(chart->expected, i), limit = value_at(chart->limit, i);
		bool crosses = !isnan(count) && !isnan(limit) && !is_further(limit, count, floor);

		if (is_further(count, column.count, floor))
			column.count = count;
		if (crosses ? is_further(count, crossing, floor) : isnan(crossing) && is_further(limit, column.limit, floor))
			column.limit = limit;
		if (crosses && is_further(count, crossing, floor))
			crossing = count;
		if (!isnan(expected)) {
			sum += expected;
			expected_points++;
		}
	}
	if (isnan(crossing) && !is_further(column.limit, column.count, floor))
		column.limit = NAN; /* the count is from where no limit was known */
	if (expected_points)
		column.expected = sum / (double)expected_points;
	return column;
}

/* How many points make a column of a round time; 0 = no round time fits into `max` columns. */
static size_t round_run(const struct chart *chart, size_t max)
{
	static const int64_t spans_s[] = {60,	 120,	300,   600,	900,	1800,	3600,  2 * 3600, 3 * 3600,
					  4 * 3600, 86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400};

	if (max < 3 || chart->count <= max)
		return 0;
	for (size_t i = 0; i < sizeof spans_s / sizeof *spans_s; i++) {
		size_t run = (size_t)(spans_s[i] / chart->step_s);

		if (spans_s[i] % chart->step_s == 0 && chart->count / run + 2 <= max)
			return run;
	}
	return 0;
}

/* Of how many points the first column lacks, so that the others begin at round times. */
static size_t first_lack(const struct chart *chart, size_t run)
{
	int64_t span_s = (int64_t)run * chart->step_s, into_s = (chart->start_s % span_s + span_s) % span_s;

	return into_s % chart->step_s == 0 ? (size_t)(into_s / chart->step_s) : 0;
}

size_t chart_make_columns(const struct chart *chart, size_t max, struct chart_column *columns)
{
	bool floor = is_floor(chart);
	size_t run = round_run(chart, max), lack = run ? first_lack(chart, run) : 0;
	size_t count = run ? (chart->count + lack + run - 1) / run : chart->count < max ? chart->count : max;
	size_t first = 0, end;

	for (size_t c = 0; c < count; c++, first = end) {
		end = run ? (c + 1) * run - lack : (c + 1) * chart->count / count;
		if (end > chart->count)
			end = chart->count;
		columns[c] = make_column(chart, floor, first, end);
	}
	return count;
}
