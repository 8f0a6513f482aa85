#include "model/train/net.h"

#include "daemon/base/check.h"
#include "model/cpu/operand.h"
#include "model/half.h"
#include "model/train/block.h"
#include "model/train/kernel_rows.h"

#include <stdlib.h>
#include <string.h>

const struct gemm *net_gemm_find(const char *precision, struct err *e)
{
	static const struct gemm *const all[] = {
#if defined(__x86_64__)
		&gemm_amx_bf16, &gemm_avx512_dot_bf16, &gemm_avx512_bf16, &gemm_avx2_bf16, &gemm_avx512_fp32, &gemm_avx2_fp32,
#endif
		&gemm_plain_bf16, &gemm_plain_fp32,
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(all[i]->precision, precision) == 0 && all[i]->available())
			return all[i];
	err_set(e, "precision \"%s\" is not known to training: fp32 or bf16", precision);
	return NULL;
}

/*
 * One block holds all panels: forward ones are the weights transposed by
 * panels, backward ones the weights' columns as they lie.  Both are packed
 * once a step, since a step's shards all read them.
 */
static size_t panel_words(const struct net *net, const struct gemm_weights *weights)
{
	size_t outputs = (weights->outputs + net->gemm->panel - 1) / net->gemm->panel * net->gemm->panel;
	return outputs * weights->words;
}

static void add_matrix(struct net *net, size_t index, size_t outputs, size_t inputs, size_t weight, size_t bias)
{
	net->matrices[index] = (struct net_matrix){.outputs = outputs, .inputs = inputs, .weight = weight, .bias = bias};
}

static void add_matrices(struct net *net)
{
	const struct layout *layout = &net->layout;
	size_t hidden = layout->hidden, index = 0;
	for (size_t i = 0; i < layout->layers; i++, index += NET_MATRICES) {
		const struct layout_layer *layer = &layout->layer[i];
		bool narrow = net_is_narrow(net, i);
		add_matrix(net, index + NET_QKV, narrow ? hidden : 3 * hidden, hidden, layer->qkv, layer->qkv_bias);
		if (narrow)
			add_matrix(net, index + NET_KEY_VALUE, 2 * hidden, hidden, layer->qkv + hidden * hidden,
				   layer->qkv_bias + hidden);
		add_matrix(net, index + NET_ATTENDED, hidden, hidden, layer->attended, layer->attended_bias);
		add_matrix(net, index + NET_UP, layout->intermediate, hidden, layer->up, layer->up_bias);
		add_matrix(net, index + NET_DOWN, hidden, layout->intermediate, layer->down, layer->down_bias);
	}
	if (layout->masked) {
		add_matrix(net, index, hidden, hidden, layout->transform, layout->transform_bias);
		add_matrix(net, index + 1, layout->words, hidden, layout->word, layout->word_bias);
		return;
	}
	if (layout->pooling == POOLING_CLS)
		add_matrix(net, index, hidden, hidden, layout->pooler, layout->pooler_bias);
	add_matrix(net, index + 1, layout->outputs, hidden, layout->head, layout->head_bias);
	add_matrix(net, index + 2, layout->projected, hidden, layout->projection, layout->projection_bias);
}

/* Lays the panels out: without a block to measure them. */
static size_t place_panels(struct net *net)
{
	size_t at = 0;
	gemm_word *block = net->panels;
	for (size_t i = 0; i < net->matrix_count; i++) {
		struct net_matrix *matrix = &net->matrices[i];
		if (matrix->outputs == 0)
			continue;
		struct gemm_weights forms[2] = {{.outputs = matrix->outputs, .inputs = matrix->inputs},
						{.outputs = matrix->inputs, .inputs = matrix->outputs}};
		for (size_t k = 0; k < 2; k++) {
			forms[k].form = net->gemm->form;
			forms[k].panel = net->gemm->panel;
			forms[k].words = operand_words(net->gemm->form, forms[k].inputs);
			forms[k].panels = block != NULL ? block + at : NULL;
			at += (panel_words(net, &forms[k]) + 15) / 16 * 16;
		}
		matrix->forward = forms[0];
		matrix->backward = forms[1];
		matrix->backward.bias = net->zeros;
	}
	return at;
}

