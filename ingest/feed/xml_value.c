/*
 * What the values of elements say, once they are whole: links with their
 * relation, ids, names of people, hints on polling, dates, text.
 */
#include "ingest/feed/xml_reader.h"

#include "daemon/base/clock.h"
#include "ingest/feed/uri.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *base_of(const struct xml_reader *r)
{
	return text_string(&r->bases) + r->frames[r->depth].base;
}

void reader_set_link(struct xml_reader *r, enum field field, const char *reference, int priority)
{
	char link[URI_MAX];

	uri_resolve(base_of(r), reference, link, sizeof link);
	record_set(reader_record(r), field, link, strlen(link), priority);
}

/* "Jane Doe <jane@example.com>", "jane@example.com (Jane Doe)": only the name. */
static struct text *person_name(struct text *text)
{
	char *open = text->length > 0 ? strpbrk(text->data, "<(") : NULL;

	if (open == NULL)
		return text;
	char *close = strchr(open, *open == '<' ? '>' : ')');
	bool address_first = *open == '(' && memchr(text->data, '@', (size_t)(open - text->data)) != NULL;
	if (address_first && close != NULL) {
		size_t length = (size_t)(close - open - 1);
		memmove(text->data, open + 1, length);
		text->length = length;
	} else if (open > text->data) {
		text->length = (size_t)(open - text->data);
	}
	text->data[text->length] = '\0';
	return text;
}

void reader_close_person(struct xml_reader *r, enum field field)
{
	/* A name inside (Atom) has set the field already. */
	if (field == FIELD_AUTHOR)
		person_name(&r->person_text);
	record_set_text(reader_record(r), field, &r->person_text, VALUE_UNKNOWN, r->person.priority - 1);
}

static void finish_link(struct xml_reader *r, const struct capture *capture)
{
	const char *rel = capture->rel, *target = capture->href;
	int priority = capture->meaning.priority;

	if (target[0] == '\0')
		target = text_string(&capture->text);
	if (strncasecmp(rel, "http://www.iana.org/assignments/relation/", 41) == 0)
		rel += 41;
	if (rel[0] == '\0' || strcasecmp(rel, "alternate") == 0) {
		bool page = capture->type[0] == '\0' || strcasestr(capture->type, "html") != NULL;
		reader_set_link(r, FIELD_LINK, target, page ? priority : priority - 1);
	} else if (!r->in_entry && strcasecmp(rel, "self") == 0) {
		reader_set_link(r, FIELD_SELF, target, priority);
	} else if (!r->in_entry && strcasecmp(rel, "next") == 0) {
		reader_set_link(r, FIELD_NEXT, target, priority);
	} else if (!r->in_entry && strcasecmp(rel, "hub") == 0) {
		reader_set_link(r, FIELD_HUB, target, priority);
	}
}

static void finish_guid(struct xml_reader *r, const struct capture *capture)
{
	const char *guid = text_string(&capture->text);

	guid += strspn(guid, " \t\r\n");
	size_t length = strlen(guid);
	while (length > 0 && strchr(" \t\r\n", guid[length - 1]) != NULL)
		length--;
	/* An id is compared, not followed: it stays as it is, but for a mere path, which would be no id elsewhere. */
	if (guid[0] == '/')
		reader_set_link(r, FIELD_GUID, guid, capture->meaning.priority);
	else
		record_set(reader_record(r), FIELD_GUID, guid, length, capture->meaning.priority);
	if (capture->permalink && uri_is_web(guid))
		reader_set_link(r, FIELD_LINK, guid, 2);
}

/* The hints on polling: ttl in minutes, sy:updatePeriod by word, sy:updateFrequency as its divisor. */
static void finish_hint(struct xml_reader *r, enum role role, const char *value)
{
	static const struct {
		const char *word;
		int64_t period_us;
	} periods[] = {{"hourly", HOUR_US},	   {"daily", DAY_US},	     {"weekly", 7 * DAY_US},
		       {"monthly", 30 * DAY_US}, {"yearly", 365 * DAY_US}};
	long number = strtol(value, NULL, 10);

	value += strspn(value, " \t\r\n");
	if (role == ROLE_TTL && number > 0 && number <= 365L * 24 * 60)
		r->owner->feed.interval_us = number * MINUTE_US;
	if (role == ROLE_FREQUENCY && number > 0)
		r->frequency = number;
	for (size_t i = 0; role == ROLE_PERIOD && i < sizeof periods / sizeof *periods; i++)
		if (strncasecmp(value, periods[i].word, strlen(periods[i].word)) == 0)
			r->period_us = periods[i].period_us;
}

void reader_finish_value(struct xml_reader *r)
{
	struct capture *capture = &r->capture;
	struct meaning meaning = capture->meaning;
	struct record *record = reader_record(r);

	r->owner->feed.limited |= capture->text.cut;
	switch (meaning.role) {
	case ROLE_TITLE:
	case ROLE_SUMMARY:
	case ROLE_CONTENT:
	case ROLE_AUTHOR:
	case ROLE_PUBLISHER:
	case ROLE_LANGUAGE: {
		static const enum field fields[] = {
			[ROLE_TITLE] = FIELD_TITLE,	    [ROLE_SUMMARY] = FIELD_SUMMARY,
			[ROLE_CONTENT] = FIELD_CONTENT,	    [ROLE_AUTHOR] = FIELD_AUTHOR,
			[ROLE_PUBLISHER] = FIELD_PUBLISHER, [ROLE_LANGUAGE] = FIELD_LANGUAGE,
		};
		enum value_type type = capture_finish(capture);
		record_set_text(record, fields[meaning.role], &capture->text, type, meaning.priority);
		break;
	}
	case ROLE_GUID:
		finish_guid(r, capture);
		break;
	case ROLE_LINK:
		finish_link(r, capture);
		break;
	case ROLE_PUBLISHED:
		record_set_date(record, MOMENT_PUBLISHED, text_string(&capture->text), meaning.priority);
		break;
	case ROLE_UPDATED:
		record_set_date(record, MOMENT_UPDATED, text_string(&capture->text), meaning.priority);
		break;
	case ROLE_CREATED:
		record_set_date(record, MOMENT_CREATED, text_string(&capture->text), meaning.priority);
		break;
	default:
		finish_hint(r, meaning.role, text_string(&capture->text));
		break;
	}
}
