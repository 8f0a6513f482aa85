/*
 * Values arrive in any order and from several vocabularies (title, dc:title,
 * media:title); a priority decides.  Buffers of a record are reused from entry
 * to entry, so that only what is kept is allocated for good.
 */
#include "ingest/feed/record.h"

#include "daemon/base/clock.h"
#include "ingest/feed/date.h"
#include "ingest/feed/identity.h"
#include "ingest/feed/uri.h"
#include "ingest/html_text.h"

#include <stdlib.h>
#include <string.h>

/* An entry has a handful of dates; one with thousands only wants our time. */
enum { DATE_TEXT_MAX = 200, MAX_DATES = 32 };

void record_clear(struct record *record)
{
	for (int i = 0; i < FIELD_COUNT; i++) {
		text_clear(&record->fields[i].text);
		record->fields[i].priority = 0;
	}
	for (int i = 0; i < MOMENT_COUNT; i++) {
		record->moments[i].time_us = TIME_NONE;
		record->moments[i].priority = 0;
	}
	record->dates_read = 0;
}

void record_free(struct record *record)
{
	for (int i = 0; i < FIELD_COUNT; i++)
		text_free(&record->fields[i].text);
}

void record_set(struct record *record, enum field field, const char *text, size_t length, int priority)
{
	if (length == 0)
		return;
	if (record->fields[field].text.length > 0 && record->fields[field].priority >= priority)
		return;
	text_set(&record->fields[field].text, text, length);
	record->fields[field].priority = priority;
}

void record_set_date(struct record *record, enum moment moment, const char *text, int priority)
{
	char plain[DATE_TEXT_MAX + 1];
	size_t length = strlen(text);

	if (length == 0 || length > DATE_TEXT_MAX || record->moments[moment].priority > priority)
		return;
	if (record->dates_read++ >= MAX_DATES)
		return;
	html_text(plain, text, length, HTML_GUESSED);
	int64_t time_us = feed_date(plain);
	if (time_us == TIME_NONE)
		return;
	record->moments[moment].time_us = time_us;
	record->moments[moment].priority = priority;
}

/* Text that is declared plain may hold "<b>" and mean it; all else that looks escaped once more is. */
static void unescape_again(struct text *value, enum field field, enum value_type type)
{
	bool tags = memchr(value->data, '<', value->length) != NULL;

	if (type == VALUE_TEXT && tags)
		return;
	if (field == FIELD_TITLE || type == VALUE_UNKNOWN)
		value->length = html_unescape_twice(value->data, value->data, value->length);
}

void record_set_text(struct record *record, enum field field, struct text *value, enum value_type type, int priority)
{
	static const enum html_kind kinds[] = {
		[VALUE_UNKNOWN] = HTML_GUESSED, [VALUE_TEXT] = HTML_PLAIN, [VALUE_HTML] = HTML_DECLARED};

	if (value->length == 0)
		return;
	value->length = html_text(value->data, value->data, value->length, kinds[type]);
	unescape_again(value, field, type);
	bool second = field == FIELD_SUMMARY && record->fields[field].text.length > 0 &&
		      record->fields[field].priority == priority;
	if (second)
		record_set(record, FIELD_CONTENT, value->data, value->length, 1);
	else
		record_set(record, field, value->data, value->length, priority);
}

static const char *keep(struct feed_owner *owner, const struct record *record, enum field field)
{
	const struct text *text = &record->fields[field].text;

	owner->failed |= text->failed;
	return arena_copy(&owner->arena, text_string(text), text->length);
}

static int64_t first_moment(const struct record *record)
{
	for (int i = 0; i < MOMENT_COUNT; i++)
		if (record->moments[i].time_us != TIME_NONE)
			return record->moments[i].time_us;
	return TIME_NONE;
}

static bool is_empty(const struct record *record)
{
	for (int i = 0; i < FIELD_COUNT; i++)
		if (record->fields[i].text.length > 0)
			return false;
	return true;
}

static bool make_room(struct feed_owner *owner)
{
	if (owner->feed.entry_count < owner->capacity)
		return true;
	size_t capacity = owner->capacity == 0 ? 32 : owner->capacity * 2;
	struct feed_entry *entries = realloc(owner->feed.entries, capacity * sizeof *entries);
	if (entries == NULL) {
		owner->failed = true;
		return false;
	}
	owner->feed.entries = entries;
	owner->capacity = capacity;
	return true;
}

void owner_add_entry(struct feed_owner *owner, const struct record *record, bool whole)
{
	if (!whole && is_empty(record))
		return;
	if (owner->feed.entry_count == FEED_MAX_ENTRIES) {
		owner->feed.limited = true;
		return;
	}
	if (!make_room(owner))
		return;
	struct feed_entry *entry = &owner->feed.entries[owner->feed.entry_count++];
	*entry = (struct feed_entry){
		.id = "",
		.guid = keep(owner, record, FIELD_GUID),
		.link = keep(owner, record, FIELD_LINK),
		.title = keep(owner, record, FIELD_TITLE),
		.summary = keep(owner, record, FIELD_SUMMARY),
		.content = keep(owner, record, FIELD_CONTENT),
		.author = keep(owner, record, FIELD_AUTHOR),
		.publisher = keep(owner, record, FIELD_PUBLISHER),
		.lang = keep(owner, record, FIELD_LANGUAGE),
		.published_us = first_moment(record),
		.updated_us = record->moments[MOMENT_UPDATED].time_us,
		.created_us = record->moments[MOMENT_CREATED].time_us,
		.partial = !whole,
	};
	if (entry->summary[0] == '\0') {
		entry->summary = entry->content;
		entry->content = "";
	}
}

void owner_set_feed(struct feed_owner *owner, const struct record *record)
{
	struct feed *feed = &owner->feed;

	feed->title = keep(owner, record, FIELD_TITLE);
	feed->link = keep(owner, record, FIELD_LINK);
	feed->self = keep(owner, record, FIELD_SELF);
	feed->next = keep(owner, record, FIELD_NEXT);
	feed->hub = keep(owner, record, FIELD_HUB);
	feed->description = keep(owner, record, FIELD_SUMMARY);
	feed->id = keep(owner, record, FIELD_GUID);
	feed->lang = keep(owner, record, FIELD_LANGUAGE);
	feed->updated_us = record->moments[MOMENT_UPDATED].time_us;
	if (feed->updated_us == TIME_NONE)
		feed->updated_us = first_moment(record);
}

void owner_reset(struct feed_owner *owner)
{
	arena_free(&owner->arena);
	owner->feed.entry_count = 0;
	owner->feed.interval_us = 0;
}

void owner_finish(struct feed_owner *owner)
{
	struct feed *feed = &owner->feed;
	char link[URI_MAX];

	for (size_t i = 0; i < feed->entry_count; i++) {
		struct feed_entry *entry = &feed->entries[i];
		if (entry->lang[0] == '\0')
			entry->lang = feed->lang;
		/* Relative, and the document's own address is not known: the site's is the next best base. */
		if (entry->link[0] == '/' && uri_is_web(feed->link)) {
			uri_resolve(feed->link, entry->link, link, sizeof link);
			entry->link = arena_copy(&owner->arena, link, strlen(link));
		}
	}
	if (identity_assign(feed->entries, feed->entry_count, &owner->arena) != 0)
		owner->failed = true;
	owner->failed |= owner->arena.failed;
}
