#include "daemon/train_pretrain.h"

#include "daemon/train_unlabelled.h"
#include "model/train/checkpoint.h"
#include "model/train/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* [CLS], a word, [SEP] */
enum { SHORTEST = 3, FEWEST_TEXTS = 2 };

int train_pretrain_read(struct train_data *data, const struct train_options *options, struct err *e)
{
	struct dataset *texts = &data->pretrain;
	size_t kept = 0;
	if (options->pretrain == NULL)
		return 0;
	if (train_texts_read(data, options->pretrain, options->base, texts, e) < 0)
		return -1;
	for (size_t i = 0; i < texts->count; i++) {
		texts->hashes[kept] = texts->hashes[i];
		texts->texts[kept] = texts->texts[i];
		kept += texts->texts[i].length >= SHORTEST;
	}
	texts->count = kept;
	return kept >= FEWEST_TEXTS ? 0 : err_set(e, "%s: %zu texts are too few to learn words from", options->pretrain, kept);
}

static void look(void *context, const struct pretrain_event *event)
{
	char line[200];
	if (!event->line)
		return;
	double each = event->seconds / (double)event->step;
	snprintf(line, sizeof line, "masked words: epoch %zu/%zu  step %zu/%zu  loss %.4f  %.0f tokens/s  %.0f s left", event->epoch,
		 event->epochs, event->step, event->steps, event->loss, event->tokens / event->seconds,
		 each * (double)(event->steps - event->step));
	train_progress_say(context, line);
}

/* A trainer that guesses words, with the encoder of `from`. */
static struct trainer *guesser_open(const struct train_pretrain *how, struct trainer *from, struct err *e)
{
	const struct train_options *options = how->options;
	const struct params_fresh fresh = {.seed = (uint64_t)options->seed, .layers = how->data->layers};
	struct trainer_options guessing = *how->how;
	struct layout layout;
	bool drew;
	guessing.average = 0;
	guessing.weights = NULL;
	if (layout_make_masked(&layout, &how->data->base, e) < 0)
		return NULL;
	struct trainer *trainer = trainer_open(&layout, &guessing, e);
	if (trainer == NULL)
		return NULL;
	float *values = trainer_state(trainer).values;
	if (params_read(trainer_layout(trainer), how->data->weights, &fresh, values, &drew, e) < 0) {
		trainer_close(trainer);
		return NULL;
	}
	params_copy_encoder(trainer_layout(trainer), values, trainer_layout(from), trainer_state(from).values);
	trainer_restart(trainer);
	return trainer;
}

static int learn(const struct train_pretrain *how, struct trainer *guesser, struct pretrain_outcome *outcome, struct err *e)
{
	const struct train_options *options = how->options;
	const struct dataset *texts = &how->data->pretrain;
	struct tokenizer *tokenizer = tokenizer_open_model(options->base, e);
	struct mask mask;
	if (tokenizer == NULL)
		return -1;
	int result = mask_open(&mask, tokenizer_vocab(tokenizer), options->mask, how->data->longest, e);
	tokenizer_free(tokenizer);
	if (result < 0)
		return -1;
	const struct pretrain_options words = {
		.epochs = (size_t)options->pretrain_epochs, .batch = (size_t)options->batch, .rate = options->pretrain_rate,
		.warm_up = options->warm_up, .seed = (uint64_t)options->seed, .mask = &mask, .look = look, .stop = how->stop,
		.context = how->progress,
	};
	result = pretrain_run(guesser, texts->texts, texts->count, &words, outcome, e);
	mask_close(&mask);
	return result;
}

/* What was learnt is a file beside the checkpoint, so that a run that goes on begins from it. */
int train_pretrain_run(const struct train_pretrain *how, struct trainer *trainer, struct pretrain_outcome *outcome,
		       struct err *e)
{
	char path[4200], line[300];
	struct trainer *guesser = guesser_open(how, trainer, e);
	if (guesser == NULL)
		return -1;
	struct trainer_state state = trainer_state(guesser);
	const struct checkpoint_block blocks[] = {{outcome, sizeof *outcome}, {state.values, state.count * sizeof(float)}};
	snprintf(path, sizeof path, "%s/pretrained", how->directory);
	int result = how->options->resume ? checkpoint_read(path, how->fingerprint, blocks, 2, e) : 0;
	if (result == 1) {
		train_progress_say(how->progress, "masked words: taken from the run that was stopped");
	} else if (result == 0) {
		snprintf(line, sizeof line, "masked words: %zu texts; stopped in this part, a run begins it anew", how->data->pretrain.count);
		train_progress_say(how->progress, line);
		result = learn(how, guesser, outcome, e);
		if (result == 0 && !outcome->stopped)
			result = checkpoint_write(path, how->fingerprint, blocks, 2, e);
	}
	if (result >= 0 && !outcome->stopped) {
		params_copy_encoder(trainer_layout(trainer), trainer_state(trainer).values, trainer_layout(guesser), state.values);
		trainer_restart(trainer);
	}
	trainer_close(guesser);
	return result < 0 ? -1 : 0;
}
