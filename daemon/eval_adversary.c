#include "daemon/eval_noise.h"

#include "daemon/base/check.h"
#include "model/train/noise_words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Every text that was answered rightly is tried with each swap there is, and
 * the answer that gives the truth the least probability counts.  Swaps of many
 * rows are scored at once.
 */
enum { AT_ONCE = 256, SWAPS = 24, LONGEST = 8192 };

struct adversary {
	const struct eval_rows *rows;
	bool synonyms;
	struct text texts[AT_ONCE];
	size_t of[AT_ONCE]; /* whose row */
	size_t waiting;
	float *logits;      /* [AT_ONCE, classes] */
	int *answers;       /* [rows] */
	double *losses;     /* [rows] of the truth, by the worst swap so far */
	size_t touched;
};

static int flush(struct adversary *this, struct err *e)
{
	size_t classes = this->rows->model->classes;
	int result = eval_model_run(this->rows->model, this->texts, this->waiting, this->logits, e);
	for (size_t i = 0; i < this->waiting; i++) {
		const float *row = this->logits + i * classes;
		free((char *)(uintptr_t)this->texts[i].data);
		double loss = result == 0 ? eval_loss(row, classes, this->rows->truth[this->of[i]]) : 0;
		if (result != 0 || !(loss > this->losses[this->of[i]]))
			continue;
		this->losses[this->of[i]] = loss;
		eval_answers(row, 1, classes, &this->answers[this->of[i]]);
	}
	this->waiting = 0;
	return result;
}

static int row_try(struct adversary *this, size_t at, struct err *e)
{
	struct noise_word words[NOISE_WORDS];
	struct noise_edit edits[SWAPS];
	const struct table_row *row = &this->rows->table->rows[at];
	size_t length = row->text_length < LONGEST ? row->text_length : LONGEST;
	size_t count = noise_words_split(row->text, length, words);
	size_t found = this->synonyms ? noise_find_synonyms(row->text, words, count, edits, SWAPS)
				      : noise_find_unknown(row->text, words, count, edits, SWAPS);
	this->touched += found > 0;
	for (size_t i = 0; i < found; i++) {
		char *text = xmalloc(length + sizeof edits[i].text);
		this->texts[this->waiting] = (struct text){text, noise_apply(row->text, length, &edits[i], 1, text)};
		this->of[this->waiting++] = at;
		if (this->waiting == AT_ONCE && flush(this, e) < 0)
			return -1;
	}
	return 0;
}

int eval_adversary_run(struct eval_noise *noise, bool synonyms, const struct eval_rows *rows, struct err *e)
{
	size_t classes = rows->model->classes;
	struct adversary this = {
		.rows = rows, .synonyms = synonyms, .logits = xcalloc(AT_ONCE, classes * sizeof(float)),
		.answers = xcalloc(rows->count, sizeof(int)), .losses = xcalloc(rows->count, sizeof(double)),
	};
	int result = 0;
	memcpy(this.answers, rows->answers, rows->count * sizeof *this.answers);
	for (size_t i = 0; i < rows->count && result == 0; i++) {
		this.losses[i] = eval_loss(rows->logits + i * classes, classes, rows->truth[i]);
		if (rows->answers[i] == rows->truth[i])
			result = row_try(&this, i, e);
	}
	if (flush(&this, e) < 0)
		result = -1;
	*noise = (struct eval_noise){.name = synonyms ? "worst synonym" : "worst lost word", .touched = this.touched};
	if (result == 0)
		result = comparison_make(&noise->comparison, rows->truth, rows->answers, this.answers, rows->count, classes,
					 rows->samples, rows->seed, e);
	free(this.logits);
	free(this.answers);
	free(this.losses);
	return result;
}
