#include "model/classifier.h"
#include "gpu/gpu.h"
#include "tests/cuda/emulation.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * A GPU that fails at each call in turn, once or from then on: the texts are
 * scored all the same, nothing of the driver's or cuBLASLt's is left over, and the
 * classifier says what happened.
 */
enum { TEXTS = 7, OUT_OF_MEMORY = 2, DEVICE_LOST = 719 };

static const char *const lines[TEXTS] = {"a", "", "b c d a b c d", "d c", "a a a a a a a a a a a a a a a a a a a", "b", "c d e"};

static struct classifier *open_on(const char *device, struct err *e)
{
	struct classifier_options options = {.path = TEST_DATA "/parity/cls-gelu-f32", .device = device,
					     .precision = "auto", .threads = 2};
	return classifier_open(&options, e);
}

static int score(struct classifier *classifier, struct score *scores, struct err *e)
{
	struct text texts[TEXTS];
	for (size_t i = 0; i < TEXTS; i++)
		texts[i] = (struct text){lines[i], strlen(lines[i])};
	return classifier_run(classifier, texts, TEXTS, scores, NULL, e);
}

/* bfloat16's, int8's and float32's scores of so small a model differ by this much. */
static void expect(const struct score *got, const struct score *wanted, long call)
{
	for (size_t i = 0; i < TEXTS; i++)
		for (int k = 0; k < 3; k++)
			ck_assert_msg(fabsf(got[i].polarity[k] - wanted[i].polarity[k]) < 0.1f, "call %ld, text %zu: %g, not %g",
				      call, i, (double)got[i].polarity[k], (double)wanted[i].polarity[k]);
}

static void reference(struct score *scores)
{
	struct err e = {0};
	struct classifier *classifier = open_on("cpu", &e);
	ck_assert_msg(classifier != NULL, "%s", e.text);
	ck_assert_int_eq(score(classifier, scores, &e), 0);
	ck_assert_ptr_null(classifier_trouble(classifier));
	classifier_close(classifier);
}

START_TEST(auto_takes_the_gpu)
{
	struct err e = {0};
	struct score wanted[TEXTS], got[TEXTS];
	reference(wanted);
	struct classifier *classifier = open_on("auto", &e);
	ck_assert_msg(classifier != NULL, "%s", e.text);
	const struct classifier_info *info = classifier_get_info(classifier);
	ck_assert_str_eq(info->device, "cuda");
	ck_assert_str_eq(info->precision, "bf16");
	ck_assert_str_eq(info->kernels, "cuda-sm90 (emulated)");
	ck_assert_ptr_null(info->why_cpu);
	ck_assert_int_eq(score(classifier, got, &e), 0);
	expect(got, wanted, -1);
	ck_assert_ptr_null(classifier_trouble(classifier));
	classifier_close(classifier);
	ck_assert_uint_eq(emulation_live(), 0);
}
END_TEST

static void expect_cpu(const char *reason)
{
	struct err e = {0};
	struct classifier *classifier = open_on("auto", &e);
	ck_assert_msg(classifier != NULL, "%s", e.text);
	ck_assert_str_eq(classifier_get_info(classifier)->device, "cpu");
	ck_assert_str_eq(classifier_get_info(classifier)->why_cpu, reason);
	classifier_close(classifier);
	ck_assert_ptr_null(open_on("cuda", &e));
	ck_assert_str_eq(e.text, reason);
	ck_assert_uint_eq(emulation_live(), 0);
}

START_TEST(auto_says_why_not)
{
	emulation_hide("libcuda.so.1 is not found: no NVIDIA driver is installed");
	expect_cpu("libcuda.so.1 is not found: no NVIDIA driver is installed");
	emulation_hide(NULL);
	emulation_capability(0, 7, 5);
	expect_cpu("emulated has compute capability 7.5; 8.0 is needed");
	emulation_capability(0, 9, 0);
	emulation_devices(0);
	expect_cpu("the driver knows no GPU");
	emulation_devices(1);
	emulation_fail(0, 2, true);
	expect_cpu("the NVIDIA driver does not start: out of memory (CUDA error 2)");
	emulation_fail(-1, 0, false);
}
END_TEST

/* The calls that opening, scoring twice and closing make. */
static long calls_of_a_life(void)
{
	struct err e = {0};
	struct score scores[TEXTS];
	emulation_fail(-1, 0, false);
	struct classifier *classifier = open_on("auto", &e);
	ck_assert_msg(classifier != NULL, "%s", e.text);
	ck_assert_int_eq(score(classifier, scores, &e), 0);
	ck_assert_int_eq(score(classifier, scores, &e), 0);
	classifier_close(classifier);
	return emulation_calls(NO_DEVICE);
}

