#ifndef DAEMON_TRAIN_JOB_H
#define DAEMON_TRAIN_JOB_H

#include "daemon/base/err.h"
#include "daemon/train_data.h"
#include "daemon/train_options.h"
#include "daemon/train_pretrain.h"
#include "daemon/train_progress.h"
#include "daemon/train_search.h"
#include "model/publish.h"
#include "model/train/calibrate.h"
#include "model/train/fit.h"

/*
 * A run of training from what the user gave to a model in its place.  One at a
 * time in a process: SIGINT, SIGTERM and SIGHUP end the one that is under way,
 * with a checkpoint.
 */
struct train_job {
	struct train_options options;
	struct train_data data;
	struct trainer *trainer, *teacher; /* teacher: NULL without one */
	struct fit_outcome outcome;
	struct pretrain_outcome pretrained;
	struct calibration calibration;
	struct train_progress progress;
	struct publish publish;
	size_t threads;
	uint64_t fingerprint;
	double part;     /* of a run, which a search's trial is; 0: no trial */
	float *answers; /* targets that other models gave, [texts, outputs]; or NULL */
	char work[4096]; /* OUT.training */
	int work_fd;     /* held locked; -1: not yet */
};

/* `part`: of the steps, for a trial; 0: a whole run.  Who makes it sets the options, which it takes over. */
struct train_job train_job_make(double part);

/* Reads and checks everything before the first step: a failure is the user's to mend. */
int train_job_open(struct train_job *job, struct err *e);

/* Trains and writes the model.  Fails, too, where it was stopped. */
int train_job_run(struct train_job *job, struct err *e);

/* Reads the data alone, and says which it is: equal rows, bases and teachers have equal hashes.  Then only train_job_close. */
int train_job_look(struct train_job *job, uint64_t *hash, struct err *e);

/* Opens and trains, for the figures alone; goes on from a checkpoint where there is one. */
enum trial_end train_job_try(struct train_job *job, struct trial_result *result, struct err *e);

void train_job_close(struct train_job *job);

#endif
