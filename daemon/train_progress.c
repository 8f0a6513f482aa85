#include "daemon/train_progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct train_progress train_progress_make(void)
{
	return (struct train_progress){.terminal = isatty(STDERR_FILENO) == 1, .shown_at = -1};
}

static void duration_format(double seconds, char out[32])
{
	unsigned long left = seconds > 0 ? (unsigned long)(seconds + 0.5) : 0;
	if (left >= 3600)
		snprintf(out, 32, "%luh%02lum", left / 3600, left / 60 % 60);
	else if (left >= 60)
		snprintf(out, 32, "%lum%02lus", left / 60, left % 60);
	else
		snprintf(out, 32, "%lus", left);
}

static void line_end(struct train_progress *progress)
{
	if (progress->standing)
		fputs("\r\033[K", stderr);
	progress->standing = false;
}

void train_progress_say(struct train_progress *progress, const char *text)
{
	line_end(progress);
	fprintf(stderr, "bellwether train: %s\n", text);
}

static void step_show(struct train_progress *progress, const struct fit_event *event)
{
	char left[32];
	if (progress->first_all == 0)
		progress->first_all = event->all;
	if (!progress->terminal || (progress->shown_at >= 0 && event->seconds - progress->shown_at < 0.2))
		return;
	progress->shown_at = event->seconds;
	size_t done = event->all - progress->first_all + 1;
	double each = event->seconds / (double)done;
	duration_format(each * (double)(event->all_steps - event->all), left);
	fprintf(stderr, "\r\033[K%s%g  epoch %zu/%zu  step %zu/%zu  loss %.4f  %.0f tokens/s  %s left",
		event->trial ? "trying rate " : "rate ", event->rate, event->epoch, event->epochs, event->step, event->steps,
		event->loss, event->seconds > 0 ? event->tokens / event->seconds : 0, left);
	progress->standing = true;
}

static void task_show(const char *name, const struct fit_task *task)
{
	if (task->rows > 0)
		fprintf(stderr, "  %s accuracy %.4f, macro F1 %.4f", name, task->accuracy, task->macro_f1);
}

static void epoch_show(struct train_progress *progress, const struct fit_event *event)
{
	line_end(progress);
	if (event->trial)
		fprintf(stderr, "rate %g tried:", event->rate);
	else
		fprintf(stderr, "epoch %zu/%zu  loss %.4f", event->epoch, event->epochs, event->loss);
	task_show("polarity", &event->figures->polarity);
	task_show("topic", &event->figures->topic);
	fprintf(stderr, "%s\n", event->best && !event->trial ? "  (best)" : "");
}

void train_progress_show(struct train_progress *progress, const struct fit_event *event)
{
	char text[300];
	switch (event->kind) {
	case FIT_STEP:
		step_show(progress, event);
		return;
	case FIT_EPOCH:
		if (!event->trial)
			epoch_show(progress, event);
		return;
	case FIT_TRIED:
		epoch_show(progress, event);
		return;
	case FIT_STOPPED_EARLY:
		snprintf(text, sizeof text, "no gain any more: ended after epoch %zu", event->epoch);
		train_progress_say(progress, text);
		return;
	case FIT_SAVED:
		progress->warned = false;
		return;
	case FIT_NOT_SAVED:
		if (progress->warned)
			return;
		progress->warned = true;
		snprintf(text, sizeof text, "no checkpoint (the run goes on): %.200s", event->message);
		train_progress_say(progress, text);
		return;
	case FIT_UNMEASURED:
		snprintf(text, sizeof text, "warning: the run goes on without metrics and their picture: %.200s", event->message);
		train_progress_say(progress, text);
		return;
	}
}
