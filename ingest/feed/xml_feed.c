/*
 * From XML events to entries.  Every open element stands in a place (feed,
 * entry, person, ...), which its parent's place and its own name decide; a
 * title counts only directly in its place, so that the title of an <image>
 * or a <textInput> is nobody's.  An element with a value captures everything
 * inside: markup among its text is written out as HTML again and read by the
 * same code as markup that came escaped.
 */
#include "ingest/feed/xml_feed.h"

#include "daemon/base/clock.h"
#include "ingest/feed/capture.h"
#include "ingest/feed/names.h"
#include "ingest/feed/uri.h"
#include "ingest/feed/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LANGUAGE_MAX = 36 };

enum place {
	PLACE_OUTSIDE,
	PLACE_WRAPPER,
	PLACE_FEED,
	PLACE_ENTRY,
	PLACE_PERSON,
	PLACE_SOURCE,
	PLACE_MEDIA,
	PLACE_VALUE,
	PLACE_NOWHERE,
};

struct frame {
	enum place place;
	size_t base; /* offset into reader.bases */
	char language[LANGUAGE_MAX];
};

struct reader {
	struct feed_owner *owner;
	struct names names;
	struct frame frames[XML_MAX_DEPTH + 1]; /* [0] is outside the root */
	size_t depth;
	struct text bases; /* the xml:base of each open element that has one, NUL-terminated */
	struct record feed, entry;
	bool in_entry;
	bool is_feed, is_page;
	bool is_full;          /* one entry more than are kept */
	bool atom;             /* the root is <feed>: values without a type are plain text */
	int64_t period_us;
	long frequency;
	struct meaning person; /* of the open <author> or <source> */
	struct text person_text;
	struct capture capture;
};

static struct record *current(struct reader *r)
{
	return r->in_entry ? &r->entry : &r->feed;
}

static const char *base_of(const struct reader *r)
{
	return text_string(&r->bases) + r->frames[r->depth].base;
}

static const char *attribute(const char *const *attributes, const char *name)
{
	for (; attributes[0] != NULL; attributes += 2)
		if (strcasecmp(attributes[0], name) == 0)
			return attributes[1];
	return "";
}

static void set_link(struct reader *r, enum field field, const char *reference, int priority)
{
	char link[URI_MAX];

	uri_resolve(base_of(r), reference, link, sizeof link);
	record_set(current(r), field, link, strlen(link), priority);
}

static void open_entry(struct reader *r, const char *const *attributes)
{
	const char *about = attribute(attributes, "rdf:about");

	r->in_entry = true;
	r->is_feed = true;
	r->is_full = r->owner->feed.entry_count == FEED_MAX_ENTRIES;
	record_clear(&r->entry);
	record_set(&r->entry, FIELD_GUID, about, strlen(about), 5);
	if (uri_is_web(about))
		set_link(r, FIELD_LINK, about, 1);
	/* CDF says these by attributes. */
	set_link(r, FIELD_LINK, attribute(attributes, "href"), 5);
	record_set_date(&r->entry, MOMENT_UPDATED, attribute(attributes, "lastmod"), 5);
}

static void close_entry(struct reader *r, bool whole)
{
	const char *language = r->frames[r->depth].language;

	record_set(&r->entry, FIELD_LANGUAGE, language, strlen(language), 1);
	owner_add_entry(r->owner, &r->entry, whole);
	r->in_entry = false;
}

