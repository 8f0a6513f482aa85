/*
 * Documents a second through the writer: the core with 1,000 topics, stories,
 * and the database on disk.  Then the time from a push to its commit where
 * documents come one by one.
 *
 *   bench_writer [DIRECTORY [DOCUMENTS [MATCHED]]]     one document in MATCHED is about a topic
 */
#include "alerts/writer.h"
#include "daemon/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TOPICS 1000
#define SINGLES 200

static char topic_names[TOPICS][16];
static const char *topics[TOPICS];
static uint32_t state = 1;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

static struct writer_entry *make_entry(int64_t n, uint32_t matched)
{
	static const char *const subjects[] = {"Acme", "Brim", "Corvid", "Dune", "Ember", "Fjord", "Gale", "Heron"};
	static const char *const verbs[] = {"raises", "cuts", "confirms", "withdraws", "reports", "delays", "denies"};
	static const char *const things[] = {"guidance", "dividend", "outlook", "merger talks", "a recall", "a strike", "layoffs"};
	char external[32], previous[24] = "", next[24], title[160];
	snprintf(external, sizeof external, "%08x%08llx", draw(UINT32_MAX), (long long)n);
	if (n > 1)
		snprintf(previous, sizeof previous, "%lld", (long long)n - 1);
	snprintf(next, sizeof next, "%lld", (long long)n);
	snprintf(title, sizeof title, "%s%u Industries %s %s in division %u after quarter %u", subjects[draw(8)], draw(500),
		 verbs[draw(7)], things[draw(7)], draw(100), draw(20));
	int64_t now = clock_now_us(&wall_clock);
	struct writer_entry *entry = xcalloc(1, sizeof *entry + sizeof *entry->topics);
	entry->item = item_create(&(struct item){
		.kind = ITEM_DOCUMENT, .polarity = POLARITY_NONE, .published_us = now, .received_us = now, .source = "wire",
		.position = {"news/0", previous, next}, .external_id = external, .coordinates = next,
		.publisher = "Example Wire", .title = title, .url = "https://news.example.com/2026/01/05/story", .lang = "en"});
	entry->polarity = (enum polarity)draw(3);
	entry->score = (float)(int)entry->polarity - 1;
	entry->label = -1;
	entry->scored = true;
	entry->topics = (uint32_t *)(entry + 1);
	entry->topics[0] = draw(TOPICS);
	entry->topic_count = draw(matched) == 0;
	story_sign(title, strlen(title), &entry->signature);
	return entry;
}

static void stop_here(void *context, const char *message)
{
	(void)context;
	fprintf(stderr, "bench_writer: %s\n", message);
	exit(EXIT_FAILURE);
}

static struct writer *start(const char *path, struct queue *queue)
{
	static const struct rule_spec rule = {.name = "spike", .keep_firing_us = HOUR_US};
	static struct watch_options watch = {.topics = topics, .topic_count = TOPICS, .rules = &rule, .rule_count = 1};
	struct err e = {0};
	for (int i = 0; i < TOPICS; i++) {
		snprintf(topic_names[i], sizeof topic_names[i], "topic-%d", i);
		topics[i] = topic_names[i];
	}
	struct store *store = store_open(path, STORE_DAEMON, 0, &e);
	struct writer *writer = NULL;
	if (store != NULL)
		writer = writer_start(&(struct writer_options){.store = store, .configuration = {.watch = &watch}, .model_version = "none",
							       .input = queue, .clock = &wall_clock,
							       .callbacks = {.fatal = stop_here}}, &e);
	if (writer == NULL)
		stop_here(NULL, e.text);
	return writer;
}

static void push(struct queue *queue, struct writer_entry *entry)
{
	CHECK(queue_push(queue, entry, entry->item->size, QUEUE_FOREVER) == QUEUE_OK);
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void time_singles(struct writer *writer, struct queue *queue, int64_t n)
{
	static int64_t took[SINGLES];
	for (int i = 0; i < SINGLES; i++) {
		struct writer_entry *entry = make_entry(++n, 1);
		int64_t start_us = monotonic_us();
		push(queue, entry);
		CHECK(writer_flush(writer, MINUTE_US));
		took[i] = monotonic_us() - start_us;
	}
	qsort(took, SINGLES, sizeof *took, ascending);
	printf("one by one, push to commit: p50 %.1f ms  p99 %.1f ms\n", (double)took[SINGLES / 2] / 1e3,
	       (double)took[SINGLES * 99 / 100] / 1e3);
}

static double cpu_seconds(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	const char *parent = argc > 1 ? argv[1] : ".";
	int64_t documents = argc > 2 ? atoll(argv[2]) : 500000;
	uint32_t matched = argc > 3 ? (uint32_t)atoll(argv[3]) : 1;
	char directory[4096], path[4200], command[4300];
	snprintf(directory, sizeof directory, "%s/bench-writer-XXXXXX", parent);
	if (matched == 0 || mkdtemp(directory) == NULL) {
		fprintf(stderr, "usage: bench_writer [DIRECTORY [DOCUMENTS [MATCHED]]]\n");
		return EXIT_FAILURE;
	}
	snprintf(path, sizeof path, "%s/b.db", directory);
	struct writer_entry **entries = xcalloc((size_t)documents, sizeof *entries);
	for (int64_t n = 0; n < documents; n++)
		entries[n] = make_entry(n + 1, matched);
	struct queue *queue = queue_create(20000, 64 << 20);
	struct writer *writer = start(path, queue);
	double cpu = cpu_seconds();
	int64_t start_us = monotonic_us();
	for (int64_t n = 0; n < documents; n++)
		push(queue, entries[n]);
	CHECK(writer_flush(writer, HOUR_US));
	double seconds = (double)(monotonic_us() - start_us) / 1e6;
	struct writer_status status;
	writer_get_status(writer, &status);
	printf("documents %llu  batches %llu  alert changes %llu  documents/s %.0f  cpu %.2f us a document\n",
	       (unsigned long long)status.documents, (unsigned long long)status.batches, (unsigned long long)status.alerts,
	       (double)documents / seconds, (cpu_seconds() - cpu) * 1e6 / (double)documents);
	time_singles(writer, queue, documents);
	queue_close(queue);
	writer_stop(writer);
	queue_free(queue);
	free(entries);
	snprintf(command, sizeof command, "rm -rf '%s'", directory);
	return system(command) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
