#include "daemon/eval_print.h"

#include "daemon/base/utf8.h"

#include <string.h>

/* What stands below the report: figures by group, the comparison with another model, the cost of noise. */

enum { ROWS_SHOWN = 10, TEXT_SHOWN = 72 };

static void range_print(FILE *out, const struct report_interval *interval, double scale, int digits)
{
	/* A zero that is added makes a zero of a negative one. */
	fprintf(out, " (%+.*f to %+.*f)", digits, scale * interval->low + 0.0, digits, scale * interval->high + 0.0);
}

/* All of the group's interval lies below what all rows reach. */
static bool is_below(const struct eval_view *view, const struct report *group)
{
	return group->has_intervals && group->accuracy_interval.high < view->report->accuracy;
}

static void groups_text(const struct eval_view *view, FILE *out)
{
	const struct labels *values = &view->groups->values;
	int width = eval_name_width(view->by);
	for (size_t i = 0; i < values->count; i++)
		width = eval_name_width(values->names[i]) > width ? eval_name_width(values->names[i]) : width;
	fputc('\n', out);
	eval_name_print(out, view->by, width);
	fprintf(out, "     rows  accuracy  95 %% interval   macro F1  calibration\n\n");
	for (size_t i = 0; i < values->count; i++) {
		const struct report *group = &view->groups->reports[i];
		char interval[32] = "";
		if (group->has_intervals)
			snprintf(interval, sizeof interval, "%.4f-%.4f", group->accuracy_interval.low,
				 group->accuracy_interval.high);
		eval_name_print(out, values->names[i], width);
		fprintf(out, "%9zu    %.4f  %13s    %.4f       %.4f%s\n", group->rows, group->accuracy, interval, group->macro.f1,
			group->calibration, is_below(view, group) ? "  below the whole" : "");
	}
}

/* Its first bytes in whole characters. */
static void text_start_print(const struct table_row *row, FILE *out)
{
	size_t length = utf8_cut(row->text, row->text_length, TEXT_SHOWN);
	utf8_print(out, row->text, length, ' ');
	fputs(length < row->text_length ? "...\n" : "\n", out);
}

/* Rows that one of the two alone got right. */
static void changed_text(const struct eval_view *view, bool gained, FILE *out)
{
	const struct eval_rows *rows = view->rows;
	size_t shown = 0;
	for (size_t i = 0; i < rows->count; i++) {
		bool was = view->against->answers[i] == rows->truth[i], is = rows->answers[i] == rows->truth[i];
		if (was == is || is != gained)
			continue;
		if (shown++ == ROWS_SHOWN) {
			fprintf(out, "  ... (--json has all)\n");
			return;
		}
		const struct table_row *row = &rows->table->rows[i];
		fprintf(out, "  %zu: %s, was %s: ", row->line, rows->model->names[rows->answers[i]],
			rows->model->names[view->against->answers[i]]);
		text_start_print(row, out);
	}
}

static void against_text(const struct eval_view *view, FILE *out)
{
	const struct comparison *comparison = &view->against->comparison;
	double gain = comparison->accuracy[1] - comparison->accuracy[0], macro = comparison->macro_f1[1] - comparison->macro_f1[0];
	fprintf(out, "\nagainst %s\n\n", classifier_get_info(view->against->model.classifier)->version);
	fprintf(out, "accuracy     %.4f -> %.4f, %+.2f points", comparison->accuracy[0], comparison->accuracy[1], 100 * gain);
	if (view->rows->samples > 0)
		range_print(out, &comparison->accuracy_gain, 100, 2);
	fprintf(out, "\nmacro F1     %.4f -> %.4f, %+.2f points", comparison->macro_f1[0], comparison->macro_f1[1], 100 * macro);
	if (view->rows->samples > 0)
		range_print(out, &comparison->macro_f1_gain, 100, 2);
	fprintf(out, "\nMcNemar      p = %.4g%s\n", comparison->p_value,
		comparison->p_value < 0.05 ? "" : ": chance may well have made the difference");
	fprintf(out, "rows         %zu right with both, %zu with neither; another answer on %zu\n", comparison->both_right,
		comparison->none_right, comparison->changed);
	fprintf(out, "gained %zu\n", comparison->second_alone);
	changed_text(view, true, out);
	fprintf(out, "lost %zu\n", comparison->first_alone);
	changed_text(view, false, out);
}

