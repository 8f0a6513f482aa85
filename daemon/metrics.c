/* What /metrics says of things that have a name; the process's own counters are daemon/base/metric.h's. */
#include "daemon/metrics.h"

#include "daemon/base/clock.h"
#include "daemon/base/metric.h"

#include <inttypes.h>

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value with what the text format reserves escaped. */
static void print_label(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		if (*text == '\n')
			fputs("\\n", out);
		else
			fputc(*text, out);
	}
}

static void print_one(FILE *out, const char *name, const char *type, const char *help, double value)
{
	head(out, name, type, help);
	fprintf(out, "%s %.17g\n", name, value);
}

/* ---- one family over all sources ---- */

struct family {
	const char *name, *type, *help;
	double (*value)(const struct source_health *health);
};

static double documents(const struct source_health *h) { return (double)h->documents; }
static double rejects(const struct source_health *h) { return (double)h->rejects; }
static double lag(const struct source_health *h) { return (double)h->lag; }
static double waiting(const struct source_health *h) { return h->waiting; }
static double healthy(const struct source_health *h)
{
	return h->state == SOURCE_OK || h->state == SOURCE_DONE || h->state == SOURCE_STARTING;
}
static double progress(const struct source_health *h)
{
	return h->last_progress_us > 0 ? (double)h->last_progress_us / SECOND_US : 0;
}

static const struct family families[] = {
	{"bellwether_source_documents_total", "counter", "Documents that the source has handed on", documents},
	{"bellwether_source_rejects_total", "counter", "Values that could not be read", rejects},
	{"bellwether_source_lag", "gauge", "Messages behind the end of the log, -1 where unknown", lag},
	{"bellwether_source_waiting", "gauge", "1 while a full queue holds the source up", waiting},
	{"bellwether_source_healthy", "gauge", "1 where the source works as it should", healthy},
	{"bellwether_source_last_progress_timestamp_seconds", "gauge", "When the source was last read", progress},
};

void metrics_print_sources(FILE *out, const struct source_health *healths, const char *const *names, size_t count)
{
	for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
		if (count > 0)
			head(out, families[f].name, families[f].type, families[f].help);
		for (size_t i = 0; i < count; i++) {
			fprintf(out, "%s{source=\"", families[f].name);
			print_label(out, names[i]);
			fprintf(out, "\"} %.17g\n", families[f].value(&healths[i]));
		}
	}
}

void metrics_print_writer(FILE *out, const struct writer_status *w)
{
	print_one(out, "bellwether_stored_documents_total", "counter", "Documents committed to the database",
		  (double)w->documents);
	print_one(out, "bellwether_repeats_total", "counter", "Documents that were known already", (double)w->repeats);
	print_one(out, "bellwether_rejects_total", "counter", "Values stored as rejected", (double)w->rejects);
	print_one(out, "bellwether_transactions_total", "counter", "Committed transactions", (double)w->batches);
	print_one(out, "bellwether_alert_events_total", "counter", "Changes of alerts", (double)w->alerts);
	print_one(out, "bellwether_commit_seconds", "gauge", "Duration of the last transaction",
		  (double)w->last_commit_us / SECOND_US);
	print_one(out, "bellwether_wal_bytes", "gauge", "Size of the write-ahead log", (double)w->wal_bytes);
	print_one(out, "bellwether_writer_waiting", "gauge", "1 while the database cannot be written", w->waiting);
	print_one(out, "bellwether_outbox_pending", "gauge", "Webhook deliveries not yet done", (double)w->outbox_pending);
	double age = w->outbox_oldest_us == TIME_NONE
			     ? 0
			     : (double)(clock_now_us(&wall_clock) - w->outbox_oldest_us) / SECOND_US;
	print_one(out, "bellwether_outbox_age_seconds", "gauge", "Age of the oldest pending delivery", age);
	print_one(out, "bellwether_alerts_firing", "gauge", "Alerts of rules on topics that fire now",
		  (double)w->alerts_firing);
}

/* ---- the daemon itself ---- */

void metrics_print_self(FILE *out, const char *const *open, size_t count, int64_t free_bytes)
{
	print_one(out, "bellwether_self_alerts_open", "gauge", "Alerts on the daemon itself that are open", (double)count);
	if (count > 0)
		head(out, "bellwether_self_alert", "gauge", "1 for each of them");
	for (size_t i = 0; i < count; i++) {
		fputs("bellwether_self_alert{subject=\"", out);
		print_label(out, open[i]);
		fputs("\"} 1\n", out);
	}
	if (free_bytes >= 0)
		print_one(out, "bellwether_disk_free_bytes", "gauge", "Room on the database's file system", (double)free_bytes);
}

static void print_heartbeats(FILE *out, const char *receiver, const char *result, uint64_t count)
{
	fputs("bellwether_heartbeats_total{receiver=\"", out);
	print_label(out, receiver);
	fprintf(out, "\",result=\"%s\"} %" PRIu64 "\n", result, count);
}

void metrics_print_heartbeats(FILE *out, const struct webhook_heartbeats *heartbeats, const char *const *receivers,
			      size_t count)
{
	if (count > 0)
		head(out, "bellwether_heartbeats_total", "counter", "Signs of life sent to a receiver, and what became of them");
	for (size_t i = 0; i < count; i++) {
		print_heartbeats(out, receivers[i], "sent", heartbeats[i].sent);
		print_heartbeats(out, receivers[i], "failed", heartbeats[i].failed);
		print_heartbeats(out, receivers[i], "skipped", heartbeats[i].skipped);
	}
}

/* Counted by the compiled list itself: from 0 again after a reload, which is what a counter may do. */
void metrics_print_watch_list(FILE *out, const struct topics *watch_list)
{
	print_one(out, "bellwether_regex_limit_hits_total", "counter", "Regexes given up on a text: they took too long",
		  (double)topics_match_limit_hits(watch_list));
}

void metrics_print_process(FILE *out, size_t item_depth, size_t entry_depth, const struct classifier_info *info)
{
	head(out, "bellwether_queue_depth", "gauge", "Entries in a queue");
	fprintf(out, "bellwether_queue_depth{queue=\"items\"} %zu\n", item_depth);
	fprintf(out, "bellwether_queue_depth{queue=\"entries\"} %zu\n", entry_depth);
	head(out, "bellwether_model_info", "gauge", "The model in use, always 1");
	fprintf(out, "bellwether_model_info{version=\"");
	print_label(out, info->version);
	fprintf(out, "\",device=\"%s\",precision=\"%s\"} 1\n", info->device, info->precision);
	metric_print(out);
}
