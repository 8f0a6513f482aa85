#include "daemon/cmd.h"
#include "daemon/train_job.h"
#include "daemon/train_options.h"
#include "daemon/train_progress.h"
#include "daemon/train_search.h"

#include <stdio.h>

/* A run of training, or a search of many. */
static const char usage_text[] =
	"usage: bellwether train --base DIR [--polarity F.tsv] [--topic F.tsv] [--db FILE]\n"
	"                        --out DIR [OPTIONS]\n"
	"       bellwether train --config RECIPE.yaml [OPTIONS]\n"
	"       bellwether train --config RECIPE.yaml --search SPACE.yaml [--trials N]\n"
	"\n"
	"Fine-tunes a BERT on labelled texts: polarity, topics of your own naming, or\n"
	"both at once.  Files have tabs between their columns and a first line that names\n"
	"them: `label` and `text` are read, others are not.  A recipe holds the options\n"
	"below as keys (epochs: 4).  With --db the desk's corrections (`bellwether\n"
	"label`) are learnt as well.\n"
	"\n";
static const char help_end[] =
	"\n"
	"OUT is a Hugging Face directory that `bellwether score --model` takes, with\n"
	"metrics.csv and a picture of it (metrics.svg), run.json and drift.json (what its\n"
	"text looks like, for `bellwether drift`) in it.  Until it is complete\n"
	"OUT.training holds the checkpoint; SIGINT and SIGTERM save one and end the run.\n"
	"\n"
	"A search draws N recipes from a space, which names keys with lists or ranges\n"
	"(lr: {min: 1e-5, max: 1e-3, log: true}), trains each a little and the best third\n"
	"further, three times.  OUT has trials.csv then, and best.yaml for --config.\n"
	"\n"
	"Exit status: 0 ok, 1 training or writing failed or was stopped, 2 wrong usage,\n"
	"base or rows.\n";

/* What the trials of a search share. */
struct trials {
	struct train_progress progress;
	bool warned; /* each would warn of the same */
};

static void trial_say(void *context, const char *text)
{
	struct trials *trials = context;
	train_progress_say(&trials->progress, text);
}

static void warn_not(const char *text)
{
	(void)text;
}

/* A job that warns of what no other one has warned of. */
static struct train_job job_make(struct trials *trials, const struct train_options *options, double part)
{
	struct train_job job = train_job_make(part);
	if (trials->warned)
		job.data.warn = warn_not;
	trials->warned = true;
	train_options_copy(&job.options, options);
	return job;
}

static int data_look(void *context, const struct train_options *options, uint64_t *hash, struct err *e)
{
	struct train_job job = job_make(context, options, 0);
	int result = train_job_look(&job, hash, e);
	train_job_close(&job);
	return result;
}

static enum trial_end trial_run(void *context, const struct train_options *options, double part, struct trial_result *result,
				struct err *e)
{
	struct trials *trials = context;
	struct train_job job = job_make(trials, options, part);
	enum trial_end end = train_job_try(&job, result, e);
	trials->progress.standing = job.progress.standing;
	train_job_close(&job);
	return end;
}

static int search(const struct train_options *options)
{
	struct err e = {0};
	struct trials trials = {.progress = train_progress_make()};
	const struct train_search how = {.look = data_look, .run = trial_run, .say = trial_say, .context = &trials};
	enum search_end end = train_search_run(&how, options, &e);
	if (end == SEARCH_STOPPED)
		err_set(&e, "stopped; the same command with --resume goes on");
	if (end != SEARCH_DONE)
		train_progress_say(&trials.progress, e.text);
	return end == SEARCH_DONE ? EXIT_OK : end == SEARCH_WRONG ? EXIT_USAGE : EXIT_FAILED;
}

static int train(struct train_job *job)
{
	struct err e = {0};
	int status = EXIT_OK;
	if (train_job_open(job, &e) < 0)
		status = EXIT_USAGE;
	else if (train_job_run(job, &e) < 0)
		status = EXIT_FAILED;
	if (status != EXIT_OK)
		train_progress_say(&job->progress, e.text);
	return status;
}

int cmd_train(int argc, char **argv)
{
	struct err e = {0};
	struct train_job job = train_job_make(0);
	int status = EXIT_OK;
	if (train_options_parse(&job.options, argc, argv, &e) < 0) {
		fprintf(stderr, "bellwether train: %s\nbellwether train --help says more\n", e.text);
		train_options_clear(&job.options);
		return EXIT_USAGE;
	}
	if (job.options.help) {
		fputs(usage_text, stdout);
		train_options_help(stdout);
		fputs(help_end, stdout);
	} else {
		status = job.options.search != NULL ? search(&job.options) : train(&job);
	}
	train_job_close(&job);
	return status;
}
