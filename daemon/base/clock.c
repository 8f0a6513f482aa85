#include "daemon/base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <time.h>

static int64_t wall_now_us(const struct clock *clock)
{
	(void)clock;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

const struct clock wall_clock = {wall_now_us};

int64_t monotonic_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

/* Era arithmetic on years that start in March, so that the leap day is last.
 * Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
int64_t days_from_civil(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Read exactly `count` digits. */
static bool take_digits(const char **at, int count, int *out)
{
	int value = 0;
	for (int i = 0; i < count; i++, (*at)++) {
		if (!isdigit((unsigned char)**at))
			return false;
		value = value * 10 + (**at - '0');
	}
	*out = value;
	return true;
}

static bool take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static bool take_date(const char **at, int64_t *days)
{
	static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year, month, day;
	if (!take_digits(at, 4, &year) || !take_char(at, '-') || !take_digits(at, 2, &month) ||
	    !take_char(at, '-') || !take_digits(at, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 ||
	    day > month_days[month - 1] + (month == 2 && is_leap(year)))
		return false;
	*days = days_from_civil(year, month, day);
	return true;
}

static bool take_time_of_day(const char **at, int64_t *us)
{
	int hour, minute, second = 0;
	int64_t fraction_us = 0;
	if (!take_digits(at, 2, &hour) || !take_char(at, ':') || !take_digits(at, 2, &minute))
		return false;
	if (take_char(at, ':')) {
		if (!take_digits(at, 2, &second))
			return false;
		if (**at == '.' || **at == ',') {
			int64_t unit = SECOND_US / 10;
			for ((*at)++; isdigit((unsigned char)**at); (*at)++, unit /= 10)
				fraction_us += (**at - '0') * unit;
		}
	}
	if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute || second)))
		return false;
	*us = hour * HOUR_US + minute * MINUTE_US + second * SECOND_US + fraction_us;
	return true;
}

static bool take_offset(const char **at, int64_t *us)
{
	*us = 0;
	if (take_char(at, 'Z') || take_char(at, 'z'))
		return true;
	if (**at != '+' && **at != '-')
		return true;
	int sign = *(*at)++ == '-' ? -1 : 1;
	int hour, minute = 0;
	if (!take_digits(at, 2, &hour))
		return false;
	bool colon = take_char(at, ':');
	if ((colon || isdigit((unsigned char)**at)) && !take_digits(at, 2, &minute))
		return false;
	if (hour > 23 || minute > 59)
		return false;
	*us = sign * (hour * HOUR_US + minute * MINUTE_US);
	return true;
}

bool time_parse_iso(const char *text, int64_t *out_us)
{
	int64_t days, of_day = 0, offset = 0;
	const char *at = text;
	if (!take_date(&at, &days))
		return false;
	if (*at == 'T' || *at == 't' || *at == ' ') {
		at++;
		if (!take_time_of_day(&at, &of_day))
			return false;
		while (*at == ' ')
			at++;
		if (!take_offset(&at, &offset))
			return false;
	}
	if (*at != '\0')
		return false;
	*out_us = days * DAY_US + of_day - offset;
	return true;
}

char *time_format_iso(int64_t time_us, char *out, size_t size)
{
	int64_t seconds = time_us / SECOND_US - (time_us % SECOND_US < 0);
	time_t t = (time_t)seconds;
	struct tm tm;
	if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 9999 - 1900 || tm.tm_year < -1900)
		snprintf(out, size, "invalid"); /* no ISO 8601 of four digits */
	else
		snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec);
	return out;
}

static int64_t unit_us(char unit)
{
	switch (unit) {
	case 's': return SECOND_US;
	case 'm': return MINUTE_US;
	case 'h': return HOUR_US;
	case 'd': return DAY_US;
	case 'w': return 7 * DAY_US;
	case 'y': return 365 * DAY_US;
	default: return 0;
	}
}

bool duration_parse(const char *text, int64_t *out_us)
{
	int64_t total = 0;
	const char *at = text;
	if (at[0] == '0' && at[1] == '\0') {
		*out_us = 0;
		return true;
	}
	do {
		int64_t value = 0;
		if (!isdigit((unsigned char)*at))
			return false;
		for (; isdigit((unsigned char)*at); at++) {
			value = value * 10 + (*at - '0');
			if (value > 1000000000)
				return false;
		}
		int64_t factor = SECOND_US / 1000;
		if (at[0] == 'm' && at[1] == 's')
			at += 2;
		else if ((factor = unit_us(*at)) != 0)
			at++;
		else
			return false;
		if (value > (INT64_MAX - total) / factor)
			return false;
		total += value * factor;
	} while (*at != '\0');
	*out_us = total;
	return true;
}
