#ifndef DAEMON_TRAIN_PLOT_H
#define DAEMON_TRAIN_PLOT_H

#include "daemon/base/err.h"

/*
 * metrics.svg beside a run's metrics.csv: a picture that needs nothing from
 * elsewhere, above the loss in training and validation, below accuracy and
 * macro F1, both over steps.  Trials of learning rates are left out.
 */
int train_plot_write(const char *directory, struct err *e);

#endif
