#ifndef DAEMON_TRAIN_UNLABELLED_H
#define DAEMON_TRAIN_UNLABELLED_H

#include "daemon/train_data.h"

/* The texts of a file without labels (table_read_texts), as the base reads them. */
int train_texts_read(struct train_data *data, const char *path, const char *base, struct dataset *texts, struct err *e);

/* After the split: texts for the teacher go behind the others and into the training.  Those that stand among the labelled
 * rows are left out, so that none of the validation is learnt. */
int train_unlabelled_add(struct train_data *data, const struct train_options *options, struct err *e);

#endif
