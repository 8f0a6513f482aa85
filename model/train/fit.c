#include "model/train/fit_private.h"

#include "model/train/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * The order of an epoch and the rate of a step are functions of the seed and
 * the place, so that a run that is resumed does what it would have done.
 */
enum { SITE_ORDER = 0x0DE2, LINES_AN_EPOCH = 20, TRIAL_STEPS = 250 };

double fit_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double fit_seconds(const struct fit *fit)
{
	return fit->place.seconds + fit_now() - fit->began;
}

size_t fit_epoch_steps(const struct fit *fit)
{
	return (fit->texts->training_count + fit->options->batch - 1) / fit->options->batch;
}

static size_t trials(const struct fit *fit)
{
	return fit->options->rate_count > 1 ? fit->options->rate_count : 0;
}

bool fit_is_trial(const struct fit *fit)
{
	return fit->place.phase < trials(fit);
}

/* A trial is an epoch, or what tells rates apart of a long one. */
static size_t trial_steps(const struct fit *fit)
{
	size_t each = fit_epoch_steps(fit);
	return each < TRIAL_STEPS ? each : TRIAL_STEPS;
}

static size_t run_steps(const struct fit *fit)
{
	size_t all = fit->options->epochs * fit_epoch_steps(fit);
	double part = fit->options->part;
	return part > 0 && part < 1 ? (size_t)ceil((double)all * part) : all;
}

size_t fit_phase_steps(const struct fit *fit)
{
	return fit_is_trial(fit) ? trial_steps(fit) : run_steps(fit);
}

/* Up along a line and down to zero along another. */
static double rate_at(const struct fit *fit, size_t step)
{
	double steps = (double)fit_phase_steps(fit), warm = floor(steps * fit->options->warm_up), at = (double)step;
	if (at < warm)
		return fit->place.rate * (at + 1) / (warm + 1);
	return fit->place.rate * (steps - at) / (steps - warm);
}

static void order_make(struct fit *fit, size_t epoch)
{
	if (fit->order_epoch == epoch)
		return;
	memcpy(fit->order, fit->texts->training, fit->texts->training_count * sizeof *fit->order);
	struct random_stream stream = random_stream(fit->options->seed, SITE_ORDER, (uint32_t)epoch);
	random_shuffle(&stream, fit->order, fit->texts->training_count);
	fit->order_epoch = epoch;
}

static struct fit_event event_make(const struct fit *fit, enum fit_kind kind)
{
	const struct fit_place *place = &fit->place;
	size_t each = fit_epoch_steps(fit);
	return (struct fit_event){
		.kind = kind,
		.trial = fit_is_trial(fit),
		.rate = place->rate,
		.epoch = place->step == 0 ? 1 : (place->step - 1) / each + 1,
		.epochs = fit_is_trial(fit) ? 1 : fit->options->epochs,
		.step = place->step,
		.steps = fit_phase_steps(fit),
		.all = place->all,
		.all_steps = trials(fit) * trial_steps(fit) + run_steps(fit),
		.loss = place->loss_count > 0 ? place->loss_sum / (double)place->loss_count : 0,
		.tokens = fit->tokens,
		.seconds = fit_now() - fit->began,
	};
}

static void look(const struct fit *fit, const struct fit_event *event)
{
	if (fit->options->look != NULL)
		fit->options->look(fit->options->context, event);
}

void fit_tell(const struct fit *fit, enum fit_kind kind, const char *message)
{
	struct fit_event event = event_make(fit, kind);
	event.message = message;
	look(fit, &event);
}

