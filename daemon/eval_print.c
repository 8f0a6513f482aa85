#include "daemon/eval_print.h"

#include "daemon/base/check.h"
#include "daemon/base/utf8.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Classes that occur in the truth or among the predictions, in the order of their names: scikit-learn's. */
struct order {
	size_t *classes, count;
};

static int by_name(const void *a, const void *b, void *context)
{
	const struct eval_view *view = context;
	return strcmp(view->rows->model->names[*(const size_t *)a], view->rows->model->names[*(const size_t *)b]);
}

static struct order order_make(const struct eval_view *view)
{
	const struct report *report = view->report;
	struct order order = {.classes = xcalloc(report->classes, sizeof *order.classes)};
	for (size_t i = 0; i < report->classes; i++)
		if (report->of[i].support + report->of[i].predicted > 0)
			order.classes[order.count++] = i;
	qsort_r(order.classes, order.count, sizeof *order.classes, by_name, (void *)(uintptr_t)view);
	return order;
}

static int finish(FILE *out, struct err *e)
{
	return fflush(out) != 0 || ferror(out) ? err_sys(e, errno, "cannot write the report") : 0;
}

/* Code points, as a column is counted. */
int eval_name_width(const char *text)
{
	int width = 0;
	for (size_t left = strlen(text), used; left > 0; left -= used, text += used, width++) {
		uint32_t point;
		used = utf8_decode(text, left, &point);
	}
	return width;
}

void eval_name_print(FILE *out, const char *name, int width)
{
	fprintf(out, "%*s", width - eval_name_width(name), "");
	utf8_print(out, name, strlen(name), '?');
	fputc(' ', out);
}

static void means_print(FILE *out, const char *name, int width, double precision, double recall, double f1, size_t rows)
{
	eval_name_print(out, name, width);
	fprintf(out, " %9.2f %9.2f %9.2f %9zu\n", precision, recall, f1, rows);
}

static void confusion_print(const struct eval_view *view, const struct order *order, int width, FILE *out)
{
	const struct report *report = view->report;
	fprintf(out, "\nconfusion (rows: truth, columns: prediction, both in the order above)\n\n");
	for (size_t i = 0; i < order->count; i++) {
		eval_name_print(out, view->rows->model->names[order->classes[i]], width);
		for (size_t k = 0; k < order->count; k++)
			fprintf(out, " %5zu", report->confusion[order->classes[i] * report->classes + order->classes[k]]);
		fputc('\n', out);
	}
}

static void interval_print(FILE *out, const char *name, double value, const struct report *report,
			   const struct report_interval *interval)
{
	fprintf(out, "%-12s %.4f", name, value);
	if (report->has_intervals)
		fprintf(out, "  (95 %%: %.4f to %.4f)", interval->low, interval->high);
	fputc('\n', out);
}

int eval_print_text(const struct eval_view *view, FILE *out, struct err *e)
{
	const struct report *report = view->report;
	struct order order = order_make(view);
	int width = (int)strlen("weighted avg");
	for (size_t i = 0; i < order.count; i++) {
		int name = eval_name_width(view->rows->model->names[order.classes[i]]);
		width = name > width ? name : width;
	}
	fprintf(out, "%*s  precision    recall  f1-score   support\n\n", width, "");
	for (size_t i = 0; i < order.count; i++) {
		const struct report_class *class = &report->of[order.classes[i]];
		means_print(out, view->rows->model->names[order.classes[i]], width, class->precision, class->recall, class->f1,
			    class->support);
	}
	fprintf(out, "\n%*s  %9s %9s %9.2f %9zu\n", width, "accuracy", "", "", report->accuracy, report->rows);
	means_print(out, "macro avg", width, report->macro.precision, report->macro.recall, report->macro.f1, report->rows);
	means_print(out, "weighted avg", width, report->weighted.precision, report->weighted.recall, report->weighted.f1,
		    report->rows);
	confusion_print(view, &order, width, out);
	fputc('\n', out);
	interval_print(out, "accuracy", report->accuracy, report, &report->accuracy_interval);
	interval_print(out, "macro F1", report->macro.f1, report, &report->macro_interval);
	interval_print(out, "weighted F1", report->weighted.f1, report, &report->weighted_interval);
	fprintf(out, "%-12s %.4f\n%-12s %.4f\n", "calibration", report->calibration, "log loss", report->loss);
	eval_parts_text(view, out);
	free(order.classes);
	return finish(out, e);
}

static json_t *class_json(const struct report_class *class)
{
	return json_pack("{s:f, s:f, s:f, s:I}", "precision", class->precision, "recall", class->recall, "f1", class->f1,
			 "support", (json_int_t)class->support);
}

static void classes_json(const struct eval_view *view, const struct order *order, json_t *json)
{
	const struct report *report = view->report;
	json_t *classes = json_object(), *labels = json_array(), *confusion = json_array();
	for (size_t i = 0; i < order->count; i++) {
		size_t at = order->classes[i];
		json_t *row = json_array();
		for (size_t k = 0; k < order->count; k++)
			json_array_append_new(row, json_integer((json_int_t)report->confusion[at * report->classes +
											      order->classes[k]]));
		json_object_set_new(classes, view->rows->model->names[at], class_json(&report->of[at]));
		json_array_append_new(labels, json_string(view->rows->model->names[at]));
		json_array_append_new(confusion, row);
	}
	json_object_set_new(json, "per_class", classes);
	json_object_set_new(json, "labels", labels);
	json_object_set_new(json, "confusion", confusion);
}

json_t *eval_interval_json(const struct report_interval *interval)
{
	return json_pack("[f, f]", interval->low, interval->high);
}

int eval_print_json(const struct eval_view *view, FILE *out, struct err *e)
{
	const struct report *report = view->report;
	struct order order = order_make(view);
	json_t *json = json_pack("{s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:f}", "task", view->task, "model", view->model, "rows",
				 (json_int_t)report->rows, "accuracy", report->accuracy, "macro_f1", report->macro.f1,
				 "weighted_f1", report->weighted.f1, "ece", report->calibration, "log_loss", report->loss);
	classes_json(view, &order, json);
	if (report->has_intervals)
		json_object_set_new(json, "intervals",
				    json_pack("{s:o, s:o, s:o}", "accuracy", eval_interval_json(&report->accuracy_interval),
					      "macro_f1", eval_interval_json(&report->macro_interval), "weighted_f1",
					      eval_interval_json(&report->weighted_interval)));
	eval_parts_json(view, json);
	char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(10));
	json_decref(json);
	free(order.classes);
	if (text == NULL)
		return err_set(e, "out of memory");
	fprintf(out, "%s\n", text);
	free(text);
	return finish(out, e);
}
