#include "model/train/trainer_private.h"

#include "daemon/base/check.h"
#include "model/train/block.h"

#include <stdlib.h>
#include <string.h>

struct trainer_options trainer_defaults(void)
{
	return (struct trainer_options){
		.precision = "fp32",
		.threads = 1,
		.dropout = 0.1,
		.soft = 1,
		.hard = 1,
		.temperature = 1,
		.decay = 0.01,
		.beta1 = 0.9,
		.beta2 = 0.999,
		.epsilon = 1e-8,
		.clip = 1,
	};
}

/* Shards have about SHARD_TOKENS tokens, and are an even number, so that two threads have the same to do. */
enum { SHARD_TOKENS = 128, BATCH_TOKENS = 2048, SHORTEST = 1 };

static size_t shards_of(size_t tokens)
{
	size_t pairs = (tokens + SHARD_TOKENS) / (2 * SHARD_TOKENS);
	return 2 * (pairs > 0 ? pairs : 1);
}

static int blocks_open(struct trainer *trainer, struct err *e)
{
	const struct layout *layout = &trainer->net.layout;
	struct trainer_state *state = &trainer->state;
	bool learns = !trainer->options.frozen, average = learns && trainer->options.average > 0;
	*state = (struct trainer_state){
		.values = block_zeros(layout->total),
		.first = learns ? block_zeros(layout->total) : NULL,
		.second = learns ? block_zeros(layout->total) : NULL,
		.average = average ? block_zeros(layout->total) : NULL,
		.seen = calloc(layout->words, 1),
		.count = layout->total,
		.words = layout->words,
	};
	trainer->gradients = learns ? block_zeros(layout->total) : NULL;
	trainer->touched = calloc(layout->words, sizeof *trainer->touched);
	trainer->squares = calloc(trainer_chunks(trainer), sizeof *trainer->squares);
	bool can_learn = state->first != NULL && state->second != NULL && trainer->gradients != NULL;
	if (state->values == NULL || (learns && !can_learn) || (average && state->average == NULL) || state->seen == NULL ||
	    trainer->touched == NULL || trainer->squares == NULL)
		return err_set(e, "out of memory: %zu parameters", layout->total);
	if (trainer->options.weights == NULL)
		return 0;
	trainer->class_weights = block_zeros(layout->outputs);
	if (trainer->class_weights == NULL)
		return err_set(e, "out of memory");
	memcpy(trainer->class_weights, trainer->options.weights, layout->outputs * sizeof(float));
	return 0;
}

static int tiles_list(struct trainer *trainer, struct err *e)
{
	const struct net *net = &trainer->net;
	for (int write = 0; write < 2; write++) {
		trainer->tile_count = 0;
		for (size_t i = 0; i < net->matrix_count; i++)
			for (size_t piece = 0; piece < net_gradient_pieces(&net->matrices[i]); piece++, trainer->tile_count++)
				if (write)
					trainer->tiles[trainer->tile_count] = (struct tile){i, piece};
		if (!write)
			trainer->tiles = calloc(trainer->tile_count, sizeof *trainer->tiles);
		if (trainer->tiles == NULL)
			return err_set(e, "out of memory");
	}
	return 0;
}

static int rooms_open(struct trainer *trainer, struct err *e)
{
	size_t tokens = trainer->options.batch_tokens, longest = trainer->options.longest;
	trainer->shard_capacity = shards_of(tokens);
	trainer->shard_tokens = 2 * SHARD_TOKENS + longest;
	trainer->shards = calloc(trainer->shard_capacity, sizeof *trainer->shards);
	trainer->small = block_zeros(trainer->shard_capacity * trainer_small_count(trainer));
	trainer->rooms = calloc(trainer->threads, sizeof *trainer->rooms);
	if (trainer->shards == NULL || trainer->small == NULL || trainer->rooms == NULL)
		return err_set(e, "out of memory");
	for (size_t i = 0; i < trainer->threads; i++)
		if (pass_room_open(&trainer->rooms[i], &trainer->net, trainer->shard_tokens, longest, e) < 0)
			return -1;
	return tape_open(&trainer->tape, &trainer->net, tokens, tokens / SHORTEST, e);
}

/* Where a teacher's states have another width, the student's are projected. */
static int layout_prepare(struct layout *layout, const struct trainer_options *options, struct err *e)
{
	if (options->teacher == NULL || options->frozen || !(options->states > 0))
		return 0;
	size_t width = options->teacher->net.layout.hidden;
	return width != layout->hidden ? layout_project(layout, width, e) : 0;
}

