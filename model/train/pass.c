#include "model/train/pass.h"

#include "model/train/block.h"
#include "model/train/relation.h"

#include <stdlib.h>

static float *floats(size_t count)
{
	return block_make(count * sizeof(float));
}

int pass_room_open(struct pass_room *room, const struct net *net, size_t tokens, size_t longest, struct err *e)
{
	const struct layout *layout = &net->layout;
	size_t widest = layout->intermediate > layout->hidden ? layout->intermediate : layout->hidden;
	*room = (struct pass_room){
		.slope = floats(tokens * layout->hidden),
		.wide = floats(tokens * widest),
		.attention = floats(attention_pass_room(longest, layout->hidden / layout->heads)),
		.relation = floats(relation_room(tokens, longest, layout->hidden)),
	};
	if (room->slope == NULL || room->wide == NULL || room->attention == NULL || room->relation == NULL) {
		pass_room_close(room);
		return err_set(e, "out of memory");
	}
	return net_room_open(net, &room->net, tokens, e);
}

void pass_room_close(struct pass_room *room)
{
	net_room_close(&room->net);
	free(room->slope);
	free(room->wide);
	free(room->attention);
	free(room->relation);
	*room = (struct pass_room){0};
}

struct pass_rows pass_rows(const struct pass *pass, size_t layer)
{
	const struct tape *tape = pass->tape;
	if (net_is_narrow(pass->net, layer))
		return (struct pass_rows){pass->first_text, pass->texts, tape->first_text + (uint32_t)pass->first_text};
	return (struct pass_rows){pass->first_token, pass->tokens, tape->first_token + (uint32_t)pass->first_token};
}

struct attention_pass pass_attention(const struct pass *pass, size_t index, size_t text)
{
	const struct layout *layout = &pass->net->layout;
	const struct tape *tape = pass->tape;
	const struct tape_layer *layer = &tape->layers[index];
	size_t hidden = layout->hidden, first = (size_t)tape->starts[text], length = (size_t)tape->starts[text + 1] - first;
	struct attention_pass attention = {
		.length = length,
		.size = hidden / layout->heads,
		.dropout = &pass->dropout,
		.place = {.row = (tape->first_token + (uint32_t)first) * (uint32_t)layout->heads,
			  .site = pass_site(index, SITE_WEIGHTS), .step = pass->dropout.step},
		.scratch = pass->room->attention,
	};
	if (net_is_narrow(pass->net, index)) {
		attention.queries = layer->query + text * hidden;
		attention.keys = layer->qkv + first * 2 * hidden;
		attention.query_stride = hidden;
		attention.key_stride = 2 * hidden;
		attention.query_count = 1;
	} else {
		attention.queries = layer->qkv + first * 3 * hidden;
		attention.keys = attention.queries + hidden;
		attention.query_stride = attention.key_stride = 3 * hidden;
		attention.query_count = length;
	}
	attention.values = attention.keys + hidden;
	return attention;
}
