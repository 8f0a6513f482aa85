#ifndef DAEMON_EXPLAIN_PAGE_H
#define DAEMON_EXPLAIN_PAGE_H

#include "daemon/base/err.h"
#include "daemon/explain_format.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Explanations as a page that needs nothing from elsewhere: each text with its
 * words shaded, the probabilities, and what every head of every layer looks at.
 */
struct explain_page;

/* Creates the file.  `view` outlives the page. */
struct explain_page *explain_page_open(const char *path, const struct explain_view *view, struct err *e);

/* Whether the next text's explanation should hold a picture: the first texts' do. */
bool explain_page_wants_picture(const struct explain_page *page);

void explain_page_add(struct explain_page *page, const struct text *text, const struct explanation *explanation);

/* Ends the page and closes it; fails where any of it could not be written. */
int explain_page_close(struct explain_page *page, struct err *e);

#endif
