#include "alerts/webhook/receiver.h"

#include "daemon/base/check.h"
#include "daemon/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char receiver_not_configured[] = "no receiver of this name is configured";

struct receiver *receiver_find(struct receiver *r, const char *name)
{
	while (r != NULL && strcmp(r->name, name) != 0)
		r = r->next;
	return r;
}

struct receiver *receiver_find_or_create(struct receiver **first, const char *name)
{
	struct receiver **place = first;
	while (*place != NULL && strcmp((*place)->name, name) != 0)
		place = &(*place)->next;
	if (*place == NULL) {
		*place = xcalloc(1, sizeof **place);
		(*place)->name = xstrdup(name);
		snprintf((*place)->disabled, sizeof (*place)->disabled, "%s", receiver_not_configured);
	}
	return *place;
}

void receiver_disable(struct receiver *r, const char *why)
{
	snprintf(r->disabled, sizeof r->disabled, "%s", why);
	log_warning("receiver \"%s\": %s", r->name, r->disabled);
}

void receiver_set_failing(struct receiver *r, bool failing, const char *error)
{
	if (failing && !r->failing)
		log_warning("receiver \"%s\": %s: its messages wait and are tried again", r->name, error);
	if (!failing && r->failing)
		log_info("receiver \"%s\": takes messages again", r->name);
	r->failing = failing;
}

void receivers_configure(struct receiver **first, struct settings_list *list)
{
	for (struct receiver *r = *first; r != NULL; r = r->next) {
		settings_free(r->settings);
		r->settings = NULL;
		r->generation++;
		r->not_before_us = 0;
		lanes_hurry(&r->lanes);
		snprintf(r->disabled, sizeof r->disabled, "%s", receiver_not_configured);
	}
	for (size_t i = 0; i < list->count; i++) {
		struct receiver *r = receiver_find_or_create(first, list->each[i]->spec.name);
		settings_free(r->settings); /* two of one name: the later counts */
		r->settings = list->each[i];
		list->each[i] = NULL;
		r->disabled[0] = '\0';
	}
	settings_list_free(list);
}

void receivers_free(struct receiver *r)
{
	for (struct receiver *next; r != NULL; r = next) {
		next = r->next;
		for (struct lane *lane; (lane = lanes_idle(&r->lanes)) != NULL;)
			job_free(lanes_take_first(&r->lanes, lane));
		settings_free(r->settings);
		free(r->name);
		free(r);
	}
}
