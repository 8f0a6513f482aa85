#include "model/train/explain_private.h"
#include "model/train/params.h"
#include "model/version.h"
#include "model/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The net of training without a trainer: values, their packed forms, and for
 * each worker a tape, but neither moments nor gradients of the matrices.
 */
enum { TAPE_TOKENS = 512 };

/* Weights that `bellwether convert` made integers of have lost what gradients need. */
static int weights_refuse_integers(const struct weights *weights, const char *directory, struct err *e)
{
	for (size_t i = 0; weights_tensor(weights, i) != NULL; i++)
		if (weights_tensor(weights, i)->type == WEIGHT_I8)
			return err_set(e, "%s holds a model converted to int8: explain the one that it was made from", directory);
	return 0;
}

static int values_read(struct explainer *explainer, const struct weights *weights, struct err *e)
{
	struct layout layout;
	bool drew;
	const struct gemm *gemm = net_gemm_find("fp32", e);
	if (gemm == NULL || layout_make(&layout, &explainer->config, explainer->config.topic_count, 0, e) < 0)
		return -1;
	int opened = net_open(&explainer->net, &layout, gemm, e);
	layout_clear(&layout);
	if (opened < 0)
		return -1;
	explainer->values = calloc(explainer->net.layout.total, sizeof *explainer->values);
	if (explainer->values == NULL)
		return err_set(e, "out of memory: %zu parameters", explainer->net.layout.total);
	if (params_read(&explainer->net.layout, weights, &(struct params_fresh){0}, explainer->values, &drew, e) < 0)
		return -1;
	if (drew)
		return err_set(e, "%s/model.safetensors has no pooler", explainer->options.path);
	net_pack_begin(&explainer->net, explainer->values);
	for (size_t piece = 0; piece < net_pack_pieces(&explainer->net); piece++)
		net_pack(&explainer->net, piece);
	return 0;
}

static int weights_load(struct explainer *explainer, struct err *e)
{
	char path[4096], hash[MODEL_VERSION_SIZE];
	const char *directory = explainer->options.path;
	snprintf(path, sizeof path, "%s/model.safetensors", directory);
	struct weights *weights = weights_open(path, e);
	if (weights == NULL)
		return -1;
	int result = -1;
	if (weights_refuse_integers(weights, directory, e) == 0 && model_version(directory, weights, hash, e) == 0) {
		snprintf(explainer->version, sizeof explainer->version, "%s-%s", explainer->config.model_type, hash);
		result = values_read(explainer, weights, e);
	}
	weights_close(weights);
	return result;
}

static int tokenizer_load(struct explainer *explainer, struct err *e)
{
	const char *directory = explainer->options.path;
	explainer->tokenizer = tokenizer_open_model(directory, e);
	if (explainer->tokenizer == NULL)
		return -1;
	size_t words = tokenizer_vocab_size(explainer->tokenizer);
	if (words > explainer->config.vocab_size)
		return err_set(e, "%s: vocab.txt has %zu words and config.json's vocab_size is %zu", directory, words,
			       explainer->config.vocab_size);
	explainer->scripts = script_set_from_vocab(tokenizer_vocab(explainer->tokenizer));
	return 0;
}

static void baseline_choose(struct explainer *explainer)
{
	const struct layout *layout = &explainer->net.layout;
	const struct vocab *vocab = tokenizer_vocab(explainer->tokenizer);
	int32_t id = vocab_find(vocab, "[MASK]", strlen("[MASK]"));
	if (id < 0 || explainer->options.baseline == EXPLAIN_PAD)
		id = vocab_find(vocab, "[PAD]", strlen("[PAD]"));
	explainer->baseline = explainer->zeros;
	if (id >= 0 && explainer->options.baseline != EXPLAIN_ZERO)
		explainer->baseline = explainer->values + layout->word + (size_t)id * layout->hidden;
}

/* The first point is the baseline itself, which has no share but tells its odds; a gradient alone is one step's, at the
 * text. */
static int path_lay(struct explainer *explainer, struct err *e)
{
	bool alone = explainer->options.method == EXPLAIN_GRADIENT;
	size_t steps = alone ? 1 : explainer->options.steps;
	explainer->points = steps + 1;
	explainer->places = calloc(explainer->points, sizeof *explainer->places);
	explainer->shares = calloc(explainer->points, sizeof *explainer->shares);
	explainer->zeros = calloc(explainer->net.layout.hidden, sizeof *explainer->zeros);
	if (explainer->places == NULL || explainer->shares == NULL || explainer->zeros == NULL)
		return err_set(e, "out of memory");
	if (alone)
		explainer->places[1] = explainer->shares[1] = 1;
	else
		explain_nodes(steps, explainer->places + 1, explainer->shares + 1);
	return 0;
}

