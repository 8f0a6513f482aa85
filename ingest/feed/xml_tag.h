#ifndef INGEST_FEED_XML_TAG_H
#define INGEST_FEED_XML_TAG_H

#include "ingest/feed/memory.h"

#include <stdbool.h>
#include <stddef.h>

/* The characters that the lenient reader reads, and the start tags among them. */
struct xml_input {
	const char *data;
	size_t length, at;
};

enum { XML_MAX_ATTRIBUTES = 64 };

struct xml_tag {
	struct text text; /* the name and all attributes, each with a NUL; free it */
	const char *attributes[2 * XML_MAX_ATTRIBUTES + 1]; /* name, value, ..., NULL: into the text */
	bool empty_element; /* ends in "/>" */
};

bool xml_is_name_start(char c);
/* Move on to the end of the name at hand; returns its length. */
size_t xml_skip_name(struct xml_input *input);

/* Text with its references replaced, without characters that XML forbids. */
void xml_add_text(struct text *out, const char *text, size_t length);

/*
 * Read a start tag from its name, of `length` bytes, up to and with its ">".
 * One that is not closed ends at the next "<".  Overwrites `tag`.
 */
void xml_read_tag(struct xml_input *input, size_t length, struct xml_tag *tag);

#endif
