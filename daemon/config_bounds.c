/*
 * libyaml loads a document in memory, where an alias is one pointer; what
 * walks it meets the anchor's content each time.  A few kilobytes can so stand
 * for billions of values.  And its scanner takes quadratic time in the depth
 * of brackets.  Both are seen in the stream of events, before any of it.
 */
#include "daemon/config_bounds.h"

#include "daemon/base/check.h"

#include <string.h>
#include <yaml.h>

#define MAX_DEPTH 16
#define MAX_VALUES (UINT64_C(1) << 20)
#define MAX_ANCHORS 256

struct anchor {
	char name[64];
	uint64_t values; /* 0 = not at its end yet */
};

struct open_node {
	size_t anchor;   /* its number + 1, 0 = none */
	uint64_t before; /* values in front of it */
};

struct bounds {
	uint64_t values;
	struct open_node open[MAX_DEPTH];
	size_t depth;
	struct anchor anchors[MAX_ANCHORS];
	size_t anchor_count;
};

/* The anchor that an alias of this name means: the last one.  NULL = none. */
static const struct anchor *find_anchor(const struct bounds *b, const char *name)
{
	for (size_t i = b->anchor_count; i-- > 0;)
		if (strcmp(b->anchors[i].name, name) == 0)
			return &b->anchors[i];
	return NULL;
}

/* Sets `*number` as in struct open_node. */
static const char *add_anchor(struct bounds *b, const yaml_char_t *name, uint64_t values, size_t *number)
{
	*number = 0;
	if (name == NULL)
		return NULL;
	if (strlen((const char *)name) >= sizeof b->anchors->name)
		return "an anchor with a name of more than 63 bytes";
	if (b->anchor_count == MAX_ANCHORS)
		return "more than 256 anchors";
	struct anchor *anchor = &b->anchors[b->anchor_count++];
	strcpy(anchor->name, (const char *)name);
	anchor->values = values;
	*number = b->anchor_count;
	return NULL;
}

static const char *take_scalar(struct bounds *b, const yaml_char_t *anchor)
{
	size_t number;
	b->values++;
	return add_anchor(b, anchor, 1, &number);
}

static const char *take_alias(struct bounds *b, const yaml_char_t *name)
{
	const struct anchor *anchor = find_anchor(b, (const char *)name);
	if (anchor == NULL)
		return NULL; /* the loader's to say */
	if (anchor->values == 0)
		return "an alias inside of its own anchor";
	b->values += anchor->values; /* cannot overflow: both are bounded */
	return NULL;
}

static const char *take_start(struct bounds *b, const yaml_char_t *anchor)
{
	if (b->depth == MAX_DEPTH)
		return "nested more than 16 levels deep";
	struct open_node *node = &b->open[b->depth++];
	node->before = b->values++;
	return add_anchor(b, anchor, 0, &node->anchor);
}

static void take_end(struct bounds *b)
{
	const struct open_node *node = &b->open[--b->depth];
	if (node->anchor > 0)
		b->anchors[node->anchor - 1].values = b->values - node->before;
}

static const char *take(struct bounds *b, const yaml_event_t *event)
{
	const char *wrong = NULL;
	switch (event->type) {
	case YAML_SCALAR_EVENT: wrong = take_scalar(b, event->data.scalar.anchor); break;
	case YAML_ALIAS_EVENT: wrong = take_alias(b, event->data.alias.anchor); break;
	case YAML_SEQUENCE_START_EVENT: wrong = take_start(b, event->data.sequence_start.anchor); break;
	case YAML_MAPPING_START_EVENT: wrong = take_start(b, event->data.mapping_start.anchor); break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: take_end(b); break;
	default: break;
	}
	return wrong == NULL && b->values > MAX_VALUES ? "more than a million values, with every alias written out" : wrong;
}

const char *config_check_bounds(const char *text, size_t length, struct config_mark *mark)
{
	struct bounds bounds = {0};
	yaml_parser_t parser;
	const char *wrong = NULL;
	bool more = true;
	CHECK(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	while (more && wrong == NULL) {
		yaml_event_t event;
		if (!yaml_parser_parse(&parser, &event))
			break;
		wrong = take(&bounds, &event);
		*mark = (struct config_mark){event.start_mark.line + 1, event.start_mark.column + 1};
		/* The loader reads the first document alone. */
		more = event.type != YAML_STREAM_END_EVENT && event.type != YAML_DOCUMENT_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return wrong;
}