static void live_with(long call, int error, bool lost, const struct score *wanted, long *left)
{
	struct err e = {0};
	struct score got[TEXTS];
	emulation_fail(call, error, lost);
	struct classifier *classifier = open_on("auto", &e);
	ck_assert_msg(classifier != NULL, "call %ld: %s", call, e.text);
	for (int i = 0; i < 2; i++) {
		ck_assert_msg(score(classifier, got, &e) == 0, "call %ld: %s", call, e.text);
		expect(got, wanted, call);
	}
	const struct classifier_info *info = classifier_get_info(classifier);
	bool on_cpu = strcmp(info->device, "cpu") == 0;
	ck_assert(on_cpu == (info->why_cpu != NULL));
	*left += classifier_trouble(classifier) != NULL;
	/* A failure is said; but for what went wrong on the way out, or where the same was asked for again. */
	if (lost && emulation_failed())
		ck_assert_msg(on_cpu || classifier_trouble(classifier) != NULL, "call %ld", call);
	classifier_close(classifier);
	ck_assert_msg(emulation_live() == 0, "call %ld: %zu things are left over", call, emulation_live());
}

START_TEST(every_call_fails)
{
	bool lost = _i == 1;
	struct score wanted[TEXTS];
	reference(wanted);
	long calls = calls_of_a_life(), left = 0, tried = 0;
	for (long call = 0; call < calls; call += one_in(), tried++)
		live_with(call, lost ? DEVICE_LOST : OUT_OF_MEMORY, lost, wanted, &left);
	emulation_fail(-1, 0, false);
	printf("%s: %ld of %ld calls failed in turn; in %ld of them the CPU took over in the middle\n",
	       lost ? "for good" : "once", tried, calls, left);
	fflush(stdout);
	ck_assert_int_gt(left, 0);
}
END_TEST

/* Asked for by name it must be there at the start, and may go later. */
START_TEST(a_gpu_asked_for_by_name)
{
	struct err e = {0};
	struct score wanted[TEXTS], got[TEXTS];
	reference(wanted);
	emulation_fail(-1, 0, false);
	struct classifier *classifier = open_on("cuda", &e);
	ck_assert_msg(classifier != NULL, "%s", e.text);
	ck_assert_int_eq(score(classifier, got, &e), 0);
	emulation_fail(0, DEVICE_LOST, true);
	ck_assert_int_eq(score(classifier, got, &e), 0);
	expect(got, wanted, 0);
	ck_assert_str_eq(classifier_trouble(classifier),
			 "the CPU has taken over from cuda-sm90 (emulated): the GPU's context: an error that the driver does "
			 "not know (CUDA error 719)");
	classifier_close(classifier);
	ck_assert_uint_eq(emulation_live(), 0);
	emulation_fail(-1, 0, false);
}
END_TEST

/* What the tables have no kernels for; each model must go to the CPU then. */
START_TEST(what_does_not_fit)
{
	struct err e = {0};
	const struct ops *ops = gpu_table(0);
	struct device *device = ops->device_open(ops, DEVICE_ANY, &e);
	ck_assert_msg(device != NULL, "%s", e.text);
	static float weight[2048 * 8], bias[2048];
	struct norm_source norm = {.gamma = bias, .beta = bias};
	struct linear_source source = {.weight = weight, .bias = bias, .outputs = 12, .inputs = 8};
	ck_assert_ptr_null(ops->pack_linear(device, &source, &e));
	ck_assert_str_eq(e.text, "a layer of 12 by 8 values: cuda-sm90 (emulated) needs multiples of 8");
	source = (struct linear_source){.weight = weight, .bias = bias, .outputs = 2048, .inputs = 8, .norm = &norm};
	ck_assert_ptr_null(ops->pack_linear(device, &source, &e));
	ck_assert_str_eq(e.text, "rows of 2048 values are too wide for cuda-sm90 (emulated), which takes 1024");
	source = (struct linear_source){.weight = weight, .bias = bias, .outputs = 8, .inputs = 8, .rotated = true};
	ck_assert_ptr_null(ops->pack_linear(device, &source, &e));
	ck_assert_str_eq(e.text, "weights that are stored as int8 run on the CPU only: use --device cpu");
	struct stream_limits limits = {.tokens = 64, .longest = 64, .hidden = 768, .widest = 768, .heads = 4, .block_size = 64};
	ck_assert_ptr_null(ops->stream_open(device, &limits, &e));
	ck_assert_str_eq(e.text, "heads of 192 values: cuda-sm90 (emulated) takes even sizes up to 128");
	ops->device_close(device);
	ops->device_close(NULL);
	ops->stream_close(NULL);
	ck_assert_uint_eq(emulation_live(), 0);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("gpu_faults");
	tcase_set_timeout(tests, 300);
	tcase_add_test(tests, auto_takes_the_gpu);
	tcase_add_test(tests, auto_says_why_not);
	tcase_add_loop_test(tests, every_call_fails, 0, 2);
	tcase_add_test(tests, a_gpu_asked_for_by_name);
	tcase_add_test(tests, what_does_not_fit);
	return run_case("gpu_faults", tests);
}
