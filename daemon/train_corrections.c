#include "daemon/train_corrections.h"

#include "daemon/base/check.h"
#include "daemon/base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int train_corrections_read(struct train_corrections *corrections, const char *database, struct table *table, struct err *e)
{
	*corrections = (struct train_corrections){.times = 1};
	*table = (struct table){0};
	if (corrections_read(&corrections->cases, database, e) < 0)
		return -1;
	if (corrections->cases.count == 0) {
		corrections_clear(&corrections->cases);
		return err_set(e, "%s: the desk has corrected no document yet: `bellwether label --db %s ID POLARITY` does (ids stand "
				  "in documents_v)",
			       database, database);
	}
	table->path = xstrdup(database);
	table->rows = xcalloc(corrections->cases.count, sizeof *table->rows);
	for (size_t i = 0; i < corrections->cases.count; i++) {
		const struct correction *one = &corrections->cases.each[i];
		const char *label = polarity_name(one->polarity);
		table->rows[table->count++] = (struct table_row){.label = label, .label_length = strlen(label), .text = one->text,
								 .text_length = one->length, .line = i + 1};
	}
	return 0;
}

void train_corrections_oust(struct train_corrections *corrections, struct table *table)
{
	size_t kept = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct table_row *row = &table->rows[i];
		if (!corrections_has(&corrections->cases, hash_bytes(0, row->text, row->text_length)))
			table->rows[kept++] = *row;
	}
	corrections->ousted += table->count - kept;
	table->count = kept;
}

bool train_corrections_has(const struct train_corrections *corrections, const struct dataset *dataset, size_t index)
{
	return dataset->texts[index].polarity >= 0 && corrections_has(&corrections->cases, dataset->hashes[index]);
}

/* Those of the validation go over to the end of the training. */
static void take_all(const struct train_corrections *corrections, const struct dataset *dataset, struct dataset_split *split)
{
	size_t kept = 0;
	for (size_t i = 0; i < split->validation_count; i++) {
		uint32_t index = split->validation[i];
		if (train_corrections_has(corrections, dataset, index))
			split->training[split->training_count++] = index;
		else
			split->validation[kept++] = index;
	}
	split->validation_count = kept;
}

/* times x corrected = share x (times x corrected + rest) */
static size_t times_of(size_t corrected, size_t rest, double share)
{
	if (corrected == 0 || rest == 0)
		return 1;
	double times = ceil(share * (double)rest / ((1 - share) * (double)corrected));
	return times <= 1 ? 1 : times >= CORRECTION_TIMES ? CORRECTION_TIMES : (size_t)times;
}

int train_corrections_weigh(struct train_corrections *corrections, const struct dataset *dataset, double share, bool others,
			    struct dataset_split *split, struct err *e)
{
	if (others)
		take_all(corrections, dataset, split);
	size_t count = split->training_count, corrected = 0;
	for (size_t i = 0; i < count; i++)
		corrected += train_corrections_has(corrections, dataset, split->training[i]);
	corrections->times = times_of(corrected, count - corrected, share);
	uint32_t *training = realloc(split->training, (count + corrected * (corrections->times - 1) + 1) * sizeof *training);
	if (training == NULL)
		return err_set(e, "out of memory");
	split->training = training;
	for (size_t i = 0; i < count; i++)
		for (size_t n = 1; n < corrections->times && train_corrections_has(corrections, dataset, training[i]); n++)
			training[split->training_count++] = training[i];
	return 0;
}
