/*
 * Dates that begin with their year: ISO 8601 with calendar, ordinal and week
 * dates, with and without dashes, and its relatives with "/" and ".".
 */
#include "ingest/feed/date_parse.h"

#include "daemon/base/clock.h"

#include <string.h>

static bool leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return days[month - 1] + (month == 2 && leap(year));
}

bool date_is_valid(int year, int month, int day)
{
	return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
}

/* 0 = Monday. */
int date_weekday(int year, int month, int day)
{
	/* 1970-01-01 was a Thursday. */
	return (int)(((days_from_civil(year, month, day) + 3) % 7 + 7) % 7);
}

/* POSIX: 69 to 99 are of the last century. */
int date_full_year(int year)
{
	return year >= 100 ? year : year >= 69 ? 1900 + year : 2000 + year;
}

bool date_set(struct date_parse *p, int year, int month, int day)
{
	if (!date_is_valid(year, month, day))
		return false;
	p->year = year;
	p->month = month;
	p->day = day;
	return true;
}

static bool set_date_of_days(struct date_parse *p, int year, int64_t day_of_year)
{
	int month = 1;

	if (year < 1 || day_of_year < 1 || day_of_year > 365 + leap(year))
		return false;
	while (day_of_year > days_in_month(year, month))
		day_of_year -= days_in_month(year, month++);
	return date_set(p, year, month, (int)day_of_year);
}

/* ISO 8601 week dates: week 1 holds the year's first Thursday. */
static bool set_date_of_week(struct date_parse *p, int year, int week, int weekday)
{
	if (year < 1 || year > 9998 || week < 1 || week > 53 || weekday < 1 || weekday > 7)
		return false;
	int64_t first = days_from_civil(year, 1, 4) - date_weekday(year, 1, 4);
	int64_t day = first + 7 * (week - 1) + weekday - 1 - days_from_civil(year, 1, 1) + 1;
	/* A year of 52 weeks has no 53rd: its Thursday lies in the next year. */
	if (week == 53 && day - weekday + 4 > 365 + leap(year))
		return false;
	if (day < 1)
		return set_date_of_days(p, year - 1, day + 365 + leap(year - 1));
	if (day > 365 + leap(year))
		return set_date_of_days(p, year + 1, day - 365 - leap(year));
	return set_date_of_days(p, year, day);
}

/* "2026W05", "2026-W05-3": at the "w". */
static bool read_week(struct date_parse *p, int year)
{
	const struct date_token *number = date_peek(p, 1);
	bool compact = number->length == 3;

	if (!date_is_joined_number(number) || (number->length != 2 && !compact))
		return false;
	int week = (int)(compact ? number->value / 10 : number->value);
	int weekday = compact ? (int)(number->value % 10) : 1;
	p->at += 2;
	const struct date_token *last = date_peek(p, 1);
	if (!compact && date_is_symbol(date_peek(p, 0), '-') && date_is_joined_number(last) && last->length == 1) {
		weekday = (int)last->value;
		p->at += 2;
	}
	return set_date_of_week(p, year, week, weekday);
}

/* "20260105", "2026005": the digits before the time. */
static bool read_compact_date(struct date_parse *p, long value, size_t digits)
{
	if (digits == 8)
		return date_set(p, (int)(value / 10000), (int)(value / 100 % 100), (int)(value % 100));
	return set_date_of_days(p, (int)(value / 1000), value % 1000);
}

/* All digits in one: "20260105093000", "202601050930". */
static bool read_compact_whole(struct date_parse *p, const struct date_token *token)
{
	long time = token->length == 14 ? token->value % 1000000 : token->value % 10000 * 100;
	long date = token->length == 14 ? token->value / 1000000 : token->value / 10000;

	return read_compact_date(p, date, 8) && date_set_time(p, time / 10000, time / 100 % 100, time % 100);
}

/*
 * A date that begins with its year.  1 = read, 0 = it is none (nothing was
 * consumed), -1 = it is one, but of a day that there is not.
 */
int date_read_iso(struct date_parse *p)
{
	const struct date_token *year = date_peek(p, 0), *next = date_peek(p, 1), *month = date_peek(p, 2);
	size_t start = p->at;

	if (year->kind != DATE_NUMBER || year->value < 0)
		return 0;
	if (year->length == 8 || year->length == 7) {
		p->at++;
		return read_compact_date(p, year->value, year->length) ? 1 : -1;
	}
	if (year->length == 14 || year->length == 12) {
		p->at++;
		return read_compact_whole(p, year) ? 1 : -1;
	}
	if (year->length != 4)
		return 0;
	int value = (int)year->value;
	if (next->kind == DATE_END) {
		p->at++;
		return date_set(p, value, 1, 1) ? 1 : -1;
	}
	bool dashed_week = date_is_symbol(next, '-') && date_is_word(month, "w");
	if (date_is_word(next, "w") || dashed_week) {
		p->at += dashed_week ? 2 : 1;
		return read_week(p, value) ? 1 : -1;
	}
	if (next->kind != DATE_SYMBOL || strchr("-/.", next->text[0]) == NULL || month->kind != DATE_NUMBER)
		return 0;
	p->at += 3;
	if (month->length == 3)
		return set_date_of_days(p, value, month->value) ? 1 : -1;
	const struct date_token *day = date_peek(p, 1);
	bool has_day = date_is_symbol(date_peek(p, 0), next->text[0]) && day->kind == DATE_NUMBER && day->length <= 2;
	if (month->length <= 2 && has_day) {
		p->at += 2;
		return date_set(p, value, (int)month->value, (int)day->value) ? 1 : -1;
	}
	if (month->length <= 2 && date_peek(p, 0)->kind == DATE_END)
		return date_set(p, value, (int)month->value, 1) ? 1 : -1;
	p->at = start;
	return 0;
}
