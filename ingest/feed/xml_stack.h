#ifndef INGEST_FEED_XML_STACK_H
#define INGEST_FEED_XML_STACK_H

#include "ingest/feed/xml.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The open elements of a document that the lenient reader reads, and what feeds imply about them. */
struct xml_slice {
	const char *data;
	size_t length;
};

enum xml_class {
	XML_OTHER,
	XML_CONTAINER, /* of fields */
	XML_LINE,      /* a field that holds one line and no markup worth keeping */
	XML_BODY,      /* a field that may hold HTML */
};

struct xml_stack {
	struct {
		struct xml_slice name, local; /* with and without its prefix */
		uint32_t hash, local_hash;    /* in front of comparisons: hostile documents make many */
		enum xml_class class;
	} open[XML_MAX_DEPTH];
	size_t depth;
};

/* The stack must not be full. */
void xml_stack_push(struct xml_stack *stack, struct xml_slice name);

/* Depth of the innermost open element of this name (in any case), 0 = none is open. */
size_t xml_stack_find(const struct xml_stack *stack, struct xml_slice name);

/* How many of the open elements stay open when one of this name begins. */
size_t xml_stack_implied(const struct xml_stack *stack, struct xml_slice name);

/* <br> and other elements of HTML that nobody closes. */
bool xml_is_empty(struct xml_slice name);

#endif
