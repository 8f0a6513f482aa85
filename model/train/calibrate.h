#ifndef MODEL_TRAIN_CALIBRATE_H
#define MODEL_TRAIN_CALIBRATE_H

#include "model/train/fit.h"

/*
 * Makes probabilities mean what they say: each head's logits are divided by a
 * temperature that fits the validation rows best (Guo et al.,
 * arXiv:1706.04599).  The head's own weights take it up, so that whoever reads
 * the model needs to know nothing of it; which answer is the most probable does
 * not change.
 */
struct calibration {
	double polarity, topic; /* 1: left as it is, for want of rows */
};

/* Changes the outcome's values and figures.  The trainer's own values are lost. */
int fit_calibrate(struct trainer *trainer, const struct fit_texts *texts, struct fit_outcome *outcome,
		  struct calibration *calibration, struct err *e);

#endif