static int step_run(struct fit *fit, struct trainer_result *result, double *rate, struct err *e)
{
	struct fit_place *place = &fit->place;
	size_t each = fit_epoch_steps(fit), batch = fit->options->batch;
	order_make(fit, place->step / each + 1);
	size_t first = place->step % each * batch, count = fit->texts->training_count - first;
	count = count < batch ? count : batch;
	for (size_t i = 0; i < count; i++) {
		uint32_t row = fit->order[first + i];
		fit->batch[i] = fit->texts->texts[row];
		if (fit->texts->vary != NULL)
			vary_text(fit->texts->vary, row, place->step / each + 1, first + i, i, &fit->batch[i]);
	}
	*rate = rate_at(fit, place->step);
	if (trainer_step(fit->trainer, fit->batch, count, *rate, result, e) < 0)
		return err_prefix(e, "epoch %zu, rate %g (a lower one may help)", (size_t)place->step / each + 1, place->rate);
	place->step++;
	place->all++;
	place->loss_sum += result->loss;
	place->loss_count++;
	place->epoch_loss += result->loss;
	fit->tokens += (double)result->tokens;
	struct fit_event event = event_make(fit, FIT_STEP);
	event.norm = result->norm;
	event.rate_now = *rate;
	look(fit, &event);
	return 0;
}

/* Is it better than the best?  Without rows to validate on every epoch is. */
static bool is_better(const struct fit *fit, const struct fit_figures *figures)
{
	const struct fit_figures *best = &fit->place.best_figures;
	if (fit->place.best_epoch == 0 || fit->texts->validation_count == 0)
		return true;
	if (figures->score != best->score)
		return figures->score > best->score;
	return figures->polarity.loss + figures->topic.loss < best->polarity.loss + best->topic.loss;
}

/* After an epoch: are its values the best? */
static int epoch_finish(struct fit *fit, const struct trainer_result *result, double rate, struct err *e)
{
	struct fit_place *place = &fit->place;
	struct fit_figures figures;
	struct trainer_state state = trainer_state(fit->trainer);
	if (fit_evaluate(fit->trainer, true, fit->texts->texts, fit->texts->validation, fit->texts->validation_count, &figures,
			 e) < 0)
		return -1;
	struct fit_event event = event_make(fit, FIT_EPOCH);
	event.loss = place->epoch_loss / (double)((place->step - 1) % fit_epoch_steps(fit) + 1);
	place->epoch_loss = 0;
	event.best = is_better(fit, &figures);
	place->worse = event.best ? 0 : place->worse + 1;
	if (event.best) {
		place->best_epoch = event.epoch;
		place->best_figures = figures;
		memcpy(fit->best, state.average != NULL ? state.average : state.values, state.count * sizeof *fit->best);
	}
	event.figures = &figures;
	event.norm = result->norm;
	event.rate_now = rate;
	look(fit, &event);
	fit_metrics_write(fit, result, rate, &figures);
	return 0;
}

static int phase_begin(struct fit *fit)
{
	struct fit_place *place = &fit->place;
	struct trainer_state state = trainer_state(fit->trainer);
	if (fit_is_trial(fit)) {
		place->rate = fit->options->rates[place->phase];
	} else {
		size_t best = 0;
		for (size_t i = 1; i < fit->options->rate_count; i++)
			best = place->scores[i] > place->scores[best] ? i : best;
		place->rate = fit->options->rates[best];
	}
	place->step = place->best_epoch = place->worse = place->loss_count = 0;
	place->loss_sum = place->epoch_loss = 0;
	fit->order_epoch = 0;
	memcpy(state.values, fit->start, state.count * sizeof *fit->start);
	trainer_restart(fit->trainer);
	return 0;
}

/* A checkpoint that cannot be written is no reason to lose the run. */
static void save_if_due(struct fit *fit)
{
	struct err e = {0};
	if (fit_now() - fit->saved_at < fit->options->checkpoint_s)
		return;
	bool saved = fit_save(fit, &e) == 0;
	fit_tell(fit, saved ? FIT_SAVED : FIT_NOT_SAVED, e.text);
	fit->saved_at = fit_now();
}

