/*
 * What ten thousand topics cost (tests/bench/scale.h says which): a database
 * with a year of their history, the time to start on it, memory, and the time
 * of a batch.
 *
 *   bench_scale make DIRECTORY [TOPICS]      the database, DIRECTORY/scale.db
 *   bench_scale start DIRECTORY [TOPICS]     a start on it, again and again the same
 *   bench_scale measure DIRECTORY [TOPICS]   that and batches behind it
 *   bench_scale tape DIRECTORY [TOPICS]      for a replay: DIRECTORY/scale.yaml, and a million documents more as scale.jsonl
 *
 * Each a process of its own, so that memory is what a daemon would hold.
 */
#include "tests/bench/scale.h"

#include <errno.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAPE_DOCUMENTS 1000000

static void make(const char *directory, size_t topics)
{
	struct scale scale = make_scale(topics);
	int64_t start_us = monotonic_us(), until_us = (FIRST_DAY + DAYS) * DAY_US - 8 * HOUR_US;

	open_store(&scale, directory);
	make_history(&scale);
	open_watch(&scale);
	while (scale.now_us < until_us)
		run_batch(&scale, 2048);
	retain(&scale);
	printf("documents: %lld of %d days; made in %.0f s\n", (long long)scale.last_document, DOCUMENT_DAYS,
	       (double)(monotonic_us() - start_us) / 1e6);
	close_all(&scale);
}

/* ---- figures ---- */

