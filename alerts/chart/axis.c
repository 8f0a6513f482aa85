/*
 * Ticks where people expect them: values at 1, 2 or 5 times a power of ten,
 * times at full minutes, hours, days, Mondays, months, years.
 */
#include "alerts/chart/axis.h"

#include "daemon/base/clock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- values ---- */

static double round_step(double least)
{
	double power = pow(10, floor(log10(least)));
	double part = least / power;

	return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

/* 1234567 as "1,234,567". */
static void group_digits(long long value, char out[CHART_LABEL_SIZE])
{
	char digits[CHART_LABEL_SIZE];
	int length = snprintf(digits, sizeof digits, "%lld", value < 0 ? -value : value), at = 0;

	if (value < 0)
		out[at++] = '-';
	for (int i = 0; i < length && at < CHART_LABEL_SIZE - 2; i++) {
		out[at++] = digits[i];
		if ((length - i) % 3 == 1 && i + 1 < length)
			out[at++] = ',';
	}
	out[at] = '\0';
}

/* Thousands grouped, millions as "1.2M"; as many decimals as steps of `step` need. */
static void format_number(double value, double step, char out[CHART_LABEL_SIZE])
{
	int decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;

	if (fabs(value) >= 1e12)
		snprintf(out, CHART_LABEL_SIZE, "%.3g", value);
	else if (fabs(value) >= 1e6)
		snprintf(out, CHART_LABEL_SIZE, "%.10gM", value / 1e6);
	else if (decimals > 0)
		snprintf(out, CHART_LABEL_SIZE, "%.*f", decimals < 9 ? decimals : 9, value + 0.0);
	else
		group_digits(llround(value), out);
}

size_t chart_value_ticks(double low, double high, size_t wanted, bool whole, struct chart_tick ticks[CHART_TICKS_MAX])
{
	double step = round_step((high - low) / (double)wanted);
	size_t count = 0;

	if (whole && step < 1)
		step = 1;
	for (double i = ceil(low / step - 1e-9); i * step <= high * (1 + 1e-12) && count < CHART_TICKS_MAX; i++) {
		struct chart_tick *tick = &ticks[count++];

		tick->at = i * step;
		tick->strong = i == 0;
		format_number(tick->at, step, tick->label);
	}
	return count;
}

/* ---- times ---- */

#define MINUTE_S 60
#define HOUR_S 3600
#define DAY_S 86400
#define MONDAY_S (4 * DAY_S) /* 1970-01-05 */

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static struct tm utc(int64_t time_s)
{
	time_t time = (time_t)time_s;
	struct tm tm = {0};

	gmtime_r(&time, &tm);
	return tm;
}

void chart_format_time(int64_t time_s, char out[CHART_LABEL_SIZE])
{
	char iso[64];

	time_format_iso(time_s * SECOND_US, iso, sizeof iso);
	snprintf(out, CHART_LABEL_SIZE, "%.10s %.5s", iso, strlen(iso) > 15 ? iso + 11 : "");
}

static void label_time(struct chart_tick *tick, int64_t time_s, int64_t step_s)
{
	struct tm tm = utc(time_s);

	tick->at = (double)time_s;
	tick->strong = step_s < DAY_S && time_s % DAY_S == 0;
	if (step_s < DAY_S && !tick->strong)
		snprintf(tick->label, sizeof tick->label, "%02u:%02u", (unsigned)tm.tm_hour % 24, (unsigned)tm.tm_min % 60);
	else
		snprintf(tick->label, sizeof tick->label, "%d %s", tm.tm_mday, months[tm.tm_mon]);
}

/* Steps of one length; 0 where there would be more than `max`. */
static size_t even_ticks(int64_t start_s, int64_t end_s, int64_t step_s, size_t max, struct chart_tick *ticks)
{
	int64_t origin_s = step_s % (7 * DAY_S) == 0 ? MONDAY_S : 0, past_s = start_s - origin_s;
	int64_t first_s = start_s + ((-past_s) % step_s + step_s) % step_s;
	size_t count = 0;

	if (end_s - first_s > step_s * (int64_t)max)
		return 0;
	for (int64_t time_s = first_s; time_s < end_s && count < max; time_s += step_s)
		label_time(&ticks[count++], time_s, step_s);
	return count;
}

/* Months, many years of them at the most; 0 where there would be more than `max`. */
static size_t month_ticks(int64_t start_s, int64_t end_s, int step, size_t max, struct chart_tick *ticks)
{
	struct tm start = utc(start_s);
	int64_t month = (int64_t)(start.tm_year + 1900) * 12 + start.tm_mon;
	size_t count = 0;

	for (month = (month + step - 1) / step * step;; month += step) {
		int64_t time_s = days_from_civil(month / 12, (int)(month % 12) + 1, 1) * DAY_S;
		struct chart_tick *tick = &ticks[count];

		if (time_s >= end_s)
			return count;
		if (time_s < start_s)
			continue;
		if (count == max)
			return 0;
		count++;
		tick->at = (double)time_s;
		tick->strong = month % 12 == 0 && step < 12;
		if (month % 12 == 0)
			snprintf(tick->label, sizeof tick->label, "%lld", (long long)(month / 12));
		else
			snprintf(tick->label, sizeof tick->label, "%s", months[month % 12]);
	}
}

size_t chart_time_ticks(int64_t start_s, int64_t end_s, size_t max, struct chart_tick ticks[CHART_TICKS_MAX])
{
	static const int64_t steps_s[] = {MINUTE_S,   5 * MINUTE_S, 15 * MINUTE_S, 30 * MINUTE_S, HOUR_S,    2 * HOUR_S,
					  3 * HOUR_S, 6 * HOUR_S,   12 * HOUR_S,   DAY_S,	   2 * DAY_S, 7 * DAY_S,
					  14 * DAY_S};
	static const int months_of[] = {1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 2400, 6000};
	size_t count = 0;

	if (max > CHART_TICKS_MAX)
		max = CHART_TICKS_MAX;
	for (size_t i = 0; i < sizeof steps_s / sizeof *steps_s && !count; i++)
		count = even_ticks(start_s, end_s, steps_s[i], max, ticks);
	for (size_t i = 0; i < sizeof months_of / sizeof *months_of && !count; i++)
		count = month_ticks(start_s, end_s, months_of[i], max, ticks);
	return count;
}
