/*
 * Documents a second into the database on disk: rows, trends of 1,000 topics
 * in three widths, positions, and the question for known message ids, in
 * synced transactions.  What the core and the pipeline cost is not in it.
 *
 *   bench_store [DIRECTORY [DOCUMENTS [BATCH]]]
 */
#include "alerts/store.h"
#include "daemon/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TOPICS 1000
#define START_US (INT64_C(1767614400) * SECOND_US)
#define DOCUMENTS_A_SECOND 10000 /* of the documents' own time */

static char topic_names[TOPICS][16];
static const char *topics[TOPICS];
static const int32_t widths[] = {900, 3600, 86400};

static uint32_t state = 1;

static uint32_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	return state ^= state << 5;
}

static struct item *make_item(int64_t id)
{
	char external[48], place[32], previous[24], next[24], title[128];
	snprintf(external, sizeof external, "%08x-%08x-%08llx", draw(), draw(), (long long)id);
	snprintf(place, sizeof place, "news/0@%lld", (long long)id);
	snprintf(previous, sizeof previous, "%lld", (long long)id - 1);
	snprintf(next, sizeof next, "%lld", (long long)id);
	snprintf(title, sizeof title, "Acme Rockets says quarter %u revenue fell to %u million as demand cooled",
		 draw() % 4 + 1, draw() % 1000);
	return item_create(&(struct item){
		.kind = ITEM_DOCUMENT, .polarity = POLARITY_NONE, .published_us = START_US + id * SECOND_US / DOCUMENTS_A_SECOND,
		.received_us = START_US + id * SECOND_US / DOCUMENTS_A_SECOND, .source = "wire",
		.position = {"news/0", id == 1 ? "" : previous, next}, .external_id = external, .coordinates = place,
		.publisher = "Example Wire", .title = title, .body = "", .url = "https://news.example.com/2026/01/05/acme-rockets",
		.lang = "en", .reason = ""});
}

struct load {
	struct store *store;
	size_t size;
	struct item **items;
	struct store_document *documents;
	uint32_t *matched;
	struct watch_bucket *buckets;
	uint32_t (*place)[TOPICS]; /* of a topic's bucket in this batch + 1, by width */
	int64_t last;
};

static void count(struct load *load, struct watch_effects *effects, const struct store_document *document)
{
	int64_t second = document->published_us / SECOND_US;
	for (int w = 0; w < 3; w++) {
		uint32_t *place = &load->place[w][document->topics[0]];
		if (*place == 0) {
			*place = (uint32_t)++effects->increment_count;
			load->buckets[*place - 1] = (struct watch_bucket){
				.topic = document->topics[0], .width_s = widths[w], .start_s = second - second % widths[w]};
		}
		struct watch_bucket *bucket = &load->buckets[*place - 1];
		bucket->total++;
		bucket->negative++;
		bucket->stories++;
		bucket->score_sum += (double)document->score;
	}
}

static void fill(struct load *load, struct watch_effects *effects)
{
	memset(load->place, 0, 3 * sizeof *load->place);
	for (size_t i = 0; i < load->size; i++) {
		int64_t id = ++load->last;
		load->matched[i] = draw() % TOPICS;
		load->items[i] = make_item(id);
		load->documents[i] = (struct store_document){
			.id = id, .item = load->items[i], .published_us = load->items[i]->published_us,
			.polarity = POLARITY_NEGATIVE, .score = -0.5f, .label = "Earnings", .label_p = 0.5f, .model = "m-1",
			.topics = &load->matched[i], .topic_count = 1, .story = id};
		count(load, effects, &load->documents[i]);
	}
}

static void check(bool good, const struct err *e)
{
	if (good)
		return;
	fprintf(stderr, "bench_store: %s\n", e->text);
	exit(EXIT_FAILURE);
}

static int64_t write_batch(struct load *load)
{
	struct err e = {0};
	struct watch_effects effects = {.increments = load->buckets};
	char previous[24] = "", next[24];
	if (load->last > 0)
		snprintf(previous, sizeof previous, "%lld", (long long)load->last);
	fill(load, &effects);
	snprintf(next, sizeof next, "%lld", (long long)load->last);
	struct store_move move = {"wire", "news/0", previous, next};
	struct store_batch batch = {
		.applied_us = load->documents[load->size - 1].published_us, .documents = load->documents,
		.document_count = load->size, .moves = &move, .move_count = 1, .effects = &effects};

	int64_t start = monotonic_us(), known;
	for (size_t i = 0; i < load->size; i++)
		check(store_find_document(load->store, load->items[i], &known, &e) == STORE_DONE && known == 0, &e);
	check(store_write(load->store, &batch, &e) == STORE_DONE, &e);
	int64_t took = monotonic_us() - start;
	for (size_t i = 0; i < load->size; i++)
		item_free(load->items[i]);
	return took;
}

static long resident_kb(void)
{
	long pages = 0, size;
	FILE *file = fopen("/proc/self/statm", "r");
	if (file == NULL || fscanf(file, "%ld %ld", &size, &pages) != 2)
		pages = 0;
	if (file != NULL)
		fclose(file);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static struct load open_load(const char *path, size_t batch)
{
	struct err e = {0};
	for (int i = 0; i < TOPICS; i++) {
		snprintf(topic_names[i], sizeof topic_names[i], "topic-%d", i);
		topics[i] = topic_names[i];
	}
	struct load load = {
		.store = store_open(path, STORE_DAEMON, 0, &e), .size = batch, .items = calloc(batch, sizeof *load.items),
		.documents = calloc(batch, sizeof *load.documents), .matched = calloc(batch, sizeof *load.matched),
		.buckets = calloc(3 * TOPICS, sizeof *load.buckets), .place = calloc(3, sizeof *load.place)};
	check(load.store != NULL, &e);
	struct store_names names = {.topics = topics, .topic_count = TOPICS};
	check(store_set_names(load.store, &names, &e) == STORE_DONE, &e);
	return load;
}

int main(int argc, char **argv)
{
	const char *parent = argc > 1 ? argv[1] : ".";
	int64_t documents = argc > 2 ? atoll(argv[2]) : 1000000;
	size_t batch = argc > 3 ? (size_t)atoll(argv[3]) : 8192;
	char directory[4096], path[4200], command[4300];
	snprintf(directory, sizeof directory, "%s/bench-store-XXXXXX", parent);
	if (batch == 0 || mkdtemp(directory) == NULL) {
		fprintf(stderr, "usage: bench_store [DIRECTORY [DOCUMENTS [BATCH]]]\n");
		return EXIT_FAILURE;
	}
	snprintf(path, sizeof path, "%s/b.db", directory);
	struct load load = open_load(path, batch);
	int64_t took = 0, slowest = 0, wal = 0;
	while (load.last < documents) {
		int64_t one = write_batch(&load);
		took += one;
		slowest = one > slowest ? one : slowest;
		wal = store_wal_bytes(load.store) > wal ? store_wal_bytes(load.store) : wal;
	}
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("documents %lld  batch %zu  documents/s %.0f  slowest batch %.0f ms  WAL at most %.0f MB  resident %ld MB  "
	       "cpu %.2f us a document (with making them)\n",
	       (long long)load.last, batch, (double)load.last * 1e6 / (double)took, (double)slowest / 1e3, (double)wal / 1e6,
	       resident_kb() / 1024,
	       ((double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6) * 1e6 / (double)load.last);
	store_close(load.store);
	snprintf(command, sizeof command, "rm -rf '%s'", directory);
	return system(command) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
