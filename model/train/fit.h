#ifndef MODEL_TRAIN_FIT_H
#define MODEL_TRAIN_FIT_H

#include "model/train/report.h"
#include "model/train/trainer.h"
#include "model/train/vary.h"

#include <stdbool.h>

/*
 * A run of training: epochs over rows in an order by chance, the rate rising
 * to its highest and falling to zero along a line, validation after each epoch,
 * the best values kept.
 *
 * Of several rates each is tried for a short run from the same start, and the
 * one that validates best is taken for the run that counts.
 */
enum { FIT_RATES = 8 };

struct fit_texts {
	const struct trainer_text *texts;
	const uint32_t *training, *validation; /* which of them */
	size_t training_count, validation_count;
	struct vary *vary; /* gives training texts noise, or NULL */
};

/* A task's figures on the validation rows. */
struct fit_task {
	size_t rows;
	double loss, accuracy, macro_f1, calibration;
};

struct fit_figures {
	struct fit_task polarity, topic;
	double score; /* the mean of the tasks' macro F1; without rows 0 */
};

enum fit_kind { FIT_STEP, FIT_EPOCH, FIT_TRIED, FIT_STOPPED_EARLY, FIT_SAVED, FIT_NOT_SAVED, FIT_UNMEASURED };

/* What happens, to who looks on. */
struct fit_event {
	enum fit_kind kind;
	bool trial;
	double rate;             /* the run's highest */
	size_t epoch, epochs;    /* from 1 */
	size_t step, steps;      /* from 1, of the run or trial */
	size_t all, all_steps;   /* of everything, trials too */
	double loss;             /* the mean since the last line of metrics.csv; FIT_EPOCH: of the epoch */
	double norm, rate_now;
	double tokens;           /* so far in this process */
	double seconds;
	const struct fit_figures *figures; /* FIT_EPOCH, FIT_TRIED */
	bool best;                         /* FIT_EPOCH: the best so far */
	const char *message;               /* FIT_NOT_SAVED; FIT_UNMEASURED: no more lines in metrics.csv, once */
};

struct fit_options {
	size_t epochs, batch;
	double part;        /* of the steps, after which the run ends, its rate at zero; 0 = all */
	double rates[FIT_RATES];
	size_t rate_count;
	double warm_up;     /* share of the steps in which the rate rises */
	size_t patience;    /* epochs without a better score after which the run ends; 0 = never */
	uint64_t seed;
	const char *directory;  /* where checkpoint and metrics.csv lie; it exists */
	double checkpoint_s;    /* at least so long from one checkpoint to the next */
	uint64_t fingerprint;   /* what a checkpoint must belong to */
	bool resume;
	void (*look)(void *context, const struct fit_event *event);
	bool (*stop)(void *context); /* asked after each step: save and end? */
	void *context;
};

struct fit_outcome {
	const float *values;    /* the best: a block of the trainer's layout; freed by fit_clear */
	struct fit_figures figures;
	double rate;
	size_t epoch, steps;    /* the best epoch; steps of the run */
	double seconds;         /* of all processes that worked on it */
	double tokens;
	bool stopped;           /* by `stop`: there are no values, and a checkpoint */
	bool resumed;
	bool measured;          /* metrics.csv could be written */
	float *block;
};

/* The trainer holds the values to start from. */
int fit_run(struct trainer *trainer, const struct fit_texts *texts, const struct fit_options *options,
	    struct fit_outcome *outcome, struct err *e);
void fit_clear(struct fit_outcome *outcome);

/* The figures of the trainer's values (or their average) on some of the texts. */
int fit_evaluate(struct trainer *trainer, bool average, const struct trainer_text *texts, const uint32_t *which, size_t count,
		 struct fit_figures *figures, struct err *e);

#endif
