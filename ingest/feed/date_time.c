/*
 * The part of a date after the day: times of day, morning and afternoon,
 * offsets and zones.
 */
#include "ingest/feed/date_parse.h"

#include <string.h>

bool date_set_time(struct date_parse *p, long hour, long minute, long second)
{
	bool midnight = hour == 24 && minute == 0 && second == 0;
	/* "2026-01-05 00:00:00.0 09:30:00.0": a date that was a time before the time was put beside it. */
	bool known = p->has_time && (p->hour != 0 || p->minute != 0 || p->second != 0);

	if (known || hour < 0 || minute < 0 || second < 0 || (hour > 23 && !midnight) || minute > 59 || second > 60)
		return false;
	p->has_time = true;
	p->hour = (int)hour;
	p->minute = (int)minute;
	p->second = (int)second;
	return true;
}

/* "0930", "093000" after a "T". */
bool date_set_compact_time(struct date_parse *p, const struct date_token *token)
{
	long value = token->value;

	switch (token->length) {
	case 2:
		return date_set_time(p, value, 0, 0);
	case 4:
		return date_set_time(p, value / 100, value % 100, 0);
	case 6:
		return date_set_time(p, value / 10000, value / 100 % 100, value % 100);
	default:
		return false;
	}
}

/* ".123" after the seconds. */
void date_read_fraction(struct date_parse *p)
{
	const struct date_token *dot = date_peek(p, 0), *digits = date_peek(p, 1);

	if ((!date_is_symbol(dot, '.') && !date_is_symbol(dot, ',')) || !date_is_joined_number(digits) || dot->spaced)
		return;
	int64_t unit = 100000;
	for (size_t i = 0; i < digits->length && unit > 0; i++, unit /= 10)
		p->fraction_us += (digits->text[i] - '0') * unit;
	p->at += 2;
}

/* "9:15", "9:15:30.5": at the hour. */
bool date_read_clock_time(struct date_parse *p)
{
	const struct date_token *hour = date_peek(p, 0), *minute = date_peek(p, 2);
	long seconds = 0;

	if (hour->length > 2 || minute->kind != DATE_NUMBER || minute->length > 2)
		return false;
	p->at += 3;
	if (date_is_symbol(date_peek(p, 0), ':') && date_peek(p, 1)->kind == DATE_NUMBER) {
		if (date_peek(p, 1)->length > 2)
			return false;
		seconds = date_peek(p, 1)->value;
		p->at += 2;
		/* "09:15:30:00" of some systems: hundredths. */
		if (date_is_symbol(date_peek(p, 0), ':') && date_is_joined_number(date_peek(p, 1))) {
			if (date_peek(p, 1)->length != 2 || date_peek(p, 1)->value != 0)
				return false;
			p->at += 2;
		}
		date_read_fraction(p);
	}
	return date_set_time(p, hour->value, minute->value, seconds);
}

/* "14h30", "14h", "14時30分5秒": at the hour, whose unit is known. */
bool date_read_unit_time(struct date_parse *p)
{
	long parts[3] = {date_peek(p, 0)->value, 0, 0};
	int ignored;
	bool zone;

	p->at += 2;
	for (int i = 1; i < 3 && date_peek(p, 0)->kind == DATE_NUMBER && date_peek(p, 0)->length <= 2; i++) {
		const struct date_token *unit = date_peek(p, 1);
		bool named = unit->kind == DATE_WORD &&
			     (date_find_unit(unit->text, unit->length, &ignored, &zone) == (i == 1 ? 'm' : 's') ||
			      date_is_word(unit, i == 1 ? "m" : "s") || date_is_word(unit, "min"));
		if (!named && (i > 1 || date_peek(p, 0)->spaced))
			break;
		parts[i] = date_peek(p, 0)->value;
		p->at += named ? 2 : 1;
	}
	return date_set_time(p, parts[0], parts[1], parts[2]);
}

