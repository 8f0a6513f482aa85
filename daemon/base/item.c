/*
 * One block an item: the struct, then its strings end to end.  Text from the
 * outside is made valid UTF-8 here, once, so that everything behind the queue
 * (SQLite, JSON, PCRE2) may rely on it.
 */
#include "daemon/base/item.h"

#include "daemon/base/check.h"
#include "daemon/base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const polarities[] = {
	[POLARITY_NEGATIVE] = "negative", [POLARITY_NEUTRAL] = "neutral", [POLARITY_POSITIVE] = "positive"};

const char *polarity_name(enum polarity polarity)
{
	return polarity == POLARITY_NONE ? NULL : polarities[polarity];
}

enum polarity polarity_parse(const char *word)
{
	for (int i = 0; i < (int)(sizeof polarities / sizeof *polarities); i++)
		if (strcasecmp(word, polarities[i]) == 0)
			return (enum polarity)i;
	return POLARITY_NONE;
}

#define STRINGS(X)                                                             \
	X(source)                                                              \
	X(position.stream)                                                     \
	X(position.previous)                                                   \
	X(position.next)                                                       \
	X(external_id)                                                         \
	X(coordinates)                                                         \
	X(publisher)                                                           \
	X(title)                                                               \
	X(body)                                                                \
	X(url)                                                                 \
	X(lang)                                                                \
	X(reason)

struct item *item_create(const struct item *from)
{
	size_t size = sizeof *from;
#define MEASURE(field) size += (from->field ? utf8_clean(from->field, strlen(from->field), NULL) : 0) + 1;
	STRINGS(MEASURE)
#undef MEASURE

	struct item *item = xmalloc(size);
	*item = *from;
	item->size = size;
	char *at = (char *)(item + 1);
#define COPY(field)                                                            \
	item->field = at;                                                      \
	if (from->field)                                                       \
		at += utf8_clean(from->field, strlen(from->field), at);        \
	*at++ = '\0';
	STRINGS(COPY)
#undef COPY
	CHECK(at == (char *)item + size);
	return item;
}

void item_free(struct item *item)
{
	free(item);
}

/* Append what fits of `text` and return its whole length. */
static size_t append(const char *text, char *out, size_t size, size_t at)
{
	size_t length = strlen(text);
	if (at < size)
		memcpy(out + at, text, length < size - at ? length : size - at);
	return length;
}

size_t item_text(const struct item *item, char *out, size_t size)
{
	size_t at = append(item->title, out, size, 0);
	if (item->title[0] != '\0' && item->body[0] != '\0')
		at += append(". ", out, size, at);
	at += append(item->body, out, size, at);
	return at < size ? at : size;
}
