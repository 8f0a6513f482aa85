#include "gpu/gpu.h"
#include "model/classifier.h"
#include "model/engine.h"
#include "tests/cuda/emulation.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * Several GPUs for one model: each has its share of the workers, and one that
 * fails, at each of its calls in turn, takes nothing with it but its own place.
 * The engine is asked as workers ask it, one after another, so that a call's number says where in a
 * life it is; the classifier with threads, so that a sanitizer sees them move.
 */
#define MODEL TEST_DATA "/parity/cls-gelu-f32"

enum { WORKERS = 4, TEXTS = 3, MOST_OUTPUTS = 32, OUT_OF_MEMORY = 2, DEVICE_LOST = 719 };

static const int32_t ids[] = {2, 5, 6, 3, 2, 3, 2, 9, 8, 7, 6, 5, 3};
static const int32_t starts[TEXTS + 1] = {0, 4, 6, 13};
static const struct token_batch batch = {.ids = ids, .starts = starts, .texts = TEXTS};

static struct model_config config;
static float wanted[TEXTS * MOST_OUTPUTS];

static struct engine *open_with(const char *device, size_t workers, struct err *e)
{
	const char *precision = strcmp(device, "cpu") == 0 ? "fp32" : "auto";
	struct engine_options options = {
		.directory = MODEL, .device = device, .precision = precision, .config = &config, .workers = workers};
	return engine_open(&options, e);
}

static struct engine *open_on(const char *device)
{
	struct err e = {0};
	struct engine *engine = open_with(device, WORKERS, &e);
	ck_assert_msg(engine != NULL, "%s", e.text);
	ck_assert_uint_le(engine_outputs(engine), MOST_OUTPUTS);
	return engine;
}

/* bfloat16's and int8's logits of so small a model differ from float32's by so much. */
static void run(struct engine *engine, size_t worker, long call)
{
	struct err e = {0};
	float got[TEXTS * MOST_OUTPUTS];
	ck_assert_msg(engine_run(engine, worker, &batch, got, &e) == 0, "call %ld, worker %zu: %s", call, worker, e.text);
	for (size_t i = 0; i < TEXTS * engine_outputs(engine); i++)
		ck_assert_msg(fabsf(got[i] - wanted[i]) < 0.25f, "call %ld, worker %zu, value %zu: %g, not %g", call, worker, i,
			      (double)got[i], (double)wanted[i]);
}

static void run_all(struct engine *engine, long call)
{
	for (size_t worker = 0; worker < WORKERS; worker++)
		run(engine, worker, call);
}

/* The two of an engine on two GPUs. */
static void run_pair_twice(struct engine *engine, long call)
{
	for (size_t i = 0; i < 4; i++)
		run(engine, i % 2, call);
}

static void setup(void)
{
	struct err e = {0};
	ck_assert_msg(model_config_read(&config, MODEL, &e) == 0, "%s", e.text);
	struct engine *engine = open_on("cpu");
	ck_assert_int_eq(engine_run(engine, 0, &batch, wanted, &e), 0);
	engine_close(engine);
	emulation_fail(-1, 0, false);
	emulation_devices(3);
}

static void teardown(void)
{
	emulation_fail(-1, 0, false);
	ck_assert_uint_eq(emulation_live(), 0);
	model_config_clear(&config);
}

START_TEST(workers_are_spread)
{
	long before[3];
	struct engine *engine = open_on("cuda:2,0");
	ck_assert_str_eq(engine_kernels(engine), "cuda:2 cuda-sm90 (emulated), cuda:0 cuda-sm90 (emulated)");
	for (size_t worker = 0; worker < WORKERS; worker++) {
		for (int i = 0; i < 3; i++)
			before[i] = emulation_launches(i);
		run(engine, worker, -1);
		ck_assert_int_eq(emulation_launches(2) > before[2], worker % 2 == 0);
		ck_assert_int_eq(emulation_launches(0) > before[0], worker % 2 == 1);
		ck_assert_int_eq(emulation_launches(1), before[1]);
	}
	ck_assert_ptr_null(engine_trouble(engine));
	engine_close(engine);
}
END_TEST

