#ifndef DAEMON_EXPLAIN_HEADS_H
#define DAEMON_EXPLAIN_HEADS_H

#include "daemon/explain_format.h"

#include <stdio.h>

/* A picture of every head of every layer, for a page; the explanation holds it. */
void explain_page_put_heads(FILE *out, const struct explain_view *view, const struct text *text,
			    const struct explanation *explanation);

/* A word of the text, escaped, and cut where it is very long. */
void explain_page_put_word(FILE *out, const struct text *text, const struct explained_word *word);

#endif
