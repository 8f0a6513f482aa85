#include "model/train/fit.h"
#include "model/train/random.h"
#include "tests/lib/run.h"
#include "tests/lib/transfer.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Runs whose metrics.csv cannot be written: they are told of it once and end in the same values. */

enum { TEXTS = 60, EPOCHS = 3, BATCH = 10, STEPS = EPOCHS * TEXTS / BATCH };

struct run {
	char directory[64], metrics[96];
	size_t batch;
	size_t full_at, stop_at; /* steps; 0: never */
	bool resume;
	size_t told, steps;
	char message[600];
	bool measured, stopped;
	float *values; /* the best */
	size_t count;
};

static void run_make(struct run *run)
{
	*run = (struct run){.batch = BATCH, .directory = "/tmp/bellwether-fit-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(run->directory));
	snprintf(run->metrics, sizeof run->metrics, "%s/metrics.csv", run->directory);
}

static void run_clear(struct run *run)
{
	char checkpoint[96];
	snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint", run->directory);
	unlink(checkpoint);
	remove(run->metrics);
	ck_assert_int_eq(rmdir(run->directory), 0);
	free(run->values);
}

/* No file grows by more than a part of a line until there is room again.  Nothing is asserted meanwhile: libcheck writes a file. */
static struct rlimit before;

static void disk_fill(const char *path)
{
	struct stat status;
	ck_assert_int_eq(stat(path, &status), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)status.st_size + 5, before.rlim_max}) < 0)
		abort();
}

static void disk_clear(void)
{
	if (before.rlim_max > 0 && setrlimit(RLIMIT_FSIZE, &before) < 0)
		abort();
}

static void look(void *context, const struct fit_event *event)
{
	struct run *run = context;
	if (event->kind == FIT_UNMEASURED) {
		disk_clear();
		run->told++;
		snprintf(run->message, sizeof run->message, "%s", event->message);
	}
	if (event->kind != FIT_STEP)
		return;
	run->steps = event->step;
	if (run->steps == run->full_at)
		disk_fill(run->metrics);
}

static bool stop(void *context)
{
	const struct run *run = context;
	return run->steps == run->stop_at;
}

static void texts_draw(struct trainer_text list[TEXTS], int32_t ids[TEXTS][8])
{
	struct random_stream stream = random_stream(9, 0, 0);
	for (size_t i = 0; i < TEXTS; i++) {
		for (size_t k = 0; k < 8; k++)
			ids[i][k] = (int32_t)random_below(&stream, 20);
		list[i] = (struct trainer_text){.ids = ids[i], .length = 3 + i % 6, .polarity = (int)(i % 3), .topic = -1, .source = -1};
	}
}

static void run_do(struct run *run)
{
	static struct trainer_text list[TEXTS];
	static int32_t ids[TEXTS][8];
	uint32_t which[TEXTS];
	struct err e = {0};
	struct fit_outcome outcome;
	struct trainer_options options = exact_options();
	options.dropout = 0.1;
	struct trainer *trainer = model_open(&options, NULL);
	texts_draw(list, ids);
	for (uint32_t i = 0; i < TEXTS; i++)
		which[i] = i;
	const struct fit_texts texts = {.texts = list, .training = which, .training_count = TEXTS, .validation = which,
					.validation_count = TEXTS / 2};
	const struct fit_options how = {.epochs = EPOCHS, .batch = run->batch, .rates = {1e-3}, .rate_count = 1, .directory = run->directory,
					.checkpoint_s = 1e9, .resume = run->resume, .look = look, .stop = stop, .context = run};
	ck_assert_msg(fit_run(trainer, &texts, &how, &outcome, &e) == 0, "%s", e.text);
	run->measured = outcome.measured;
	run->stopped = outcome.stopped;
	run->count = trainer_layout(trainer)->total;
	if (outcome.values != NULL) {
		run->values = calloc(run->count, sizeof *run->values);
		memcpy(run->values, outcome.values, run->count * sizeof *run->values);
	}
	fit_clear(&outcome);
	trainer_close(trainer);
}

