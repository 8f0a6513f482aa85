/*
 * Feeds list their newest entry first, nearly always, and mostly say when each
 * was published.  Where all new entries have a date that decides the order,
 * else the feed's order backwards.
 */
#include "ingest/rss/entries.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TAIL 512

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Whether the text ends as a whole feed does: the root's end tag near the end, or a closing brace at it. */
static bool ends_whole(const char *body, size_t size)
{
	static const char *const roots[] = {"</rss", "</feed", "</rdf", "</channel"};
	char tail[TAIL + 1];
	size_t length;

	while (size && is_blank(body[size - 1]))
		size--;
	if (size && body[size - 1] == '}')
		return true;
	length = size < TAIL ? size : TAIL;
	for (size_t i = 0; i < length; i++)
		tail[i] = body[size - length + i] ? body[size - length + i] : ' ';
	tail[length] = '\0';
	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		if (strcasestr(tail, roots[i]))
			return true;
	return false;
}

static bool has_text(const struct feed_entry *entry)
{
	return *entry->title || *entry->summary;
}

struct listed {
	uint64_t id;
	const struct feed_entry *entry; /* its place in the feed, too */
};

static int compare_listed(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (x->entry > y->entry) - (x->entry < y->entry);
}

static int compare_backwards(const void *a, const void *b)
{
	const struct feed_entry *x = *(const struct feed_entry *const *)a, *y = *(const struct feed_entry *const *)b;

	return (x < y) - (x > y);
}

static int compare_published(const void *a, const void *b)
{
	const struct feed_entry *x = *(const struct feed_entry *const *)a, *y = *(const struct feed_entry *const *)b;

	if (x->published_us != y->published_us)
		return x->published_us < y->published_us ? -1 : 1;
	return compare_backwards(a, b);
}

static void sort_oldest_first(struct entries *entries)
{
	bool dated = true;

	for (size_t i = 0; i < entries->fresh_count; i++)
		dated = dated && entries->fresh[i]->published_us != TIME_NONE;
	if (entries->fresh_count)
		qsort(entries->fresh, entries->fresh_count, sizeof(*entries->fresh),
		      dated ? compare_published : compare_backwards);
}

void entries_select(struct entries *entries, const struct feed *feed, const char *body, size_t size,
		    const struct feed_state *state)
{
	size_t usable = feed->entry_count, count = 0;
	struct listed *listed = xcalloc(usable + 1, sizeof(*listed));

	entries->fresh = xcalloc(usable + 1, sizeof(*entries->fresh));
	entries->ids = xcalloc(usable + 1, sizeof(*entries->ids));
	entries->fresh_count = entries->id_count = 0;
	entries->cut = feed->repaired && !ends_whole(body, size);
	if (usable && entries->cut)
		usable--;
	for (size_t i = 0; i < usable; i++)
		if (has_text(&feed->entries[i]))
			listed[count++] =
				(struct listed){feed_state_hash(feed->entries[i].id), &feed->entries[i]};
	if (count)
		qsort(listed, count, sizeof(*listed), compare_listed);
	for (size_t i = 0; i < count; i++) {
		if (i && listed[i].id == listed[i - 1].id)
			continue;
		entries->ids[entries->id_count++] = listed[i].id;
		if (!feed_state_knows(state, listed[i].id))
			entries->fresh[entries->fresh_count++] = listed[i].entry;
	}
	free(listed);
	sort_oldest_first(entries);
}

void entries_clear(struct entries *entries)
{
	free(entries->fresh);
	free(entries->ids);
}

void entries_fill_item(struct item *item, const struct feed *feed, const struct feed_entry *entry, const char *host)
{
	item->kind = ITEM_DOCUMENT;
	item->polarity = POLARITY_NONE;
	item->published_us = entry->published_us;
	item->external_id = entry->id;
	item->coordinates = item->position.stream;
	item->publisher = *entry->publisher ? entry->publisher : *feed->title ? feed->title : host;
	item->title = entry->title;
	item->body = entry->summary;
	item->url = entry->link;
	item->lang = *entry->lang ? entry->lang : feed->lang;
}
