#ifndef INGEST_RSS_CHECK_H
#define INGEST_RSS_CHECK_H

#include "ingest/source.h"

/* source_check for feeds: fetch each once and report what it holds, or why it cannot be read. */
void rss_check(const struct source_options *options, source_report *report, void *context);

#endif