static void open_person(struct reader *r, struct meaning meaning)
{
	r->person = meaning;
	text_clear(&r->person_text);
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

static void close_person(struct reader *r, enum field field)
{
	/* A name inside (Atom) has set the field already. */
	if (field == FIELD_AUTHOR)
		person_name(&r->person_text);
	record_set_text(current(r), field, &r->person_text, VALUE_UNKNOWN, r->person.priority - 1);
}

/* What an element that holds no value opens. */
static enum place open_structure(struct reader *r, struct meaning meaning, const char *local,
				 const char *const *attributes)
{
	enum place parent = r->frames[r->depth - 1].place;

	switch (meaning.role) {
	case ROLE_WRAPPER:
		r->is_feed = true;
		return PLACE_WRAPPER;
	case ROLE_FEED:
		if (r->in_entry)
			return PLACE_NOWHERE;
		r->is_feed = true;
		r->atom |= strcasecmp(local, "feed") == 0;
		set_link(r, FIELD_LINK, attribute(attributes, "href"), 5);
		record_set(&r->feed, FIELD_LANGUAGE, r->frames[r->depth].language,
			   strlen(r->frames[r->depth].language), 1);
		return PLACE_FEED;
	case ROLE_ENTRY:
		if (r->in_entry)
			return PLACE_NOWHERE;
		open_entry(r, attributes);
		return PLACE_ENTRY;
	case ROLE_WEB_PAGE:
		r->is_page |= r->depth == 1;
		return PLACE_NOWHERE;
	case ROLE_PERSON:
	case ROLE_SOURCE:
		if (parent != PLACE_FEED && parent != PLACE_ENTRY)
			return PLACE_NOWHERE;
		open_person(r, meaning);
		return meaning.role == ROLE_PERSON ? PLACE_PERSON : PLACE_SOURCE;
	case ROLE_MEDIA:
		return parent == PLACE_ENTRY || parent == PLACE_MEDIA ? PLACE_MEDIA : PLACE_NOWHERE;
	default:
		return PLACE_NOWHERE;
	}
}

/* Whether the element's value means something where it stands. */
static bool is_value_here(enum place parent, struct meaning *meaning)
{
	switch (parent) {
	case PLACE_FEED:
	case PLACE_ENTRY:
		return meaning->role >= ROLE_TITLE && meaning->role != ROLE_AUTHOR;
	case PLACE_MEDIA:
		return meaning->role == ROLE_TITLE || meaning->role == ROLE_SUMMARY;
	case PLACE_PERSON:
		return meaning->role == ROLE_AUTHOR;
	case PLACE_SOURCE:
		if (meaning->role != ROLE_TITLE)
			return false;
		meaning->role = ROLE_PUBLISHER;
		return true;
	default:
		return false;
	}
}

static enum place open_place(struct reader *r, const char *name, const char *const *attributes)
{
	const char *local;
	enum feed_namespace ns = names_resolve(&r->names, name, &local);
	struct meaning meaning = names_meaning(ns, local);
	enum place parent = r->frames[r->depth - 1].place;

	if (parent == PLACE_VALUE) {
		capture_open_child(&r->capture, local);
		return PLACE_VALUE;
	}
	/* "atom:link" in RSS says where the feed is, or repeats the link. */
	if (ns == NS_ATOM && !r->atom && r->depth > 1 && meaning.role >= ROLE_TITLE)
		meaning.priority -= 3;
	if (parent == PLACE_OUTSIDE && meaning.role < ROLE_TITLE && meaning.role != ROLE_NONE)
		return open_structure(r, meaning, local, attributes);
	if (parent == PLACE_OUTSIDE)
		return PLACE_WRAPPER;
	if (is_value_here(parent, &meaning)) {
		bool plain = ns == NS_ATOM || (ns == NS_CORE && r->atom);
		capture_open(&r->capture, meaning, plain, attributes);
		return PLACE_VALUE;
	}
	return open_structure(r, meaning, local, attributes);
}

/* What xml:base and xml:lang of the element say, on top of its parent's. */
static void inherit(struct reader *r, const char *const *attributes)
{
	const struct frame *parent = &r->frames[r->depth - 1];
	struct frame *frame = &r->frames[r->depth];
	const char *language = attribute(attributes, "xml:lang");
	const char *base = attribute(attributes, "xml:base");
	char resolved[URI_MAX];

	*frame = *parent;
	if (language[0] != '\0' && strlen(language) < LANGUAGE_MAX)
		snprintf(frame->language, LANGUAGE_MAX, "%s", language);
	if (base[0] == '\0')
		return;
	uri_resolve(text_string(&r->bases) + parent->base, base, resolved, sizeof resolved);
	if (resolved[0] == '\0')
		return;
	frame->base = r->bases.length;
	text_add(&r->bases, resolved, strlen(resolved) + 1);
}

static void on_start(void *context, const char *name, const char **attributes)
{
	struct reader *r = context;

	r->depth++;
	names_push(&r->names, (const char *const *)attributes, r->depth);
	inherit(r, (const char *const *)attributes);
	r->frames[r->depth].place = open_place(r, name, (const char *const *)attributes);
}

static void finish_link(struct reader *r, const struct capture *capture)
{
	const char *rel = capture->rel, *target = capture->href;
	int priority = capture->meaning.priority;

	if (target[0] == '\0')
		target = text_string(&capture->text);
	if (strncasecmp(rel, "http://www.iana.org/assignments/relation/", 41) == 0)
		rel += 41;
	if (rel[0] == '\0' || strcasecmp(rel, "alternate") == 0) {
		bool page = capture->type[0] == '\0' || strcasestr(capture->type, "html") != NULL;
		set_link(r, FIELD_LINK, target, page ? priority : priority - 1);
	} else if (!r->in_entry && strcasecmp(rel, "self") == 0) {
		set_link(r, FIELD_SELF, target, priority);
	} else if (!r->in_entry && strcasecmp(rel, "next") == 0) {
		set_link(r, FIELD_NEXT, target, priority);
	} else if (!r->in_entry && strcasecmp(rel, "hub") == 0) {
		set_link(r, FIELD_HUB, target, priority);
	}
}

static void finish_guid(struct reader *r, const struct capture *capture)
{
	const char *guid = text_string(&capture->text);

	guid += strspn(guid, " \t\r\n");
	size_t length = strlen(guid);
	while (length > 0 && strchr(" \t\r\n", guid[length - 1]) != NULL)
		length--;
	/* An id is compared, not followed: it stays as it is, but for a mere path, which would be no id elsewhere. */
	if (guid[0] == '/')
		set_link(r, FIELD_GUID, guid, capture->meaning.priority);
	else
		record_set(current(r), FIELD_GUID, guid, length, capture->meaning.priority);
	if (capture->permalink && uri_is_web(guid))
		set_link(r, FIELD_LINK, guid, 2);
}

/* The hints on polling: ttl in minutes, sy:updatePeriod by word, sy:updateFrequency as its divisor. */
static void finish_hint(struct reader *r, enum role role, const char *value)
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

static void finish_value(struct reader *r)
{
	struct capture *capture = &r->capture;
	struct meaning meaning = capture->meaning;
	struct record *record = current(r);

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

static void on_end(void *context)
{
	struct reader *r = context;
	enum place place = r->frames[r->depth].place, parent = r->frames[r->depth - 1].place;

	if (place == PLACE_VALUE && parent == PLACE_VALUE)
		capture_close_child(&r->capture);
	else if (place == PLACE_VALUE)
		finish_value(r);
	else if (place == PLACE_PERSON)
		close_person(r, FIELD_AUTHOR);
	else if (place == PLACE_SOURCE)
		close_person(r, FIELD_PUBLISHER);
	else if (place == PLACE_ENTRY)
		close_entry(r, true);

	names_pop(&r->names, r->depth);
	if (r->frames[r->depth].base != r->frames[r->depth - 1].base)
		r->bases.length = r->frames[r->depth].base;
	r->depth--;
}

static void on_text(void *context, const char *text, size_t length)
{
	struct reader *r = context;

	switch (r->frames[r->depth].place) {
	case PLACE_VALUE:
		capture_text(&r->capture, text, length);
		break;
	case PLACE_PERSON:
	case PLACE_SOURCE:
		text_add(&r->person_text, text, length);
		break;
	default:
		break;
	}
}

static bool on_question(void *context)
{
	struct reader *r = context;

	return r->is_page || r->is_full || r->owner->failed;
}

static void restart(struct reader *r, const char *url)
{
	owner_reset(r->owner);
	record_clear(&r->feed);
	record_clear(&r->entry);
	capture_reset(&r->capture);
	r->names.count = 0;
	r->depth = 0;
	r->frames[0] = (struct frame){.place = PLACE_OUTSIDE};
	text_set(&r->bases, url, strlen(url) + 1);
	r->in_entry = r->is_feed = r->is_page = r->is_full = r->atom = false;
	r->period_us = 0;
	r->frequency = 1;
}

static int read_document(struct reader *r, const char *text, size_t length, const char *url, struct err *e)
{
	struct feed *feed = &r->owner->feed;
	struct xml_events events = {on_start, on_end, on_text, on_question, r};

	restart(r, url);
	enum xml_result result = xml_read_strict(text, length, &events);
	if (result == XML_READ_BROKEN) {
		restart(r, url);
		result = xml_read_lenient(text, length, &events);
		feed->repaired = true;
	}
	feed->repaired |= result == XML_READ_TRAILER;
	feed->limited |= result == XML_READ_STOPPED && !r->is_page;
	if (r->in_entry)
		close_entry(r, false);
	owner_set_feed(r->owner, &r->feed);
	if (feed->interval_us == 0)
		feed->interval_us = r->period_us / r->frequency;

	r->owner->failed |= result == XML_READ_NO_MEMORY || r->bases.failed || r->person_text.failed ||
			    r->capture.text.failed;
	if (r->owner->failed)
		return err_set(e, "feed of %zu bytes: out of memory", length);
	if (r->is_page)
		return err_set(e, "not a feed: this is a web page (HTML)");
	if (!r->is_feed)
		return err_set(e, "not a feed: no rss, feed, RDF or channel element");
	return 0;
}

int xml_feed_read(struct feed_owner *owner, const char *text, size_t length, const char *url, struct err *e)
{
	struct reader *r = calloc(1, sizeof *r);
	if (r == NULL)
		return err_set(e, "feed of %zu bytes: out of memory", length);
	r->owner = owner;
	r->person_text.limit = FEED_MAX_TEXT;
	capture_init(&r->capture, FEED_MAX_TEXT);

	int result = read_document(r, text, length, strlen(url) < URI_MAX ? url : "", e);
	record_free(&r->feed);
	record_free(&r->entry);
	text_free(&r->bases);
	text_free(&r->person_text);
	capture_free(&r->capture);
	free(r);
	return result;
}
