/* What is tested is the copy that is put in place, so that nothing can change between the two. */
#include "daemon/model_promote.h"

#include "daemon/base/clock.h"
#include "daemon/base/utf8.h"
#include "daemon/config.h"
#include "daemon/interrupt.h"
#include "daemon/model_cases.h"
#include "daemon/model_figures.h"
#include "daemon/model_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN = 100, SHOWN_CASES = 20 }; /* bytes of a text; of the cases that are answered wrongly */

struct job {
	const struct model_promote_options *options;
	struct model_place place;
	struct corrections corrections;
	bool has_cases;
	struct publish publish;
	struct model_promotion promotion;
	struct classifier *classifier;
};

/* Without --db a machine may well have no daemon. */
static int cases_read(struct job *job, struct err *e)
{
	const char *database = job->options->database;
	if (database == NULL && access(CONFIG_DATABASE, R_OK) < 0) {
		fprintf(stderr, "bellwether model: no --db: no corrected case was looked at\n");
		return 0;
	}
	job->has_cases = true;
	return corrections_read(&job->corrections, database != NULL ? database : CONFIG_DATABASE, e);
}

/* Figures of another model would be believed of this one. */
static int figures_check(const struct job *job, struct err *e)
{
	struct model_figures figures;
	model_figures_read(&figures, job->publish.path);
	if (!figures.there) {
		fprintf(stderr, "bellwether model: %s has no run.json: its figures are not known\n", job->options->directory);
		return 0;
	}
	if (strcmp(figures.version, job->promotion.version) == 0)
		return 0;
	return err_set(e, "%s: run.json speaks of the model %s, and the files are the model %s: they were changed since, and its "
			  "figures are not theirs",
		       job->options->directory, figures.version, job->promotion.version);
}

static void wrong_print(void *context, const struct correction *correction, const struct score *score)
{
	size_t *left = context;
	if (*left == 0)
		return;
	(*left)--;
	const char *said = score->can_judge ? polarity_name((enum polarity)score_polarity(score)) : "nothing";
	fprintf(stderr, "wrong: document %lld is %s for the desk and %s for the model: ", (long long)correction->document,
		polarity_name(correction->polarity), said);
	utf8_print(stderr, correction->text, utf8_cut(correction->text, strlen(correction->text), SHOWN), ' ');
	fputc('\n', stderr);
}

static int cases_check(struct job *job, struct err *e)
{
	struct model_cases cases;
	size_t shown = SHOWN_CASES;
	if (!job->has_cases)
		return 0;
	if (model_cases_run(job->classifier, &job->corrections, wrong_print, &shown, &cases, e) < 0)
		return -1;
	size_t wrong = cases.cases - cases.right;
	job->promotion.cases = (long long)cases.cases;
	job->promotion.right = (long long)cases.right;
	if (wrong <= job->options->allow)
		return 0;
	return err_set(e, "%s: %zu of %zu corrected cases are answered wrongly, and %lu may be: `bellwether train --db` learns them, "
			  "--allow lets them pass",
		       job->options->directory, wrong, cases.cases, job->options->allow);
}

static int candidate_open(struct job *job, struct err *e)
{
	struct classifier_options model = job->options->model;
	char *from = realpath(job->options->directory, NULL);
	model.path = job->publish.path;
	snprintf(job->promotion.from, sizeof job->promotion.from, "%s", from != NULL ? from : job->options->directory);
	free(from);
	time_format_iso(clock_now_us(&wall_clock), job->promotion.promoted, sizeof job->promotion.promoted);
	job->classifier = classifier_open(&model, e);
	if (job->classifier == NULL)
		return -1;
	snprintf(job->promotion.version, sizeof job->promotion.version, "%s", classifier_get_info(job->classifier)->version);
	return 0;
}

static int promote(struct job *job, struct err *e)
{
	if (cases_read(job, e) < 0 ||
	    model_place_copy(&job->place, job->options->directory, &job->publish, &job->promotion, e) < 0)
		return -1;
	interrupt_guard(&job->publish);
	if (candidate_open(job, e) < 0 || figures_check(job, e) < 0 || cases_check(job, e) < 0)
		return -1;
	bool durable;
	interrupt_hold();
	int result = model_place_switch(&job->place, &job->publish, &job->promotion, &durable, e);
	interrupt_release();
	struct err why = {0};
	if (result == 0 && durable && model_place_prune(&job->place, job->options->keep, &why) < 0)
		fprintf(stderr, "bellwether model: warning: %s\n", why.text); /* the new model is in place all the same */
	return result;
}

int model_promote(const struct model_promote_options *options, struct err *e)
{
	struct job job = {.options = options, .promotion = {.cases = -1, .right = -1}};
	interrupt_block();
	umask(022); /* the daemon's user reads what root puts in place */
	int result = model_place_open(&job.place, options->place, true, e);
	if (result == 0)
		result = promote(&job, e);
	interrupt_hold();
	publish_abandon(&job.publish);
	interrupt_forget();
	interrupt_release();
	if (result == 0)
		printf("the model %s is in place at %s; a daemon takes it when it is restarted\n", job.promotion.version,
		       job.place.path);
	classifier_close(job.classifier);
	corrections_clear(&job.corrections);
	model_place_close(&job.place);
	return result;
}