static void noises_text(const struct eval_view *view, FILE *out)
{
	fprintf(out, "\n%-16s %8s %9s %9s %12s\n\n", "noise", "texts", "accuracy", "macro F1", "points lost");
	for (size_t i = 0; i < EVAL_NOISES; i++) {
		const struct eval_noise *noise = &view->noises->of[i];
		const struct comparison *comparison = &noise->comparison;
		struct report_interval lost = {-comparison->accuracy_gain.high, -comparison->accuracy_gain.low};
		fprintf(out, "%-16s %8zu %9.4f %9.4f %12.2f", noise->name, noise->touched, comparison->accuracy[1],
			comparison->macro_f1[1], 100 * (comparison->accuracy[0] - comparison->accuracy[1]));
		if (view->rows->samples > 0)
			range_print(out, &lost, 100, 2);
		fputc('\n', out);
	}
	if (!view->noises->has_negation)
		return;
	const struct eval_negation *negation = &view->noises->negation;
	fprintf(out, "\nnegation         of %zu sentences %zu are right, and of their denials %zu\n", negation->pairs,
		negation->plain_right, negation->negated_right);
}

void eval_parts_text(const struct eval_view *view, FILE *out)
{
	if (view->groups != NULL)
		groups_text(view, out);
	if (view->against != NULL)
		against_text(view, out);
	if (view->noises != NULL)
		noises_text(view, out);
}

static json_t *groups_json(const struct eval_view *view)
{
	json_t *values = json_array();
	for (size_t i = 0; i < view->groups->values.count; i++) {
		const struct report *group = &view->groups->reports[i];
		json_t *json = json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:b}", "value", view->groups->values.names[i], "rows",
					 (json_int_t)group->rows, "accuracy", group->accuracy, "macro_f1", group->macro.f1,
					 "weighted_f1", group->weighted.f1, "ece", group->calibration, "below",
					 is_below(view, group));
		if (json != NULL && group->has_intervals)
			json_object_set_new(json, "intervals",
					    json_pack("{s:o, s:o}", "accuracy", eval_interval_json(&group->accuracy_interval),
						      "macro_f1", eval_interval_json(&group->macro_interval)));
		json_array_append_new(values, json);
	}
	return json_pack("{s:s, s:o}", "column", view->by, "values", values);
}

static json_t *comparison_json(const struct comparison *comparison, bool has_intervals)
{
	json_t *json = json_pack("{s:[f, f], s:[f, f], s:I, s:I, s:I, s:I, s:I, s:f}", "accuracy", comparison->accuracy[0],
				 comparison->accuracy[1], "macro_f1", comparison->macro_f1[0], comparison->macro_f1[1],
				 "both_right", (json_int_t)comparison->both_right, "gained",
				 (json_int_t)comparison->second_alone, "lost", (json_int_t)comparison->first_alone, "none_right",
				 (json_int_t)comparison->none_right, "changed", (json_int_t)comparison->changed, "mcnemar_p",
				 comparison->p_value);
	if (has_intervals)
		json_object_set_new(json, "intervals",
				    json_pack("{s:o, s:o}", "accuracy_gain", eval_interval_json(&comparison->accuracy_gain),
					      "macro_f1_gain", eval_interval_json(&comparison->macro_f1_gain)));
	return json;
}

static json_t *against_json(const struct eval_view *view)
{
	const struct eval_rows *rows = view->rows;
	json_t *json = comparison_json(&view->against->comparison, rows->samples > 0), *list = json_array();
	json_object_set_new(json, "model", json_string(classifier_get_info(view->against->model.classifier)->version));
	for (size_t i = 0; i < rows->count; i++)
		if (rows->answers[i] != view->against->answers[i])
			json_array_append_new(list, json_pack("{s:I, s:s, s:s, s:s}", "line", (json_int_t)rows->table->rows[i].line,
							      "label", rows->model->names[rows->truth[i]], "was",
							      rows->model->names[view->against->answers[i]], "is",
							      rows->model->names[rows->answers[i]]));
	json_object_set_new(json, "rows", list);
	return json;
}

static json_t *noises_json(const struct eval_view *view)
{
	json_t *json = json_object();
	for (size_t i = 0; i < EVAL_NOISES; i++) {
		const struct eval_noise *noise = &view->noises->of[i];
		json_t *one = comparison_json(&noise->comparison, view->rows->samples > 0);
		json_object_set_new(one, "texts", json_integer((json_int_t)noise->touched));
		json_object_set_new(one, "points_lost",
				    json_real(100 * (noise->comparison.accuracy[0] - noise->comparison.accuracy[1])));
		json_object_set_new(json, noise->name, one);
	}
	const struct eval_negation *negation = &view->noises->negation;
	if (view->noises->has_negation)
		json_object_set_new(json, "negation", json_pack("{s:I, s:I, s:I}", "pairs", (json_int_t)negation->pairs,
								"plain_right", (json_int_t)negation->plain_right,
								"negated_right", (json_int_t)negation->negated_right));
	return json;
}

void eval_parts_json(const struct eval_view *view, json_t *json)
{
	if (view->groups != NULL)
		json_object_set_new(json, "by", groups_json(view));
	if (view->against != NULL)
		json_object_set_new(json, "against", against_json(view));
	if (view->noises != NULL)
		json_object_set_new(json, "noise", noises_json(view));
}
