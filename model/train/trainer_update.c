#include "model/train/kernel_adam.h"
#include "model/train/trainer_private.h"

#include <math.h>
#include <string.h>

/*
 * Values are updated in fixed chunks.  The words are most of a small model's
 * values and few of them occur in a batch, so they are taken by rows: one that
 * never had a gradient only decays.  The average of weights is brought up to
 * date every few steps, which costs a walk through the memory.
 */
enum { CHUNK = 1 << 16, WORD_ROWS = 256, AVERAGE_STEPS = 8, AVERAGE_EARLY = 64 };

static size_t word_chunks(const struct layout *layout)
{
	return (layout->words + WORD_ROWS - 1) / WORD_ROWS;
}

/* What is no word's. */
static size_t other_first(const struct layout *layout)
{
	return layout->word + layout->words * layout->hidden;
}

size_t trainer_chunks(const struct trainer *trainer)
{
	const struct layout *layout = &trainer->net.layout;
	return word_chunks(layout) + (layout->total - other_first(layout) + CHUNK - 1) / CHUNK;
}

struct update {
	struct work work; /* first */
	struct trainer *trainer;
	struct adam_step step;
	float keep; /* of the average; 1 = it is left alone */
};

static size_t one_piece(const struct work *work, size_t first)
{
	(void)work;
	(void)first;
	return 1;
}

/* The words' rows that matter to a norm are those in `touched`, which the first chunk takes. */
static int square_piece(struct work *work, size_t worker, size_t index, size_t count, struct err *e)
{
	(void)worker;
	(void)count;
	(void)e;
	struct trainer *trainer = ((struct update *)work)->trainer;
	const struct layout *layout = &trainer->net.layout;
	double sum = 0;
	if (index == 0) {
		for (size_t i = 0; i < trainer->touched_count; i++)
			sum += adam_squares(trainer->gradients + layout->word + trainer->touched[i] * layout->hidden,
					    layout->hidden);
	} else {
		size_t first = other_first(layout) + (index - 1) * CHUNK;
		size_t here = layout->total - first < CHUNK ? layout->total - first : CHUNK;
		sum = adam_squares(trainer->gradients + first, here);
	}
	trainer->squares[index] = sum;
	return 0;
}

int trainer_norm(struct trainer *trainer, double *norm, struct err *e)
{
	size_t count = trainer_chunks(trainer) - word_chunks(&trainer->net.layout) + 1;
	struct update update = {.work = {.count = count, .piece = one_piece, .run = square_piece}, .trainer = trainer};
	if (workers_run(trainer->workers, &update.work, e) < 0)
		return -1;
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += trainer->squares[i];
	*norm = sqrt(sum);
	return 0;
}

static void range_update(struct trainer *trainer, const struct adam_step *step, size_t first, size_t count)
{
	const struct trainer_state *state = &trainer->state;
	adam_update(step, state->values + first, trainer->gradients + first, state->first + first, state->second + first,
		    count);
}

static void words_update(struct trainer *trainer, const struct adam_step *step, size_t first, size_t count)
{
	const struct layout *layout = &trainer->net.layout;
	for (size_t word = first; word < first + count; word++) {
		size_t at = layout->word + word * layout->hidden;
		if (trainer->state.seen[word] != 0)
			range_update(trainer, step, at, layout->hidden);
		else
			adam_decay(step, trainer->state.values + at, layout->hidden);
	}
}

static int update_piece(struct work *work, size_t worker, size_t index, size_t pieces, struct err *e)
{
	(void)worker;
	(void)pieces;
	(void)e;
	struct update *update = (struct update *)work;
	struct trainer *trainer = update->trainer;
	const struct layout *layout = &trainer->net.layout;
	const struct trainer_state *state = &trainer->state;
	size_t first, count;
	if (index < word_chunks(layout)) {
		size_t word = index * WORD_ROWS, words = layout->words - word < WORD_ROWS ? layout->words - word : WORD_ROWS;
		first = layout->word + word * layout->hidden;
		count = words * layout->hidden;
		words_update(trainer, &update->step, word, words);
	} else {
		struct adam_step plain = update->step;
		plain.keep = 1; /* biases and norms do not decay */
		first = other_first(layout) + (index - word_chunks(layout)) * CHUNK;
		count = layout->total - first < CHUNK ? layout->total - first : CHUNK;
		size_t decaying = first >= layout->small ? 0 : layout->small - first;
		decaying = decaying < count ? decaying : count;
		range_update(trainer, &update->step, first, decaying);
		range_update(trainer, &plain, first + decaying, count - decaying);
	}
	if (update->keep < 1)
		adam_average(state->average + first, state->values + first, update->keep, count);
	return 0;
}

/*
 * The first values count less and less: what an average would start from is no
 * good.  In a run's first steps each of them counts, for there may be no others.
 */
static float average_keep(const struct trainer *trainer)
{
	size_t steps = trainer->state.steps, every = steps < AVERAGE_EARLY ? 1 : AVERAGE_STEPS;
	if (trainer->state.average == NULL || steps % every != 0)
		return 1;
	double most = pow(trainer->options.average, (double)every), early = (double)(1 + steps) / (double)(10 + steps);
	return (float)(early < most ? early : most);
}

int trainer_update(struct trainer *trainer, double rate, double clip, struct err *e)
{
	const struct trainer_options *options = &trainer->options;
	trainer->state.steps++;
	trainer->packed = NULL;
	struct update update = {
		.work = {.count = trainer_chunks(trainer), .piece = one_piece, .run = update_piece},
		.trainer = trainer,
		.step = adam_step_make(rate, options->decay, options->beta1, options->beta2, options->epsilon, clip,
				       trainer->state.steps),
		.keep = average_keep(trainer),
	};
	return workers_run(trainer->workers, &update.work, e);
}
