#include "daemon/train_job.h"

#include "daemon/base/check.h"
#include "daemon/base/hash.h"
#include "daemon/interrupt.h"
#include "daemon/train_answers.h"
#include "daemon/train_drift.h"
#include "daemon/train_plot.h"
#include "daemon/train_pretrain.h"
#include "daemon/train_prune.h"
#include "daemon/train_record.h"
#include "model/classifier.h"
#include "model/train/export.h"
#include "model/train/params.h"
#include "model/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * All that may be wrong with what the user gave is looked for before the first
 * step.  While the run goes on, its checkpoint and metrics.csv lie in
 * OUT.training; OUT itself appears when the model is complete and was opened
 * once as `score` would open it.
 */
static volatile sig_atomic_t asked_to_stop;

static void stop_ask(int number)
{
	(void)number;
	asked_to_stop = 1;
}

static bool stop_asked(void *context)
{
	(void)context;
	return asked_to_stop != 0;
}

/* What was set to be ignored (nohup) stays so. */
static void signals_catch(void (*handler)(int))
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct sigaction action;
		if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaction(signals[i], &(struct sigaction){.sa_handler = handler}, NULL);
	}
}

static struct train_progress *telling; /* there is one run at a time */

static void warn(const char *text)
{
	char line[1100];
	snprintf(line, sizeof line, "warning: %s", text);
	train_progress_say(telling, line);
}

static void say(const char *line)
{
	train_progress_say(telling, line);
}

struct train_job train_job_make(double part)
{
	return (struct train_job){.work_fd = -1, .progress = train_progress_make(), .data.warn = warn, .part = part};
}

static void look(void *context, const struct fit_event *event)
{
	train_progress_show(context, event);
}

/* Of a trial the line on a terminal alone: what came of it is told as a whole. */
static void look_on(void *context, const struct fit_event *event)
{
	if (event->kind == FIT_STEP || event->kind == FIT_NOT_SAVED || event->kind == FIT_UNMEASURED)
		train_progress_show(context, event);
}

static struct trainer_options trainer_options_make(const struct train_job *job)
{
	const struct train_options *options = &job->options;
	struct trainer_options how = trainer_defaults();
	how.precision = options->precision;
	how.threads = job->threads;
	how.batch_tokens = (size_t)options->batch_tokens;
	how.longest = job->data.longest;
	how.dropout = options->dropout;
	how.smoothing = options->smoothing;
	how.decay = options->decay;
	how.clip = options->clip;
	how.average = options->average;
	how.seed = (uint64_t)options->seed;
	train_answers_weigh(options, &how);
	return how;
}

static int trainer_make(struct train_job *job, struct err *e)
{
	const struct train_options *options = &job->options;
	struct layout layout;
	float *weights = NULL;
	job->threads = options->threads > 0 ? (size_t)options->threads : workers_default();
	struct trainer_options how = trainer_options_make(job);
	if (options->relations > 0 || options->hidden > 0) {
		CHECK(job->data.teachers.count == 1);
		how.teacher = job->teacher = train_teacher_trainer(job->data.teachers.list, &how, e);
		how.relations = options->relations;
		how.states = options->hidden;
		if (job->teacher == NULL)
			return -1;
	}
	if (layout_make(&layout, &job->data.base, job->data.topics.count, job->data.sources.count, e) < 0)
		return -1;
	if (strcmp(options->class_weights, "balanced") == 0) {
		weights = xcalloc(layout.outputs, sizeof *weights);
		train_data_balance(&job->data, weights);
		how.weights = weights;
	}
	job->trainer = trainer_open(&layout, &how, e);
	free(weights);
	if (job->trainer == NULL)
		return -1;
	bool drew;
	const struct params_fresh fresh = {.polarity = job->data.fresh_polarity, .topic = job->data.fresh_topic,
					   .seed = (uint64_t)options->seed, .layers = job->data.layers};
	if (params_read(trainer_layout(job->trainer), job->data.weights, &fresh, trainer_state(job->trainer).values, &drew, e) < 0)
		return -1;
	if (drew)
		warn("the base has no pooler: it starts anew (or take --pooling mean)");
	if (train_prune(&job->data, options, job->trainer, &how, say, e) < 0)
		return -1;
	trainer_restart(job->trainer);
	return train_answers_make(&job->data, options, &how, job->trainer, &job->answers, e);
}

