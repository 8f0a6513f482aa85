#include "model/classifier.h"
#include "tests/cuda/emulation.h"
#include "tests/lib/highest.h"
#include "tests/lib/one_in.h"
#include "tests/lib/run.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*
 * The shipped model over the emulation in bfloat16 beside the CPU's float32:
 * headlines about companies that do not exist, the same in every run.  One takes
 * 50 ms, so that only a few run as a rule; BELLWETHER_TEST_HEADLINES says how many.
 */
enum { FEW = 40, AT_ONCE = 100, MOST_TOPICS = 64, LENGTH = 160 };

/* $ is a company, % a share, # an amount, & a thing. */
static const char *const patterns[] = {
	"$ shares fall % after profit warning",
	"$ raises full-year outlook as demand for & grows",
	"$ to buy $ in $# billion all-stock deal",
	"$ cuts # jobs and closes its & plant",
	"$ names new chief financial officer",
	"$ posts record quarterly profit, beats estimates",
	"$ misses revenue estimates as & sales slow",
	"$ declares quarterly dividend of # cents per share",
	"Regulator opens probe into $ over & contracts",
	"$ wins #-year supply contract for &",
	"$ recalls & after fault is found",
	"Analyst upgrades $ to buy, lifts price target to $#",
	"Analyst cuts $ to sell on weak & orders",
	"$ prices initial public offering at $# a share",
	"$ sells bonds worth $# million to refinance debt",
	"$ says talks with $ over & unit have ended",
	"Court orders $ to pay # million in & patent case",
	"$ stock jumps % to its highest in # months",
	"$ warns of loss as costs of & rise %",
	"$ and $ agree to build & together",
	"Central bank holds rates, bonds of $ little changed",
	"$ reports second-quarter results on Thursday",
	"Oil gains % as $ shuts & terminal",
	"$ fined # million over false statements on &",
	"Gold miner $ finds less & than expected",
	"$ chief executive steps down after # years",
	"$ resumes share buyback of up to # million",
	"Markets wrap: stocks slip %, $ leads losses",
	"Dollar weakens against & exporters' currencies, $ says",
	"$ keeps forecast unchanged despite & shortage",
};
static const char *const beginnings[] = {"Or", "Kel", "Vas", "Tren", "Mor", "Quil", "Bex", "Sar", "Dov", "Hal", "Lun", "Ist"};
static const char *const endings[] = {"vane", "trim", "dero", "mark", "wick", "onda", "eris", "quist", "lowe", "pira"};
static const char *const kinds[] = {"", " Group", " Holdings", " Energy", " Pharma", " Bank", " Systems", " Foods"};
static const char *const things[] = {"copper", "battery", "chip", "cargo", "vaccine", "timber", "software", "wheat", "turbine",
				     "insurance"};

#define ANY(list) (list)[next_below(sizeof(list) / sizeof *(list))]

static uint64_t state = 2024;

static size_t next_below(size_t count)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (size_t)(state >> 33) % count;
}

static void headline_make(char out[LENGTH])
{
	FILE *file = fmemopen(out, LENGTH, "w");
	for (const char *at = ANY(patterns); *at != '\0'; at++) {
		if (*at == '$' && at[1] == '#')
			fputc('$', file);
		else if (*at == '$')
			fprintf(file, "%s%s%s", ANY(beginnings), ANY(endings), ANY(kinds));
		else if (*at == '%')
			fprintf(file, "%zu.%zu%%", next_below(20), next_below(10));
		else if (*at == '#')
			fprintf(file, "%zu", 2 + next_below(90));
		else if (*at == '&')
			fputs(ANY(things), file);
		else
			fputc(*at, file);
	}
	fputc('\0', file);
	fclose(file);
}

struct side {
	struct classifier *classifier;
	struct score scores[AT_ONCE];
	float topics[AT_ONCE * MOST_TOPICS];
};

static void side_open(struct side *side, const char *device, const char *precision)
{
	struct err e = {0};
	struct classifier_options options = {.path = SOURCE_DIR "/model/weights", .device = device, .precision = precision,
					     .threads = 1};
	side->classifier = classifier_open(&options, &e);
	ck_assert_msg(side->classifier != NULL, "%s", e.text);
	ck_assert_uint_le(classifier_get_info(side->classifier)->topic_count, MOST_TOPICS);
}

struct head {
	double largest; /* difference of a logit */
	size_t differ;  /* labels */
};

static void head_compare(struct head *head, const float *a, const float *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		head->largest = fmax(head->largest, fabs((double)a[i] - (double)b[i]));
	head->differ += highest(a, count) != highest(b, count);
}

static size_t headlines_wanted(void)
{
	const char *number = getenv("BELLWETHER_TEST_HEADLINES");
	if (number != NULL)
		return (size_t)strtoul(number, NULL, 10);
	return FEW / one_in() + 1;
}

START_TEST(headlines)
{
	static struct side wanted, got;
	static char lines[AT_ONCE][LENGTH];
	struct head polarity = {0}, topic = {0};
	struct err e = {0};
	size_t count = headlines_wanted();
	side_open(&wanted, "cpu", "fp32");
	side_open(&got, "cuda", "bf16");
	size_t topics = classifier_get_info(wanted.classifier)->topic_count;
	for (size_t done = 0, step; done < count; done += step) {
		struct text texts[AT_ONCE];
		step = count - done < AT_ONCE ? count - done : AT_ONCE;
		for (size_t i = 0; i < step; i++) {
			headline_make(lines[i]);
			texts[i] = (struct text){lines[i], strlen(lines[i])};
		}
		ck_assert_int_eq(classifier_run(wanted.classifier, texts, step, wanted.scores, wanted.topics, &e), 0);
		ck_assert_msg(classifier_run(got.classifier, texts, step, got.scores, got.topics, &e) == 0, "%s", e.text);
		for (size_t i = 0; i < step; i++) {
			head_compare(&polarity, wanted.scores[i].polarity_logits, got.scores[i].polarity_logits, 3);
			head_compare(&topic, wanted.topics + i * topics, got.topics + i * topics, topics);
		}
	}
	ck_assert_ptr_null(classifier_trouble(got.classifier));
	printf("%zu headlines: %zu polarities differ, a logit by %.3g at most; %zu topics, a logit by %.3g\n", count,
	       polarity.differ, polarity.largest, topic.differ, topic.largest);
	fflush(stdout);
	ck_assert_double_le(polarity.largest, 0.06);
	ck_assert_double_le(topic.largest, 0.12);
	ck_assert_uint_le(polarity.differ + topic.differ, count / 200);
	classifier_close(wanted.classifier);
	classifier_close(got.classifier);
	ck_assert_uint_eq(emulation_live(), 0);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("gpu_shipped");
	tcase_set_timeout(tests, 0);
	tcase_add_test(tests, headlines);
	return run_case("gpu_shipped", tests);
}
