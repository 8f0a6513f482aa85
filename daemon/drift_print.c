#include "daemon/drift_print.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double share_of(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

/* Without a profile of the training the weeks before are what the newest is held against, and not compared themselves. */
static size_t first_week(const struct drift_view *view)
{
	return view->trained ? 0 : view->live->week_count - 1;
}

/* ---- for people ---- */

/* A figure that chance may bring about stands in brackets. */
static void figure_print(const struct drift_difference *difference)
{
	char text[32];
	bool chance = difference->stability <= difference->chance;
	if (difference->verdict == DRIFT_UNKNOWN)
		snprintf(text, sizeof text, "-");
	else
		snprintf(text, sizeof text, chance ? "(%.3f)" : "%.3f ", difference->stability);
	printf(" %10s", text);
}

static void verdict_print(const struct drift_comparison *comparison)
{
	printf("  %s", drift_verdict_name(comparison->verdict));
	const char *between = ": ";
	for (int i = 0; i < DRIFT_MEASURES && comparison->verdict > DRIFT_STABLE; i++) {
		if (comparison->of[i].verdict != comparison->verdict)
			continue;
		printf("%s%s", between, drift_measure_names[i]);
		between = ", ";
	}
	putchar('\n');
}

static void group_print(const struct drift_view *view, const char *kind, const struct drift_group *group)
{
	struct drift_comparison comparison;
	drift_compare(view->before, &group->profile, &comparison);
	printf("%-6s %-20s %7.0f %7.2f%%", kind, group->name, group->profile.texts,
	       100 * share_of(group->profile.unknown, group->profile.tokens));
	for (int i = 0; i < DRIFT_MEASURES; i++)
		figure_print(&comparison.of[i]);
	verdict_print(&comparison);
}

static void head_print(const struct drift_view *view)
{
	if (view->trained)
		printf("live text against the text that model %s was trained on (%.0f texts, %.2f%% unknown pieces)\n", view->model,
		       view->before->texts, 100 * share_of(view->before->unknown, view->before->tokens));
	else
		printf("model %s has no drift.json: the newest week against the %zu before it (%.0f texts, %.2f%% unknown pieces)\n",
		       view->model, view->live->week_count - 1, view->before->texts,
		       100 * share_of(view->before->unknown, view->before->tokens));
	printf("\n%-27s %7s %8s", "", "texts", "unknown");
	for (int i = 0; i < DRIFT_MEASURES; i++)
		printf(" %10s", drift_measure_names[i]);
	putchar('\n');
}

static void words_print(const struct drift_view *view)
{
	size_t count;
	const struct drift_live *live = view->live;
	struct drift_tallied *top = drift_tally_top(&live->news, view->words, &count);
	printf("\nwords of the newest week that were never there before%s", count > 0 ? " (and texts that have them):" : ": none");
	for (size_t i = 0; i < count; i++)
		printf("%s %s %u", i > 0 ? "," : "", top[i].word.text, top[i].texts);
	putchar('\n');
	free(top);
}

static int finish(struct err *e)
{
	return fflush(stdout) != 0 || ferror(stdout) ? err_sys(e, errno, "cannot write the report") : 0;
}

int drift_print_text(const struct drift_view *view, struct err *e)
{
	const struct drift_live *live = view->live;
	head_print(view);
	for (size_t i = first_week(view); i < live->week_count; i++)
		group_print(view, "week", &live->weeks[i]);
	for (size_t i = 0; i < live->source_count && view->trained; i++)
		group_print(view, "source", &live->sources[i]);
	printf("\npopulation stability index: below 0.1 stable, 0.1 to 0.25 watch, above shifted;\n"
	       "in brackets: no more than chance brings about with so few texts\n");
	words_print(view);
	return finish(e);
}

/* ---- for programs ---- */

static json_t *comparison_json(const struct drift_comparison *comparison)
{
	json_t *json = json_object();
	for (int i = 0; i < DRIFT_MEASURES; i++) {
		const struct drift_difference *of = &comparison->of[i];
		json_t *chance = isinf(of->chance) ? json_null() : json_real(of->chance);
		json_object_set_new(json, drift_measure_names[i],
				    json_pack("{s:f, s:f, s:o, s:s}", "psi", of->stability, "jensen_shannon", of->distance,
					      "chance", chance, "verdict", drift_verdict_name(of->verdict)));
	}
	return json;
}

static void json_print(json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(json);
}

static void group_json(const struct drift_view *view, const char *kind, const struct drift_group *group)
{
	struct drift_comparison comparison;
	drift_compare(view->before, &group->profile, &comparison);
	json_t *json = json_pack("{s:s, s:s, s:I, s:f, s:s, s:s}", kind, group->name, "against",
				 view->trained ? "training" : "earlier weeks", "texts", (json_int_t)group->profile.texts, "unknown",
				 share_of(group->profile.unknown, group->profile.tokens), "verdict",
				 drift_verdict_name(comparison.verdict), "model", view->model);
	json_t *measures = comparison_json(&comparison);
	json_object_update(json, measures);
	json_decref(measures);
	json_print(json);
}

int drift_print_json(const struct drift_view *view, struct err *e)
{
	const struct drift_live *live = view->live;
	size_t count;
	for (size_t i = first_week(view); i < live->week_count; i++)
		group_json(view, "week", &live->weeks[i]);
	for (size_t i = 0; i < live->source_count && view->trained; i++)
		group_json(view, "source", &live->sources[i]);
	struct drift_tallied *top = drift_tally_top(&live->news, view->words, &count);
	json_t *words = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(words, json_pack("{s:s, s:i}", "text", top[i].word.text, "texts", (int)top[i].texts));
	free(top);
	json_print(json_pack("{s:s, s:o}", "newest_week", live->weeks[live->week_count - 1].name, "new_words", words));
	return finish(e);
}
