#ifndef DAEMON_TRAIN_SEARCH_PRIVATE_H
#define DAEMON_TRAIN_SEARCH_PRIVATE_H

#include "daemon/search_space.h"
#include "daemon/train_search.h"

#include <stdio.h>

/* A search's directory. */
struct search_files {
	char directory[3800];
	FILE *trials; /* trials.csv, held locked */
};

/* What trials.csv tells of a trial. */
struct search_line {
	size_t rung, trial;
	double score; /* NaN: it failed */
};

/* Begins a search's directory, or with `resume` goes on in one that `description` began, whose last line is the data's: another
 * one there has a message of its own.  Calls `known` with each trial that is done. */
int search_files_open(struct search_files *files, const char *directory, const char *description,
		      const struct search_space *space, bool resume, void (*known)(void *context, const struct search_line *line),
		      void *context, struct err *e);
void search_files_close(struct search_files *files);

/* A trial's line, on the disk when this returns.  `result` NULL: it failed. */
int search_files_add(struct search_files *files, size_t rung, size_t trial, double part, const struct trial_result *result,
		     const struct search_space *space, char *const *values, struct err *e);

/* best.yaml; returns its path. */
int search_files_finish(const struct search_files *files, const struct train_options *best, char path[4096], struct err *e);

#endif
