#ifndef DAEMON_TRAIN_DATA_H
#define DAEMON_TRAIN_DATA_H

#include "daemon/base/err.h"
#include "daemon/train_corrections.h"
#include "daemon/train_options.h"
#include "daemon/train_teacher.h"
#include "model/config.h"
#include "model/train/dataset.h"
#include "model/train/vary.h"
#include "model/weights.h"

#include <stdbool.h>

/*
 * Everything that a run of training starts from: the base, the labels that its
 * heads will have, the rows, and what was odd about them.
 */
struct train_data {
	struct model_config base; /* `pooling` and `layers` as they will be */
	size_t base_layers, *layers; /* how many the base has, and which of them it will be */
	struct weights *weights;
	bool fresh_polarity, fresh_topic; /* heads that start anew */
	int polarity_row[3];
	struct labels topics, sources;
	struct dataset dataset, unlabelled; /* texts without labels stand in both, their ids in the latter */
	struct dataset pretrain;            /* texts whose words are learnt first */
	struct train_teachers teachers;
	struct dataset_split split;
	struct vary *vary;         /* gives training texts noise; NULL without --noise */
	struct train_corrections corrections; /* none without a database */
	size_t longest;            /* tokens of a text at most */
	uint64_t base_hash;
	void (*warn)(const char *text); /* a line about something odd */
};

/* `warn` is set; all else is filled.  Errors name file and line and what to do. */
int train_data_open(struct train_data *data, const struct train_options *options, struct err *e);
void train_data_close(struct train_data *data);

/* weights[3 + topics]: n / (classes x n of the class) where there are some, as scikit-learn's "balanced". */
void train_data_balance(const struct train_data *data, float *weights);

#endif
