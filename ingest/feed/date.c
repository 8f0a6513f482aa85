/*
 * Feeds write dates in every way there is, so this reads tokens by what they
 * can only be, not by a list of formats: "9:15" is a time wherever it stands,
 * a four-digit number is the year, a word is a month, a weekday, a zone.
 * What remains are the one- and two-digit numbers, whose order is known by
 * where the year stands, by the separator, or by the weekday.
 *
 * ISO 8601 comes first, since its numbers have an order of their own.  A token
 * that finds no place makes the whole text no date: a wrong time is worse than
 * none.
 */
#include "ingest/feed/date.h"

#include "daemon/base/clock.h"
#include "ingest/feed/date_parse.h"

#include <string.h>

/* Suffixes of a day: "16th", "1er". */
static void skip_ordinal(struct date_parse *p)
{
	static const char *const suffixes[] = {"st", "nd", "rd", "th", "er", "o", "a", "e"};

	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
		if (date_is_word(date_peek(p, 0), suffixes[i]) && !date_peek(p, 0)->spaced) {
			p->at++;
			return;
		}
}

static bool read_number_with_unit(struct date_parse *p, char unit)
{
	const struct date_token *token = date_peek(p, 0);

	if (unit == 'h')
		return date_read_unit_time(p);
	p->at += 2;
	switch (unit) {
	case 'Y':
		p->year = date_full_year((int)token->value);
		p->year_index = p->number_count;
		return token->length <= 4;
	case 'M':
		p->month = (int)token->value;
		return token->length <= 2;
	case 'D':
		p->day = (int)token->value;
		return token->length <= 2;
	default:
		return false;
	}
}

/* A number that is part of the date: its year, or one whose meaning shows later. */
static bool read_date_number(struct date_parse *p)
{
	const struct date_token *token = date_peek(p, 0), *before = p->at > 0 ? token - 1 : token;

	p->at++;
	if (p->iso)
		return false;
	if (token->length == 4 && p->year < 0) {
		p->year = (int)token->value;
		p->year_index = p->number_count;
		return true;
	}
	if (token->length > 2 || p->number_count == DATE_MAX_NUMBERS)
		return false;
	p->numbers[p->number_count++] = (struct date_number){
		.value = (int)token->value,
		.digits = token->length,
		.separator = before->kind == DATE_SYMBOL ? before->text[0] : ' ',
	};
	skip_ordinal(p);
	return true;
}

/* What the word after the number makes of it: "3pm", "14h30", "5月".  0 = nothing, 1 = read, -1 = nonsense. */
static int read_number_by_word(struct date_parse *p)
{
	const struct date_token *number = date_peek(p, 0), *word = date_peek(p, 1);
	bool country = false, ignored;
	int zone_s = 0;

	if (word->kind != DATE_WORD)
		return 0;
	char unit = date_find_unit(word->text, word->length, &zone_s, &country);
	if (country && !p->country_zone) {
		p->country_zone = true;
		p->country_s = zone_s;
	}
	if (unit == '\0' && date_is_word(word, "h") && !word->spaced)
		unit = 'h';
	if (unit != '\0')
		return read_number_with_unit(p, unit) ? 1 : -1;
	bool half = date_find_half(word->text, word->length, &zone_s, &ignored) != HALF_NONE;
	if (!half || p->has_time || number->length > 2 || !date_is_complete(p))
		return 0;
	p->at++;
	return date_set_time(p, number->value, 0, 0) ? 1 : -1;
}

/* "31.12.2020 14.30": two numbers where the date has all of its own. */
static bool is_dotted_time(const struct date_parse *p)
{
	const struct date_token *hour = date_peek(p, 0), *dot = date_peek(p, 1), *minute = date_peek(p, 2);
	bool full = p->iso || (p->year >= 0 && p->number_count + p->name_count >= 2 && p->number_count >= 1);

	return full && !p->has_time && hour->spaced && hour->length <= 2 && date_is_symbol(dot, '.') && !dot->spaced &&
	       date_is_joined_number(minute) && minute->length == 2;
}

static bool read_number(struct date_parse *p)
{
	const struct date_token *token = date_peek(p, 0), *next = date_peek(p, 1);
	bool after_t = p->at > 0 && date_is_word(token - 1, "t");
	bool after_date = p->iso || (p->year >= 0 && p->number_count + p->name_count > 0);

	if (token->value < 0)
		return false;
	if (date_is_symbol(next, ':') && !next->spaced)
		return date_read_clock_time(p);
	if (is_dotted_time(p))
		return date_read_clock_time(p);
	int by_word = read_number_by_word(p);
	if (by_word != 0)
		return by_word > 0;
	if (after_t || (token->length == 4 && after_date && !p->has_time)) {
		p->at++;
		return date_set_compact_time(p, token);
	}
	return read_date_number(p);
}

