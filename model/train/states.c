#include "model/train/states.h"

#include "model/train/kernel_adam.h"

#include <string.h>

/*
 * The projection is a product over all of a state's rows, as any other of the
 * net; rows that are not compared have a gradient of zero there.  Without a
 * projection the differences stand in room->wide, which is free between two
 * layers.
 */
struct rows {
	size_t first, count;
};

static struct rows rows_of(const struct pass *pass, size_t state)
{
	if (tape_is_narrow(pass->tape, state))
		return (struct rows){pass->first_text, pass->texts};
	return (struct rows){pass->first_token, pass->tokens};
}

/* The weighted loss of a row; `row` becomes its gradient.  A teacher's state of nothing but zeros says nothing. */
static double row_compare(float *row, const float *wanted, size_t width, double weight)
{
	double size = adam_squares(wanted, width);
	if (size <= 0) {
		memset(row, 0, width * sizeof *row);
		return 0;
	}
	for (size_t i = 0; i < width; i++)
		row[i] -= wanted[i];
	double loss = weight * adam_squares(row, width) / size;
	float scale = (float)(2 * weight / size);
	for (size_t i = 0; i < width; i++)
		row[i] *= scale;
	return loss;
}

/* All of the shard's rows of a state, given as the teacher would have them. */
static double rows_compare(const struct pass *pass, const struct states *states, size_t state, size_t width, float *row)
{
	const struct tape *tape = pass->tape, *teacher = states->teacher;
	size_t layers = pass->net->layout.layers, wanted_state = state * teacher->net->layout.layers / layers;
	bool narrow = tape_is_narrow(tape, state), wanted_narrow = tape_is_narrow(teacher, wanted_state);
	double loss = 0;
	for (size_t text = pass->first_text; text < pass->first_text + pass->texts; text++) {
		size_t first = (size_t)tape->starts[text], length = (size_t)tape->starts[text + 1] - first;
		size_t count = narrow ? 1 : length, compared = wanted_narrow ? 1 : count;
		const float *wanted = tape_state(teacher, wanted_state) + (wanted_narrow ? text : first) * width;
		double weight = states->weight / (double)((layers + 1) * compared);
		for (size_t i = 0; i < compared; i++)
			loss += row_compare(row + i * width, wanted + i * width, width, weight);
		memset(row + compared * width, 0, (count - compared) * width * sizeof *row);
		row += count * width;
	}
	return loss;
}

double states_backward(const struct pass *pass, const struct states *states, size_t state)
{
	const struct net *net = pass->net;
	const struct layout *layout = &net->layout;
	const struct net_matrix *projection = net_projection(net);
	struct rows rows = rows_of(pass, state);
	size_t width = layout->hidden, projected = layout->projected;
	const float *own = tape_state(pass->tape, state) + rows.first * width;
	float *slope = pass->room->slope, *apart = pass->room->wide;
	if (projected == 0) {
		memcpy(apart, own, rows.count * width * sizeof *apart);
		double loss = rows_compare(pass, states, state, width, apart);
		rows_add(slope, apart, rows.count * width);
		return loss;
	}
	apart = tape_projected(pass->tape, state) + rows.first * projected;
	net_forward(net, projection, own, rows.count, apart, &pass->room->net);
	double loss = rows_compare(pass, states, state, projected, apart);
	rows_sum(apart, rows.count, projected, pass->small + (layout->projection_bias - layout->small));
	net_backward(net, projection, apart, rows.count, true, slope, &pass->room->net);
	return loss;
}
