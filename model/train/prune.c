#include "model/train/prune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_importance(const void *a, const void *b)
{
	const struct prune_head *x = a, *y = b;
	if (x->importance != y->importance)
		return x->importance < y->importance ? -1 : 1;
	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	return x->head < y->head ? -1 : x->head > y->head;
}

int prune_rank(struct trainer *trainer, const struct trainer_text *texts, size_t count, struct prune_head *order,
	       struct err *e)
{
	const struct layout *layout = trainer_layout(trainer);
	size_t heads = layout->heads;
	double *importance = calloc(layout->layers * heads, sizeof *importance);
	if (importance == NULL)
		return err_set(e, "out of memory");
	int result = trainer_importance(trainer, texts, count, importance, e);
	for (size_t layer = 0; layer < layout->layers && result == 0; layer++) {
		double squares = 0;
		for (size_t i = 0; i < heads; i++)
			squares += importance[layer * heads + i] * importance[layer * heads + i];
		double length = squares > 0 ? sqrt(squares) : 1;
		for (size_t i = 0; i < heads; i++)
			order[layer * heads + i] = (struct prune_head){layer, i, importance[layer * heads + i] / length};
	}
	if (result == 0)
		qsort(order, layout->layers * heads, sizeof *order, by_importance);
	free(importance);
	return result;
}

void prune_remove(const struct layout *layout, float *values, size_t layer, size_t head)
{
	const struct layout_layer *at = &layout->layer[layer];
	size_t hidden = layout->hidden, size = hidden / layout->heads, first = head * size;
	memset(values + at->qkv + (2 * hidden + first) * hidden, 0, size * hidden * sizeof *values);
	memset(values + at->qkv_bias + 2 * hidden + first, 0, size * sizeof *values);
	for (size_t row = 0; row < hidden; row++)
		memset(values + at->attended + row * hidden + first, 0, size * sizeof *values);
}

void prune_space(size_t layers, size_t count, size_t *chosen)
{
	/* i (layers - 1) / (count - 1), to the nearest, the lower of two */
	chosen[0] = 0;
	for (size_t i = 1; i < count; i++)
		chosen[i] = (2 * i * (layers - 1) + count - 2) / (2 * (count - 1));
}