/* A zone that nobody knows, directly after the time: better a few hours off than no date. */
static bool is_unknown_zone(const struct date_parse *p, const struct date_token *word)
{
	return p->has_time && !p->has_zone && !p->has_offset && date_is_complete(p) && word->length >= 2 &&
	       word->length <= 5 && (unsigned char)word->text[0] < 0x80;
}

static bool read_word(struct date_parse *p)
{
	const struct date_token *word = date_peek(p, 0);
	/* "at" is Atlantic Time only after the time. */
	bool date_only = (p->iso || (p->year >= 0 && p->name_count > 0)) && !date_is_word(word, "at");

	if (date_read_half(p))
		return true;
	if ((p->has_time || date_only) && date_read_zone_name(p))
		return true;
	p->at++;
	if (date_is_word(word, "t") && date_is_joined_number(date_peek(p, 0)) && !p->has_time)
		return true;
	struct date_name name = date_find_name(word->text, word->length);
	if (name.month > 0 || name.weekday >= 0) {
		if (p->name_count == DATE_MAX_NAMES)
			return false;
		p->names[p->name_count++] = name;
		return true;
	}
	if (date_is_noise(word->text, word->length))
		return true;
	if (!is_unknown_zone(p, word))
		return false;
	p->has_zone = true;
	return true;
}

static bool is_bracket(const struct date_token *token, const char *brackets)
{
	return token->kind == DATE_SYMBOL && strchr(brackets, token->text[0]) != NULL;
}

/* "(CET)", "(Coordinated Universal Time)": a zone where there is none yet, else nothing. */
static bool skip_comment(struct date_parse *p)
{
	p->at++;
	bool wanted = p->has_time && !p->has_offset && date_peek(p, 0)->kind == DATE_WORD;
	if (wanted && date_read_zone_name(p)) {
		p->zone_place = p->at;
		if (date_is_offset(p) && !date_read_offset(p))
			return false;
	}
	while (date_peek(p, 0)->kind != DATE_END && !is_bracket(date_peek(p, 0), ")]"))
		p->at++;
	p->at += date_peek(p, 0)->kind != DATE_END;
	return true;
}

static bool skip_separator(struct date_parse *p)
{
	const struct date_token *next = date_peek(p, 1);
	/* "Date: ...", "12:30:-0500" */
	bool colon = date_is_symbol(date_peek(p, 0), ':') && (next->spaced || next->kind == DATE_SYMBOL);

	if (!colon && strchr(",./-@|'", date_peek(p, 0)->text[0]) == NULL)
		return false;
	p->zone_place += colon && p->zone_place == p->at;
	p->at++;
	return true;
}

static bool read_tokens(struct date_parse *p)
{
	while (date_peek(p, 0)->kind != DATE_END) {
		const struct date_token *token = date_peek(p, 0);
		bool had_time = p->has_time, had_zone = p->has_zone, ok;
		enum date_half half = p->half;
		if (token->kind == DATE_NUMBER)
			ok = read_number(p);
		else if (token->kind == DATE_WORD)
			ok = read_word(p);
		else if (is_bracket(token, "(["))
			ok = skip_comment(p);
		else if (date_is_offset(p))
			ok = date_read_offset(p);
		else
			ok = skip_separator(p);
		if (!ok)
			return false;
		if (p->has_time != had_time || p->has_zone != had_zone || p->half != half)
			p->zone_place = p->at;
	}
	return true;
}

/* Seconds, milliseconds or microseconds since 1970, told apart by their size: from 1973 on. */
static int64_t read_epoch(struct date_parse *p)
{
	const struct date_token *token = date_peek(p, 0);

	if (token->kind != DATE_NUMBER || token->value < 0)
		return TIME_NONE;
	p->at++;
	date_read_fraction(p);
	if (date_peek(p, 0)->kind != DATE_END)
		return TIME_NONE;
	switch (token->length) {
	case 9:
	case 10:
		return token->value * SECOND_US + p->fraction_us;
	case 13:
		return token->value * 1000;
	case 16:
		return token->value;
	default:
		return TIME_NONE;
	}
}

int64_t feed_date(const char *text)
{
	struct date_parse p = {.year = -1, .month = -1, .day = -1, .weekday = -1};

	if (!date_scan(&p.scan, text) || p.scan.count == 0)
		return TIME_NONE;
	int64_t epoch = read_epoch(&p);
	if (epoch != TIME_NONE)
		return epoch;
	p.at = 0;
	p.fraction_us = 0;
	int iso = date_read_iso(&p);
	p.iso = iso > 0;
	if (iso < 0 || !read_tokens(&p) || !date_resolve(&p))
		return TIME_NONE;
	return date_instant(&p);
}
