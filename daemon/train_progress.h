#ifndef DAEMON_TRAIN_PROGRESS_H
#define DAEMON_TRAIN_PROGRESS_H

#include "model/train/fit.h"

#include <stdbool.h>

/*
 * How a run is told on standard error: on a terminal a line that is written
 * anew some times a second, with the rate and the time that is left; elsewhere
 * a line for each epoch alone.
 */
struct train_progress {
	bool terminal, standing; /* a line without its newline stands there */
	bool warned; /* that the last checkpoint could not be written */
	double shown_at;
	size_t first_all; /* the first step of this process: its rate tells the time that is left */
};

struct train_progress train_progress_make(void);

void train_progress_show(struct train_progress *progress, const struct fit_event *event);

/* A line of its own, above. */
void train_progress_say(struct train_progress *progress, const char *text);

#endif
