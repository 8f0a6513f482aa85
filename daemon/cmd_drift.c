#include "daemon/cmd.h"
#include "daemon/config.h"
#include "daemon/drift_print.h"
#include "daemon/model_path.h"
#include "daemon/number.h"

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: bellwether drift [--db FILE] [--model DIR] [OPTIONS]\n"
	"\n"
	"How far the text that a daemon reads is from what its model was trained on: the\n"
	"lengths of texts, their word pieces, and what the model makes of them (its\n"
	"classes, and how sure it is), by week and by source, as population stability\n"
	"indices: below 0.1 stable, 0.1 to 0.25 watch, above shifted.  And the words of\n"
	"the newest week that the training never saw.\n"
	"\n"
	"`bellwether train` leaves in the model's directory what it trained on looks\n"
	"like (drift.json: no text).  For a model without it the newest week is held\n"
	"against the weeks before.\n"
	"\n"
	"  --db FILE         default: " CONFIG_DATABASE "\n"
	"  --model DIR       default: $BELLWETHER_MODEL, else the one in place\n"
	"  --weeks N         the newest with text (8)\n"
	"  --texts N         of a week at most, chosen by chance (2000)\n"
	"  --all             documents that no model was asked about, too\n"
	"  --words N         so many new words (20)\n"
	"  --json            an object a line: psi, jensen_shannon (distance), chance (what\n"
	"                    the index stays below by chance) and verdict of each measure\n"
	"  --device D --precision P --threads N    as for `bellwether score`\n"
	"\n"
	"Exit status: 0 ok, 1 reading failed, 2 wrong usage or model.\n";

struct options {
	struct classifier_options model;
	const char *database;
	unsigned long weeks, texts, words, threads;
	bool all, json;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "bellwether drift: %s \"%s\"\nbellwether drift --help says more\n", what, value);
	return EXIT_USAGE;
}

/* Returns an exit status, or -1 to go on. */
static int options_parse(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"db", required_argument, NULL, 'b'},	     {"model", required_argument, NULL, 'm'},
		{"weeks", required_argument, NULL, 'w'},     {"texts", required_argument, NULL, 't'},
		{"words", required_argument, NULL, 'o'},     {"all", no_argument, NULL, 'a'},
		{"json", no_argument, NULL, 'j'},	     {"device", required_argument, NULL, 'd'},
		{"precision", required_argument, NULL, 'p'}, {"threads", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},	     {NULL, 0, NULL, 0},
	};
	*out = (struct options){.model = {.device = "auto", .precision = "auto"}, .database = CONFIG_DATABASE, .weeks = 8,
				.texts = 2000, .words = 20};
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		bool usable = true;
		switch (c) {
		case 'b': out->database = optarg; break;
		case 'm': out->model.path = optarg; break;
		case 'a': out->all = true; break;
		case 'j': out->json = true; break;
		case 'd': out->model.device = optarg; break;
		case 'p': out->model.precision = optarg; break;
		case 'w': usable = number_parse(optarg, 1, 1000, &out->weeks); break;
		case 't': usable = number_parse(optarg, 1, 10000000, &out->texts); break;
		case 'o': usable = number_parse(optarg, 0, 10000, &out->words); break;
		case 'n': usable = number_parse(optarg, 0, INT_MAX, &out->threads); break;
		case 'h': fputs(help, stdout); return EXIT_OK;
		case ':': return usage_error("a value is missing after", argv[optind - 1]);
		default: return usage_error("unknown option", argv[optind - 1]);
		}
		if (!usable)
			return usage_error("a number within its bounds was expected, not", optarg);
	}
	out->model.threads = (int)out->threads;
	return optind < argc ? usage_error("unexpected", argv[optind]) : -1;
}

struct job {
	const struct options *options;
	char model[4096];
	struct classifier *classifier;
	struct tokenizer *tokenizer;
	struct drift_profile trained;
	bool has_trained;
	struct drift_live live;
};

/* The model, and what it says of its training text. */
static int model_open(struct job *job, struct err *e)
{
	char path[4200];
	struct classifier_options model = job->options->model;
	if (model_path_find(model.path, job->model, sizeof job->model, e) < 0)
		return -1;
	model.path = job->model;
	job->classifier = classifier_open(&model, e);
	job->tokenizer = job->classifier != NULL ? tokenizer_open_model(job->model, e) : NULL;
	if (job->tokenizer == NULL)
		return -1;
	snprintf(path, sizeof path, "%s/drift.json", job->model);
	if (access(path, F_OK) < 0)
		return 0;
	job->has_trained = drift_profile_read(&job->trained, path, job->tokenizer,
					      classifier_get_info(job->classifier)->topic_count, e) == 0;
	return job->has_trained ? 0 : -1;
}

static void show_progress(void *context, size_t done, size_t all)
{
	(void)context;
	fprintf(stderr, "\r%zu of %zu texts", done, all);
	if (done >= all)
		fputs("\r\033[K", stderr);
	fflush(stderr);
}

static int report(struct job *job, struct err *e)
{
	const struct options *options = job->options;
	const struct drift_live_options how = {
		.database = options->database,
		.weeks = options->weeks,
		.texts = options->texts,
		.all = options->all,
		.tokenizer = job->tokenizer,
		.classifier = job->classifier,
		.before = job->has_trained ? &job->trained : NULL,
		.progress = isatty(STDERR_FILENO) ? show_progress : NULL,
	};
	if (drift_live_read(&job->live, &how, e) < 0)
		return -1;
	const struct drift_view view = {
		.live = &job->live,
		.before = job->has_trained ? &job->trained : &job->live.earlier,
		.model = classifier_get_info(job->classifier)->version,
		.trained = job->has_trained,
		.words = options->words,
	};
	return options->json ? drift_print_json(&view, e) : drift_print_text(&view, e);
}

int cmd_drift(int argc, char **argv)
{
	struct err e = {0};
	struct options options;
	int status = options_parse(argc, argv, &options);
	if (status >= 0)
		return status;
	struct job job = {.options = &options};
	if (model_open(&job, &e) < 0)
		status = EXIT_USAGE;
	else
		status = report(&job, &e) < 0 ? EXIT_FAILED : EXIT_OK;
	if (status != EXIT_OK)
		fprintf(stderr, "bellwether drift: %s\n", e.text);
	drift_live_clear(&job.live);
	if (job.has_trained)
		drift_profile_close(&job.trained);
	tokenizer_free(job.tokenizer);
	classifier_close(job.classifier);
	return status;
}
