#include "model/train/pass.h"

#include <string.h>

/*
 * BERT's head that guesses masked words (Devlin et al., arXiv:1810.04805): a
 * product, the activation, LayerNorm, and a product with the words' own
 * embeddings, which is by far the largest, so that only masked tokens' rows go
 * through it.
 */
struct span {
	size_t rows;  /* masked tokens of the shard */
	size_t first; /* the first one's place in the tape, in values of H */
};

static struct span span_of(const struct pass *pass)
{
	return (struct span){.rows = pass->masked, .first = pass->first_masked * pass->net->layout.hidden};
}

static void transform(const struct pass *pass, const struct span *span)
{
	const struct layout *layout = &pass->net->layout;
	const struct tape_masked *masked = &pass->tape->masked;
	const float *last = pass->tape->layers[layout->layers - 1].out, *gamma = pass->net->values + layout->transform_norm;
	size_t hidden = layout->hidden;
	for (size_t i = 0; i < span->rows; i++)
		memcpy(masked->gathered + span->first + i * hidden,
		       last + (size_t)masked->token[pass->first_masked + i] * hidden, hidden * sizeof *last);
	net_forward(pass->net, net_pooler(pass->net), masked->gathered + span->first, span->rows, masked->up + span->first,
		    &pass->room->net);
	rows_activate(layout->activation, masked->up + span->first, masked->hat + span->first, span->rows * hidden);
	rows_norm_forward(masked->hat + span->first, span->rows, hidden, gamma, gamma + layout->norm_step, layout->epsilon,
			  masked->rstd + pass->first_masked, masked->out + span->first);
}

double pass_guess(const struct pass *pass, double divisor)
{
	const struct tape_masked *masked = &pass->tape->masked;
	size_t words = pass->net->layout.words;
	struct span span = span_of(pass);
	double loss = 0;
	pass_encode(pass);
	transform(pass, &span);
	float *logits = masked->logits + pass->first_masked * words;
	net_forward(pass->net, net_head(pass->net), masked->out + span.first, span.rows, logits, &pass->room->net);
	float share = (float)(1 / divisor);
	for (size_t row = 0; row < span.rows; row++, logits += words) {
		size_t word = (size_t)masked->word[pass->first_masked + row];
		double own = (double)logits[word];
		loss += row_softmax(logits, words) - own;
		logits[word] -= 1;
		for (size_t i = 0; i < words; i++)
			logits[i] *= share;
	}
	return loss;
}

static float *small_at(const struct pass *pass, size_t offset)
{
	return pass->small + (offset - pass->net->layout.small);
}

void pass_guess_backward(const struct pass *pass)
{
	const struct net *net = pass->net;
	const struct layout *layout = &net->layout;
	const struct tape_masked *masked = &pass->tape->masked;
	struct span span = span_of(pass);
	size_t hidden = layout->hidden, words = layout->words;
	const float *logits = masked->logits + pass->first_masked * words;
	float *back = pass->room->wide, *up = masked->up + span.first, *slope = pass->room->slope;
	rows_sum(logits, span.rows, words, small_at(pass, layout->word_bias));
	net_backward(net, net_head(net), logits, span.rows, false, back, &pass->room->net);
	rows_norm_backward(back, masked->hat + span.first, masked->rstd + pass->first_masked, span.rows, hidden,
			   net->values + layout->transform_norm, small_at(pass, layout->transform_norm),
			   small_at(pass, layout->transform_norm + layout->norm_step));
	rows_multiply(up, back, span.rows * hidden);
	rows_sum(up, span.rows, hidden, small_at(pass, layout->transform_bias));
	net_backward(net, net_pooler(net), up, span.rows, false, back, &pass->room->net);
	memset(slope, 0, pass->tokens * hidden * sizeof *slope);
	for (size_t i = 0; i < span.rows; i++) {
		size_t row = (size_t)masked->token[pass->first_masked + i] - pass->first_token;
		rows_add(slope + row * hidden, back + i * hidden, hidden);
	}
	pass_encode_backward(pass);
}
