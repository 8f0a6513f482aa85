#include "daemon/base/check.h"
#include "daemon/cmd.h"
#include "daemon/eval_print.h"
#include "daemon/model_path.h"
#include "model/classifier.h"
#include "model/train/dataset.h"
#include "model/train/report.h"
#include "model/train/table.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* All of a file's rows are scored as `score` would score them, at the precision that is asked for, then counted. */
enum { BATCH = 256 };

static const char help[] =
	"usage: bellwether eval [--model DIR] --task polarity|topic [OPTIONS] FILE.tsv\n"
	"\n"
	"How well a model's answers agree with given labels: precision, recall and F1\n"
	"of each class, the confusion matrix, and how far probabilities can be believed\n"
	"(expected calibration error, 15 bins).\n"
	"\n"
	"FILE.tsv has tabs between its columns, and a first line that names them: `label`\n"
	"and `text` are read, others are not.\n"
	"\n"
	"  --model DIR       default: $BELLWETHER_MODEL, else the installed model\n"
	"  --task T          polarity (negative, neutral, positive) or topic (the model's)\n"
	"  --json            one JSON object\n"
	"  --bootstrap N     samples for the 95 % intervals (default 1000; 0: none)\n"
	"  --seed N          of those samples\n"
	"  --device D --precision P --threads N    as for `bellwether score`\n"
	"\n"
	"Exit status: 0 ok, 1 reading or writing failed, 2 wrong usage, model or file.\n";

struct options {
	struct classifier_options model;
	enum task task;
	const char *task_name, *file;
	bool json;
	unsigned long bootstrap, seed;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "bellwether eval: %s \"%s\"\nbellwether eval --help says more\n", what, value);
	return EXIT_USAGE;
}

static bool number_parse(const char *text, unsigned long most, unsigned long *out)
{
	char *end;
	errno = 0;
	*out = strtoul(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *out <= most;
}

static int options_finish(int argc, char **argv, struct options *out)
{
	if (out->task_name == NULL)
		return usage_error("--task is missing: polarity or topic, not", "");
	if (strcmp(out->task_name, "polarity") != 0 && strcmp(out->task_name, "topic") != 0)
		return usage_error("--task is polarity or topic, not", out->task_name);
	out->task = strcmp(out->task_name, "topic") == 0 ? TASK_TOPIC : TASK_POLARITY;
	if (optind == argc)
		return usage_error("the FILE.tsv is missing", "");
	if (optind + 1 < argc)
		return usage_error("one file at a time; unexpected:", argv[optind + 1]);
	out->file = argv[optind];
	return -1;
}

/* Returns an exit status, or -1 to go on. */
static int options_parse(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"model", required_argument, NULL, 'm'},     {"task", required_argument, NULL, 't'},
		{"json", no_argument, NULL, 'j'},	     {"bootstrap", required_argument, NULL, 'b'},
		{"seed", required_argument, NULL, 's'},	     {"device", required_argument, NULL, 'd'},
		{"precision", required_argument, NULL, 'p'}, {"threads", required_argument, NULL, 'n'},
		{"help", no_argument, NULL, 'h'},	     {NULL, 0, NULL, 0},
	};
	unsigned long threads;
	*out = (struct options){.model = {.device = "auto", .precision = "auto"}, .bootstrap = 1000};
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		switch (c) {
		case 'm': out->model.path = optarg; break;
		case 't': out->task_name = optarg; break;
		case 'j': out->json = true; break;
		case 'd': out->model.device = optarg; break;
		case 'p': out->model.precision = optarg; break;
		case 'b':
			if (!number_parse(optarg, 1000000, &out->bootstrap))
				return usage_error("--bootstrap takes a number up to 1000000, not", optarg);
			break;
		case 's':
			if (!number_parse(optarg, ULONG_MAX, &out->seed))
				return usage_error("--seed takes a number, not", optarg);
			break;
		case 'n':
			if (!number_parse(optarg, INT_MAX, &threads))
				return usage_error("--threads takes a number, not", optarg);
			out->model.threads = (int)threads;
			break;
		case 'h': fputs(help, stdout); return EXIT_OK;
		case ':': return usage_error("a value is missing after", argv[optind - 1]);
		default: return usage_error("unknown option", argv[optind - 1]);
		}
	}
	return options_finish(argc, argv, out);
}

static const char *const polarities[3] = {"negative", "neutral", "positive"};

struct evaluation {
	const struct options *options;
	struct classifier *classifier;
	const char *const *names;
	size_t classes;
	struct table table;
	int *truth;
	float *logits; /* [rows, classes] */
	struct report report;
};

