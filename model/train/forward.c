#include "model/train/pass.h"

#include <math.h>
#include <string.h>

/* Devlin et al., arXiv:1810.04805, with dropout where Hugging Face's modeling_bert.py has it. */

static void embed(const struct pass *pass)
{
	const struct layout *layout = &pass->net->layout;
	const struct tape *tape = pass->tape;
	const float *values = pass->net->values, *type = values + layout->type;
	size_t hidden = layout->hidden, first = pass->first_token;
	float *row = tape->embedded_hat + first * hidden;
	for (size_t text = pass->first_text; text < pass->first_text + pass->texts; text++) {
		const float *position = values + layout->position;
		for (int32_t token = tape->starts[text]; token < tape->starts[text + 1]; token++) {
			const float *word = pass->words != NULL
						    ? pass->words + (size_t)token * hidden
						    : values + layout->word + (size_t)tape->ids[token] * hidden;
			for (size_t i = 0; i < hidden; i++)
				row[i] = word[i] + position[i] + type[i];
			row += hidden;
			position += hidden;
		}
	}
	float *out = tape->embedded + first * hidden;
	const float *gamma = values + layout->embedding_norm;
	rows_norm_forward(tape->embedded_hat + first * hidden, pass->tokens, hidden, gamma, gamma + layout->norm_step,
			  layout->epsilon, tape->embedded_rstd + first, out);
	dropout_rows(&pass->dropout, SITE_EMBEDDED, tape->first_token + (uint32_t)first, out, pass->tokens, hidden);
}

static void project(const struct pass *pass, size_t index)
{
	const struct net *net = pass->net;
	const struct tape *tape = pass->tape;
	const struct tape_layer *layer = &tape->layers[index];
	const struct net_room *room = &pass->room->net;
	const struct net_matrix *qkv = net_layer_matrix(net, index, NET_QKV);
	size_t hidden = net->layout.hidden;
	if (!net_is_narrow(net, index)) {
		net_forward(net, qkv, layer->residual + pass->first_token * hidden, pass->tokens,
			    layer->qkv + pass->first_token * 3 * hidden, room);
		return;
	}
	const float *in = index == 0 ? tape->embedded : tape->layers[index - 1].out;
	for (size_t text = pass->first_text; text < pass->first_text + pass->texts; text++)
		memcpy(layer->residual + text * hidden, in + (size_t)tape->starts[text] * hidden, hidden * sizeof *in);
	net_forward(net, qkv, layer->residual + pass->first_text * hidden, pass->texts,
		    layer->query + pass->first_text * hidden, room);
	net_forward(net, net_layer_matrix(net, index, NET_KEY_VALUE), in + pass->first_token * hidden, pass->tokens,
		    layer->qkv + pass->first_token * 2 * hidden, room);
}

static void attend(const struct pass *pass, size_t index)
{
	const struct layout *layout = &pass->net->layout;
	const struct tape_layer *layer = &pass->tape->layers[index];
	bool narrow = net_is_narrow(pass->net, index);
	for (size_t text = pass->first_text; text < pass->first_text + pass->texts; text++) {
		struct attention_pass attention = pass_attention(pass, index, text);
		size_t row = narrow ? text : (size_t)pass->tape->starts[text];
		float *out = layer->attended + row * layout->hidden;
		for (size_t head = 0; head < layout->heads; head++) {
			attention_pass_forward(&attention, out, layout->hidden);
			attention.queries += attention.size;
			attention.keys += attention.size;
			attention.values += attention.size;
			attention.place.row++;
			out += attention.size;
		}
	}
}

/* hat[rows, H] = norm(dropout(x weight^T + bias) + residual), and out = gamma hat + beta */
struct join {
	const struct net_matrix *matrix;
	size_t norm; /* gamma's offset */
	uint32_t site;
	const float *x, *residual;
	float *hat, *rstd, *out;
};

