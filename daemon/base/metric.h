#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * The process's own counters and latencies, each declared once with its name
 * and help: a new one is a line here and a metric_add where it happens.
 * Adding is one relaxed atomic; any thread.  What belongs to a thing with a
 * name (a source, a receiver) is read from that thing's status when /metrics is
 * asked (daemon/metrics.c).
 */
#define METRIC_COUNTERS(X)                                                                                    \
	X(METRIC_DOCUMENTS_IN, "bellwether_documents_total", "Documents taken from the sources")                  \
	X(METRIC_DOCUMENTS_MATCHED, "bellwether_documents_matched_total", "Documents that a topic's words match") \
	X(METRIC_DOCUMENTS_SCORED, "bellwether_documents_scored_total", "Documents that the encoder read")        \
	X(METRIC_BATCHES_SCORED, "bellwether_score_batches_total", "Batches given to the encoder")                 \
	X(METRIC_WORDS_FOUND, "bellwether_words_found_total", "Alerts whose evidence was explained by its words")  \
	X(METRIC_WORDS_LATE, "bellwether_words_late_total", "Alerts that were told without: it took too long")     \
	X(METRIC_SELF_TOLD, "bellwether_self_alert_events_total", "Changes of alerts on the daemon itself")        \
	X(METRIC_SELF_DIRECT, "bellwether_self_direct_total", "Of these sent past the database, which could not be written")

#define METRIC_HISTOGRAMS(X)                                                                                  \
	X(METRIC_MATCH_SECONDS, "bellwether_match_seconds", "Matching the watch list, a batch")                   \
	X(METRIC_SCORE_SECONDS, "bellwether_score_seconds", "Encoding, a batch")                                  \
	X(METRIC_QUEUE_SECONDS, "bellwether_received_to_scored_seconds", "From received to scored, a document")   \
	X(METRIC_WORDS_SECONDS, "bellwether_words_seconds", "Finding the words of an alert's evidence")

enum metric_counter {
#define X(id, name, help) id,
	METRIC_COUNTERS(X)
#undef X
	METRIC_COUNTER_COUNT
};

enum metric_histogram {
#define X(id, name, help) id,
	METRIC_HISTOGRAMS(X)
#undef X
	METRIC_HISTOGRAM_COUNT
};

void metric_add(enum metric_counter counter, uint64_t amount);
void metric_observe(enum metric_histogram histogram, int64_t duration_us);

/* All of them in the Prometheus text format. */
void metric_print(FILE *out);

#endif
