#ifndef MODEL_TRAIN_FIT_PRIVATE_H
#define MODEL_TRAIN_FIT_PRIVATE_H

#include "model/train/fit.h"

#include <stdio.h>

/* Where a run is, all of it that is not in the trainer: what a checkpoint holds beside the blocks. */
struct fit_place {
	uint64_t phase;      /* trials 0 ... rate_count - 1, then the run; a single rate has no trial */
	uint64_t step;       /* done of the phase */
	uint64_t all;        /* done of all phases */
	double rate;         /* of the phase */
	double scores[FIT_RATES];
	uint64_t best_epoch; /* 0: none yet */
	uint64_t worse;      /* epochs since then */
	struct fit_figures best_figures;
	double loss_sum;     /* since the last line of metrics.csv */
	uint64_t loss_count;
	double epoch_loss;   /* sum of the epoch's steps */
	double tokens, seconds; /* of the processes before */
	uint64_t metrics_size;  /* bytes of metrics.csv that belong to this place */
};

struct fit {
	struct trainer *trainer;
	const struct fit_texts *texts;
	const struct fit_options *options;
	struct fit_place place;
	float *start;  /* the values that every phase begins with */
	float *best;
	uint32_t *order;
	size_t order_epoch; /* whose order it is, from 1; 0: none's */
	struct trainer_text *batch;
	FILE *metrics; /* NULL: it could not be written */
	double began, tokens; /* in this process */
	double saved_at;
};

double fit_now(void);
double fit_seconds(const struct fit *fit);
size_t fit_epoch_steps(const struct fit *fit);
bool fit_is_trial(const struct fit *fit);
size_t fit_phase_steps(const struct fit *fit);

void fit_tell(const struct fit *fit, enum fit_kind kind, const char *message);

/* The line of metrics.csv of the place; `figures` may be NULL.  Where it cannot be written that is told, and the run goes on. */
void fit_metrics_open(struct fit *fit);
void fit_metrics_write(struct fit *fit, const struct trainer_result *result, double rate, const struct fit_figures *figures);

/* 1 where a checkpoint was read. */
int fit_save(struct fit *fit, struct err *e);
int fit_restore(struct fit *fit, struct err *e);

#endif