int net_open(struct net *net, struct layout *layout, const struct gemm *gemm, struct err *e)
{
	CHECK(!gemm_is_integer(gemm->form));
	*net = (struct net){.layout = *layout, .gemm = gemm, .matrix_count = layout->layers * NET_MATRICES + 3};
	*layout = (struct layout){0};
	size_t widest = net->layout.intermediate > net->layout.hidden ? net->layout.intermediate : net->layout.hidden;
	net->matrices = calloc(net->matrix_count, sizeof *net->matrices);
	net->zeros = calloc(widest + gemm->panel, sizeof *net->zeros);
	if (net->matrices == NULL || net->zeros == NULL)
		goto fail;
	add_matrices(net);
	size_t words = place_panels(net);
	net->panels = block_make(words * sizeof(gemm_word));
	if (net->panels == NULL)
		goto fail;
	place_panels(net);
	return 0;

fail:
	net_close(net);
	return err_set(e, "out of memory");
}

void net_close(struct net *net)
{
	layout_clear(&net->layout);
	free(net->matrices);
	free(net->zeros);
	free(net->panels);
	*net = (struct net){0};
}

void net_pack_begin(struct net *net, const float *values)
{
	net->values = values;
	for (size_t i = 0; i < net->matrix_count; i++)
		net->matrices[i].forward.bias = values + net->matrices[i].bias;
}

size_t net_pack_pieces(const struct net *net)
{
	return 2 * net->matrix_count;
}

/* Rows [first, first + count) of x[, stride], `columns` of them, as one panel: a word holds as many rows as the form says. */
static void panel_fill(const struct net *net, const float *x, size_t stride, size_t rows, size_t columns, gemm_word *panel)
{
	size_t width = net->gemm->panel;
	if (net->gemm->form == GEMM_FP32) {
		rows_gather(x, stride, rows, columns, (float *)(void *)panel, width);
		return;
	}
	for (size_t row = 0; row < rows; row += 2, x += 2 * stride, panel += width) {
		const float *next = row + 1 < rows ? x + stride : NULL;
		for (size_t i = 0; i < width; i++) {
			uint32_t low = i < columns ? bfloat_narrow(x[i]) : 0;
			uint32_t high = i < columns && next != NULL ? bfloat_narrow(next[i]) : 0;
			panel[i] = low | high << 16;
		}
	}
}

/* Transposed panel by panel; in float32 that is all. */
static void pack_forward(const struct net *net, const struct net_matrix *matrix)
{
	const float *weight = net->values + matrix->weight;
	size_t width = net->gemm->panel, inputs = matrix->inputs;
	gemm_word *panel = (gemm_word *)(uintptr_t)matrix->forward.panels;
	if (net->gemm->form != GEMM_FP32) {
		operand_pack_weights(&matrix->forward, weight, panel, NULL, NULL);
		return;
	}
	for (size_t output = 0; output < matrix->outputs; output += width, panel += width * inputs) {
		size_t outputs = matrix->outputs - output < width ? matrix->outputs - output : width;
		if (outputs < width)
			memset(panel, 0, width * inputs * sizeof *panel);
		rows_transpose(weight + output * inputs, inputs, outputs, inputs, (float *)(void *)panel, width);
	}
}

static void pack_backward(const struct net *net, const struct net_matrix *matrix)
{
	const float *weight = net->values + matrix->weight;
	size_t width = net->gemm->panel;
	gemm_word *panel = (gemm_word *)(uintptr_t)matrix->backward.panels;
	for (size_t column = 0; column < matrix->inputs; column += width, panel += width * matrix->backward.words) {
		size_t columns = matrix->inputs - column < width ? matrix->inputs - column : width;
		panel_fill(net, weight + column, matrix->inputs, matrix->outputs, columns, panel);
	}
}

void net_pack(const struct net *net, size_t piece)
{
	const struct net_matrix *matrix = &net->matrices[piece / 2];
	if (matrix->outputs == 0)
		return;
	if (piece % 2 == 0)
		pack_forward(net, matrix);
	else
		pack_backward(net, matrix);
}

/*
 * Gradients go by tiles, and inside of a tile by blocks of tokens: a panel of
 * x, TOKENS by the kernel's width, stays in the first cache level while the
 * tile's rows of dy^T pass by from the second.
 */
enum { TILE = 384, TOKENS = 256, BLOCK_ROWS = 192 };