/* 1: stopped from outside. */
static int phase_run(struct fit *fit, struct err *e)
{
	struct fit_place *place = &fit->place;
	size_t each = fit_epoch_steps(fit), line = each > LINES_AN_EPOCH ? each / LINES_AN_EPOCH : 1;
	while (place->step < fit_phase_steps(fit)) {
		struct trainer_result result;
		double rate;
		if (step_run(fit, &result, &rate, e) < 0)
			return -1;
		bool whole = place->step % each == 0 || place->step == fit_phase_steps(fit);
		if (whole && epoch_finish(fit, &result, rate, e) < 0)
			return -1;
		if (!whole && place->step % line == 0)
			fit_metrics_write(fit, &result, rate, NULL);
		if (whole && fit->options->patience > 0 && place->worse >= fit->options->patience && !fit_is_trial(fit)) {
			fit_tell(fit, FIT_STOPPED_EARLY, NULL);
			return 0;
		}
		if (fit->options->stop != NULL && fit->options->stop(fit->options->context))
			return fit_save(fit, e) < 0 ? -1 : 1;
		save_if_due(fit);
	}
	return 0;
}

/* 1: stopped from outside. */
static int phases_run(struct fit *fit, bool resumed, struct err *e)
{
	struct fit_place *place = &fit->place;
	for (bool fresh = !resumed; place->phase <= trials(fit); fresh = true) {
		if (fresh)
			phase_begin(fit);
		int result = phase_run(fit, e);
		if (result != 0)
			return result;
		if (!fit_is_trial(fit))
			return 0;
		place->scores[place->phase] = place->best_figures.score;
		struct fit_event event = event_make(fit, FIT_TRIED);
		event.figures = &place->best_figures;
		look(fit, &event);
		place->phase++;
	}
	return 0;
}

static int fit_open(struct fit *fit, struct err *e)
{
	struct trainer_state state = trainer_state(fit->trainer);
	fit->start = malloc(state.count * sizeof *fit->start);
	fit->best = calloc(state.count, sizeof *fit->best);
	fit->order = calloc(fit->texts->training_count + 1, sizeof *fit->order);
	fit->batch = calloc(fit->options->batch, sizeof *fit->batch);
	if (fit->start == NULL || fit->best == NULL || fit->order == NULL || fit->batch == NULL)
		return err_set(e, "out of memory");
	memcpy(fit->start, state.values, state.count * sizeof *fit->start);
	return 0;
}

static void fit_close(struct fit *fit)
{
	free(fit->start);
	free(fit->best);
	free(fit->order);
	free(fit->batch);
	if (fit->metrics != NULL)
		fclose(fit->metrics);
}

int fit_run(struct trainer *trainer, const struct fit_texts *texts, const struct fit_options *options,
	    struct fit_outcome *outcome, struct err *e)
{
	struct fit fit = {.trainer = trainer, .texts = texts, .options = options, .began = fit_now()};
	int restored = 0, result = -1;
	*outcome = (struct fit_outcome){0};
	fit.saved_at = fit.began;
	if (fit_open(&fit, e) < 0 || (options->resume && (restored = fit_restore(&fit, e)) < 0))
		goto done;
	fit_metrics_open(&fit);
	result = phases_run(&fit, restored == 1, e);
	*outcome = (struct fit_outcome){
		.figures = fit.place.best_figures,
		.rate = fit.place.rate,
		.epoch = fit.place.best_epoch,
		.steps = fit.place.step,
		.seconds = fit_seconds(&fit),
		.tokens = fit.place.tokens + fit.tokens,
		.stopped = result == 1,
		.resumed = restored == 1,
		.measured = fit.metrics != NULL,
	};
	if (result == 0) {
		outcome->values = outcome->block = fit.best;
		fit.best = NULL;
	}
done:
	fit_close(&fit);
	return result < 0 ? -1 : 0;
}

void fit_clear(struct fit_outcome *outcome)
{
	free(outcome->block);
	*outcome = (struct fit_outcome){0};
}
