#include "model/train/relation.h"
#include "model/train/states.h"

#include <math.h>
#include <string.h>

/*
 * The steps of forward.c from the last to the first.  `slope` is the gradient
 * of what a step gave, and becomes that of what it took; beside it stands, on
 * the tape, the gradient of each product's result, from which the matrices'
 * gradients are computed later.
 */
static float *small_at(const struct pass *pass, size_t offset)
{
	return pass->small + (offset - pass->net->layout.small);
}

/* The way back through a join: slope[rows, H] becomes the residual's gradient, hat the product's. */
static void join_backward(const struct pass *pass, const struct net_matrix *matrix, size_t norm, uint32_t site,
			  const float *rstd, float *hat, const struct pass_rows *rows)
{
	const struct layout *layout = &pass->net->layout;
	size_t hidden = layout->hidden;
	float *slope = pass->room->slope;
	hat += rows->first * hidden;
	rows_norm_backward(slope, hat, rstd + rows->first, rows->count, hidden, pass->net->values + norm,
			   small_at(pass, norm), small_at(pass, norm + layout->norm_step));
	memcpy(hat, slope, rows->count * hidden * sizeof *hat);
	dropout_rows(&pass->dropout, site, rows->place, hat, rows->count, hidden);
	rows_sum(hat, rows->count, hidden, small_at(pass, matrix->bias));
}

/* Before attend_backward, with the gradient of `attended` in room->wide. */
static void heads_weigh(const struct pass *pass, size_t index)
{
	const struct layout *layout = &pass->net->layout;
	const struct tape *tape = pass->tape;
	size_t hidden = layout->hidden, size = hidden / layout->heads;
	const float *out = tape->layers[index].attended + pass_rows(pass, index).first * hidden, *slope = pass->room->wide;
	for (size_t text = pass->first_text; text < pass->first_text + pass->texts; text++) {
		size_t rows = net_is_narrow(pass->net, index) ? 1 : (size_t)(tape->starts[text + 1] - tape->starts[text]);
		for (size_t head = 0; head < layout->heads; head++) {
			double sum = 0;
			for (size_t row = 0; row < rows; row++)
				for (size_t i = row * hidden + head * size; i < row * hidden + (head + 1) * size; i++)
					sum += (double)out[i] * (double)slope[i];
			pass->importance[index * layout->heads + head] += fabs(sum);
		}
		out += rows * hidden;
		slope += rows * hidden;
	}
}

/* From the gradient of `attended` in room->wide to those of queries, keys and values in their places. */
static void attend_backward(const struct pass *pass, size_t index)
{
	const struct layout *layout = &pass->net->layout;
	bool narrow = net_is_narrow(pass->net, index);
	size_t first = (size_t)pass->tape->starts[pass->first_text];
	for (size_t text = pass->first_text; text < pass->first_text + pass->texts; text++) {
		struct attention_pass attention = pass_attention(pass, index, text);
		size_t row = narrow ? text - pass->first_text : (size_t)pass->tape->starts[text] - first;
		const float *slope = pass->room->wide + row * layout->hidden;
		for (size_t head = 0; head < layout->heads; head++) {
			attention_pass_backward(&attention, slope, layout->hidden, (float *)(uintptr_t)attention.queries,
						(float *)(uintptr_t)attention.keys, (float *)(uintptr_t)attention.values);
			attention.queries += attention.size;
			attention.keys += attention.size;
			attention.values += attention.size;
			attention.place.row++;
			slope += attention.size;
		}
	}
}

/* slope += the projections' gradient; a narrow layer's slope goes from its first tokens' rows to all tokens'. */
static void project_backward(const struct pass *pass, size_t index)
{
	const struct net *net = pass->net;
	const struct tape *tape = pass->tape;
	const struct tape_layer *layer = &tape->layers[index];
	const struct net_room *room = &pass->room->net;
	const struct net_matrix *qkv = net_layer_matrix(net, index, NET_QKV);
	size_t hidden = net->layout.hidden;
	float *slope = pass->room->slope, *wide = pass->room->wide;
	if (!net_is_narrow(net, index)) {
		const float *dy = layer->qkv + pass->first_token * 3 * hidden;
		rows_sum(dy, pass->tokens, 3 * hidden, small_at(pass, qkv->bias));
		net_backward(net, qkv, dy, pass->tokens, true, slope, room);
		return;
	}
	const struct net_matrix *key_value = net_layer_matrix(net, index, NET_KEY_VALUE);
	const float *query = layer->query + pass->first_text * hidden, *dy = layer->qkv + pass->first_token * 2 * hidden;
	rows_sum(query, pass->texts, hidden, small_at(pass, qkv->bias));
	rows_sum(dy, pass->tokens, 2 * hidden, small_at(pass, key_value->bias));
	net_backward(net, qkv, query, pass->texts, true, slope, room);
	net_backward(net, key_value, dy, pass->tokens, false, wide, room);
	for (size_t i = 0; i < pass->texts; i++) {
		size_t row = (size_t)tape->starts[pass->first_text + i] - pass->first_token;
		rows_add(wide + row * hidden, slope + i * hidden, hidden);
	}
	memcpy(slope, wide, pass->tokens * hidden * sizeof *slope);
}

