#include "model/train/explain_private.h"

#include <math.h>
#include <string.h>

/*
 * Integrated gradients: Sundararajan et al., "Axiomatic Attribution for Deep
 * Networks", arXiv:1703.01365, equation 1.  The path's points are texts of one
 * tape, as many at once as it holds.
 */
static double take_odds(float *logits, size_t count, size_t class)
{
	double top = -INFINITY, sum = 0;
	for (size_t i = 0; i < count; i++)
		if (i != class && (double)logits[i] > top)
			top = (double)logits[i];
	for (size_t i = 0; i < count; i++)
		sum += i != class ? exp((double)logits[i] - top) : 0;
	double odds = (double)logits[class] - (count > 1 ? top + log(sum) : 0);
	for (size_t i = 0; i < count; i++)
		logits[i] = i == class ? 1 : (float)(-exp((double)logits[i] - top) / sum);
	return odds;
}

static struct pass pass_of(const struct explainer *explainer, const struct seat *seat)
{
	return (struct pass){.net = &explainer->net, .tape = &seat->tape, .room = &seat->room, .small = seat->small,
			     .tokens = seat->tape.tokens, .texts = seat->tape.texts};
}

void seat_forward(const struct explainer *explainer, struct seat *seat, bool words)
{
	struct pass pass = pass_of(explainer, seat);
	pass.words = words ? seat->words : NULL;
	pass_forward(&pass);
}

void seat_odds(const struct explainer *explainer, struct seat *seat, struct target target, bool back)
{
	size_t outputs = explainer->net.layout.outputs;
	float *logits = seat->tape.logits;
	for (size_t text = 0; text < seat->tape.texts; text++, logits += outputs) {
		seat->odds[text] = take_odds(logits + target.first, target.count, target.row);
		memset(logits, 0, target.first * sizeof *logits);
		memset(logits + target.first + target.count, 0, (outputs - target.first - target.count) * sizeof *logits);
	}
	if (!back)
		return;
	struct pass pass = pass_of(explainer, seat);
	pass_backward(&pass);
}

/* A token's embedding and its baseline; [CLS] and [SEP] are their own. */
struct ends {
	const float *word, *base;
};

static struct ends ends_of(const struct explainer *explainer, const struct spans *spans, size_t token)
{
	const struct layout *layout = &explainer->net.layout;
	const float *word = explainer->values + layout->word + (size_t)spans->ids[token] * layout->hidden;
	bool special = token == 0 || token + 1 == spans->tokens;
	return (struct ends){word, special ? word : explainer->baseline};
}

/* Puts `count` points of the path, from the first on, on the tape. */
static void points_load(const struct explainer *explainer, struct seat *seat, size_t first, size_t count)
{
	const struct spans *spans = &seat->spans;
	size_t hidden = explainer->net.layout.hidden;
	float *out = seat->words;
	for (size_t i = 0; i < count; i++) {
		float place = (float)explainer->places[first + i];
		seat->tape.starts[i + 1] = (int32_t)((i + 1) * spans->tokens);
		for (size_t token = 0; token < spans->tokens; token++, out += hidden) {
			struct ends ends = ends_of(explainer, spans, token);
			for (size_t k = 0; k < hidden; k++)
				out[k] = ends.base[k] + place * (ends.word[k] - ends.base[k]);
		}
	}
	seat->tape.texts = count;
	seat->tape.tokens = count * spans->tokens;
}

/* Adds what the tape's gradients give the tokens. */
static void points_add(const struct explainer *explainer, struct seat *seat, size_t first)
{
	const struct spans *spans = &seat->spans;
	size_t hidden = explainer->net.layout.hidden;
	const float *slope = seat->tape.embedded_hat;
	for (size_t i = 0; i < seat->tape.texts; i++) {
		for (size_t token = 0; token < spans->tokens; token++, slope += hidden) {
			struct ends ends = ends_of(explainer, spans, token);
			double sum = 0;
			for (size_t k = 0; k < hidden; k++)
				sum += (double)slope[k] * (double)(ends.word[k] - ends.base[k]);
			seat->weights[token] += explainer->shares[first + i] * sum;
		}
	}
}

void seat_follow_path(const struct explainer *explainer, struct seat *seat, struct target target, double *base)
{
	size_t most = explainer->tokens / seat->spans.tokens;
	memset(seat->weights, 0, seat->spans.tokens * sizeof *seat->weights);
	for (size_t first = 0, count; first < explainer->points; first += count) {
		count = explainer->points - first < most ? explainer->points - first : most;
		points_load(explainer, seat, first, count);
		seat_forward(explainer, seat, true);
		seat_odds(explainer, seat, target, true);
		points_add(explainer, seat, first);
		if (first == 0)
			*base = seat->odds[0];
	}
}

/* The text without a word's tokens, behind the tape's last text. */
static void load_without(struct seat *seat, const struct span_word *word)
{
	const struct spans *spans = &seat->spans;
	struct tape *tape = &seat->tape;
	int32_t *ids = tape->ids + tape->tokens;
	memcpy(ids, spans->ids, word->first * sizeof *ids);
	memcpy(ids + word->first, spans->ids + word->first + word->count,
	       (spans->tokens - word->first - word->count) * sizeof *ids);
	tape->tokens += spans->tokens - word->count;
	tape->starts[++tape->texts] = (int32_t)tape->tokens;
}

void seat_leave_out(const struct explainer *explainer, struct seat *seat, struct target target, double odds,
		    struct explained_word *words)
{
	const struct spans *spans = &seat->spans;
	for (size_t first = 0, count; first < spans->count; first += count) {
		seat->tape.tokens = seat->tape.texts = 0;
		for (count = 0; first + count < spans->count; count++) {
			if (seat->tape.tokens + spans->tokens > explainer->tokens)
				break;
			load_without(seat, &spans->words[first + count]);
		}
		seat_forward(explainer, seat, false);
		seat_odds(explainer, seat, target, false);
		for (size_t i = 0; i < count; i++)
			words[first + i].weight = (float)(odds - seat->odds[i]);
	}
}

/* Newton's method on Legendre's polynomial, from the guess of Abramowitz and Stegun, 22.16.6. */
void explain_nodes(size_t count, double *places, double *shares)
{
	for (size_t i = 0; i < count; i++) {
		double x = -cos(M_PI * ((double)i + 0.75) / ((double)count + 0.5)), slope = 1;
		for (int round = 0; round < 20; round++) {
			double before = 0, value = 1;
			for (size_t k = 1; k <= count; k++) {
				double next = ((2 * (double)k - 1) * x * value - ((double)k - 1) * before) / (double)k;
				before = value;
				value = next;
			}
			slope = (double)count * (x * value - before) / (x * x - 1);
			x -= value / slope;
		}
		places[i] = (x + 1) / 2;
		shares[i] = 1 / ((1 - x * x) * slope * slope);
	}
}
