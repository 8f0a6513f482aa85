#ifndef ALERTS_RECEIVERS_PAGE_H
#define ALERTS_RECEIVERS_PAGE_H

#include "alerts/receivers/notice.h"

/* A notice as a page of its own that mail programs show: styles stand in the elements, nothing is loaded from elsewhere.
 * The caller frees it. */
char *page_write_html(const struct notice *notice);

/* The same as plain text, lines ending by LF. */
char *page_write_plain(const struct notice *notice);

#endif