/* The values of a run that nothing happens to. */
static void expect_values(const struct run *run)
{
	struct run whole;
	run_make(&whole);
	run_do(&whole);
	ck_assert(whole.measured);
	ck_assert_uint_eq(whole.told, 0);
	ck_assert_uint_eq(whole.steps, STEPS);
	ck_assert_ptr_nonnull(run->values);
	ck_assert_int_eq(memcmp(run->values, whole.values, whole.count * sizeof(float)), 0);
	run_clear(&whole);
}

/* Of metrics.csv, which is whole lines of text. */
static size_t lines_count(const struct run *run)
{
	char text[16384];
	FILE *file = fopen(run->metrics, "re");
	ck_assert_ptr_nonnull(file);
	size_t size = fread(text, 1, sizeof text, file), lines = 0;
	fclose(file);
	ck_assert_uint_lt(size, sizeof text);
	ck_assert_int_eq(text[size - 1], '\n');
	for (size_t i = 0; i < size; i++) {
		lines += text[i] == '\n';
		ck_assert(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
	}
	return lines;
}

START_TEST(a_place_that_takes_no_metrics_ends_no_run)
{
	struct run run;
	run_make(&run);
	ck_assert_int_eq(mkdir(run.metrics, 0777), 0);
	run_do(&run);
	ck_assert_uint_eq(run.told, 1);
	ck_assert_ptr_nonnull(strstr(run.message, run.metrics));
	ck_assert(!run.measured);
	expect_values(&run);
	run_clear(&run);
}
END_TEST

START_TEST(a_disk_that_fills_up_leaves_whole_lines)
{
	struct run run;
	run_make(&run);
	run.full_at = 4;
	run_do(&run);
	ck_assert_uint_eq(run.told, 1);
	ck_assert_ptr_nonnull(strstr(run.message, "File too large"));
	ck_assert(!run.measured);
	ck_assert_uint_eq(lines_count(&run), 1 + 3); /* the header, and the steps before it */
	expect_values(&run);
	run_clear(&run);
}
END_TEST

/* A checkpoint of such a run goes on, and where lines can be written again they are. */
START_TEST(a_run_without_metrics_is_resumed)
{
	struct run run;
	run_make(&run);
	run.stop_at = 5;
	ck_assert_int_eq(mkdir(run.metrics, 0777), 0);
	run_do(&run);
	ck_assert(run.stopped);
	ck_assert_int_eq(rmdir(run.metrics), 0);
	run.stop_at = 0;
	run.resume = true;
	run_do(&run);
	ck_assert_uint_eq(run.told, 1);
	ck_assert(run.measured);
	expect_values(&run);
	run_clear(&run);
}
END_TEST

/* A killed run leaves lines behind its checkpoint's; the next one may be stopped before it writes any. */
START_TEST(lines_behind_a_checkpoint_are_cut_off)
{
	struct run run, whole;
	run_make(&run);
	run.batch = 1; /* so many steps that not each has a line */
	run.stop_at = 4;
	run_do(&run);
	size_t lines = lines_count(&run);
	FILE *file = fopen(run.metrics, "ae");
	fputs("run,of,a,killed,one\nrun,of,a,killed,one\n", file);
	fclose(file);
	run.resume = true;
	run.stop_at = 5;
	run_do(&run);
	ck_assert_uint_eq(run.steps, 5);
	ck_assert_uint_eq(lines_count(&run), lines);
	run.stop_at = 0;
	run_do(&run);
	run_make(&whole);
	whole.batch = 1;
	run_do(&whole);
	ck_assert_uint_eq(lines_count(&run), lines_count(&whole));
	run_clear(&run);
	run_clear(&whole);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("fit");
	tcase_set_timeout(tests, 120);
	tcase_add_test(tests, a_place_that_takes_no_metrics_ends_no_run);
	tcase_add_test(tests, a_disk_that_fills_up_leaves_whole_lines);
	tcase_add_test(tests, a_run_without_metrics_is_resumed);
	tcase_add_test(tests, lines_behind_a_checkpoint_are_cut_off);
	return run_case("fit", tests);
}
