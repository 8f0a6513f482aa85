#include "model/train/explain_private.h"

#include "daemon/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * A text goes forward once, which gives its probabilities and what its heads
 * look at; the way back overwrites that, so the method comes after it.
 */
const char *const explain_methods[EXPLAIN_METHODS] = {"auto", "leave-out", "integrated", "gradient", "rollout", "attention"};
const char *const explain_baselines[EXPLAIN_BASELINES] = {"pad", "mask", "zero"};

const struct explainer_info *explainer_get_info(const struct explainer *explainer)
{
	return &explainer->info;
}

static struct target find_target(const struct explainer *explainer, bool topic, size_t class)
{
	if (topic)
		return (struct target){.first = 3, .count = explainer->config.topic_count, .row = class};
	return (struct target){.first = 0, .count = 3, .row = (size_t)explainer->config.polarity_row[class]};
}

/* The seat's text alone onto its tape. */
static void text_load(struct seat *seat)
{
	memcpy(seat->tape.ids, seat->spans.ids, seat->spans.tokens * sizeof *seat->tape.ids);
	seat->tape.tokens = seat->spans.tokens;
	seat->tape.starts[1] = (int32_t)seat->spans.tokens;
	seat->tape.texts = 1;
}

static int room_make(const struct explainer *explainer, const struct explain_question *question, const struct seat *seat,
		     struct explanation *out, struct err *e)
{
	const struct explainer_info *info = &explainer->info;
	size_t words = seat->spans.count;
	out->side = (words < EXPLAIN_PICTURE_WORDS ? words : EXPLAIN_PICTURE_WORDS) + 2;
	out->topics = calloc(info->topic_count + 1, sizeof *out->topics);
	out->words = calloc(words + 1, sizeof *out->words);
	if (question->picture)
		out->attention = calloc(info->layers * info->heads, out->side * out->side * sizeof *out->attention);
	if (out->topics == NULL || out->words == NULL || (question->picture && out->attention == NULL))
		return err_set(e, "out of memory");
	return 0;
}

/* Logits to probabilities; false where they are no numbers, as weights that are too large make them. */
static bool read_answers(const struct explainer *explainer, const float *logits, struct explanation *out)
{
	size_t topics = explainer->info.topic_count;
	for (size_t i = 0; i < 3 + topics; i++)
		if (!isfinite(logits[i]))
			return false;
	for (int i = 0; i < 3; i++)
		out->polarity[i] = logits[explainer->config.polarity_row[i]];
	softmax_row(out->polarity, 3);
	memcpy(out->topics, logits + 3, topics * sizeof *logits);
	if (topics > 0)
		softmax_row(out->topics, topics);
	return true;
}

static size_t class_choose(const struct explain_question *question, const float *probabilities, size_t count)
{
	size_t best = 0;
	if (question->class >= 0)
		return (size_t)question->class;
	for (size_t i = 1; i < count; i++)
		if (probabilities[i] > probabilities[best])
			best = i;
	return best;
}

/* What the method says of each word. */
static void words_weigh(const struct explainer *explainer, struct seat *seat, struct target target, struct explanation *out)
{
	const struct spans *spans = &seat->spans;
	enum explain_method method = explainer->options.method;
	if (method == EXPLAIN_AUTO)
		method = spans->count > EXPLAIN_LEAVE_OUT_WORDS ? EXPLAIN_INTEGRATED : EXPLAIN_LEAVE_OUT;
	out->method = method;
	seat_odds(explainer, seat, target, false);
	out->odds = seat->odds[0];
	if (method == EXPLAIN_ATTENTION)
		return;
	if (method == EXPLAIN_LEAVE_OUT) {
		seat_leave_out(explainer, seat, target, out->odds, out->words);
		return;
	}
	if (method == EXPLAIN_INTEGRATED || method == EXPLAIN_GRADIENT)
		seat_follow_path(explainer, seat, target, &out->base);
	for (size_t i = 0; i < spans->count; i++) {
		double sum = method == EXPLAIN_ROLLOUT ? (double)out->words[i].attention : 0;
		for (size_t k = 0; k < spans->words[i].count && method != EXPLAIN_ROLLOUT; k++)
			sum += seat->weights[spans->words[i].first + k];
		out->words[i].weight = (float)sum;
	}
}

