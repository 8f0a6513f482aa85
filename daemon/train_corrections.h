#ifndef DAEMON_TRAIN_CORRECTIONS_H
#define DAEMON_TRAIN_CORRECTIONS_H

#include "daemon/corrections.h"
#include "daemon/train_options.h"
#include "model/train/dataset.h"
#include "model/train/table.h"

/*
 * The desk's corrections as rows of training.  They are few among thousands,
 * so each comes up several times in a walk over the rows; where there are other
 * rows to validate on, they are all learnt from, since a new model is tested on
 * them before it is put in place.
 */
enum { CORRECTION_TIMES = 20 }; /* at most: beyond that they are learnt by heart */

struct train_corrections {
	struct corrections cases;
	size_t times;  /* each comes up in a walk */
	size_t ousted; /* rows of files with a corrected text: the desk has the last word */
};

/* Reads the database of the options into a table of polarity rows, which borrows from `corrections`.  Fails where there is
 * none that the desk has corrected. */
int train_corrections_read(struct train_corrections *corrections, const char *database, struct table *table, struct err *e);

/* Takes the rows out of a polarity table that have a corrected text. */
void train_corrections_oust(struct train_corrections *corrections, struct table *table);

/* Is this text's polarity one that the desk has given? */
bool train_corrections_has(const struct train_corrections *corrections, const struct dataset *dataset, size_t index);

/* After the split: all of them to training (`others`: there are other polarity rows), as often as makes their share of it
 * `share`. */
int train_corrections_weigh(struct train_corrections *corrections, const struct dataset *dataset, double share, bool others,
			    struct dataset_split *split, struct err *e);

#endif
