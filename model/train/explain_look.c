#include "model/train/explain_private.h"

#include <string.h>

/*
 * Attention roll-out: Abnar and Zuidema, "Quantifying Attention Flow in
 * Transformers", arXiv:2005.00928, section 3: a layer hands on half of what
 * its heads' mean reads and half of what was there, and the layers' products
 * say where the pooled vector comes from.
 *
 * From the last layer down that is one vector times a matrix a layer.
 */
struct look {
	const struct explainer *explainer;
	struct seat *seat;
	struct explanation *explanation;
};

/* Which unit of the picture a token belongs to; `side` where it is in none. */
static size_t unit_of(const struct spans *spans, size_t token, size_t *word, size_t side)
{
	if (token == 0)
		return 0;
	if (token + 1 == spans->tokens)
		return side - 1;
	while (spans->words[*word].first + spans->words[*word].count <= token)
		++*word;
	return *word + 2 < side ? *word + 1 : side;
}

/* A unit looks as its tokens do on average, and is looked at as much as all of them. */
static void picture_add(const struct look *look, size_t queries, float *cells)
{
	const struct spans *spans = &look->seat->spans;
	size_t side = look->explanation->side, length = spans->tokens, from_word = 0;
	for (size_t from = 0; from < queries; from++) {
		size_t unit = unit_of(spans, from, &from_word, side), to_word = 0;
		if (unit == side)
			continue;
		bool special = unit == 0 || unit == side - 1;
		float share = special ? 1.0f : 1.0f / (float)spans->words[from_word].count;
		for (size_t to = 0; to < length; to++) {
			size_t other = unit_of(spans, to, &to_word, side);
			if (other < side)
				cells[unit * side + other] += share * look->seat->attention[from * length + to];
		}
	}
}

/* The mean of a layer's heads to seat->mean; returns how many tokens look. */
static size_t layer_look(const struct look *look, size_t layer)
{
	const struct layout *layout = &look->explainer->net.layout;
	struct seat *seat = look->seat;
	const struct pass pass = {.net = &look->explainer->net, .tape = &seat->tape, .room = &seat->room};
	struct attention_pass attention = pass_attention(&pass, layer, 0);
	size_t queries = attention.query_count, count = queries * attention.length;
	size_t side = look->explanation->side;
	memset(seat->mean, 0, count * sizeof *seat->mean);
	for (size_t head = 0; head < layout->heads; head++) {
		attention_pass_weights(&attention, seat->attention);
		for (size_t i = 0; i < count; i++)
			seat->mean[i] += (double)seat->attention[i] / (double)layout->heads;
		if (look->explanation->attention != NULL)
			picture_add(look, queries, look->explanation->attention + (layer * layout->heads + head) * side * side);
		attention.queries += attention.size;
		attention.keys += attention.size;
	}
	return queries;
}

/* to[tokens] = from[queries] mean */
static void flow_through(const struct seat *seat, const double *from, size_t queries, double *to)
{
	size_t length = seat->spans.tokens;
	memset(to, 0, length * sizeof *to);
	for (size_t i = 0; i < queries; i++)
		for (size_t k = 0; k < length; k++)
			to[k] += from[i] * seat->mean[i * length + k];
}

static double share_of(const struct span_word *word, const double *flow)
{
	double sum = 0;
	for (size_t i = 0; i < word->count; i++)
		sum += flow[word->first + i];
	return sum;
}

void seat_look(const struct explainer *explainer, struct seat *seat, struct explanation *explanation)
{
	const struct layout *layout = &explainer->net.layout;
	const struct look look = {explainer, seat, explanation};
	const struct spans *spans = &seat->spans;
	size_t length = spans->tokens;
	double *flow = seat->flow, *read = seat->flow + length;
	for (size_t i = 0; i < length; i++)
		flow[i] = layout->pooling == POOLING_MEAN ? 1 / (double)length : i == 0;
	for (size_t layer = layout->layers; layer-- > 0;) {
		flow_through(seat, flow, layer_look(&look, layer), read);
		if (layer + 1 == layout->layers && explainer->options.method == EXPLAIN_ATTENTION)
			for (size_t i = 0; i < spans->count; i++)
				explanation->words[i].weight = (float)share_of(&spans->words[i], read);
		for (size_t i = 0; i < length; i++)
			flow[i] = (flow[i] + read[i]) / 2;
	}
	for (size_t i = 0; i < spans->count; i++)
		explanation->words[i].attention = (float)share_of(&spans->words[i], flow);
}