static bool weights_are_numbers(const struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->word_count; i++)
		if (!isfinite(explanation->words[i].weight) || !isfinite(explanation->words[i].attention))
			return false;
	return isfinite(explanation->odds) && isfinite(explanation->base);
}

static int text_explain(const struct explainer *explainer, const struct explain_question *question, struct seat *seat,
			const struct text *text, struct explanation *out, struct err *e)
{
	const struct spans *spans = &seat->spans;
	const char *data = text->length > 0 ? text->data : "";
	spans_find(explainer->tokenizer, data, text->length, &seat->spans);
	out->cut = spans->cut;
	if (room_make(explainer, question, seat, out, e) < 0)
		return -1;
	text_load(seat);
	seat_forward(explainer, seat, false);
	out->can_judge = read_answers(explainer, seat->tape.logits, out) &&
			 script_is_covered(explainer->scripts, data, text->length);
	if (!out->can_judge)
		return 0;
	out->word_count = spans->count;
	for (size_t i = 0; i < spans->count; i++)
		out->words[i] = (struct explained_word){.start = spans->words[i].start, .length = spans->words[i].length};
	seat_look(explainer, seat, out);
	out->class = question->topic ? class_choose(question, out->topics, explainer->info.topic_count)
				     : class_choose(question, out->polarity, 3);
	words_weigh(explainer, seat, find_target(explainer, question->topic, out->class), out);
	if (!weights_are_numbers(out)) {
		out->can_judge = false;
		out->word_count = 0;
	}
	return 0;
}

struct call {
	struct work work; /* first */
	struct explainer *explainer;
	const struct explain_question *question;
	const struct text *texts;
	struct explanation *explanations;
};

static size_t one_text(const struct work *work, size_t first)
{
	(void)work;
	(void)first;
	return 1;
}

static int call_run(struct work *work, size_t worker, size_t first, size_t count, struct err *e)
{
	const struct call *call = (const struct call *)work;
	(void)count;
	return text_explain(call->explainer, call->question, &call->explainer->seats[worker], &call->texts[first],
			    &call->explanations[first], e);
}

int explainer_run(struct explainer *explainer, const struct explain_question *question, const struct text *texts,
		  size_t count, struct explanation *explanations, struct err *e)
{
	CHECK(!question->topic || explainer->info.topic_count > 0);
	CHECK(question->class < (question->topic ? (int)explainer->info.topic_count : 3));
	memset(explanations, 0, count * sizeof *explanations);
	struct call call = {.work = {.count = count, .piece = one_text, .run = call_run}, .explainer = explainer,
			    .question = question, .texts = texts, .explanations = explanations};
	return workers_run(explainer->workers, &call.work, e);
}

void explanation_clear(struct explanation *explanation)
{
	free(explanation->topics);
	free(explanation->words);
	free(explanation->attention);
	*explanation = (struct explanation){0};
}

void explainer_words(const struct explainer *explainer, const int32_t *ids, size_t length, float *words)
{
	const struct layout *layout = &explainer->net.layout;
	for (size_t i = 0; i < length; i++)
		memcpy(words + i * layout->hidden, explainer->values + layout->word + (size_t)ids[i] * layout->hidden,
		       layout->hidden * sizeof *words);
}

double explainer_gradient(struct explainer *explainer, bool topic, size_t class, const float *words, size_t length,
			  float *gradient)
{
	struct seat *seat = &explainer->seats[0];
	size_t count = length * explainer->net.layout.hidden;
	CHECK(length > 0 && length <= explainer->config.max_tokens);
	memcpy(seat->words, words, count * sizeof *words);
	seat->tape.texts = 1;
	seat->tape.tokens = length;
	seat->tape.starts[1] = (int32_t)length;
	seat_forward(explainer, seat, true);
	seat_odds(explainer, seat, find_target(explainer, topic, class), true);
	memcpy(gradient, seat->tape.embedded_hat, count * sizeof *gradient);
	return seat->odds[0];
}