static void layer_backward(const struct pass *pass, size_t index)
{
	const struct net *net = pass->net;
	const struct layout *layout = &net->layout;
	const struct layout_layer *at = &layout->layer[index];
	const struct tape_layer *layer = &pass->tape->layers[index];
	const struct net_room *room = &pass->room->net;
	const struct net_matrix *attended = net_layer_matrix(net, index, NET_ATTENDED);
	const struct net_matrix *up = net_layer_matrix(net, index, NET_UP), *down = net_layer_matrix(net, index, NET_DOWN);
	struct pass_rows rows = pass_rows(pass, index);
	size_t hidden = layout->hidden, inside = layout->intermediate;
	float *slope = pass->room->slope, *wide = pass->room->wide, *up_slope = layer->up + rows.first * inside;

	join_backward(pass, down, at->output_norm, pass_site(index, SITE_OUT), layer->out_rstd, layer->out_hat, &rows);
	net_backward(net, down, layer->out_hat + rows.first * hidden, rows.count, false, wide, room);
	rows_multiply(up_slope, wide, rows.count * inside);
	rows_sum(up_slope, rows.count, inside, small_at(pass, up->bias));
	net_backward(net, up, up_slope, rows.count, true, slope, room);

	join_backward(pass, attended, at->attended_norm, pass_site(index, SITE_ATTENDED), layer->middle_rstd,
		      layer->middle_hat, &rows);
	net_backward(net, attended, layer->middle_hat + rows.first * hidden, rows.count, false, wide, room);
	if (pass->importance != NULL)
		heads_weigh(pass, index);
	bool relates = pass->relation != NULL && index + 1 == layout->layers;
	if (relates)
		*pass->taught_loss += relation_backward(pass, pass->relation, pass->room->relation);
	attend_backward(pass, index);
	if (relates)
		relation_add(pass, pass->room->relation);
	project_backward(pass, index);
}

/* From pooled_slope to slope, which is of the first tokens (CLS) or of all (mean). */
static void pool_backward(const struct pass *pass)
{
	const struct net *net = pass->net;
	const struct tape *tape = pass->tape;
	size_t hidden = net->layout.hidden;
	float *pooled = tape->pooled_slope + pass->first_text * hidden, *slope = pass->room->slope;
	if (net->layout.pooling == POOLING_CLS) {
		rows_tanh_backward(tape->pooled + pass->first_text * hidden, pooled, pass->texts * hidden);
		rows_sum(pooled, pass->texts, hidden, small_at(pass, net_pooler(net)->bias));
		net_backward(net, net_pooler(net), pooled, pass->texts, false, slope, &pass->room->net);
		return;
	}
	for (size_t i = 0; i < pass->texts; i++, pooled += hidden) {
		size_t text = pass->first_text + i, length = (size_t)(tape->starts[text + 1] - tape->starts[text]);
		for (size_t token = 0; token < length; token++, slope += hidden)
			for (size_t k = 0; k < hidden; k++)
				slope[k] = pooled[k] / (float)length;
	}
}

/* With the gradient of the state in room->slope. */
static void state_learn(const struct pass *pass, size_t state)
{
	if (pass->states != NULL)
		*pass->taught_loss += states_backward(pass, pass->states, state);
}

void pass_encode_backward(const struct pass *pass)
{
	const struct net *net = pass->net;
	const struct layout *layout = &net->layout;
	const struct tape *tape = pass->tape;
	size_t hidden = layout->hidden, at = pass->first_token * hidden;
	float *slope = pass->room->slope;
	for (size_t i = layout->layers; i-- > 0;) {
		state_learn(pass, i + 1);
		layer_backward(pass, i);
	}
	state_learn(pass, 0);
	dropout_rows(&pass->dropout, SITE_EMBEDDED, tape->first_token + (uint32_t)pass->first_token, slope, pass->tokens,
		     hidden);
	rows_norm_backward(slope, tape->embedded_hat + at, tape->embedded_rstd + pass->first_token, pass->tokens, hidden,
			   net->values + layout->embedding_norm, small_at(pass, layout->embedding_norm),
			   small_at(pass, layout->embedding_norm + layout->norm_step));
	memcpy(tape->embedded_hat + at, slope, pass->tokens * hidden * sizeof *slope);
}

void pass_backward(const struct pass *pass)
{
	const struct net *net = pass->net;
	const struct layout *layout = &net->layout;
	const struct tape *tape = pass->tape;
	size_t hidden = layout->hidden;
	const float *logits = tape->logits + pass->first_text * layout->outputs;
	float *pooled = tape->pooled_slope + pass->first_text * hidden;
	rows_sum(logits, pass->texts, layout->outputs, small_at(pass, layout->head_bias));
	net_backward(net, net_head(net), logits, pass->texts, false, pooled, &pass->room->net);
	dropout_rows(&pass->dropout, SITE_POOLED, tape->first_text + (uint32_t)pass->first_text, pooled, pass->texts, hidden);
	pool_backward(pass);
	pass_encode_backward(pass);
}
