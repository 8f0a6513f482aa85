#include "model/train/relation.h"

#include "model/train/kernel_pair.h"

#include <string.h>

/* What a text has of each in the last layer. */
struct view {
	struct pair_rows query, key, value;
	size_t queries, length, size; /* size: of a head */
};

static struct view view_of(const struct tape *tape, size_t text, size_t heads)
{
	const struct layout *layout = &tape->net->layout;
	const struct tape_layer *layer = &tape->layers[layout->layers - 1];
	size_t hidden = layout->hidden, first = (size_t)tape->starts[text], length = (size_t)tape->starts[text + 1] - first;
	if (net_is_narrow(tape->net, layout->layers - 1)) {
		const float *key = layer->qkv + first * 2 * hidden;
		return (struct view){{layer->query + text * hidden, hidden}, {key, 2 * hidden}, {key + hidden, 2 * hidden},
				     1, length, hidden / heads};
	}
	const float *query = layer->qkv + first * 3 * hidden;
	return (struct view){{query, 3 * hidden}, {query + hidden, 3 * hidden}, {query + 2 * hidden, 3 * hidden},
			     length, length, hidden / heads};
}

static struct pair_rows head_of(struct pair_rows kind, size_t head, size_t size)
{
	return (struct pair_rows){kind.rows + head * size, kind.stride};
}

static double text_relate(const struct relation *relation, const struct view *teacher, const struct view *own, size_t hidden,
			  float *slopes, float *scratch)
{
	size_t queries = teacher->queries < own->queries ? teacher->queries : own->queries;
	double loss = 0, heads = (double)relation->heads;
	for (size_t head = 0; head < relation->heads; head++) {
		float *slope = slopes + head * own->size;
		struct pair pair = {
			.teacher_a = head_of(teacher->query, head, teacher->size),
			.teacher_b = head_of(teacher->key, head, teacher->size),
			.a = head_of(own->query, head, own->size), .b = head_of(own->key, head, own->size),
			.rows = queries, .length = own->length, .teacher_size = teacher->size, .size = own->size,
			.slope_stride = 3 * hidden, .weight = relation->weight / (heads * (double)queries),
			.a_slope = slope, .b_slope = slope + hidden, .scratch = scratch,
		};
		loss += pair_compare(&pair);
		pair.teacher_a = pair.teacher_b = head_of(teacher->value, head, teacher->size);
		pair.a = pair.b = head_of(own->value, head, own->size);
		pair.rows = own->length;
		pair.weight = relation->weight / (heads * (double)own->length);
		pair.a_slope = pair.b_slope = slope + 2 * hidden;
		loss += pair_compare(&pair);
	}
	return loss;
}

size_t relation_room(size_t tokens, size_t longest, size_t hidden)
{
	return tokens * 3 * hidden + 2 * longest;
}

double relation_backward(const struct pass *pass, const struct relation *relation, float *room)
{
	const struct tape *tape = pass->tape;
	size_t hidden = pass->net->layout.hidden;
	float *scratch = room + pass->tokens * 3 * hidden;
	double loss = 0;
	memset(room, 0, pass->tokens * 3 * hidden * sizeof *room);
	for (size_t text = pass->first_text; text < pass->first_text + pass->texts; text++) {
		struct view teacher = view_of(relation->teacher, text, relation->heads);
		struct view own = view_of(tape, text, relation->heads);
		size_t row = (size_t)tape->starts[text] - pass->first_token;
		loss += text_relate(relation, &teacher, &own, hidden, room + row * 3 * hidden, scratch);
	}
	return loss;
}

void relation_add(const struct pass *pass, const float *room)
{
	const struct tape *tape = pass->tape;
	const struct layout *layout = &pass->net->layout;
	const struct tape_layer *layer = &tape->layers[layout->layers - 1];
	size_t hidden = layout->hidden;
	if (!net_is_narrow(pass->net, layout->layers - 1)) {
		rows_add(layer->qkv + pass->first_token * 3 * hidden, room, pass->tokens * 3 * hidden);
		return;
	}
	for (size_t token = 0; token < pass->tokens; token++)
		rows_add(layer->qkv + (pass->first_token + token) * 2 * hidden, room + (token * 3 + 1) * hidden, 2 * hidden);
	for (size_t text = pass->first_text; text < pass->first_text + pass->texts; text++) {
		size_t row = (size_t)tape->starts[text] - pass->first_token;
		rows_add(layer->query + text * hidden, room + row * 3 * hidden, hidden);
	}
}
