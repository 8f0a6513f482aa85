#include "model/train/pretrain.h"

#include "model/train/fit_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Order and masks are functions of the seed, the epoch and the text, so that they depend on no thread. */
enum { SITE_ORDER = 0x0DE3, LINES = 20 };
static const uint64_t mask_seed = 0x6D61736B;

struct pretraining {
	struct trainer *trainer;
	const struct trainer_text *texts;
	size_t count, each, steps; /* each: steps of an epoch */
	const struct pretrain_options *options;
	uint32_t *order;
	struct trainer_text *batch;
	int32_t *in, *out; /* of the batch's texts, one after another */
	double sum;        /* of losses since the last line */
	size_t summed;
};

static void order_make(struct pretraining *this, size_t epoch)
{
	for (size_t i = 0; i < this->count; i++)
		this->order[i] = (uint32_t)i;
	struct random_stream stream = random_stream(this->options->seed, SITE_ORDER, (uint32_t)epoch);
	random_shuffle(&stream, this->order, this->count);
}

static size_t batch_make(struct pretraining *this, size_t epoch, size_t first)
{
	size_t count = this->count - first < this->options->batch ? this->count - first : this->options->batch, at = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t index = this->order[first + i];
		const struct trainer_text *text = &this->texts[index];
		struct random_stream stream = random_stream(this->options->seed ^ mask_seed, index, (uint32_t)epoch);
		mask_text(this->options->mask, &stream, text->ids, text->length, this->in + at, this->out + at);
		this->batch[i] = (struct trainer_text){.ids = this->in + at, .words = this->out + at, .length = text->length,
						       .polarity = -1, .topic = -1, .source = -1};
		at += text->length;
	}
	return count;
}

static double rate_at(const struct pretraining *this, size_t step)
{
	double steps = (double)this->steps, warm = floor(steps * this->options->warm_up), at = (double)step;
	if (at < warm)
		return this->options->rate * (at + 1) / (warm + 1);
	return this->options->rate * (steps - at) / (steps - warm);
}

/* After step `done`: a line is a twentieth of the steps. */
static void account(struct pretraining *this, size_t done, double loss, struct pretrain_outcome *outcome)
{
	size_t line = this->steps > LINES ? this->steps / LINES : 1;
	this->sum += loss;
	this->summed++;
	bool whole = this->summed == line || done == this->steps;
	double mean = this->sum / (double)this->summed;
	if (done <= line)
		outcome->first_loss = mean;
	if (whole || done <= line)
		outcome->last_loss = mean;
	if (this->options->look != NULL)
		this->options->look(this->options->context, &(struct pretrain_event){
			.epoch = (done - 1) / this->each + 1, .epochs = this->options->epochs, .step = done,
			.steps = this->steps, .loss = outcome->last_loss, .line = whole, .tokens = outcome->tokens,
			.seconds = outcome->seconds,
		});
	if (!whole)
		return;
	this->sum = 0;
	this->summed = 0;
}

static int steps_run(struct pretraining *this, struct pretrain_outcome *outcome, struct err *e)
{
	double began = fit_now();
	for (size_t step = 0; step < this->steps; step++) {
		size_t epoch = step / this->each + 1, first = step % this->each * this->options->batch;
		struct trainer_result result;
		if (first == 0)
			order_make(this, epoch);
		size_t count = batch_make(this, epoch, first);
		if (trainer_step(this->trainer, this->batch, count, rate_at(this, step), &result, e) < 0)
			return err_prefix(e, "masked words, epoch %zu, rate %g (a lower one may help)", epoch, this->options->rate);
		outcome->steps = step + 1;
		outcome->tokens += (double)result.tokens;
		outcome->seconds = fit_now() - began;
		account(this, step + 1, result.loss, outcome);
		outcome->stopped = this->options->stop != NULL && this->options->stop(this->options->context);
		if (outcome->stopped)
			return 0;
	}
	return 0;
}

int pretrain_run(struct trainer *trainer, const struct trainer_text *texts, size_t count,
		 const struct pretrain_options *options, struct pretrain_outcome *outcome, struct err *e)
{
	struct pretraining this = {.trainer = trainer, .texts = texts, .count = count, .options = options};
	size_t longest = 0;
	int result = -1;
	*outcome = (struct pretrain_outcome){0};
	for (size_t i = 0; i < count; i++)
		longest = texts[i].length > longest ? texts[i].length : longest;
	this.each = (count + options->batch - 1) / options->batch;
	this.steps = options->epochs * this.each;
	this.order = calloc(count + 1, sizeof *this.order);
	this.batch = calloc(options->batch, sizeof *this.batch);
	this.in = calloc(options->batch * longest + 1, sizeof *this.in);
	this.out = calloc(options->batch * longest + 1, sizeof *this.out);
	if (this.order == NULL || this.batch == NULL || this.in == NULL || this.out == NULL)
		err_set(e, "out of memory");
	else
		result = steps_run(&this, outcome, e);
	free(this.order);
	free(this.batch);
	free(this.in);
	free(this.out);
	return result;
}
