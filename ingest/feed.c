/*
 * The steps of reading a feed, each of which leaves less to doubt for the
 * next: bytes to UTF-8 (feed/encoding), UTF-8 to events (feed/xml_strict, and
 * where that fails feed/xml_lenient; feed/json_reader), events to records
 * (feed/xml_feed, feed/json_feed), records to entries with an identity
 * (feed/record, feed/identity).
 */
#include "ingest/feed.h"

#include "daemon/base/clock.h"
#include "ingest/feed/encoding.h"
#include "ingest/feed/json_feed.h"
#include "ingest/feed/record.h"
#include "ingest/feed/xml_feed.h"

#include <stdlib.h>
#include <string.h>

/* Where the document begins: after blanks and whatever some servers put before the first "<" or "{". */
static size_t find_start(const char *text, size_t length)
{
	size_t at = 0;

	while (at < length && text[at] != '<' && text[at] != '{')
		at++;
	return at;
}

static bool is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (strchr(" \t\r\n", text[i]) == NULL)
			return false;
	return true;
}

static int read_document(struct feed_owner *owner, const struct decoded *document, const char *url, struct err *e)
{
	size_t start = find_start(document->text, document->length);
	const char *text = document->text + start;
	size_t length = document->length - start;

	owner->feed.repaired = document->damaged || !is_blank(document->text, start);
	if (length == 0)
		return err_set(e, document->length == 0 ? "not a feed: the document is empty"
							: "not a feed: neither XML nor JSON");
	if (text[0] == '{')
		return json_feed_read(owner, text, length, url, e);
	return xml_feed_read(owner, text, length, url, e);
}

struct feed *feed_parse(const char *data, size_t length, const char *content_type, const char *url, struct err *e)
{
	struct decoded document = {0};
	struct feed_owner *owner = calloc(1, sizeof *owner);

	if (owner == NULL) {
		err_set(e, "feed of %zu bytes: out of memory", length);
		return NULL;
	}
	owner->feed.updated_us = TIME_NONE;
	if (length > FEED_MAX_BYTES) {
		length = FEED_MAX_BYTES;
		owner->feed.limited = true;
	}
	if (encoding_decode(data, length, content_type, &document, e) != 0)
		goto fail;
	if (read_document(owner, &document, url != NULL ? url : "", e) != 0)
		goto fail;
	owner->feed.encoding = arena_copy(&owner->arena, document.name, strlen(document.name));
	owner_finish(owner);
	if (owner->failed) {
		err_set(e, "feed of %zu bytes: out of memory", length);
		goto fail;
	}
	free(document.text);
	return &owner->feed;

fail:
	free(document.text);
	feed_free(&owner->feed);
	return NULL;
}

void feed_free(struct feed *feed)
{
	struct feed_owner *owner = (struct feed_owner *)feed;

	if (owner == NULL)
		return;
	free(owner->feed.entries);
	arena_free(&owner->arena);
	free(owner);
}