/* What the user gave: whose faults are wrong usage. */
static int inputs_open(struct evaluation *this, char path[4096], struct err *e)
{
	struct classifier_options model = this->options->model;
	if (table_read(&this->table, this->options->file, NULL, e) < 0 ||
	    model_path_find(model.path, path, 4096, e) < 0)
		return -1;
	model.path = path;
	this->classifier = classifier_open(&model, e);
	if (this->classifier == NULL)
		return -1;
	const struct classifier_info *info = classifier_get_info(this->classifier);
	bool topic = this->options->task == TASK_TOPIC;
	if (topic && info->topic_count == 0)
		return err_set(e, "%s: the model has no topic head", path);
	this->names = topic ? info->topics : polarities;
	this->classes = topic ? info->topic_count : 3;
	return 0;
}

static int truth_find(struct evaluation *this, struct err *e)
{
	const struct labels topics = {.names = (char **)(uintptr_t)this->names, .count = this->classes};
	this->truth = xcalloc(this->table.count, sizeof *this->truth);
	for (size_t i = 0; i < this->table.count; i++) {
		const struct table_row *row = &this->table.rows[i];
		this->truth[i] = this->options->task == TASK_TOPIC ? labels_find(&topics, row->label, row->label_length)
								   : polarity_find(row->label, row->label_length);
		if (this->truth[i] < 0)
			return err_set(e, "%s:%zu: unknown label \"%.*s\": the model's are %s, %s%s", this->table.path, row->line,
				       (int)row->label_length, row->label, this->names[0],
				       this->classes > 1 ? this->names[1] : "", this->classes > 2 ? ", ..." : "");
	}
	return 0;
}

/* classifier_run scores at most BATCH rows into the logits of the task. */
static int rows_score(struct evaluation *this, struct err *e)
{
	bool topic = this->options->task == TASK_TOPIC;
	size_t topics = classifier_get_info(this->classifier)->topic_count;
	struct text texts[BATCH];
	struct score scores[BATCH];
	float *topic_logits = xcalloc(BATCH, (topics + 1) * sizeof *topic_logits);
	int result = 0;
	this->logits = xcalloc(this->table.count, this->classes * sizeof *this->logits);
	for (size_t first = 0, count; first < this->table.count && result == 0; first += count) {
		count = this->table.count - first < BATCH ? this->table.count - first : BATCH;
		for (size_t i = 0; i < count; i++)
			texts[i] = (struct text){this->table.rows[first + i].text, this->table.rows[first + i].text_length};
		result = classifier_run(this->classifier, texts, count, scores, topic_logits, e);
		for (size_t i = 0; i < count && result == 0; i++)
			memcpy(this->logits + (first + i) * this->classes,
			       topic ? topic_logits + i * topics : scores[i].polarity_logits,
			       this->classes * sizeof *this->logits);
	}
	free(topic_logits);
	return result;
}

static int evaluate(struct evaluation *this, struct err *e)
{
	const struct options *options = this->options;
	if (rows_score(this, e) < 0 || report_make(&this->report, this->truth, this->logits, this->classes,
						   this->table.count, this->classes, e) < 0)
		return -1;
	if (options->bootstrap > 0 && report_bootstrap(&this->report, options->bootstrap, options->seed, e) < 0)
		return -1;
	const struct eval_view view = {.report = &this->report, .names = this->names, .task = options->task_name,
				       .model = classifier_get_info(this->classifier)->version};
	return options->json ? eval_print_json(&view, stdout, e) : eval_print_text(&view, stdout, e);
}

int cmd_eval(int argc, char **argv)
{
	struct err e = {0};
	char path[4096];
	struct options options;
	int status = options_parse(argc, argv, &options);
	if (status >= 0)
		return status;

	struct evaluation this = {.options = &options};
	if (inputs_open(&this, path, &e) < 0 || truth_find(&this, &e) < 0)
		status = EXIT_USAGE;
	else
		status = evaluate(&this, &e) == 0 ? EXIT_OK : EXIT_FAILED;
	if (status != EXIT_OK)
		fprintf(stderr, "bellwether eval: %s\n", e.text);
	if (status != EXIT_USAGE && this.table.empty > 0)
		fprintf(stderr, "bellwether eval: %s: %zu rows without a text were left out\n", options.file, this.table.empty);
	report_clear(&this.report);
	free(this.truth);
	free(this.logits);
	table_clear(&this.table);
	classifier_close(this.classifier);
	return status;
}
