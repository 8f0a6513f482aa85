#ifndef DAEMON_TRAIN_CURVES_H
#define DAEMON_TRAIN_CURVES_H

#include "daemon/base/err.h"

#include <stddef.h>

/* The lines of a metrics.csv as curves over steps. */
enum train_curve {
	CURVE_LOSS,
	CURVE_POLARITY_LOSS,
	CURVE_TOPIC_LOSS,
	CURVE_POLARITY_ACCURACY,
	CURVE_POLARITY_F1,
	CURVE_TOPIC_ACCURACY,
	CURVE_TOPIC_F1,
	CURVE_SCORE,
	CURVES,
};

struct train_point {
	double step, value[CURVES]; /* NaN: the line does not say */
};

struct train_curves {
	struct train_point *points;
	size_t count;
};

/* Lines of the run itself.  Columns are found by their names; what is no number is none. */
int train_curves_read(struct train_curves *curves, const char *path, struct err *e);
void train_curves_clear(struct train_curves *curves);

#endif
