/*
 * Rules beyond XML's, all from feeds as they are:
 *  - <item> closes an open item, <entry> an open entry;
 *  - a field of an entry closes a one-line field (title, link, date) that is
 *    still open, and one that HTML has no tag for closes a description;
 *  - <br>, <img> and their like are empty.
 */
#include "ingest/feed/xml_stack.h"

#include <string.h>
#include <strings.h>

static struct xml_slice local_name(struct xml_slice name)
{
	const char *colon = memrchr(name.data, ':', name.length);
	if (colon == NULL)
		return name;
	return (struct xml_slice){colon + 1, (size_t)(name.data + name.length - colon - 1)};
}

static bool slice_is(struct xml_slice slice, const char *word)
{
	return strlen(word) == slice.length && strncasecmp(slice.data, word, slice.length) == 0;
}

static bool slice_in(struct xml_slice slice, const char *const *words)
{
	for (; *words != NULL; words++)
		if (slice_is(slice, *words))
			return true;
	return false;
}

/* Of names that differ only in case it is the same. */
static uint32_t hash_of(struct xml_slice name)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < name.length; i++)
		hash = (hash ^ ((unsigned char)name.data[i] | 0x20)) * 16777619;
	return hash;
}

static bool is_same(struct xml_slice a, struct xml_slice b)
{
	return a.length == b.length && strncasecmp(a.data, b.data, a.length) == 0;
}

static enum xml_class class_of(struct xml_slice local)
{
	static const char *const container[] = {"item", "entry", "channel", "feed", "source", "image", NULL};
	static const char *const line[] = {"title",    "link", "guid", "pubdate", "id",	      "updated", "published",
					   "comments", "date", "ttl",  "issued",  "modified", NULL};
	static const char *const body[] = {"description", "summary", "encoded", NULL};

	return slice_in(local, container) ? XML_CONTAINER
	       : slice_in(local, line)	  ? XML_LINE
	       : slice_in(local, body)	  ? XML_BODY
					  : XML_OTHER;
}

void xml_stack_push(struct xml_stack *stack, struct xml_slice name)
{
	struct xml_slice local = local_name(name);
	size_t at = stack->depth++;

	stack->open[at].name = name;
	stack->open[at].local = local;
	stack->open[at].hash = hash_of(name);
	stack->open[at].local_hash = hash_of(local);
	stack->open[at].class = class_of(local);
}

size_t xml_stack_find(const struct xml_stack *stack, struct xml_slice name)
{
	uint32_t hash = hash_of(name);

	for (size_t i = stack->depth; i > 0; i--)
		if (stack->open[i - 1].hash == hash && is_same(stack->open[i - 1].name, name))
			return i;
	return 0;
}

/* The same by what follows the prefix. */
static size_t find_local(const struct xml_stack *stack, struct xml_slice local)
{
	uint32_t hash = hash_of(local);

	for (size_t i = stack->depth; i > 0; i--)
		if (stack->open[i - 1].local_hash == hash && is_same(stack->open[i - 1].local, local))
			return i;
	return 0;
}

size_t xml_stack_implied(const struct xml_stack *stack, struct xml_slice name)
{
	static const char *const field[] = {"title",	"link",	   "description", "summary", "content",	 "updated",
					    "comments", "category", "published",  "author",  "id",	 NULL};
	static const char *const no_html[] = {"guid", "pubdate", "enclosure", "encoded", "creator", "date", NULL};
	struct xml_slice local = local_name(name);

	if (slice_is(local, "item") || slice_is(local, "entry")) {
		size_t open = find_local(stack, local);
		return open != 0 ? open - 1 : stack->depth;
	}
	bool ends_body = slice_in(local, no_html);
	if (!ends_body && !slice_in(local, field))
		return stack->depth;
	for (size_t i = stack->depth; i > 0; i--) {
		enum xml_class class = stack->open[i - 1].class;
		if (class == XML_CONTAINER)
			break;
		if (class == XML_LINE || (class == XML_BODY && ends_body))
			return i - 1;
	}
	return stack->depth;
}

bool xml_is_empty(struct xml_slice name)
{
	static const char *const empty[] = {"br", "img", "hr", "wbr", "input", NULL};
	return slice_in(name, empty);
}
