#include "model/train/fit_private.h"

#include "model/train/checkpoint.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* metrics.csv is written as the run goes on; what stands there of steps after the last checkpoint is cut off again. */

static const char header[] =
	"phase,rate,epoch,step,loss,learning_rate,gradient_norm,polarity_loss,polarity_accuracy,polarity_macro_f1,topic_loss,"
	"topic_accuracy,topic_macro_f1,score,tokens_per_second,seconds\n";

static void path_make(const struct fit *fit, const char *name, char out[4200])
{
	snprintf(out, 4200, "%s/%s", fit->options->directory, name);
}

/* A run is worth more than its picture: it goes on without one.  What was written of a line is cut off. */
static void metrics_give_up(struct fit *fit, int failure)
{
	struct err e = {0};
	char path[4200];
	path_make(fit, "metrics.csv", path);
	if (fit->metrics != NULL) {
		fclose(fit->metrics);
		fit->metrics = NULL;
		if (truncate(path, (off_t)fit->place.metrics_size) < 0)
			failure = errno;
	}
	err_sys(&e, failure, "cannot write %s", path);
	fit_tell(fit, FIT_UNMEASURED, e.text);
}

static void metrics_flush(struct fit *fit)
{
	if (fflush(fit->metrics) != 0)
		metrics_give_up(fit, errno);
	else
		fit->place.metrics_size = (uint64_t)ftello(fit->metrics);
}

void fit_metrics_open(struct fit *fit)
{
	char path[4200];
	path_make(fit, "metrics.csv", path);
	fit->metrics = fopen(path, "ae");
	/* Where the file ended is noted when it is opened: so its end is looked for again when it is cut. */
	if (fit->metrics == NULL || ftruncate(fileno(fit->metrics), (off_t)fit->place.metrics_size) < 0 ||
	    fseeko(fit->metrics, 0, SEEK_END) < 0) {
		metrics_give_up(fit, errno);
		return;
	}
	if (fit->place.metrics_size == 0)
		fputs(header, fit->metrics);
	metrics_flush(fit);
}

static void task_write(FILE *out, const struct fit_task *task)
{
	if (task == NULL || task->rows == 0)
		fputs(",,,", out);
	else
		fprintf(out, ",%.6f,%.6f,%.6f", task->loss, task->accuracy, task->macro_f1);
}

static void line_write(struct fit *fit, const struct trainer_result *result, double rate, const struct fit_figures *figures)
{
	const struct fit_place *place = &fit->place;
	double seconds = fit_seconds(fit), tokens = place->tokens + fit->tokens;
	fprintf(fit->metrics, "%s,%g,%zu,%zu,%.6f,%.8g,%.6f", fit_is_trial(fit) ? "trial" : "run", place->rate,
		(size_t)((place->step - 1) / fit_epoch_steps(fit)) + 1, (size_t)place->step,
		place->loss_sum / (double)(place->loss_count > 0 ? place->loss_count : 1), rate, result->norm);
	task_write(fit->metrics, figures != NULL ? &figures->polarity : NULL);
	task_write(fit->metrics, figures != NULL ? &figures->topic : NULL);
	if (figures != NULL && figures->polarity.rows + figures->topic.rows > 0)
		fprintf(fit->metrics, ",%.6f", figures->score);
	else
		fputc(',', fit->metrics);
	fprintf(fit->metrics, ",%.0f,%.1f\n", seconds > 0 ? tokens / seconds : 0, seconds);
}

void fit_metrics_write(struct fit *fit, const struct trainer_result *result, double rate, const struct fit_figures *figures)
{
	if (fit->metrics != NULL) {
		line_write(fit, result, rate, figures);
		metrics_flush(fit);
	}
	fit->place.loss_sum = 0;
	fit->place.loss_count = 0;
}

enum { BLOCKS = 8 };

static size_t blocks_list(struct fit *fit, struct fit_place *place, uint64_t *steps, struct checkpoint_block out[BLOCKS])
{
	struct trainer_state state = trainer_state(fit->trainer);
	size_t size = state.count * sizeof(float), count = 0;
	out[count++] = (struct checkpoint_block){place, sizeof *place};
	out[count++] = (struct checkpoint_block){steps, sizeof *steps};
	out[count++] = (struct checkpoint_block){state.seen, state.words};
	out[count++] = (struct checkpoint_block){state.values, size};
	out[count++] = (struct checkpoint_block){state.first, size};
	out[count++] = (struct checkpoint_block){state.second, size};
	out[count++] = (struct checkpoint_block){fit->best, size};
	if (state.average != NULL)
		out[count++] = (struct checkpoint_block){state.average, size};
	return count;
}

int fit_save(struct fit *fit, struct err *e)
{
	char path[4200];
	struct checkpoint_block blocks[BLOCKS];
	uint64_t steps = trainer_state(fit->trainer).steps;
	/* The checkpoint counts on these lines. */
	if (fit->metrics != NULL && fsync(fileno(fit->metrics)) < 0 && errno != EINVAL)
		metrics_give_up(fit, errno);
	struct fit_place place = fit->place;
	place.seconds = fit_seconds(fit);
	place.tokens += fit->tokens;
	size_t count = blocks_list(fit, &place, &steps, blocks);
	path_make(fit, "checkpoint", path);
	return checkpoint_write(path, fit->options->fingerprint, blocks, count, e);
}

int fit_restore(struct fit *fit, struct err *e)
{
	char path[4200];
	struct checkpoint_block blocks[BLOCKS];
	uint64_t steps = 0;
	size_t count = blocks_list(fit, &fit->place, &steps, blocks);
	path_make(fit, "checkpoint", path);
	int result = checkpoint_read(path, fit->options->fingerprint, blocks, count, e);
	if (result == 1)
		trainer_set(fit->trainer, (size_t)steps);
	return result;
}
