#include "model/train/tape.h"

#include "model/train/block.h"

#include <stdlib.h>

/* Lays the block out: once without it, to measure. */
struct carver {
	char *block;
	size_t at;
};

static void *carve(struct carver *carver, size_t count)
{
	void *part = carver->block != NULL ? carver->block + carver->at : NULL;
	carver->at += (count * sizeof(float) + 63) / 64 * 64;
	return part;
}

static void carve_layer(struct carver *carver, const struct tape *tape, size_t index)
{
	const struct layout *layout = &tape->net->layout;
	struct tape_layer *layer = &tape->layers[index];
	bool narrow = net_is_narrow(tape->net, index);
	size_t tokens = tape->token_capacity, hidden = layout->hidden;
	size_t rows = narrow ? tape->text_capacity : tokens;
	layer->qkv = carve(carver, tokens * (narrow ? 2 : 3) * hidden);
	layer->query = narrow ? carve(carver, rows * hidden) : NULL;
	if (narrow)
		layer->residual = carve(carver, rows * hidden);
	else
		layer->residual = index == 0 ? tape->embedded : tape->layers[index - 1].out;
	layer->attended = carve(carver, rows * hidden);
	layer->middle_hat = carve(carver, rows * hidden);
	layer->middle = carve(carver, rows * hidden);
	layer->up = carve(carver, rows * layout->intermediate);
	layer->active = carve(carver, rows * layout->intermediate);
	layer->out_hat = carve(carver, rows * hidden);
	layer->out = carve(carver, rows * hidden);
	layer->middle_rstd = carve(carver, rows);
	layer->out_rstd = carve(carver, rows);
}

static void carve_masked(struct carver *carver, struct tape *tape)
{
	size_t tokens = tape->token_capacity, hidden = tape->net->layout.hidden;
	struct tape_masked *masked = &tape->masked;
	masked->token = carve(carver, tokens);
	masked->word = carve(carver, tokens);
	masked->gathered = carve(carver, tokens * hidden);
	masked->up = carve(carver, tokens * hidden);
	masked->hat = carve(carver, tokens * hidden);
	masked->rstd = carve(carver, tokens);
	masked->out = carve(carver, tokens * hidden);
	masked->logits = carve(carver, tokens * tape->net->layout.words);
}

static size_t tape_carve(struct tape *tape)
{
	const struct layout *layout = &tape->net->layout;
	size_t tokens = tape->token_capacity, texts = tape->text_capacity, hidden = layout->hidden;
	struct carver carver = {.block = tape->block};
	tape->ids = carve(&carver, tokens);
	tape->starts = carve(&carver, texts + 1);
	tape->embedded_hat = carve(&carver, tokens * hidden);
	tape->embedded_rstd = carve(&carver, tokens);
	tape->embedded = carve(&carver, tokens * hidden);
	for (size_t i = 0; i < layout->layers; i++)
		carve_layer(&carver, tape, i);
	tape->pooled = carve(&carver, texts * hidden);
	tape->pooled_slope = carve(&carver, texts * hidden);
	tape->dropped = carve(&carver, texts * hidden);
	tape->logits = carve(&carver, texts * layout->outputs);
	if (layout->masked)
		carve_masked(&carver, tape);
	tape->projected = carve(&carver, (layout->layers + 1) * tokens * layout->projected);
	return carver.at;
}

int tape_open(struct tape *tape, const struct net *net, size_t tokens, size_t texts, struct err *e)
{
	*tape = (struct tape){.net = net, .token_capacity = tokens, .text_capacity = texts};
	tape->layers = calloc(net->layout.layers, sizeof *tape->layers);
	if (tape->layers == NULL)
		return err_set(e, "out of memory");
	size_t size = tape_carve(tape);
	tape->block = block_make(size);
	if (tape->block == NULL) {
		tape_close(tape);
		return err_set(e, "out of memory: the activations of %zu tokens take %zu MB", tokens, size >> 20);
	}
	tape_carve(tape);
	return 0;
}

void tape_close(struct tape *tape)
{
	free(tape->layers);
	free(tape->block);
	*tape = (struct tape){0};
}

const float *tape_state(const struct tape *tape, size_t state)
{
	return state == 0 ? tape->embedded : tape->layers[state - 1].out;
}

bool tape_is_narrow(const struct tape *tape, size_t state)
{
	return state > 0 && net_is_narrow(tape->net, state - 1);
}

float *tape_projected(const struct tape *tape, size_t state)
{
	return tape->projected + state * tape->token_capacity * tape->net->layout.projected;
}

size_t tape_uses(const struct tape *tape, size_t index)
{
	return &tape->net->matrices[index] == net_projection(tape->net) ? tape->net->layout.layers + 1 : 1;
}

struct net_operands tape_operands(const struct tape *tape, size_t index, size_t which)
{
	if (&tape->net->matrices[index] == net_projection(tape->net))
		return (struct net_operands){tape_state(tape, which), tape_projected(tape, which),
					     tape_is_narrow(tape, which) ? tape->texts : tape->tokens};
	size_t layers = tape->net->layout.layers, at = index / NET_MATRICES;
	if (at == layers && tape->net->layout.masked) {
		const struct tape_masked *masked = &tape->masked;
		if (index % NET_MATRICES == 0)
			return (struct net_operands){masked->gathered, masked->up, masked->count};
		return (struct net_operands){masked->out, masked->logits, masked->count};
	}
	if (at == layers) {
		const float *last = tape->layers[layers - 1].out;
		if (index % NET_MATRICES == 0)
			return (struct net_operands){last, tape->pooled_slope, tape->texts};
		return (struct net_operands){tape->dropped, tape->logits, tape->texts};
	}
	const struct tape_layer *layer = &tape->layers[at];
	const float *in = at == 0 ? tape->embedded : tape->layers[at - 1].out;
	bool narrow = net_is_narrow(tape->net, at);
	size_t rows = narrow ? tape->texts : tape->tokens;
	switch (index % NET_MATRICES) {
	case NET_QKV:
		return (struct net_operands){layer->residual, narrow ? layer->query : layer->qkv, rows};
	case NET_KEY_VALUE:
		return (struct net_operands){in, layer->qkv, tape->tokens};
	case NET_ATTENDED:
		return (struct net_operands){layer->attended, layer->middle_hat, rows};
	case NET_UP:
		return (struct net_operands){layer->middle, layer->up, rows};
	default:
		return (struct net_operands){layer->active, layer->out_hat, rows};
	}
}
