/*
 * All tokens have found their place; here they become a day and an instant.
 * What stays open until then: which number is the day, which the month, and
 * whether "mar" is March or mardi.
 */
#include "ingest/feed/date_parse.h"

#include "daemon/base/clock.h"

/* Tell months from weekdays: what can be both is the one that is still missing. */
static bool resolve_names(struct date_parse *p)
{
	int months = 0, month = -1;

	for (size_t i = 0; i < p->name_count; i++)
		if (p->names[i].month > 0 && p->names[i].weekday < 0) {
			months++;
			month = p->names[i].month;
		}
	for (size_t i = p->name_count; i > 0; i--) {
		const struct date_name *name = &p->names[i - 1];
		if (name->month > 0 && name->weekday < 0)
			continue;
		if (name->month > 0 && months == 0 && p->month < 0) {
			months++;
			month = name->month;
		} else if (name->weekday >= 0 && p->weekday < 0) {
			p->weekday = name->weekday;
		} else if (name->weekday != p->weekday) {
			return false;
		}
	}
	if (months > 1 || (months == 1 && p->month >= 0))
		return false;
	if (months == 1)
		p->month = month;
	return true;
}

/* Day and month by number, in one of two orders.  The separator says which is usual, the weekday which is right. */
static bool resolve_order(struct date_parse *p, int year, bool month_first)
{
	int month = p->numbers[month_first ? 0 : 1].value;
	int day = p->numbers[month_first ? 1 : 0].value;
	bool usual = date_is_valid(year, month, day), other = date_is_valid(year, day, month);

	if (usual && other && p->weekday >= 0 && date_weekday(year, month, day) != p->weekday &&
	    date_weekday(year, day, month) == p->weekday)
		usual = false;
	return usual ? date_set(p, year, month, day) : other ? date_set(p, year, day, month) : false;
}

/* The month has a name (or a unit); day and year are numbers. */
static bool resolve_with_month(struct date_parse *p)
{
	int first = p->number_count > 0 ? p->numbers[0].value : 1;
	int second = p->number_count > 1 ? p->numbers[1].value : -1;

	if (p->year >= 0) {
		if (p->number_count > 1 || (p->day >= 0 && p->number_count > 0))
			return false;
		return date_set(p, p->year, p->month, p->day >= 0 ? p->day : first);
	}
	if (p->number_count != 2)
		return false;
	if (first > 31)
		return date_set(p, date_full_year(first), p->month, second);
	return date_set(p, date_full_year(second), p->month, first);
}

bool date_resolve(struct date_parse *p)
{
	const struct date_number *n = p->numbers;

	if (!resolve_names(p))
		return false;
	if (p->iso)
		return p->name_count == 0 || p->weekday >= 0;
	if (p->month >= 0)
		return resolve_with_month(p);
	if (p->year >= 0 && p->number_count == 2) {
		/* The year first: month and day; last: 11/16/2020, 16.11.2020, 16-11-2020. */
		bool month_first = p->year_index == 0 || n[1].separator == '/';
		return p->year_index != 1 && resolve_order(p, p->year, month_first);
	}
	if (p->year >= 0 || p->number_count != 3 || n[1].separator != n[2].separator || n[2].digits != 2)
		return false;
	if (n[0].value > 31)
		return date_set(p, date_full_year(n[0].value), n[1].value, n[2].value);
	/* 03-12-31 may begin with the year or end with it. */
	if (n[1].separator == '-' && n[2].value <= 31)
		return false;
	return (n[1].separator == '/' || n[1].separator == '.' || n[1].separator == '-') &&
	       resolve_order(p, date_full_year(n[2].value), n[1].separator == '/');
}

int64_t date_instant(const struct date_parse *p)
{
	int hour = p->hour;

	/* What .NET and Go write where there is no date. */
	if (p->year == 1 && p->month == 1 && p->day == 1)
		return TIME_NONE;
	if (p->half == HALF_PM && hour < 12)
		hour += 12;
	if (p->half == HALF_AM && hour == 12)
		hour = 0;
	int64_t day = days_from_civil(p->year, p->month, p->day);
	int second = hour * 3600 + p->minute * 60 + p->second;
	int offset = 0;
	if (p->has_offset)
		offset = p->offset_s;
	else if (p->zone != NULL)
		offset = date_zone_offset(p->zone, day, second);
	else if (p->country_zone && !p->has_zone)
		offset = p->country_s;
	return (day * 86400 + second - offset) * SECOND_US + p->fraction_us;
}
