#include "model/train/fit.h"

#include <stdlib.h>
#include <string.h>



static int task_figures(const float *logits, const int *truth, size_t stride, size_t rows, size_t classes,
			struct fit_task *task, struct err *e)
{
	struct report report;
	if (report_make(&report, truth, logits, stride, rows, classes, e) < 0)
		return -1;
	*task = (struct fit_task){.rows = report.rows, .loss = report.loss, .accuracy = report.accuracy,
				  .macro_f1 = report.macro.f1, .calibration = report.calibration};
	report_clear(&report);
	return 0;
}

int fit_evaluate(struct trainer *trainer, bool average, const struct trainer_text *texts, const uint32_t *which, size_t count,
		 struct fit_figures *figures, struct err *e)
{
	const struct layout *layout = trainer_layout(trainer);
	*figures = (struct fit_figures){0};
	if (count == 0)
		return 0;
	struct trainer_text *chosen = calloc(count, sizeof *chosen);
	float *logits = calloc(count, layout->outputs * sizeof *logits);
	int *truth = calloc(2 * count, sizeof *truth), result = -1;
	if (chosen == NULL || logits == NULL || truth == NULL) {
		err_set(e, "out of memory for %zu validation rows", count);
		goto done;
	}
	for (size_t i = 0; i < count; i++) {
		chosen[i] = texts[which[i]];
		truth[i] = chosen[i].polarity;
		truth[count + i] = chosen[i].topic;
	}
	if (trainer_run(trainer, average, chosen, count, logits, e) < 0 ||
	    task_figures(logits, truth, layout->outputs, count, 3, &figures->polarity, e) < 0)
		goto done;
	if (layout->topics > 0 && task_figures(logits + 3, truth + count, layout->outputs, count, layout->topics,
					       &figures->topic, e) < 0)
		goto done;
	int tasks = (figures->polarity.rows > 0) + (figures->topic.rows > 0);
	figures->score = tasks > 0 ? (figures->polarity.macro_f1 + figures->topic.macro_f1) / tasks : 0;
	result = 0;
done:
	free(chosen);
	free(logits);
	free(truth);
	return result;
}