static void join_run(const struct pass *pass, const struct join *join, const struct pass_rows *rows)
{
	const struct layout *layout = &pass->net->layout;
	const float *gamma = pass->net->values + join->norm;
	size_t hidden = layout->hidden, at = rows->first * hidden;
	float *hat = join->hat + at;
	net_forward(pass->net, join->matrix, join->x + rows->first * join->matrix->inputs, rows->count, hat, &pass->room->net);
	dropout_rows(&pass->dropout, join->site, rows->place, hat, rows->count, hidden);
	rows_add(hat, join->residual + at, rows->count * hidden);
	rows_norm_forward(hat, rows->count, hidden, gamma, gamma + layout->norm_step, layout->epsilon,
			  join->rstd + rows->first, join->out + at);
}

static void layer_forward(const struct pass *pass, size_t index)
{
	const struct net *net = pass->net;
	const struct layout *layout = &net->layout;
	const struct tape_layer *layer = &pass->tape->layers[index];
	struct pass_rows rows = pass_rows(pass, index);
	size_t wide = rows.first * layout->intermediate;
	project(pass, index);
	attend(pass, index);
	join_run(pass, &(struct join){net_layer_matrix(net, index, NET_ATTENDED), layout->layer[index].attended_norm,
				      pass_site(index, SITE_ATTENDED), layer->attended, layer->residual,
				      layer->middle_hat, layer->middle_rstd, layer->middle}, &rows);
	net_forward(net, net_layer_matrix(net, index, NET_UP), layer->middle + rows.first * layout->hidden, rows.count,
		    layer->up + wide, &pass->room->net);
	rows_activate(layout->activation, layer->up + wide, layer->active + wide, rows.count * layout->intermediate);
	join_run(pass, &(struct join){net_layer_matrix(net, index, NET_DOWN), layout->layer[index].output_norm,
				      pass_site(index, SITE_OUT), layer->active, layer->middle, layer->out_hat,
				      layer->out_rstd, layer->out}, &rows);
}

static void mean_forward(const struct pass *pass)
{
	const struct tape *tape = pass->tape;
	size_t hidden = pass->net->layout.hidden;
	const float *row = tape->layers[pass->net->layout.layers - 1].out + pass->first_token * hidden;
	for (size_t text = pass->first_text; text < pass->first_text + pass->texts; text++) {
		float *out = tape->pooled + text * hidden;
		size_t length = (size_t)(tape->starts[text + 1] - tape->starts[text]);
		memset(out, 0, hidden * sizeof *out);
		for (size_t i = 0; i < length; i++, row += hidden)
			rows_add(out, row, hidden);
		for (size_t i = 0; i < hidden; i++)
			out[i] /= (float)length;
	}
}

void pass_encode(const struct pass *pass)
{
	embed(pass);
	for (size_t i = 0; i < pass->net->layout.layers; i++)
		layer_forward(pass, i);
}

void pass_forward(const struct pass *pass)
{
	const struct net *net = pass->net;
	const struct layout *layout = &net->layout;
	const struct tape *tape = pass->tape;
	size_t hidden = layout->hidden, at = pass->first_text * hidden;
	float *pooled = tape->pooled + at, *dropped = tape->dropped + at;
	pass_encode(pass);
	if (layout->pooling == POOLING_CLS) {
		net_forward(net, net_pooler(net), tape->layers[layout->layers - 1].out + at, pass->texts, pooled,
			    &pass->room->net);
		for (size_t i = 0; i < pass->texts * hidden; i++)
			pooled[i] = tanhf(pooled[i]);
	} else {
		mean_forward(pass);
	}
	memcpy(dropped, pooled, pass->texts * hidden * sizeof *pooled);
	dropout_rows(&pass->dropout, SITE_POOLED, tape->first_text + (uint32_t)pass->first_text, dropped, pass->texts, hidden);
	net_forward(net, net_head(net), dropped, pass->texts, tape->logits + pass->first_text * layout->outputs,
		    &pass->room->net);
}
