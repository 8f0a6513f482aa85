#include "model/train/compare.h"

#include "model/train/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * A row is (truth, first answer, second answer) and a sample counts rows into
 * two confusion matrices at once, so that both models are measured on the same
 * draw.
 */
enum { SITE_COMPARE = 0xC03A };

struct row {
	uint32_t first, second; /* cells of the confusion matrices */
};

double comparison_mcnemar(size_t a, size_t b)
{
	size_t count = a + b, fewer = a < b ? a : b;
	double log_term = -(double)count * log(2), sum = 0; /* of (count over k) / 2^count, k = 0 first */
	if (a == b)
		return 1;
	for (size_t k = 0; k <= fewer; k++) {
		sum += exp(log_term);
		log_term += log((double)(count - k)) - log((double)(k + 1));
	}
	return fmin(1, 2 * sum);
}

static void rows_count(const struct row *rows, size_t count, struct report reports[2])
{
	size_t cells = reports[0].classes * reports[0].classes;
	for (int i = 0; i < 2; i++) {
		memset(reports[i].confusion, 0, cells * sizeof *reports[i].confusion);
		reports[i].rows = count;
	}
	for (size_t i = 0; i < count; i++) {
		reports[0].confusion[rows[i].first]++;
		reports[1].confusion[rows[i].second]++;
	}
	report_count(&reports[0]);
	report_count(&reports[1]);
}

static void answers_compare(struct comparison *out, const int *truth, const int *first, const int *second, size_t rows,
			    size_t classes, struct row *list)
{
	for (size_t i = 0; i < rows; i++) {
		if (truth[i] < 0)
			continue;
		bool one = first[i] == truth[i], two = second[i] == truth[i];
		out->both_right += one && two;
		out->first_alone += one && !two;
		out->second_alone += !one && two;
		out->none_right += !one && !two;
		out->changed += first[i] != second[i];
		list[out->rows++] = (struct row){(uint32_t)((size_t)truth[i] * classes + (size_t)first[i]),
						 (uint32_t)((size_t)truth[i] * classes + (size_t)second[i])};
	}
	out->p_value = comparison_mcnemar(out->first_alone, out->second_alone);
}

static void gains_draw(struct comparison *out, const struct row *rows, struct row *drawn, struct report reports[2],
		       double *gains[2], size_t samples, uint64_t seed)
{
	struct random_stream stream = random_stream(seed, SITE_COMPARE, 0);
	for (size_t sample = 0; sample < samples; sample++) {
		for (size_t i = 0; i < out->rows; i++)
			drawn[i] = rows[random_below(&stream, out->rows)];
		rows_count(drawn, out->rows, reports);
		gains[0][sample] = reports[1].accuracy - reports[0].accuracy;
		gains[1][sample] = reports[1].macro.f1 - reports[0].macro.f1;
	}
	out->accuracy_gain = report_middle(gains[0], samples);
	out->macro_f1_gain = report_middle(gains[1], samples);
}

int comparison_make(struct comparison *out, const int *truth, const int *first, const int *second, size_t rows,
		    size_t classes, size_t samples, uint64_t seed, struct err *e)
{
	struct report reports[2] = {0};
	struct row *list = calloc(2 * rows + 1, sizeof *list);
	double *gains = calloc(2 * samples + 1, sizeof *gains);
	int result = -1;
	*out = (struct comparison){0};
	if (list == NULL || gains == NULL) {
		err_set(e, "out of memory for %zu rows", rows);
		goto done;
	}
	if (report_open(&reports[0], classes, e) < 0 || report_open(&reports[1], classes, e) < 0)
		goto done;
	answers_compare(out, truth, first, second, rows, classes, list);
	rows_count(list, out->rows, reports);
	for (int i = 0; i < 2; i++) {
		out->accuracy[i] = reports[i].accuracy;
		out->macro_f1[i] = reports[i].macro.f1;
	}
	if (samples > 0 && out->rows > 0)
		gains_draw(out, list, list + rows, reports, (double *[2]){gains, gains + samples}, samples, seed);
	result = 0;
done:
	free(list);
	free(gains);
	report_clear(&reports[0]);
	report_clear(&reports[1]);
	return result;
}
