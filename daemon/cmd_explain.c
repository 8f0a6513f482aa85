#include "daemon/base/check.h"
#include "daemon/base/item.h"
#include "daemon/cmd.h"
#include "daemon/explain_format.h"
#include "daemon/explain_page.h"
#include "daemon/line_batch.h"
#include "daemon/model_path.h"
#include "daemon/number.h"
#include "model/train/explain.h"
#include "model/workers.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lines in, explanations out, in batches as for `score`; each text is one thread's. */
enum { BATCH_LINES = 32, THREADS_MOST = 256 };

static const char help[] =
	"usage: bellwether explain [OPTIONS] < TEXTS\n"
	"\n"
	"How much each word of a line of standard input speaks for the polarity that the\n"
	"model gives it: one JSON object a line.  Weights are changes of the class's\n"
	"log-odds: above zero for it, below zero against it.\n"
	"\n"
	"  --model DIR       a Hugging Face directory, as for `bellwether score`\n"
	"  --html FILE       also write a page: words shaded by weight, probabilities, and\n"
	"                    what each attention head looks at (of the first 50 texts)\n"
	"  --topic           explain the topic, not the polarity\n"
	"  --class NAME      explain this class, not the most probable one\n"
	"  --method M        auto (the default): leave-out up to 100 words, integrated above;\n"
	"                    leave-out: what is lost without a word; where several words\n"
	"                    say the same, none of them is missed much;\n"
	"                    integrated: integrated gradients, weights that add up to\n"
	"                    log_odds - base; gradient: gradient x (input - baseline);\n"
	"                    rollout, attention: how much a word is read (shares of 1)\n"
	"  --baseline B      what gradients compare words with: pad (the default), mask,\n"
	"                    or zero\n"
	"  --steps N         of the integral, 1 to 512 (default 32)\n"
	"  --threads N       0 (the default): one per CPU\n"
	"\n"
	"\"attention\" is a word's share of the attention roll-out, \"start\" and \"end\" its\n"
	"place in the line, in characters.  \"truncated\": the model read only a part.  A\n"
	"text in a script that the model was not trained for has polarity null and no words.\n"
	"\n"
	"Exit status: 0 ok, 1 reading or writing failed, 2 wrong usage or model.\n";

struct options {
	struct explain_options how;
	bool topic;
	const char *class, *page;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "bellwether explain: %s \"%s\"\nbellwether explain --help says more\n", what, value);
	return EXIT_USAGE;
}

/* The place of a word among names, or -1. */
static int name_find(const char *const *names, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], word) == 0)
			return (int)i;
	return -1;
}

/* `word` is what stood on the command line. */
static int option_take(int option, const char *word, struct options *out)
{
	unsigned long number;
	int found;
	switch (option) {
	case 'm': out->how.path = optarg; return -1;
	case 'w': out->page = optarg; return -1;
	case 'o': out->topic = true; return -1;
	case 'c': out->class = optarg; return -1;
	case 'k':
		found = name_find(explain_methods, EXPLAIN_METHODS, optarg);
		out->how.method = (enum explain_method)found;
		return found >= 0 ? -1 : usage_error("--method is auto, leave-out, integrated, gradient, rollout or attention, not", optarg);
	case 'b':
		found = name_find(explain_baselines, EXPLAIN_BASELINES, optarg);
		out->how.baseline = (enum explain_baseline)found;
		return found >= 0 ? -1 : usage_error("--baseline is pad, mask or zero, not", optarg);
	case 's':
		if (!number_parse(optarg, 1, EXPLAIN_STEPS_MOST, &number))
			return usage_error("--steps takes a number from 1 to 512, not", optarg);
		out->how.steps = number;
		return -1;
	case 't':
		if (!number_parse(optarg, 0, THREADS_MOST, &number))
			return usage_error("--threads takes a number from 0 to 256, not", optarg);
		out->how.threads = number;
		return -1;
	case 'h': fputs(help, stdout); return EXIT_OK;
	case ':': return usage_error("a value is missing after", word);
	default: return usage_error("unknown option", word);
	}
}

