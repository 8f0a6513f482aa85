#include "daemon/model_figures.h"

#include <jansson.h>
#include <stdio.h>

static struct model_figure figure_of(const json_t *task)
{
	const json_t *accuracy = json_object_get(task, "accuracy"), *macro = json_object_get(task, "macro_f1");
	return (struct model_figure){
		.known = json_is_number(accuracy) && json_is_number(macro),
		.accuracy = json_number_value(accuracy),
		.macro_f1 = json_number_value(macro),
	};
}

void model_figures_read(struct model_figures *figures, const char *directory)
{
	char path[4200];
	*figures = (struct model_figures){0};
	snprintf(path, sizeof path, "%s/run.json", directory);
	json_t *json = json_load_file(path, 0, NULL);
	const char *version = json_string_value(json_object_get(json, "version"));
	const json_t *result = json_object_get(json, "result");
	figures->there = version != NULL && json_is_object(result);
	if (figures->there) {
		snprintf(figures->version, sizeof figures->version, "%s", version);
		figures->polarity = figure_of(json_object_get(result, "polarity"));
		figures->topic = figure_of(json_object_get(result, "topic"));
	}
	json_decref(json);
}
