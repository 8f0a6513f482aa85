#ifndef DAEMON_REPLAY_PAGE_H
#define DAEMON_REPLAY_PAGE_H

#include "daemon/replay_report.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Pieces of the page that shows the charts of one replay, or of two side by side.  It needs nothing from elsewhere. */
enum { PAGE_REPORTS_MAX = 2, PAGE_NAME_BYTES = 256 };
#define PAGE_NO_TOPIC UINT32_MAX

/* A topic by its name, in any of the reports. */
struct page_topic {
	const char *name;
	uint32_t index[PAGE_REPORTS_MAX]; /* in each configuration; PAGE_NO_TOPIC = not there */
	struct replay_tale tales[PAGE_REPORTS_MAX];
	uint32_t number;                  /* for links */
};

/* Topics with documents, those that fired most often first; free with page_topics_free. */
struct page_topic *page_list_topics(const struct replay_report *reports, size_t count, size_t *topic_count);
void page_topics_free(struct page_topic *topics);

/* Head, totals and the table of topics. */
void page_begin(FILE *out, const struct replay_report *reports, size_t count, const struct page_topic *topics,
		size_t topic_count);
void page_begin_topic(FILE *out, const struct page_topic *topic);
/* A chart that lies beside the page as `name`; `svg` NULL = linked only. */
void page_put_chart(FILE *out, const char *name, const char *svg);
void page_put_alerts(FILE *out, const struct replay_report *reports, size_t count, const struct page_topic *topic);
void page_end_topic(FILE *out);
void page_end(FILE *out);

#endif
