/*
 * Block maxima (Gumbel, Statistics of Extremes, 1958).  Counts that people make
 * have a daily rhythm, weekends, and bursts every day, so a plain deviation from
 * the mean is nothing special; a day's highest hour is a number with a narrow
 * spread.  On the logarithm, the last two weeks' daily maxima give a mean and a
 * deviation, pulled towards a prior while days are few, and a predictive
 * Student's t for the next one.  The current hour is held against that.
 */
#include "alerts/series.h"

#include "alerts/rule/tail.h"
#include "daemon/base/check.h"

#include <math.h>
#include <stdlib.h>

enum { DAYS = 14, LEAST_DAYS = 2 };

static const double prior_deviation = 0.3, prior_days = 2;

/* What is kept of a row: a ring of DAYS + 2 days of them. */
struct row {
	double value;
	double hour; /* sum of the values of the hour that ends here */
	double most; /* the highest `hour` of the day that ends here */
};

struct series {
	struct series_options options;
	struct row *rows;
	size_t room, count;  /* count: rows so far */
	size_t *rising;      /* rows that may yet be a day's highest, oldest first: a ring of day_rows + 1 */
	size_t rising_first, rising_count;
	size_t quiet_until;  /* row before which an alert is no news */
};

struct series *series_create(const struct series_options *options)
{
	struct series *series = xcalloc(1, sizeof *series);

	CHECK(options->hour_rows >= 1 && options->day_rows >= options->hour_rows);
	series->options = *options;
	series->room = (DAYS + 2) * options->day_rows;
	series->rows = xcalloc(series->room, sizeof *series->rows);
	series->rising = xcalloc(options->day_rows + 1, sizeof *series->rising);
	return series;
}

void series_free(struct series *series)
{
	if (!series)
		return;
	free(series->rows);
	free(series->rising);
	free(series);
}

static struct row *row_at(const struct series *series, size_t index)
{
	return &series->rows[index % series->room];
}

static size_t *rising_at(struct series *series, size_t i)
{
	return &series->rising[(series->rising_first + i) % (series->options.day_rows + 1)];
}

/* The highest hour of the last day, with every row looked at twice at most: lower ones before a higher one never count. */
static double highest_of_day(struct series *series, size_t index)
{
	while (series->rising_count && row_at(series, *rising_at(series, series->rising_count - 1))->hour <=
					       row_at(series, index)->hour)
		series->rising_count--;
	*rising_at(series, series->rising_count++) = index;
	while (*rising_at(series, 0) + series->options.day_rows <= index) {
		series->rising_first = (series->rising_first + 1) % (series->options.day_rows + 1);
		series->rising_count--;
	}
	return row_at(series, *rising_at(series, 0))->hour;
}

static size_t append(struct series *series, double value)
{
	size_t index = series->count++;
	struct row *row = row_at(series, index);

	row->value = value;
	row->hour = 0;
	/* Summed anew: a running sum of large and small numbers drifts. */
	for (size_t i = 0; i < series->options.hour_rows && i <= index; i++)
		row->hour += row_at(series, index - i)->value;
	row->most = highest_of_day(series, index);
	return index;
}

static double expected_of(const struct series *series, size_t index)
{
	size_t days = 0;
	double sum = 0;

	for (size_t d = 1; d <= DAYS && d * series->options.day_rows <= index; d++, days++)
		sum += row_at(series, index - d * series->options.day_rows)->hour;
	return days ? sum / (double)days / (double)series->options.hour_rows : row_at(series, index)->value;
}

/* The chance a day of an hour as high as the last one; 1 while there are too few days to tell. */
static double chance_of(const struct series *series, size_t index)
{
	const struct series_options *options = &series->options;
	double sum = 0, squares = 0, mean, variance, days = 0;

	for (size_t d = 0; d < DAYS; d++) {
		size_t back = options->hour_rows + d * options->day_rows;
		double most;

		if (back + options->day_rows - 1 > index)
			break;
		most = log(row_at(series, index - back)->most + (double)options->hour_rows);
		sum += most;
		squares += most * most;
		days++;
	}
	if (days < LEAST_DAYS)
		return 1;
	mean = sum / days;
	variance = (prior_days * prior_deviation * prior_deviation + fmax(squares - sum * mean, 0)) /
		   (prior_days + days - 1);
	return student_tail((log(row_at(series, index)->hour + (double)options->hour_rows) - mean) /
				    sqrt(variance * (1 + 1 / days)),
			    prior_days + days - 1);
}

struct series_verdict series_add(struct series *series, double value)
{
	size_t index = append(series, value > 0 && isfinite(value) ? value : 0);
	struct series_verdict verdict = {.expected = expected_of(series, index)};
	double chance = chance_of(series, index);

	verdict.score = 1 - chance;
	if (index < series->quiet_until) {
		verdict.score /= 2;
	} else if (chance <= series->options.false_alarms_per_day) {
		verdict.alert = true;
		series->quiet_until = index + series->options.day_rows;
	}
	return verdict;
}