/* "a.m.", "p. m.", "pm": true where the word at hand is one; consumes it. */
bool date_read_half(struct date_parse *p)
{
	const struct date_token *word = date_peek(p, 0);
	bool zone = false;
	int zone_s = 0;
	enum date_half half = date_find_half(word->text, word->length, &zone_s, &zone);
	bool dotted = date_is_symbol(date_peek(p, 1), '.') &&
		      (date_is_word(date_peek(p, 2), "m") || date_is_word(date_peek(p, 2), "μ"));
	bool greek = date_is_word(word, "π") || date_is_word(word, "μ");

	if (greek && dotted)
		half = date_is_word(word, "π") ? HALF_AM : HALF_PM;
	if (half == HALF_NONE)
		return false;
	/* A lone "a" or "p" counts only directly after the time. */
	if (word->length == 1 && !dotted && (!p->has_time || word->spaced))
		return false;
	p->half = half;
	if (zone) {
		p->country_zone = true;
		p->country_s = zone_s;
	}
	p->at += dotted ? 3 : 1;
	if (dotted && date_is_symbol(date_peek(p, 0), '.'))
		p->at++;
	return true;
}

/* "+0100", "-5", "+01:00", "-05:00:00": at the sign. */
bool date_read_offset(struct date_parse *p)
{
	int sign = date_is_symbol(date_peek(p, 0), '-') ? -1 : 1;
	const struct date_token *number = date_peek(p, 1);
	long hours = number->value, minutes = 0;

	p->at += 2;
	if (number->length == 4 || number->length == 3) {
		minutes = hours % 100;
		hours /= 100;
	} else if (number->length <= 2 && date_is_symbol(date_peek(p, 0), ':')) {
		if (!date_is_joined_number(date_peek(p, 1)) || date_peek(p, 1)->length != 2)
			return false;
		minutes = date_peek(p, 1)->value;
		p->at += 2;
		if (date_is_symbol(date_peek(p, 0), ':') && date_is_joined_number(date_peek(p, 1)) && date_peek(p, 1)->value == 0)
			p->at += 2;
	} else if (number->length > 2) {
		return false;
	}
	if (hours > 15 || minutes > 59)
		return false;
	int offset = sign * (int)(hours * 3600 + minutes * 60);
	/* Written twice ("-0500 -0500") it must be the same. */
	if (p->has_offset)
		return offset == p->offset_s;
	p->has_offset = true;
	p->offset_s = offset;
	return true;
}

/* Whether the sign at hand begins an offset and is not a dash. */
bool date_is_offset(const struct date_parse *p)
{
	const struct date_token *sign = date_peek(p, 0), *number = date_peek(p, 1);

	if (!date_is_joined_number(number) || (!date_is_symbol(sign, '+') && !date_is_symbol(sign, '-')))
		return false;
	/* Directly after the time or a zone's name. */
	if (date_is_symbol(sign, '+') || p->at == p->zone_place)
		return true;
	bool long_form = number->length == 4 || date_is_symbol(date_peek(p, 2), ':');
	return long_form && (p->iso || (sign->spaced && date_is_complete(p)));
}

/* "europe/paris", "est", "gmt+0100", "etc/gmt-1": true where the word at hand begins a zone; consumes it. */
bool date_read_zone_name(struct date_parse *p)
{
	const struct date_token *first = date_peek(p, 0);
	size_t tokens = 1;

	while (date_is_symbol(date_peek(p, tokens), '/') && date_peek(p, tokens + 1)->kind == DATE_WORD)
		tokens += 2;
	const struct date_token *last = date_peek(p, tokens - 1);
	const struct date_zone *zone = date_find_zone(first->text, (size_t)(last->text + last->length - first->text));
	if (zone == NULL && tokens > 1) {
		tokens = 1;
		zone = date_find_zone(first->text, first->length);
	}
	if (zone == NULL)
		return false;
	p->at += tokens;
	/* After a numeric offset a name only comments it. */
	if (!p->has_zone)
		p->zone = zone;
	p->has_zone = true;
	return true;
}