/* Returns an exit status, or -1 to go on. */
static int options_parse(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"model", required_argument, NULL, 'm'},    {"html", required_argument, NULL, 'w'},
		{"topic", no_argument, NULL, 'o'},	    {"class", required_argument, NULL, 'c'},
		{"method", required_argument, NULL, 'k'},   {"baseline", required_argument, NULL, 'b'},
		{"steps", required_argument, NULL, 's'},    {"threads", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},	    {NULL, 0, NULL, 0},
	};
	*out = (struct options){.how = {.method = EXPLAIN_AUTO, .baseline = EXPLAIN_PAD, .steps = EXPLAIN_STEPS}};
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		int status = option_take(c, argv[optind - 1], out);
		if (status >= 0)
			return status;
	}
	return optind < argc ? usage_error("texts come from standard input; unexpected:", argv[optind]) : -1;
}

struct job {
	const struct options *options;
	struct explainer *explainer;
	struct explain_view view;
	struct explain_question question;
	struct explain_page *page; /* or NULL */
};

static int class_find(struct job *job, struct err *e)
{
	const struct explain_view *view = &job->view;
	const char *wanted = job->options->class;
	char known[512];
	size_t used = 0, count = explain_class_count(view);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(explain_class_name(view, i), wanted) == 0) {
			job->question.class = (int)i;
			return 0;
		}
		if (used < sizeof known)
			used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ",
						 explain_class_name(view, i));
	}
	return err_set(e, "--class \"%s\": the model's %s are %s%s", wanted, view->topic ? "topics" : "polarities", known,
		       used < sizeof known ? "" : " ...");
}

/* What the user gave: whose faults are wrong usage. */
static int job_open(struct job *job, struct err *e)
{
	const struct options *options = job->options;
	struct explain_options how = options->how;
	char path[4096];
	if (model_path_find(how.path, path, sizeof path, e) < 0)
		return -1;
	how.path = path;
	how.threads = how.threads > 0 ? how.threads : workers_default();
	job->explainer = explainer_open(&how, e);
	if (job->explainer == NULL)
		return -1;
	job->view = (struct explain_view){.info = explainer_get_info(job->explainer), .method = how.method,
					  .baseline = how.baseline, .topic = options->topic};
	job->question = (struct explain_question){.topic = options->topic, .class = -1};
	if (options->topic && job->view.info->topic_count == 0)
		return err_set(e, "%s: the model has no topic head", path);
	if (options->class != NULL && class_find(job, e) < 0)
		return -1;
	if (options->page != NULL)
		job->page = explain_page_open(options->page, &job->view, e);
	return options->page == NULL || job->page != NULL ? 0 : -1;
}

static int batch_explain(struct job *job, const struct line_batch *batch, struct err *e)
{
	struct explanation explanations[BATCH_LINES];
	job->question.picture = job->page != NULL && explain_page_wants_picture(job->page);
	int result = explainer_run(job->explainer, &job->question, batch->texts, batch->count, explanations, e);
	for (size_t i = 0; i < batch->count; i++) {
		if (result == 0)
			explain_format_write(&job->view, &batch->texts[i], &explanations[i], stdout);
		if (result == 0 && job->page != NULL)
			explain_page_add(job->page, &batch->texts[i], &explanations[i]);
		explanation_clear(&explanations[i]);
	}
	if (result == 0 && fflush(stdout) != 0)
		return err_sys(e, errno, "cannot write");
	return result;
}

static int stream_explain(struct job *job, struct err *e)
{
	struct line_batch batch;
	struct lines *lines = lines_open(STDIN_FILENO);
	int result;
	line_batch_open(&batch, BATCH_LINES);
	while ((result = line_batch_read(&batch, lines, e)) == 0 && batch.count > 0)
		if ((result = batch_explain(job, &batch, e)) < 0)
			break;
	line_batch_close(&batch);
	lines_close(lines);
	return result;
}

int cmd_explain(int argc, char **argv)
{
	struct err e = {0}, page_error = {0};
	struct options options;
	struct job job = {.options = &options};
	int status = options_parse(argc, argv, &options);
	if (status >= 0)
		return status;
	if (job_open(&job, &e) < 0)
		status = EXIT_USAGE;
	else
		status = stream_explain(&job, &e) == 0 ? EXIT_OK : EXIT_FAILED;
	if (job.page != NULL && explain_page_close(job.page, &page_error) < 0 && status == EXIT_OK) {
		e = page_error;
		status = EXIT_FAILED;
	}
	if (status != EXIT_OK)
		fprintf(stderr, "bellwether explain: %s\n", e.text);
	explainer_close(job.explainer);
	return status;
}
