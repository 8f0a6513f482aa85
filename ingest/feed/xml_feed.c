/*
 * From XML events to entries.  Every open element stands in a place (feed,
 * entry, person, ...), which its parent's place and its own name decide; a
 * title counts only directly in its place, so that the title of an <image>
 * or a <textInput> is nobody's.  An element with a value captures everything
 * inside: markup among its text is written out as HTML again and read by the
 * same code as markup that came escaped.
 */
#include "ingest/feed/xml_feed.h"

#include "ingest/feed/uri.h"
#include "ingest/feed/xml_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *attribute(const char *const *attributes, const char *name)
{
	for (; attributes[0] != NULL; attributes += 2)
		if (strcasecmp(attributes[0], name) == 0)
			return attributes[1];
	return "";
}

static void open_entry(struct xml_reader *r, const char *const *attributes)
{
	const char *about = attribute(attributes, "rdf:about");

	r->in_entry = true;
	r->is_feed = true;
	r->is_full = r->owner->feed.entry_count == FEED_MAX_ENTRIES;
	record_clear(&r->entry);
	record_set(&r->entry, FIELD_GUID, about, strlen(about), 5);
	if (uri_is_web(about))
		reader_set_link(r, FIELD_LINK, about, 1);
	/* CDF says these by attributes. */
	reader_set_link(r, FIELD_LINK, attribute(attributes, "href"), 5);
	record_set_date(&r->entry, MOMENT_UPDATED, attribute(attributes, "lastmod"), 5);
}

static void close_entry(struct xml_reader *r, bool whole)
{
	const char *language = r->frames[r->depth].language;

	record_set(&r->entry, FIELD_LANGUAGE, language, strlen(language), 1);
	owner_add_entry(r->owner, &r->entry, whole);
	r->in_entry = false;
}

static void open_person(struct xml_reader *r, struct meaning meaning)
{
	r->person = meaning;
	text_clear(&r->person_text);
}

/* What an element that holds no value opens. */
static enum place open_structure(struct xml_reader *r, struct meaning meaning, const char *local,
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
		reader_set_link(r, FIELD_LINK, attribute(attributes, "href"), 5);
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

static enum place open_place(struct xml_reader *r, const char *name, const char *const *attributes)
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
static void inherit(struct xml_reader *r, const char *const *attributes)
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
	struct xml_reader *r = context;

	r->depth++;
	names_push(&r->names, (const char *const *)attributes, r->depth);
	inherit(r, (const char *const *)attributes);
	r->frames[r->depth].place = open_place(r, name, (const char *const *)attributes);
}

static void on_end(void *context)
{
	struct xml_reader *r = context;
	enum place place = r->frames[r->depth].place, parent = r->frames[r->depth - 1].place;

	if (place == PLACE_VALUE && parent == PLACE_VALUE)
		capture_close_child(&r->capture);
	else if (place == PLACE_VALUE)
		reader_finish_value(r);
	else if (place == PLACE_PERSON)
		reader_close_person(r, FIELD_AUTHOR);
	else if (place == PLACE_SOURCE)
		reader_close_person(r, FIELD_PUBLISHER);
	else if (place == PLACE_ENTRY)
		close_entry(r, true);

	names_pop(&r->names, r->depth);
	if (r->frames[r->depth].base != r->frames[r->depth - 1].base)
		r->bases.length = r->frames[r->depth].base;
	r->depth--;
}

static void on_text(void *context, const char *text, size_t length)
{
	struct xml_reader *r = context;

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
	struct xml_reader *r = context;

	return r->is_page || r->is_full || r->owner->failed;
}

static void restart(struct xml_reader *r, const char *url)
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

static int read_document(struct xml_reader *r, const char *text, size_t length, const char *url, struct err *e)
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
	struct xml_reader *r = calloc(1, sizeof *r);
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
