#include "model/train/report.h"

#include "model/train/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BINS = 15 };

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

/* Everything that follows from a confusion matrix. */
void report_count(struct report *report)
{
	size_t classes = report->classes, right = 0, occurring = 0;
	report->macro = report->weighted = (struct report_means){0};
	for (size_t i = 0; i < classes; i++) {
		struct report_class *class = &report->of[i];
		double hits = (double)report->confusion[i * classes + i];
		*class = (struct report_class){0};
		for (size_t k = 0; k < classes; k++) {
			class->support += report->confusion[i * classes + k];
			class->predicted += report->confusion[k * classes + i];
		}
		right += report->confusion[i * classes + i];
		if (class->support + class->predicted == 0)
			continue;
		occurring++;
		class->precision = ratio(hits, (double)class->predicted);
		class->recall = ratio(hits, (double)class->support);
		class->f1 = ratio(2 * hits, (double)(class->support + class->predicted));
		double share = ratio((double)class->support, (double)report->rows);
		report->macro.precision += class->precision;
		report->macro.recall += class->recall;
		report->macro.f1 += class->f1;
		report->weighted.precision += share * class->precision;
		report->weighted.recall += share * class->recall;
		report->weighted.f1 += share * class->f1;
	}
	report->accuracy = ratio((double)right, (double)report->rows);
	report->macro.precision = ratio(report->macro.precision, (double)occurring);
	report->macro.recall = ratio(report->macro.recall, (double)occurring);
	report->macro.f1 = ratio(report->macro.f1, (double)occurring);
}

int report_open(struct report *report, size_t classes, struct err *e)
{
	*report = (struct report){.classes = classes, .of = calloc(classes, sizeof *report->of),
				  .confusion = calloc(classes * classes, sizeof *report->confusion)};
	if (report->of != NULL && report->confusion != NULL)
		return 0;
	report_clear(report);
	return err_set(e, "out of memory");
}

struct bin {
	size_t rows, right;
	double confidence;
};

static void row_count(struct report *report, int truth, const float *logits, struct bin bins[BINS])
{
	size_t best = 0;
	double sum = 0;
	for (size_t i = 1; i < report->classes; i++)
		best = logits[i] > logits[best] ? i : best;
	for (size_t i = 0; i < report->classes; i++)
		sum += exp((double)logits[i] - (double)logits[best]);
	double confidence = 1 / sum;
	report->rows++;
	report->confusion[(size_t)truth * report->classes + best]++;
	report->loss += log(sum) - ((double)logits[truth] - (double)logits[best]);
	/* Bins are open below and closed above, as (0.2, 0.4]. */
	size_t bin = (size_t)ceil(confidence * BINS) - 1;
	bin = bin < BINS ? bin : BINS - 1;
	bins[bin].rows++;
	bins[bin].right += best == (size_t)truth;
	bins[bin].confidence += confidence;
}

int report_make(struct report *report, const int *truth, const float *logits, size_t stride, size_t rows, size_t classes,
		struct err *e)
{
	struct bin bins[BINS] = {0};
	if (report_open(report, classes, e) < 0)
		return -1;
	for (size_t row = 0; row < rows; row++)
		if (truth[row] >= 0)
			row_count(report, truth[row], logits + row * stride, bins);
	report->loss = ratio(report->loss, (double)report->rows);
	for (size_t i = 0; i < BINS; i++)
		report->calibration += ratio(fabs((double)bins[i].right - bins[i].confidence), (double)report->rows);
	report_count(report);
	return 0;
}

void report_clear(struct report *report)
{
	free(report->of);
	free(report->confusion);
	*report = (struct report){0};
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

struct report_interval report_middle(double *values, size_t count)
{
	qsort(values, count, sizeof *values, by_size);
	return (struct report_interval){values[(size_t)(0.025 * (double)(count - 1))],
					values[(size_t)(0.975 * (double)(count - 1) + 0.5)]};
}

/* Every row's cell of the confusion matrix, which is all that the figures depend on. */
static uint32_t *cells_list(const struct report *report, struct err *e)
{
	uint32_t *cells = calloc(report->rows + 1, sizeof *cells);
	size_t used = 0;
	if (cells == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	for (size_t cell = 0; cell < report->classes * report->classes; cell++)
		for (size_t i = 0; i < report->confusion[cell]; i++)
			cells[used++] = (uint32_t)cell;
	return cells;
}

int report_bootstrap(struct report *report, size_t samples, uint64_t seed, struct err *e)
{
	struct report drawn = {0};
	uint32_t *cells = cells_list(report, e);
	double *values[3] = {NULL};
	int result = -1;
	struct random_stream stream = random_stream(seed, 0xB0075, 0);
	for (int i = 0; i < 3; i++)
		values[i] = calloc(samples + 1, sizeof *values[i]);
	if (cells == NULL || report_open(&drawn, report->classes, e) < 0)
		goto done;
	if (values[0] == NULL || values[1] == NULL || values[2] == NULL || report->rows == 0 || samples == 0) {
		err_set(e, "out of memory, or no rows");
		goto done;
	}
	drawn.rows = report->rows;
	for (size_t sample = 0; sample < samples; sample++) {
		memset(drawn.confusion, 0, report->classes * report->classes * sizeof *drawn.confusion);
		for (size_t i = 0; i < report->rows; i++)
			drawn.confusion[cells[random_below(&stream, report->rows)]]++;
		report_count(&drawn);
		values[0][sample] = drawn.accuracy;
		values[1][sample] = drawn.macro.f1;
		values[2][sample] = drawn.weighted.f1;
	}
	report->accuracy_interval = report_middle(values[0], samples);
	report->macro_interval = report_middle(values[1], samples);
	report->weighted_interval = report_middle(values[2], samples);
	report->has_intervals = true;
	result = 0;
done:
	for (int i = 0; i < 3; i++)
		free(values[i]);
	free(cells);
	report_clear(&drawn);
	return result;
}