int net_room_open(const struct net *net, struct net_room *room, size_t rows, struct err *e)
{
	const struct layout *layout = &net->layout;
	size_t widest = 3 * layout->hidden > layout->intermediate ? 3 * layout->hidden : layout->intermediate;
	widest = layout->projected > widest ? layout->projected : widest;
	size_t most = rows * widest > TILE * TOKENS ? rows * widest : TILE * TOKENS;
	if (layout->masked && BLOCK_ROWS * layout->words > most)
		most = BLOCK_ROWS * layout->words;
	*room = (struct net_room){
		.words = net->gemm->form == GEMM_FP32 ? block_make(1) : block_make((most + TILE) * sizeof(gemm_word)),
		.turned = block_make(TILE * TOKENS * sizeof(float)),
		.panel = block_make(TOKENS * net->gemm->panel * sizeof(gemm_word)),
	};
	if (room->words != NULL && room->turned != NULL && room->panel != NULL)
		return 0;
	net_room_close(room);
	return err_set(e, "out of memory");
}

void net_room_close(struct net_room *room)
{
	free(room->words);
	free(room->turned);
	free(room->panel);
	*room = (struct net_room){0};
}

/* In blocks of rows that stay in the second cache level. */
static void multiply(const struct net *net, const struct gemm_weights *weights, const float *x, size_t rows,
		     enum gemm_finish finish, float *y, const struct net_room *room)
{
	for (size_t row = 0, count; row < rows; row += count) {
		size_t blocks = (rows - row + BLOCK_ROWS - 1) / BLOCK_ROWS;
		count = (rows - row + blocks - 1) / blocks;
		struct gemm_rows block = operand_prepare_rows(weights->form, x + row * weights->inputs, count,
							      weights->inputs, room->words, NULL);
		net->gemm->multiply(weights, &block, finish, y + row * weights->outputs, weights->outputs);
	}
}

void net_forward(const struct net *net, const struct net_matrix *matrix, const float *x, size_t rows, float *y,
		 const struct net_room *room)
{
	multiply(net, &matrix->forward, x, rows, GEMM_STORE, y, room);
}

void net_backward(const struct net *net, const struct net_matrix *matrix, const float *dy, size_t rows, bool add, float *dx,
		  const struct net_room *room)
{
	multiply(net, &matrix->backward, dy, rows, add ? GEMM_ADD : GEMM_STORE, dx, room);
}

static size_t tiles(size_t count)
{
	return (count + TILE - 1) / TILE;
}

size_t net_gradient_pieces(const struct net_matrix *matrix)
{
	return tiles(matrix->outputs) * tiles(matrix->inputs);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The part of a tile that `tokens` tokens from x and dy on make; both point at the tile's first column. */
static void tile_add(const struct net *net, const struct net_matrix *matrix, const float *x, const float *dy, size_t tokens,
		     size_t outputs, size_t inputs, enum gemm_finish finish, float *out, const struct net_room *room)
{
	size_t width = net->gemm->panel;
	rows_transpose(dy, matrix->outputs, tokens, outputs, room->turned, tokens);
	struct gemm_rows rows = operand_prepare_rows(net->gemm->form, room->turned, outputs, tokens, room->words, NULL);
	struct gemm_weights panel = {.form = net->gemm->form, .inputs = tokens, .panel = width, .panels = room->panel,
				     .words = operand_words(net->gemm->form, tokens), .bias = net->zeros};
	for (size_t column = 0; column < inputs; column += width) {
		panel.outputs = least(width, inputs - column);
		panel_fill(net, x + column, matrix->inputs, tokens, panel.outputs, room->panel);
		net->gemm->multiply(&panel, &rows, finish, out + column, matrix->inputs);
	}
}

void net_gradient(const struct net *net, const struct net_matrix *matrix, const struct net_operands *operands, bool add,
		  size_t piece, float *gradients, const struct net_room *room)
{
	size_t output = piece / tiles(matrix->inputs) * TILE, input = piece % tiles(matrix->inputs) * TILE;
	size_t outputs = least(TILE, matrix->outputs - output), inputs = least(TILE, matrix->inputs - input);
	float *out = gradients + matrix->weight + output * matrix->inputs + input;
	for (size_t token = 0; token < operands->rows; token += TOKENS)
		tile_add(net, matrix, operands->x + token * matrix->inputs + input,
			 operands->dy + token * matrix->outputs + output, least(TOKENS, operands->rows - token), outputs,
			 inputs, add || token > 0 ? GEMM_ADD : GEMM_STORE, out, room);
}
