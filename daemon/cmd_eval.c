#include "daemon/base/check.h"
#include "daemon/cmd.h"
#include "daemon/eval_options.h"
#include "daemon/eval_print.h"
#include "daemon/model_path.h"
#include "model/train/table.h"

#include <stdlib.h>

/* Every row is scored once; the report and whatever else was asked for count the same answers. */
struct evaluation {
	const struct eval_options *options;
	struct eval_model model;
	struct table table;
	struct text *texts;
	int *truth, *answers;
	float *logits; /* [rows, classes] */
	struct report report;
	struct eval_groups groups;
	struct eval_against against;
	struct eval_noises noises;
};

/* What the user gave: whose faults are wrong usage. */
static int inputs_open(struct evaluation *this, struct err *e)
{
	char path[4096];
	const struct eval_options *options = this->options;
	struct classifier_options model = options->model;
	if (table_read(&this->table, options->file, options->by, e) < 0 || model_path_find(model.path, path, sizeof path, e) < 0)
		return -1;
	model.path = path;
	if (eval_model_open(&this->model, &model, options->task, e) < 0)
		return -1;
	model.path = options->against;
	return options->against != NULL ? eval_against_open(&this->against, &this->model, &model, e) : 0;
}

static int truth_find(struct evaluation *this, struct err *e)
{
	const char *const *names = this->model.names;
	size_t classes = this->model.classes;
	const struct labels topics = {.names = (char **)(uintptr_t)names, .count = classes};
	this->truth = xcalloc(this->table.count, sizeof *this->truth);
	this->texts = xcalloc(this->table.count, sizeof *this->texts);
	for (size_t i = 0; i < this->table.count; i++) {
		const struct table_row *row = &this->table.rows[i];
		this->texts[i] = (struct text){row->text, row->text_length};
		this->truth[i] = this->options->task == TASK_TOPIC ? labels_find(&topics, row->label, row->label_length)
								   : polarity_find(row->label, row->label_length);
		if (this->truth[i] < 0)
			return err_set(e, "%s:%zu: unknown label \"%.*s\": the model's are %s, %s%s", this->table.path, row->line,
				       (int)row->label_length, row->label, names[0], classes > 1 ? names[1] : "",
				       classes > 2 ? ", ..." : "");
	}
	return 0;
}

static int rows_score(struct evaluation *this, struct err *e)
{
	const struct eval_options *options = this->options;
	size_t rows = this->table.count, classes = this->model.classes;
	this->logits = xcalloc(rows, classes * sizeof *this->logits);
	this->answers = xcalloc(rows, sizeof *this->answers);
	if (eval_model_run(&this->model, this->texts, rows, this->logits, e) < 0 ||
	    report_make(&this->report, this->truth, this->logits, classes, rows, classes, e) < 0)
		return -1;
	eval_answers(this->logits, rows, classes, this->answers);
	return options->bootstrap > 0 ? report_bootstrap(&this->report, options->bootstrap, options->seed, e) : 0;
}

static int evaluate(struct evaluation *this, struct err *e)
{
	const struct eval_options *options = this->options;
	if (rows_score(this, e) < 0)
		return -1;
	const struct eval_rows rows = {.model = &this->model, .table = &this->table, .truth = this->truth,
				       .answers = this->answers, .logits = this->logits, .count = this->table.count,
				       .samples = options->bootstrap, .seed = options->seed};
	if ((options->by != NULL && eval_groups_make(&this->groups, &rows, e) < 0) ||
	    (options->against != NULL && eval_against_run(&this->against, &rows, this->texts, e) < 0) ||
	    (options->noise && eval_noises_run(&this->noises, &rows, e) < 0))
		return -1;
	const struct eval_view view = {
		.report = &this->report, .rows = &rows, .task = options->task_name,
		.model = classifier_get_info(this->model.classifier)->version, .by = options->by,
		.groups = options->by != NULL ? &this->groups : NULL,
		.against = options->against != NULL ? &this->against : NULL,
		.noises = options->noise ? &this->noises : NULL,
	};
	return options->json ? eval_print_json(&view, stdout, e) : eval_print_text(&view, stdout, e);
}

static void evaluation_close(struct evaluation *this)
{
	eval_groups_clear(&this->groups);
	eval_against_close(&this->against);
	report_clear(&this->report);
	free(this->texts);
	free(this->truth);
	free(this->answers);
	free(this->logits);
	table_clear(&this->table);
	eval_model_close(&this->model);
}

int cmd_eval(int argc, char **argv)
{
	struct err e = {0};
	struct eval_options options;
	int status = eval_options_parse(argc, argv, &options);
	if (status >= 0)
		return status;

	struct evaluation this = {.options = &options};
	if (inputs_open(&this, &e) < 0 || truth_find(&this, &e) < 0)
		status = EXIT_USAGE;
	else
		status = evaluate(&this, &e) == 0 ? EXIT_OK : EXIT_FAILED;
	if (status != EXIT_OK)
		fprintf(stderr, "bellwether eval: %s\n", e.text);
	if (status != EXIT_USAGE && this.table.empty > 0)
		fprintf(stderr, "bellwether eval: %s: %zu rows without a text were left out\n", options.file, this.table.empty);
	evaluation_close(&this);
	return status;
}