START_TEST(one_of_several)
{
	struct engine *engine = open_on("cuda:1");
	ck_assert_str_eq(engine_kernels(engine), "cuda:1 cuda-sm90 (emulated)");
	run_all(engine, -1);
	ck_assert_int_eq(emulation_launches(0), 0);
	ck_assert_int_gt(emulation_launches(1), 0);
	engine_close(engine);
	/* Without a number: the first that can. */
	emulation_capability(0, 7, 5);
	engine = open_on("cuda");
	ck_assert_str_eq(engine_kernels(engine), "cuda-sm90 (emulated)");
	run_all(engine, -1);
	ck_assert_int_eq(emulation_launches(0), 0);
	engine_close(engine);
	emulation_capability(0, 9, 0);
}
END_TEST

START_TEST(what_is_not_there)
{
	static const struct {
		const char *device;
		size_t workers;
		const char *message;
	} refused[] = {
		{"cuda:7", WORKERS, "device cuda:7: the driver knows 3 GPUs, and their numbers begin at 0"},
		{"cuda:0,3", WORKERS, "device cuda:3: the driver knows 3 GPUs, and their numbers begin at 0"},
		{"cuda:0,1", WORKERS, "device cuda:1: emulated has compute capability 7.5; 8.0 is needed"},
		{"cuda:0,1,2", 2, "for 3 GPUs threads must be 3 or more; it is 2"},
		{"cuda:0,x", WORKERS, "device \"cuda:0,x\": \"x\" is not the number of a GPU: cuda:0,1 takes the first two"},
	};
	struct err e = {0};
	emulation_capability(1, 7, 5);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		ck_assert_ptr_null(open_with(refused[i].device, refused[i].workers, &e));
		ck_assert_str_eq(e.text, refused[i].message);
		ck_assert_uint_eq(emulation_live(), 0);
	}
	emulation_capability(1, 9, 0);
}
END_TEST

/* The lost device's workers go on elsewhere, the others stay; then the next, down to the CPU. */
START_TEST(one_after_another)
{
	long launches[2];
	struct engine *engine = open_on("cuda:0,1,2");
	emulation_fail_on(1, 0, DEVICE_LOST, true);
	run_all(engine, 1);
	ck_assert_str_eq(engine_trouble(engine), "other GPUs have taken over from cuda:1 cuda-sm90 (emulated): the GPU's context: "
						 "an error that the driver does not know (CUDA error 719)");
	emulation_fail_on(0, 0, DEVICE_LOST, true);
	run_all(engine, 2);
	launches[0] = emulation_launches(2);
	run_all(engine, 3);
	launches[1] = emulation_launches(2);
	ck_assert_int_gt(launches[1], launches[0]);
	ck_assert_ptr_nonnull(strstr(engine_trouble(engine), "other GPUs have taken over from cuda:0 "));
	emulation_fail_on(2, 0, DEVICE_LOST, true);
	run_all(engine, 4);
	ck_assert_ptr_nonnull(strstr(engine_trouble(engine), "the CPU has taken over from cuda:2 "));
	run_all(engine, 5);
	ck_assert_int_eq(emulation_launches(2), launches[1]);
	engine_close(engine);
}
END_TEST

/* Opens on two of three GPUs, runs and closes; `e` takes a trouble too.  False where it did not open. */
static bool live(long call, struct err *e)
{
	struct engine *engine = open_with("cuda:0,1", 2, e);
	if (engine == NULL)
		return false;
	run_pair_twice(engine, call);
	err_set(e, "%s", engine_trouble(engine) != NULL ? engine_trouble(engine) : "");
	engine_close(engine);
	return true;
}