static int seat_open(const struct explainer *explainer, struct seat *seat, struct err *e)
{
	const struct layout *layout = &explainer->net.layout;
	size_t longest = explainer->config.max_tokens, tokens = explainer->tokens, texts = tokens / 2;
	if (tape_open(&seat->tape, &explainer->net, tokens, texts, e) < 0 ||
	    pass_room_open(&seat->room, &explainer->net, tokens, longest, e) < 0)
		return -1;
	seat->spans = (struct spans){.max = longest, .ids = calloc(longest + 1, sizeof *seat->spans.ids),
				     .words = calloc(longest, sizeof *seat->spans.words)};
	seat->small = calloc(layout->total - layout->small, sizeof *seat->small);
	seat->words = calloc(tokens, layout->hidden * sizeof *seat->words);
	seat->odds = calloc(texts, sizeof *seat->odds);
	seat->weights = calloc(longest, sizeof *seat->weights);
	seat->attention = calloc(longest, longest * sizeof *seat->attention);
	seat->mean = calloc(longest, longest * sizeof *seat->mean);
	seat->flow = calloc(longest, 2 * sizeof *seat->flow);
	if (seat->spans.ids == NULL || seat->spans.words == NULL || seat->small == NULL || seat->words == NULL ||
	    seat->odds == NULL || seat->weights == NULL || seat->attention == NULL || seat->mean == NULL || seat->flow == NULL)
		return err_set(e, "out of memory");
	seat->tape.starts[0] = 0;
	return 0;
}

static void seat_close(struct seat *seat)
{
	tape_close(&seat->tape);
	pass_room_close(&seat->room);
	free(seat->spans.ids);
	free(seat->spans.words);
	free(seat->small);
	free(seat->words);
	free(seat->odds);
	free(seat->weights);
	free(seat->attention);
	free(seat->mean);
	free(seat->flow);
}

static int seats_open(struct explainer *explainer, struct err *e)
{
	size_t count = explainer->options.threads > 0 ? explainer->options.threads : 1;
	size_t longest = explainer->config.max_tokens;
	explainer->tokens = longest > TAPE_TOKENS ? longest : TAPE_TOKENS;
	explainer->seats = calloc(count, sizeof *explainer->seats);
	if (explainer->seats == NULL)
		return err_set(e, "out of memory");
	explainer->seat_count = count;
	for (size_t i = 0; i < count; i++)
		if (seat_open(explainer, &explainer->seats[i], e) < 0)
			return -1;
	explainer->workers = workers_start(count, e);
	return explainer->workers != NULL ? 0 : -1;
}

struct explainer *explainer_open(const struct explain_options *options, struct err *e)
{
	struct explainer *explainer = calloc(1, sizeof *explainer);
	if (explainer == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	explainer->options = *options;
	if (model_config_read(&explainer->config, options->path, e) < 0 || tokenizer_load(explainer, e) < 0 ||
	    weights_load(explainer, e) < 0 || path_lay(explainer, e) < 0 || seats_open(explainer, e) < 0)
		goto fail;
	baseline_choose(explainer);
	explainer->info = (struct explainer_info){
		.version = explainer->version,
		.topics = (const char *const *)explainer->config.topics,
		.topic_count = explainer->config.topic_count,
		.layers = explainer->config.layers,
		.heads = explainer->config.heads,
		.hidden = explainer->config.hidden,
		.max_tokens = explainer->config.max_tokens,
	};
	return explainer;

fail:
	explainer_close(explainer);
	return NULL;
}

void explainer_close(struct explainer *explainer)
{
	if (explainer == NULL)
		return;
	workers_stop(explainer->workers);
	for (size_t i = 0; i < explainer->seat_count; i++)
		seat_close(&explainer->seats[i]);
	free(explainer->seats);
	free(explainer->places);
	free(explainer->shares);
	free(explainer->zeros);
	free(explainer->values);
	net_close(&explainer->net);
	tokenizer_free(explainer->tokenizer);
	model_config_clear(&explainer->config);
	free(explainer);
}
