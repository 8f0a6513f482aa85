/*
 * Topics and rules from the configuration, at the start and at a reload.  Names
 * are what lasts: a topic that keeps its name keeps its counts, and a rule on
 * it that keeps its name keeps its state.
 */
#include "alerts/watch/state.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>

static bool rule_watches(const struct rule_spec *rule, const char *topic)
{
	if (rule->topic_count == 0)
		return true;
	for (size_t i = 0; i < rule->topic_count; i++)
		if (strcmp(rule->topics[i], topic) == 0)
			return true;
	return false;
}

static void make_topic(struct topic *topic, const char *name)
{
	topic->name = xstrdup(name);
	topic->key = hash_text(0, name);
	topic->learnt = INT32_MIN;
	window_init(&topic->recent, RECENT_CELLS);
	window_init(&topic->hours, RULE_HISTORY_HOURS);
}

static void connect_rules(struct topic *topic, const struct watch_options *options)
{
	topic->rule_count = 0;
	topic->rules = xcalloc(options->rule_count + 1, sizeof *topic->rules);
	topic->states = xcalloc(options->rule_count + 1, sizeof *topic->states);
	for (size_t r = 0; r < options->rule_count; r++)
		if (rule_watches(&options->rules[r], topic->name))
			topic->rules[topic->rule_count++] = (uint32_t)r;
}

static struct rule_spec copy_rule(const struct rule_spec *from)
{
	struct rule_spec rule = *from;

	rule.name = xstrdup(from->name);
	rule.topics = NULL;
	rule.topic_count = 0;
	return rule;
}

void free_topic(struct topic *topic)
{
	for (size_t i = 0; i < topic->rule_count; i++)
		free(topic->states[i]);
	free(topic->states);
	free(topic->rules);
	free(topic->quiets);
	free(topic->sources);
	forget_baselines(topic, INT32_MIN);
	window_reset(&topic->recent);
	window_reset(&topic->hours);
	memory_reset(&topic->memory);
	free(topic->name);
}

void configure(struct watch *watch, const struct watch_options *options)
{
	watch->lateness_us = options->lateness_us > 0 ? options->lateness_us : HOUR_US;
	watch->no_data_us = options->no_data_us > 0 ? options->no_data_us : WATCH_NO_DATA_US;
	watch->rule_count = options->rule_count;
	watch->rules = xcalloc(options->rule_count + 1, sizeof *watch->rules);
	for (size_t r = 0; r < options->rule_count; r++)
		watch->rules[r] = copy_rule(&options->rules[r]);
	watch->topic_count = options->topic_count;
	watch->topics = xcalloc(options->topic_count + 1, sizeof *watch->topics);
	for (size_t t = 0; t < options->topic_count; t++) {
		make_topic(&watch->topics[t], options->topics[t]);
		connect_rules(&watch->topics[t], options);
	}
	quiets_copy(watch, options);
}

/* ---- a reload ---- */

static int by_key(const void *a, const void *b)
{
	const struct topic *x = *(struct topic *const *)a, *y = *(struct topic *const *)b;

	return x->key < y->key ? -1 : x->key > y->key;
}

/* The new topics in order of their key, to find each old one's heir. */
static struct topic **sort_topics(struct watch *watch)
{
	struct topic **sorted = xcalloc(watch->topic_count + 1, sizeof *sorted);

	for (size_t t = 0; t < watch->topic_count; t++)
		sorted[t] = &watch->topics[t];
	qsort(sorted, watch->topic_count, sizeof *sorted, by_key);
	return sorted;
}

static uint32_t *match_rules(const struct watch *watch, const struct rule_spec *old, size_t old_count)
{
	uint32_t *heirs = xcalloc(old_count + 1, sizeof *heirs);

	for (size_t o = 0; o < old_count; o++) {
		heirs[o] = UINT32_MAX;
		for (size_t r = 0; r < watch->rule_count; r++)
			if (strcmp(watch->rules[r].name, old[o].name) == 0)
				heirs[o] = (uint32_t)r;
	}
	return heirs;
}

static void inherit_states(struct watch *watch, struct topic *heir, struct topic *old, const uint32_t *rule_heirs)
{
	for (size_t o = 0; o < old->rule_count; o++) {
		struct rule_state *state = old->states[o];

		for (size_t n = 0; state && n < heir->rule_count; n++) {
			if (heir->rules[n] != rule_heirs[state->rule])
				continue;
			state->rule = heir->rules[n];
			state->topic = (uint32_t)(heir - watch->topics);
			heir->states[n] = state;
			old->states[o] = NULL;
			if (state->state != ALERT_OK)
				activate(watch, state);
			break;
		}
	}
}

/* Counts and memory move over; what the heir had of them is empty. */
static void inherit_counts(struct topic *heir, struct topic *old)
{
	heir->recent = old->recent;
	heir->hours = old->hours;
	heir->memory = old->memory;
	heir->silent_until_us = old->silent_until_us;
	heir->sources = old->sources;
	heir->source_count = old->source_count;
	old->sources = NULL;
	old->source_count = 0;
	window_init(&old->recent, RECENT_CELLS);
	window_init(&old->hours, RULE_HISTORY_HOURS);
	old->memory = (struct topic_memory){0};
}

/* Do all rules that watch the heir watch the old one too? */
static bool had_rules(const struct topic *heir, const struct topic *old, const uint32_t *rule_heirs)
{
	for (size_t n = 0; n < heir->rule_count; n++) {
		size_t o = 0;

		while (o < old->rule_count && rule_heirs[old->rules[o]] != heir->rules[n])
			o++;
		if (o == old->rule_count)
			return false;
	}
	return true;
}

bool watch_reconfigure(struct watch *watch, const struct watch_options *options, struct watch_effects *effects)
{
	struct topic *old_topics = watch->topics, **sorted;
	struct rule_spec *old_rules = watch->rules;
	size_t old_topic_count = watch->topic_count, old_rule_count = watch->rule_count;
	size_t known = 0; /* topics that had all their rules */
	uint32_t *rule_heirs;

	(void)effects; /* states are stored by name: nothing of them changes */
	quiets_free(watch);
	configure(watch, options);
	watch->active_count = 0;
	watch->groups_stale = true;
	sorted = sort_topics(watch);
	rule_heirs = match_rules(watch, old_rules, old_rule_count);
	for (size_t t = 0; t < old_topic_count; t++) {
		struct topic *key = &old_topics[t];
		struct topic **heir = bsearch(&key, sorted, watch->topic_count, sizeof *sorted, by_key);

		if (heir) {
			known += had_rules(*heir, key, rule_heirs);
			inherit_counts(*heir, key);
			inherit_states(watch, *heir, key, rule_heirs);
		}
		free_topic(key);
	}
	for (size_t r = 0; r < old_rule_count; r++)
		free((char *)old_rules[r].name);
	free(old_rules);
	free(old_topics);
	free(sorted);
	free(rule_heirs);
	return known < watch->topic_count;
}