static double cpu_s(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double resident_mb(void)
{
	long pages = 0, size;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%ld %ld", &size, &pages) != 2)
		pages = 0;
	if (file)
		fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

static double heap_mb(void)
{
	struct mallinfo2 info = mallinfo2();

	return (double)(info.uordblks + info.hblkhd) / 1e6;
}

static int print_row(void *context, size_t columns, const char *const *values)
{
	(void)context;
	if (columns == 2)
		printf("  %s %s MB", values[0], values[1]);
	return 0;
}

static void measure_disk(const struct scale *scale, const char *directory)
{
	struct stat file;
	struct err e = {0};
	char path[4200];

	snprintf(path, sizeof path, "%s/scale.db", directory);
	if (stat(path, &file) == 0)
		printf("on disk: %.0f MB:", (double)file.st_size / 1e6);
	if (store_query(scale->store, "SELECT name, round(sum(pgsize) / 1e6) FROM dbstat GROUP BY name HAVING sum(pgsize) > 1e6"
				      " ORDER BY 2 DESC", print_row, NULL, &e) != 0)
		printf("  (not told apart: %s)", e.text);
	printf("\n");
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void print_times(const char *what, int64_t *times_us, size_t count)
{
	qsort(times_us, count, sizeof *times_us, ascending);
	printf("  %s %.2f / %.2f / %.2f ms", what, (double)times_us[count / 2] / 1e3, (double)times_us[count * 99 / 100] / 1e3,
	       (double)times_us[count - 1] / 1e3);
}

static void measure_batches(struct scale *scale, size_t size, size_t count)
{
	int64_t *core = xcalloc(count, sizeof *core), *commit = xcalloc(count, sizeof *commit), from_us = scale->now_us;
	double cpu = cpu_s();

	for (size_t i = 0; i < count; i++) {
		struct took took = run_batch(scale, size);

		core[i] = took.core_us;
		commit[i] = took.commit_us;
	}
	printf("batch of %4zu (%.1f hours of the stream, median / 99 %% / worst):", size,
	       (double)(scale->now_us - from_us) / (double)HOUR_US);
	print_times("core", core, count);
	print_times("commit", commit, count);
	printf("  cpu %.1f us a document\n", (cpu_s() - cpu) * 1e6 / (double)(size * count));
	free(core);
	free(commit);
}

static void measure_start(struct scale *scale, const char *directory)
{
	int64_t start_us = monotonic_us();
	double cpu = cpu_s(), heap;

	open_store(scale, directory);
	printf("start: open and names %.2f s", (double)(monotonic_us() - start_us) / 1e6);
	heap = heap_mb();
	open_watch(scale);
	printf(", all %.2f s, cpu %.2f s\n", (double)(monotonic_us() - start_us) / 1e6, cpu_s() - cpu);
	printf("memory: resident %.0f MB, of the core %.0f MB, %.1f kB a topic\n", resident_mb(), heap_mb() - heap,
	       (heap_mb() - heap) * 1e3 / (double)scale->topics);
}

/* A baseline is learnt anew for each topic once a day: every tenth topic, from hours like its own. */
static void measure_learning(struct scale *scale)
{
	int32_t last = (int32_t)((FIRST_DAY + DAYS) * 24);
	double slowest = 0, sum = 0;
	size_t count = 0;

	for (size_t t = 0; t < scale->topics; t += 10, count++) {
		struct rule_baseline baseline;
		struct window hours;
		double start;

		window_init(&hours, RULE_HISTORY_HOURS);
		for (int32_t hour = last - RULE_HISTORY_HOURS; hour < last; hour++) {
			uint32_t stories = draw_poisson(scale, scale->rates[t] / 24);

			if (stories > 0)
				window_add(&hours, hour, &(struct tally){.documents = stories, .stories = stories,
									 .judged = stories, .negative = stories / 4});
		}
		start = cpu_s();
		rule_learn(&baseline, rule.metric, &hours, last);
		start = cpu_s() - start;
		sum += start;
		slowest = fmax(slowest, start);
		window_reset(&hours);
	}
	printf("learning a topic's baseline: mean %.0f us, worst %.0f us\n", sum * 1e6 / (double)count, slowest * 1e6);
}

static void start(const char *directory, size_t topics)
{
	struct scale scale = make_scale(topics);

	measure_start(&scale, directory);
	close_all(&scale);
}

static void measure(const char *directory, size_t topics)
{
	struct scale scale = make_scale(topics);

	measure_start(&scale, directory);
	measure_batches(&scale, 1, 200);
	measure_batches(&scale, 64, 200);
	measure_batches(&scale, 256, 500);
	measure_batches(&scale, 1024, 100);
	measure_learning(&scale);
	printf("memory after them: resident %.0f MB\n", resident_mb());
	measure_disk(&scale, directory);
	close_all(&scale);
}

/* ---- for a replay ---- */

static FILE *create_file(const char *directory, const char *name)
{
	char path[4200];
	struct err e = {0};
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	file = fopen(path, "we");
	if (!file)
		err_sys(&e, errno, "%s", path);
	check(file, &e);
	return file;
}

static void close_file(FILE *file)
{
	struct err e = {0};

	if (fclose(file) != 0)
		err_sys(&e, errno, "cannot write");
	check(!e.text[0], &e);
}

/* The topics by the words that make_item writes, and the same rule. */
static void write_configuration(const struct scale *scale, const char *directory)
{
	FILE *file = create_file(directory, "scale.yaml");

	fprintf(file, "database: %s/scale.db\nhttp: {listen: \"\"}\nsources:\n  - {name: wire, file: {path: %s/scale.jsonl}}\ntopics:\n",
		directory, directory);
	for (size_t t = 0; t < scale->topics; t++)
		fprintf(file, "  - {name: %s, any: [\"Company %zu\"]}\n", scale->names[t], t);
	fprintf(file, "rules:\n  - {name: spike, metric: negative_count, keep_firing_for: 6h}\n");
	close_file(file);
}

static void write_line(struct scale *scale, FILE *file)
{
	struct item *item = make_item(scale, draw_topic(scale));
	bool negative = draw(scale) < NEGATIVE_SHARE;
	char published[32];

	fprintf(file, "{\"id\": \"%s\", \"published\": \"%s\", \"source\": \"%s\", \"title\": \"%s\", \"url\": \"%s\", \"polarity\": \"%s\"}\n",
		item->external_id, time_format_iso(scale->now_us, published, sizeof published), item->publisher, item->title,
		item->url, negative ? "negative" : "neutral");
	item_free(item);
}

static void tape(const char *directory, size_t topics)
{
	struct scale scale = make_scale(topics);
	FILE *file = create_file(directory, "scale.jsonl");

	write_configuration(&scale, directory);
	scale.now_us = (FIRST_DAY + DAYS) * DAY_US;
	for (size_t i = 0; i < TAPE_DOCUMENTS; i++) {
		pass_time(&scale);
		write_line(&scale, file);
	}
	close_file(file);
	close_all(&scale);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(const char *directory, size_t topics);
	} commands[] = {{"make", make}, {"start", start}, {"measure", measure}, {"tape", tape}};
	size_t topics = argc > 3 ? strtoul(argv[3], NULL, 10) : 10000;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > 2 && topics > 0 && i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			commands[i].run(argv[2], topics);
			return EXIT_SUCCESS;
		}
	}
	fprintf(stderr, "usage: bench_scale make|start|measure|tape DIRECTORY [TOPICS]\n");
	return EXIT_FAILURE;
}