struct trainer *trainer_open(struct layout *layout, const struct trainer_options *options, struct err *e)
{
	const struct gemm *gemm = net_gemm_find(options->precision, e);
	struct trainer *trainer = calloc(1, sizeof *trainer);
	if (trainer == NULL || gemm == NULL || layout_prepare(layout, options, e) < 0 ||
	    net_open(&trainer->net, layout, gemm, e) < 0) {
		if (trainer == NULL)
			err_set(e, "out of memory");
		layout_clear(layout);
		free(trainer);
		return NULL;
	}
	trainer->options = *options;
	trainer->threads = options->threads > 0 ? options->threads : 1;
	if (trainer->options.batch_tokens == 0)
		trainer->options.batch_tokens = BATCH_TOKENS;
	if (trainer->options.batch_tokens < options->longest)
		trainer->options.batch_tokens = options->longest;
	if (blocks_open(trainer, e) < 0 || tiles_list(trainer, e) < 0 || rooms_open(trainer, e) < 0)
		goto fail;
	CHECK(options->teacher == NULL || (options->teacher->options.batch_tokens == trainer->options.batch_tokens &&
					   options->teacher->options.longest == trainer->options.longest));
	trainer->workers = workers_start(trainer->threads, e);
	if (trainer->workers == NULL)
		goto fail;
	return trainer;

fail:
	trainer_close(trainer);
	return NULL;
}

void trainer_close(struct trainer *trainer)
{
	if (trainer == NULL)
		return;
	workers_stop(trainer->workers);
	for (size_t i = 0; i < trainer->threads && trainer->rooms != NULL; i++)
		pass_room_close(&trainer->rooms[i]);
	free(trainer->rooms);
	tape_close(&trainer->tape);
	net_close(&trainer->net);
	free(trainer->class_weights);
	free(trainer->state.values);
	free(trainer->state.first);
	free(trainer->state.second);
	free(trainer->state.average);
	free(trainer->state.seen);
	free(trainer->gradients);
	free(trainer->shards);
	free(trainer->small);
	free(trainer->tiles);
	free(trainer->touched);
	free(trainer->squares);
	free(trainer);
}

const struct layout *trainer_layout(const struct trainer *trainer)
{
	return &trainer->net.layout;
}

const char *trainer_kernels(const struct trainer *trainer)
{
	return trainer->net.gemm->name;
}

struct trainer_state trainer_state(struct trainer *trainer)
{
	return trainer->state;
}

void trainer_set(struct trainer *trainer, size_t steps)
{
	trainer->state.steps = steps;
	trainer->packed = NULL;
}

void trainer_restart(struct trainer *trainer)
{
	struct trainer_state *state = &trainer->state;
	if (trainer->options.frozen) {
		trainer_set(trainer, 0);
		return;
	}
	memset(state->first, 0, state->count * sizeof(float));
	memset(state->second, 0, state->count * sizeof(float));
	memset(state->seen, 0, state->words);
	if (state->average != NULL)
		memcpy(state->average, state->values, state->count * sizeof(float));
	trainer_set(trainer, 0);
}

/* How many of `texts` fit into a micro-batch. */
static size_t texts_that_fit(const struct trainer *trainer, const struct trainer_text *texts, size_t count, size_t *tokens)
{
	size_t fit = 0;
	for (*tokens = 0; fit < count; fit++) {
		CHECK(texts[fit].length >= SHORTEST && texts[fit].length <= trainer->options.longest);
		if (*tokens + texts[fit].length > trainer->options.batch_tokens)
			break;
		*tokens += texts[fit].length;
	}
	return fit;
}

/* The places of a text whose words are asked for, behind those of the texts before it. */
static size_t masked_load(struct tape *tape, const struct trainer_text *text, size_t first_token)
{
	struct tape_masked *masked = &tape->masked;
	size_t before = masked->count;
	for (size_t i = 0; i < text->length; i++) {
		if (text->words[i] < 0)
			continue;
		masked->token[masked->count] = (int32_t)(first_token + i);
		masked->word[masked->count++] = text->words[i];
	}
	CHECK(masked->count > before);
	return masked->count - before;
}

size_t trainer_load(struct trainer *trainer, const struct trainer_text *texts, size_t count)
{
	struct tape *tape = &trainer->tape;
	tape->texts = texts_that_fit(trainer, texts, count, &tape->tokens);
	size_t shards = shards_of(tape->tokens), at = 0, current = 0;
	bool guesses = trainer->net.layout.masked;
	trainer->shard_count = tape->masked.count = 0;
	for (size_t i = 0; i < tape->texts; i++) {
		/* A text belongs to the even share that its first token falls into. */
		size_t share = at * shards / tape->tokens;
		if (trainer->shard_count == 0 || share > current)
			trainer->shards[trainer->shard_count++] = (struct shard){.first_token = at, .first_text = i,
									      .first_masked = tape->masked.count};
		struct shard *shard = &trainer->shards[trainer->shard_count - 1];
		current = share;
		shard->masked += guesses ? masked_load(tape, &texts[i], at) : 0;
		tape->starts[i] = (int32_t)at;
		memcpy(tape->ids + at, texts[i].ids, texts[i].length * sizeof *texts[i].ids);
		at += texts[i].length;
		shard->tokens += texts[i].length;
		shard->texts++;
	}
	tape->starts[tape->texts] = (int32_t)at;
	return tape->texts;
}