/* OUT must be free and its place writable, and OUT.training there. */
static int places_prepare(struct train_job *job, struct err *e)
{
	const char *out = job->options.out;
	size_t length = strlen(out);
	while (length > 1 && out[length - 1] == '/')
		length--;
	if (snprintf(job->work, sizeof job->work, "%.*s.training", (int)length, out) >= (int)sizeof job->work)
		return err_set(e, "\"%s\" is no usable path", out);
	if (publish_begin(&job->publish, out, e) < 0)
		return -1;
	publish_abandon(&job->publish);
	if (mkdir(job->work, 0777) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s", job->work);
	job->work_fd = open(job->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (job->work_fd < 0)
		return err_sys(e, errno, "%s", job->work);
	if (flock(job->work_fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, "%s: another run is at work there", job->work);
	char checkpoint[4200];
	snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint", job->work);
	bool there = access(checkpoint, F_OK) == 0;
	if (there && !job->options.resume)
		return err_set(e, "%s holds an unfinished run: --resume goes on with it; to begin anew remove it", job->work);
	if (!there && job->options.resume)
		warn("there is no checkpoint to resume from: the run begins at its start");
	return 0;
}

int train_job_look(struct train_job *job, uint64_t *hash, struct err *e)
{
	telling = &job->progress;
	if (train_data_open(&job->data, &job->options, e) < 0)
		return -1;
	const uint64_t all[] = {job->data.base_hash, job->data.teachers.hash, dataset_hash(&job->data.dataset),
				dataset_hash(&job->data.unlabelled), dataset_hash(&job->data.pretrain)};
	*hash = hash_bytes(0, all, sizeof all);
	return 0;
}

int train_job_open(struct train_job *job, struct err *e)
{
	uint64_t hash;
	if (train_job_look(job, &hash, e) < 0)
		return -1;
	char *text = train_options_describe(&job->options);
	job->fingerprint = hash_text(hash, text);
	free(text);
	return places_prepare(job, e) < 0 ? -1 : trainer_make(job, e);
}

static int fit(struct train_job *job, struct err *e)
{
	const struct train_options *options = &job->options;
	const struct dataset_split *split = &job->data.split;
	const struct fit_texts texts = {
		.texts = job->data.dataset.texts,
		.training = split->training, .training_count = split->training_count,
		.validation = split->validation, .validation_count = split->validation_count,
		.vary = job->data.vary,
	};
	struct fit_options how = {
		.epochs = (size_t)options->epochs,
		.batch = (size_t)options->batch,
		.part = job->part,
		.rate_count = options->rate_count,
		.warm_up = options->warm_up,
		.patience = (size_t)options->patience,
		.seed = (uint64_t)options->seed,
		.directory = job->work,
		.checkpoint_s = options->checkpoint_s,
		.fingerprint = job->fingerprint,
		.resume = options->resume,
		.look = job->part > 0 ? look_on : look,
		.stop = stop_asked,
		.context = &job->progress,
	};
	memcpy(how.rates, options->rates, sizeof how.rates);
	char line[300];
	snprintf(line, sizeof line, "%zu texts to learn from, %zu to validate; %zu threads; %zu topics%s", split->training_count,
		 split->validation_count, job->threads, job->data.topics.count,
		 job->data.fresh_topic ? " (a new head)" : "");
	if (job->part <= 0)
		train_progress_say(&job->progress, line);
	if (job->part <= 0 && job->data.corrections.cases.count > 0) {
		snprintf(line, sizeof line, "%zu of them the desk's corrections, each %zu times",
			 job->data.corrections.cases.count, job->data.corrections.times);
		train_progress_say(&job->progress, line);
	}
	signals_catch(stop_ask);
	int result = fit_run(job->trainer, &texts, &how, &job->outcome, e);
	signals_catch(SIG_DFL);
	job->calibration = (struct calibration){1, 1};
	if (result == 0 && !job->outcome.stopped && strcmp(options->calibrate, "yes") == 0)
		result = fit_calibrate(job->trainer, &texts, &job->outcome, &job->calibration, e);
	return result;
}

static int finish(struct train_job *job, struct err *e)
{
	const struct train_options *options = &job->options;
	struct publish *publish = &job->publish;
	const struct layout *layout = trainer_layout(job->trainer);
	const struct export_options how = {
		.base = options->base, .layout = layout, .values = job->outcome.values,
		.polarity_row = job->data.polarity_row, .topics = job->data.topics.names,
		.type = strcmp(options->dtype, "f16") == 0 ? "F16" : "F32", .program = "bellwether " BELLWETHER_VERSION,
	};
	struct train_record record = {
		.options = options, .data = &job->data, .outcome = &job->outcome, .calibration = job->calibration,
		.pretrained = &job->pretrained,
		.program = how.program,
		.fingerprint = job->fingerprint, .threads = job->threads,
		.parameters = params_count(layout),
		.kernels = trainer_kernels(job->trainer),
	};
	char path[4200];
	interrupt_block();
	if (publish_begin(publish, options->out, e) < 0)
		return -1;
	interrupt_guard(publish);
	bool measured = job->outcome.measured;
	if (export_model(&how, publish, e) < 0 || (measured && publish_copy(publish, job->work, "metrics.csv", e) < 0) ||
	    train_drift_write(job->trainer, job->outcome.values, &job->data, publish->path, publish->path, e) < 0)
		return -1;
	struct classifier *classifier = classifier_open(
		&(struct classifier_options){.path = publish->path, .device = "cpu", .precision = "fp32", .threads = 1}, e);
	if (classifier == NULL)
		return err_prefix(e, "the new model does not open");
	record.version = classifier_get_info(classifier)->version;
	snprintf(path, sizeof path, "%s/run.json", publish->path);
	int result = measured ? train_plot_write(publish->path, e) : 0;
	if (result == 0)
		result = train_record_write(&record, path, e);
	if (result == 0) {
		interrupt_hold();
		result = publish_finish(publish, e);
		interrupt_release();
	}
	if (result == 0)
		result = train_record_print(&record, e);
	classifier_close(classifier);
	return result;
}

static void work_remove(const struct train_job *job)
{
	static const char *const names[] = {"checkpoint", "checkpoint.new", "pretrained", "pretrained.new", "metrics.csv"};
	char path[4200];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", job->work, names[i]);
		unlink(path);
	}
	rmdir(job->work);
}

/* Without texts for it nothing is done. */
static int pretrain(struct train_job *job, struct err *e)
{
	const struct trainer_options how = trainer_options_make(job);
	const struct train_pretrain words = {.data = &job->data, .options = &job->options, .how = &how, .directory = job->work,
					     .fingerprint = job->fingerprint, .progress = &job->progress, .stop = stop_asked};
	if (job->options.pretrain == NULL)
		return 0;
	signals_catch(stop_ask);
	int result = train_pretrain_run(&words, job->trainer, &job->pretrained, e);
	signals_catch(SIG_DFL);
	if (result == 0 && job->pretrained.stopped)
		return err_set(e, "stopped while it learnt masked words, after step %zu; the same command begins them anew",
			       job->pretrained.steps);
	return result;
}

int train_job_run(struct train_job *job, struct err *e)
{
	if (pretrain(job, e) < 0 || fit(job, e) < 0)
		return -1;
	if (job->outcome.stopped)
		return err_set(e, "stopped after step %zu; the same command with --resume goes on", job->outcome.steps);
	if (finish(job, e) < 0)
		return -1;
	work_remove(job);
	return 0;
}

enum trial_end train_job_try(struct train_job *job, struct trial_result *result, struct err *e)
{
	char checkpoint[4200];
	train_options_set(&job->options, "calibrate", "no", NULL);
	snprintf(checkpoint, sizeof checkpoint, "%s.training/checkpoint", job->options.out);
	job->options.resume = access(checkpoint, F_OK) == 0;
	if (train_job_open(job, e) < 0)
		return TRIAL_IMPOSSIBLE;
	bool done = pretrain(job, e) == 0 && fit(job, e) == 0;
	if (asked_to_stop)
		return TRIAL_STOPPED;
	*result = (struct trial_result){job->outcome.figures, job->outcome.seconds};
	work_remove(job);
	return done ? TRIAL_DONE : TRIAL_FAILED;
}

void train_job_close(struct train_job *job)
{
	interrupt_hold();
	publish_abandon(&job->publish);
	interrupt_forget();
	interrupt_release();
	if (job->work_fd >= 0) {
		rmdir(job->work); /* where nothing was begun it is empty */
		close(job->work_fd);
	}
	fit_clear(&job->outcome);
	free(job->answers);
	trainer_close(job->trainer);
	trainer_close(job->teacher);
	train_data_close(&job->data);
	train_options_clear(&job->options);
}
