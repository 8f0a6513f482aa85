/*
 * JSON Feed 1.0 and 1.1 (jsonfeed.org), read as it streams by.
 */
#include "ingest/feed/json_feed.h"

#include "ingest/feed/json_reader.h"
#include "ingest/feed/uri.h"

#include <string.h>

struct json_feed {
	struct feed_owner *owner;
	struct json_reader reader;
	struct record feed, entry;
	const char *url;
	bool is_feed; /* it has items, or calls itself one */
};

struct key {
	const char *name;
	enum field field;
	enum { KEY_ID, KEY_PLAIN, KEY_HTML, KEY_LINK } kind;
	int priority;
};

static const struct key feed_keys[] = {
	{"title", FIELD_TITLE, KEY_PLAIN, 9},	       {"description", FIELD_SUMMARY, KEY_PLAIN, 9},
	{"home_page_url", FIELD_LINK, KEY_LINK, 9},    {"feed_url", FIELD_SELF, KEY_LINK, 9},
	{"next_url", FIELD_NEXT, KEY_LINK, 9},	       {"language", FIELD_LANGUAGE, KEY_PLAIN, 9},
	{NULL, 0, 0, 0},
};

static const struct key item_keys[] = {
	{"id", FIELD_GUID, KEY_ID, 9},		       {"url", FIELD_LINK, KEY_LINK, 9},
	{"external_url", FIELD_LINK, KEY_LINK, 5},     {"title", FIELD_TITLE, KEY_PLAIN, 9},
	{"summary", FIELD_SUMMARY, KEY_PLAIN, 9},      {"content_html", FIELD_CONTENT, KEY_HTML, 9},
	{"content_text", FIELD_CONTENT, KEY_PLAIN, 8}, {"language", FIELD_LANGUAGE, KEY_PLAIN, 9},
	{NULL, 0, 0, 0},
};

static bool is_value(enum json_event event)
{
	return event == JSON_STRING || event == JSON_NUMBER;
}

static void set_value(struct json_feed *j, struct record *record, const struct key *key)
{
	struct text *value = &j->reader.value;
	char link[URI_MAX];

	j->owner->feed.limited |= value->cut;
	switch (key->kind) {
	case KEY_LINK:
		uri_resolve(j->url, text_string(value), link, sizeof link);
		record_set(record, key->field, link, strlen(link), key->priority);
		break;
	case KEY_ID:
		record_set(record, key->field, text_string(value), value->length, key->priority);
		break;
	default:
		record_set_text(record, key->field, value, key->kind == KEY_HTML ? VALUE_HTML : VALUE_TEXT,
				key->priority);
		break;
	}
}

/* The first "name" (or "url") in an object or an array of objects. */
static enum json_event read_inner(struct json_feed *j, enum json_event event, struct record *record,
				  const struct key *inner)
{
	size_t outside = j->reader.depth - 1;
	bool wanted = false;

	if (event != JSON_OBJECT && event != JSON_ARRAY)
		return event;
	while (j->reader.depth > outside) {
		event = json_next(&j->reader);
		if (event == JSON_BROKEN || event == JSON_DONE)
			return event;
		if (wanted && event == JSON_STRING)
			set_value(j, record, inner);
		wanted = event == JSON_KEY && strcmp(text_string(&j->reader.value), inner->name) == 0;
	}
	return event;
}

static int moment_of(const char *name)
{
	if (strcmp(name, "date_published") == 0)
		return MOMENT_PUBLISHED;
	return strcmp(name, "date_modified") == 0 ? MOMENT_UPDATED : -1;
}

/* The value of the key that was just read. */
static enum json_event read_member(struct json_feed *j, struct record *record, const struct key *keys)
{
	static const struct key author = {"name", FIELD_AUTHOR, KEY_PLAIN, 9}, hub = {"url", FIELD_HUB, KEY_LINK, 9};
	const char *name = text_string(&j->reader.value);
	const struct key *key = keys;
	int moment = moment_of(name);
	bool authors = strcmp(name, "author") == 0 || strcmp(name, "authors") == 0;
	bool hubs = strcmp(name, "hubs") == 0;

	while (key->name != NULL && strcmp(key->name, name) != 0)
		key++;
	enum json_event event = json_next(&j->reader);
	if (authors || hubs)
		return read_inner(j, event, record, authors ? &author : &hub);
	if (is_value(event) && key->name != NULL)
		set_value(j, record, key);
	else if (is_value(event) && moment >= 0)
		record_set_date(record, (enum moment)moment, text_string(&j->reader.value), 9);
	return json_skip(&j->reader, event);
}

static enum json_event read_item(struct json_feed *j)
{
	enum json_event event;

	record_clear(&j->entry);
	while ((event = json_next(&j->reader)) == JSON_KEY) {
		event = read_member(j, &j->entry, item_keys);
		if (event == JSON_BROKEN || event == JSON_DONE)
			break;
	}
	owner_add_entry(j->owner, &j->entry, event == JSON_OBJECT_END);
	return event;
}

static enum json_event read_items(struct json_feed *j)
{
	enum json_event event = json_next(&j->reader);

	if (event != JSON_ARRAY)
		return json_skip(&j->reader, event);
	j->is_feed = true;
	while ((event = json_next(&j->reader)) != JSON_ARRAY_END) {
		event = event == JSON_OBJECT ? read_item(j) : json_skip(&j->reader, event);
		if (event == JSON_BROKEN || event == JSON_DONE || j->owner->feed.entry_count == FEED_MAX_ENTRIES)
			break;
	}
	return event;
}

static bool read_document(struct json_feed *j)
{
	enum json_event event = json_next(&j->reader);

	if (event != JSON_OBJECT)
		return false;
	while ((event = json_next(&j->reader)) == JSON_KEY) {
		const char *name = text_string(&j->reader.value);
		if (strcmp(name, "items") == 0) {
			event = read_items(j);
		} else if (strcmp(name, "version") == 0) {
			event = json_next(&j->reader);
			j->is_feed |= strstr(text_string(&j->reader.value), "jsonfeed.org") != NULL;
			event = json_skip(&j->reader, event);
		} else {
			event = read_member(j, &j->feed, feed_keys);
		}
		if (event == JSON_BROKEN || event == JSON_DONE || j->owner->feed.entry_count == FEED_MAX_ENTRIES)
			break;
	}
	j->owner->feed.limited |= j->owner->feed.entry_count == FEED_MAX_ENTRIES;
	j->owner->feed.repaired |= event != JSON_OBJECT_END;
	return j->is_feed;
}

int json_feed_read(struct feed_owner *owner, const char *text, size_t length, const char *url, struct err *e)
{
	struct json_feed j = {
		.owner = owner,
		.reader = {.in = text, .length = length, .value = {.limit = FEED_MAX_TEXT}},
		.url = url,
	};

	record_clear(&j.feed);
	bool is_feed = read_document(&j);
	owner_set_feed(owner, &j.feed);
	owner->failed |= j.reader.value.failed;
	record_free(&j.feed);
	record_free(&j.entry);
	text_free(&j.reader.value);
	if (owner->failed)
		return err_set(e, "feed of %zu bytes: out of memory", length);
	if (!is_feed)
		return err_set(e, "not a feed: JSON without the items of a JSON Feed");
	return 0;
}
