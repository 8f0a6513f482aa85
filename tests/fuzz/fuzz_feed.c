/*
 * Feeds of arbitrary bytes.  The first byte picks the Content-Type and the
 * base, the rest is the document; seeds are the files of tests/data/feed.
 *
 *   fuzz_feed -dict=tests/fuzz/feed.dict CORPUS tests/fuzz/seeds/feed tests/data/feed
 */
#include "daemon/base/clock.h"
#include "daemon/base/utf8.h"
#include "ingest/feed.h"
#include "ingest/feed/date.h"
#include "ingest/html_text.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_string(const char *text)
{
	require(text != NULL && utf8_is_valid(text, strlen(text)));
}

static void check_feed(const struct feed *feed)
{
	check_string(feed->title);
	check_string(feed->link);
	check_string(feed->self);
	check_string(feed->next);
	check_string(feed->hub);
	check_string(feed->description);
	check_string(feed->id);
	check_string(feed->lang);
	check_string(feed->encoding);
	require(feed->interval_us >= 0);
	require(feed->entry_count <= FEED_MAX_ENTRIES);
	for (size_t i = 0; i < feed->entry_count; i++) {
		const struct feed_entry *entry = &feed->entries[i];
		check_string(entry->id);
		check_string(entry->guid);
		check_string(entry->link);
		check_string(entry->title);
		check_string(entry->summary);
		check_string(entry->content);
		check_string(entry->author);
		check_string(entry->publisher);
		check_string(entry->lang);
		require(entry->id[0] != '\0');
		require(strlen(entry->title) <= FEED_MAX_TEXT && strlen(entry->summary) <= FEED_MAX_TEXT);
	}
}

/* The helpers by themselves: less stands between them and the bytes. */
static void check_text(const char *text, size_t length)
{
	char *out = malloc(length + 1);
	for (int kind = HTML_PLAIN; kind <= HTML_DECLARED; kind++) {
		size_t used = html_text(out, text, length, (enum html_kind)kind);
		require(used <= length && out[used] == '\0' && utf8_is_valid(out, used));
	}
	require(html_unescape_twice(out, text, length) <= length);
	memcpy(out, text, length);
	out[length] = '\0';
	if (utf8_is_valid(out, strlen(out))) {
		int64_t time_us = feed_date(out);
		require(time_us == TIME_NONE || time_us > -62200000000 * SECOND_US);
	}
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {NULL, "", "text/xml; charset=utf-8", "text/xml; charset=\"iso-8859-1\"",
					    "application/rss+xml;charset=gb2312", "text/xml; charset=utf-7"};
	static const char *const urls[] = {NULL, "", "https://feed.example/a/b?c#d"};

	if (size == 0)
		return 0;
	/* Documents begin with "<" or "{": those bytes mean the defaults. */
	unsigned choice = data[0] == '<' || data[0] == '{' ? 0 : data[0] % 18;
	const char *text = (const char *)data + (choice != 0);
	size_t length = size - (choice != 0);
	struct err e;
	struct feed *feed = feed_parse(text, length, types[choice % 6], urls[choice / 6], &e);
	if (feed != NULL)
		check_feed(feed);
	feed_free(feed);
	if (length <= 4096)
		check_text(text, length);
	return 0;
}