/* Each call to one of two GPUs in turn, once or from then on: the other goes on, or it is said at the start which it is. */
START_TEST(every_call_to_one_fails)
{
	bool lost = _i % 2 == 1;
	int device = _i / 2;
	struct err e = {0};
	char name[] = "cuda:0";
	long refused = 0, moved = 0, tried = 0;
	name[5] = (char)('0' + device);
	ck_assert(live(-1, &e));
	emulation_fail_on(device, -1, 0, false);
	ck_assert(live(-1, &e));
	long calls = emulation_calls(device);
	for (long call = 0; call < calls; call += one_in(), tried++) {
		emulation_fail_on(device, call, lost ? DEVICE_LOST : OUT_OF_MEMORY, lost);
		if (!live(call, &e)) {
			ck_assert_msg(strstr(e.text, name) != NULL, "call %ld: %s", call, e.text);
			refused++;
		} else if (e.text[0] != '\0') {
			ck_assert_msg(strstr(e.text, "other GPUs have taken over from cuda:") != NULL, "call %ld: %s", call, e.text);
			moved++;
		}
		ck_assert_msg(emulation_live() == 0, "call %ld: %zu things are left over", call, emulation_live());
	}
	printf("%s, %s: %ld of %ld calls failed in turn; %ld at the start, in %ld the other GPU took over\n", name,
	       lost ? "for good" : "once", tried, calls, refused, moved);
	fflush(stdout);
	ck_assert_int_gt(refused, 0);
	ck_assert_int_gt(moved, 0);
}
END_TEST

/* One GPU is lost, and each call of the other's fails in turn while it takes over: the CPU does what neither can. */
START_TEST(every_call_of_taking_over_fails)
{
	bool lost = _i == 1;
	long calls = 1, on_cpu = 0, tried = 0;
	for (long call = -1; call < calls; call += call < 0 ? 1 : one_in(), tried++) {
		emulation_fail(-1, 0, false);
		struct engine *engine = open_with("cuda:0,1", 2, NULL);
		ck_assert_ptr_nonnull(engine);
		emulation_fail_on(1, 0, DEVICE_LOST, true);
		emulation_fail_on(0, call, lost ? DEVICE_LOST : OUT_OF_MEMORY, lost);
		run_pair_twice(engine, call);
		ck_assert_ptr_nonnull(engine_trouble(engine));
		on_cpu += strncmp(engine_trouble(engine), "the CPU", 7) == 0;
		if (call < 0)
			calls = emulation_calls(0);
		engine_close(engine);
		ck_assert_msg(emulation_live() == 0, "call %ld: %zu things are left over", call, emulation_live());
	}
	printf("taking over, %s: %ld of %ld calls failed in turn; in %ld the CPU took over from one or both\n",
	       lost ? "for good" : "once", tried - 1, calls, on_cpu);
	fflush(stdout);
	ck_assert_int_gt(on_cpu, 0);
}
END_TEST

START_TEST(threads_move)
{
	enum { LINES = 256 };
	static struct text texts[LINES];
	static struct score first[LINES], second[LINES];
	struct err e = {0};
	struct classifier_options options = {.path = MODEL, .device = "cuda:0,1", .precision = "auto", .threads = WORKERS};
	struct classifier *classifier = classifier_open(&options, &e);
	ck_assert_msg(classifier != NULL, "%s", e.text);
	for (size_t i = 0; i < LINES; i++)
		texts[i] = (struct text){"a b c d c d", 1 + i % 11};
	size_t count = LINES / one_in();
	ck_assert_msg(classifier_run(classifier, texts, count, first, NULL, &e) == 0, "%s", e.text);
	ck_assert_ptr_null(classifier_trouble(classifier));
	for (int device = 0; device < 2; device++) {
		emulation_fail_on(device, 20, DEVICE_LOST, true);
		for (int i = 0; i < 3; i++)
			ck_assert_msg(classifier_run(classifier, texts, count, second, NULL, &e) == 0, "%s", e.text);
		for (size_t i = 0; i < count; i++)
			ck_assert(fabsf(first[i].polarity[0] - second[i].polarity[0]) < 0.1f);
	}
	ck_assert_ptr_nonnull(classifier_trouble(classifier));
	classifier_close(classifier);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("gpu_several");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, workers_are_spread);
	tcase_add_test(tests, one_of_several);
	tcase_add_test(tests, what_is_not_there);
	tcase_add_test(tests, one_after_another);
	tcase_add_loop_test(tests, every_call_to_one_fails, 0, 4);
	tcase_add_loop_test(tests, every_call_of_taking_over_fails, 0, 2);
	tcase_add_test(tests, threads_move);
	return run_case("gpu_several", tests);
}
