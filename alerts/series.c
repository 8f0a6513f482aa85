/*
 * Block maxima (Gumbel, Statistics of Extremes, 1958).  Counts that people make
 * have a daily rhythm, weekends, and bursts every day, so a plain deviation from
 * the mean is nothing special; a day's highest hour is a number with a narrow
 * spread.  On the logarithm, the last four weeks' daily maxima give a mean and a
 * deviation, pulled towards a prior while days are few, and a predictive
 * Student's t for the next one.  The newest quarter of an hour, hour and six
 * hours are held against theirs, and the rarest decides: a burst shows in the
 * short window, what lasts in the long one.
 */
#include "alerts/series.h"

#include "alerts/rule/tail.h"
#include "alerts/series/sliding.h"
#include "daemon/base/check.h"

#include <math.h>
#include <stdlib.h>

enum { LEAST_DAYS = 2 };

/* Found on tweet volumes by tests/bench/nab.py, which also shows how little depends on them. */
const struct series_constants series_usual = {
	.hours = {0.25, 1, 6},
	.days = 28,
	.prior_deviation = 0.5,
	.prior_days = 4,
	.told_again = 1.5,
};

static const double independent_spans = 2; /* three windows that overlap are as many chances as two that do not */
static const double highest_value = 1e15;  /* that sums stay exact enough */

struct span {
	size_t rows;
	struct sliding sum, present, most; /* most: the highest sum of a day */
	double newest;                     /* the sum of the window that ends here; NAN where half of its rows are missing */
	float *most_log;                   /* ring: log(most + 1) of the day that ends here; NAN where half of it is missing */
};

struct series {
	struct series_options options;
	struct series_constants constants;
	size_t room, count;           /* count: rows so far */
	struct span spans[SERIES_SPANS];
	struct sliding hour, hour_present, day_present;
	float *hourly;                /* ring: mean of the hour that ends here; NAN where it has no value */
	size_t told_until;            /* row before which only what is rarer than `told` is news */
	double told;                  /* the chance of the last news */
};

static size_t rows_of(const struct series_options *options, double hours)
{
	double rows = round(hours * (double)options->hour_rows);

	return rows < 1 ? 1 : rows > (double)options->day_rows ? options->day_rows : (size_t)rows;
}

struct series *series_create(const struct series_options *options)
{
	struct series *series = xcalloc(1, sizeof *series);

	CHECK(options->hour_rows >= 1 && options->day_rows >= options->hour_rows);
	series->options = *options;
	series->constants = options->constants ? *options->constants : series_usual;
	series->room = (series->constants.days + 2) * options->day_rows;
	sliding_init(&series->hour, SLIDING_SUM, options->hour_rows);
	sliding_init(&series->hour_present, SLIDING_SUM, options->hour_rows);
	sliding_init(&series->day_present, SLIDING_SUM, options->day_rows);
	series->hourly = xcalloc(series->room, sizeof *series->hourly);
	for (size_t w = 0; w < SERIES_SPANS; w++) {
		struct span *span = &series->spans[w];

		span->rows = rows_of(options, series->constants.hours[w]);
		sliding_init(&span->sum, SLIDING_SUM, span->rows);
		sliding_init(&span->present, SLIDING_SUM, span->rows);
		sliding_init(&span->most, SLIDING_MOST, options->day_rows);
		span->most_log = xcalloc(series->room, sizeof *span->most_log);
	}
	return series;
}

void series_free(struct series *series)
{
	if (!series)
		return;
	sliding_reset(&series->hour);
	sliding_reset(&series->hour_present);
	sliding_reset(&series->day_present);
	free(series->hourly);
	for (size_t w = 0; w < SERIES_SPANS; w++) {
		sliding_reset(&series->spans[w].sum);
		sliding_reset(&series->spans[w].present);
		sliding_reset(&series->spans[w].most);
		free(series->spans[w].most_log);
	}
	free(series);
}

size_t series_memory(const struct series *series)
{
	return series->room;
}

/* Rows that are missing count as the others of their window do. */
static void span_add(struct series *series, struct span *span, double value, bool missing, bool day_known)
{
	double sum = sliding_add(&span->sum, value);
	double present = sliding_add(&span->present, !missing);
	double rows = fmin((double)span->rows, (double)series->count + 1), most;

	span->newest = !missing && 2 * present > rows ? sum * rows / present : NAN;
	most = sliding_add(&span->most, isnan(span->newest) ? 0 : span->newest);
	span->most_log[series->count % series->room] = day_known ? (float)log1p(most) : NAN;
}

static void append(struct series *series, double value)
{
	bool missing = isnan(value);
	double counted = missing || value < 0 ? 0 : fmin(value, highest_value);
	double hour = sliding_add(&series->hour, counted);
	double present = sliding_add(&series->hour_present, !missing);
	bool day_known = 2 * sliding_add(&series->day_present, !missing) > (double)series->options.day_rows;

	series->hourly[series->count % series->room] = present > 0 ? (float)(hour / present) : NAN;
	for (size_t w = 0; w < SERIES_SPANS; w++)
		span_add(series, &series->spans[w], counted, missing, day_known);
	series->count++;
}

static double expected_of(const struct series *series, size_t row, double value)
{
	double days = 0, sum = 0;

	for (size_t d = 1; d <= series->constants.days && d * series->options.day_rows <= row; d++) {
		float mean = series->hourly[(row - d * series->options.day_rows) % series->room];

		if (!isnan(mean)) {
			sum += mean;
			days++;
		}
	}
	if (days > 0)
		return sum / days;
	return value > 0 ? fmin(value, highest_value) : 0;
}

/* The chance that a day's highest window is as high as the one that ends with `row`; 1 where too few days are known. */
static double chance_of(const struct series *series, const struct span *span, size_t row)
{
	const struct series_constants *constants = &series->constants;
	size_t day_rows = series->options.day_rows;
	double sum = 0, squares = 0, days = 0, mean, variance, freedom;

	for (size_t d = 0; d < constants->days; d++) {
		size_t back = span->rows + d * day_rows; /* the window itself is in none of the days */
		double most;

		if (back + day_rows - 1 > row)
			break;
		most = span->most_log[(row - back) % series->room];
		if (isnan(most))
			continue;
		sum += most;
		squares += most * most;
		days++;
	}
	if (days < LEAST_DAYS || isnan(span->newest))
		return 1;
	mean = sum / days;
	freedom = constants->prior_days + days - 1;
	variance = (constants->prior_days * constants->prior_deviation * constants->prior_deviation +
		    fmax(squares - sum * mean, 0)) / freedom;
	return student_tail((log1p(span->newest) - mean) / sqrt(variance * (1 + 1 / days)), freedom);
}

/* A row is news where it is much rarer than what was told within a day; then it is what was told. */
static bool tell(struct series *series, size_t row, double chance)
{
	if (row < series->told_until && chance > pow(series->told, series->constants.told_again))
		return false;
	series->told = chance;
	series->told_until = row + series->options.day_rows;
	return true;
}

struct series_verdict series_add(struct series *series, double value)
{
	size_t row = series->count;
	struct series_verdict verdict = {0};
	double chance = 1;
	bool news;

	append(series, value);
	verdict.expected = expected_of(series, row, value);
	for (size_t i = 0; i < SERIES_SPANS; i++)
		chance = fmin(chance, chance_of(series, &series->spans[i], row));
	chance = 1 - pow(1 - chance, independent_spans);
	news = tell(series, row, chance);
	verdict.score = news ? 1 - chance : (1 - chance) / 2;
	verdict.alert = news && chance <= series->options.false_alarms_per_day;
	return verdict;
}
