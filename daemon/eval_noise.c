#include "daemon/eval_noise.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { SITE_NOISE = 0xE7A1, AT_ONCE = 256 };

/* Rows [first, first + count) with a noise: their texts lie one after another in a block that grows. */
struct noisy {
	struct text texts[AT_ONCE];
	char *block;
	size_t room;
};

/* Each row has chance of its own, so that a row's noise is the same in whatever file it stands at that place. */
static size_t noisy_fill(struct noisy *noisy, enum noise kind, const struct eval_rows *rows, size_t first, size_t count)
{
	size_t used = 0, touched = 0, needed = 0;
	const struct table_row *row = rows->table->rows + first;
	for (size_t i = 0; i < count; i++)
		needed += noise_room(row[i].text_length);
	if (needed > noisy->room) {
		free(noisy->block);
		noisy->block = xmalloc(needed);
		noisy->room = needed;
	}
	for (size_t i = 0; i < count; i++) {
		struct random_stream stream = random_stream(rows->seed + first + i, SITE_NOISE, (uint32_t)kind);
		char *out = noisy->block + used;
		size_t length = noise_make(kind, row[i].text, row[i].text_length, &stream, out);
		touched += length != row[i].text_length || memcmp(out, row[i].text, length) != 0;
		noisy->texts[i] = (struct text){out, length};
		used += noise_room(row[i].text_length);
	}
	return touched;
}

static int noise_run(struct eval_noise *noise, enum noise kind, const struct eval_rows *rows, struct err *e)
{
	struct noisy noisy = {.room = 0};
	size_t classes = rows->model->classes;
	float *logits = xcalloc(AT_ONCE, classes * sizeof *logits);
	int *answers = xcalloc(rows->count, sizeof *answers), result = 0;
	*noise = (struct eval_noise){.name = noise_names[kind]};
	for (size_t first = 0, some; first < rows->count && result == 0; first += some) {
		some = rows->count - first < AT_ONCE ? rows->count - first : AT_ONCE;
		noise->touched += noisy_fill(&noisy, kind, rows, first, some);
		result = eval_model_run(rows->model, noisy.texts, some, logits, e);
		if (result == 0)
			eval_answers(logits, some, classes, answers + first);
	}
	if (result == 0)
		result = comparison_make(&noise->comparison, rows->truth, rows->answers, answers, rows->count, classes,
					 rows->samples, rows->seed, e);
	free(noisy.block);
	free(logits);
	free(answers);
	return result;
}

int eval_noises_run(struct eval_noises *noises, const struct eval_rows *rows, struct err *e)
{
	*noises = (struct eval_noises){.has_negation = rows->model->task == TASK_POLARITY};
	for (size_t i = 0; i < NOISE_KINDS; i++)
		if (noise_run(&noises->of[i], (enum noise)i, rows, e) < 0)
			return -1;
	if (eval_adversary_run(&noises->of[NOISE_KINDS], true, rows, e) < 0 ||
	    eval_adversary_run(&noises->of[NOISE_KINDS + 1], false, rows, e) < 0)
		return -1;
	return noises->has_negation ? eval_negation_run(&noises->negation, rows->model, e) : 0;
}
