#include "alerts/webhook/lanes.h"

#include "alerts/webhook/retry.h"
#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

/* Behind those with the same or a lower event, and never before the one that is under way. */
static void insert(struct lane *lane, struct job *job)
{
	struct job **place = lane->busy ? &lane->first->next : &lane->first;
	while (*place != NULL && (*place)->delivery.event <= job->delivery.event)
		place = &(*place)->next;
	job->next = *place;
	*place = job;
}

void lanes_add(struct lanes *lanes, const struct delivery *delivery)
{
	struct job *job = xcalloc(1, sizeof *job);
	job->delivery = *delivery;
	struct lane **place = &lanes->first;
	while (*place != NULL && strcmp((*place)->first->delivery.alert, delivery->alert) != 0)
		place = &(*place)->next;
	if (*place == NULL)
		*place = xcalloc(1, sizeof **place);
	insert(*place, job);
}

struct lane *lanes_due(const struct lanes *lanes, int64_t now_us, int64_t *next_us)
{
	for (struct lane *lane = lanes->first; lane != NULL; lane = lane->next) {
		if (lane->busy)
			continue;
		int64_t at_us = lane->first->delivery.next_try_us;
		/* A clock that was set back must not turn a pause of minutes into one of years. */
		if (at_us <= now_us || at_us > now_us + RETRY_AFTER_MAX_US)
			return lane;
		if (at_us < *next_us)
			*next_us = at_us;
	}
	return NULL;
}

void lanes_set_busy(struct lanes *lanes, struct lane *lane, bool busy)
{
	CHECK(lane->busy != busy);
	lane->busy = busy;
	if (busy)
		lanes->busy++;
	else
		lanes->busy--;
}

bool lane_is_over(const struct lane *lane)
{
	for (const struct job *job = lane->first; job != NULL; job = job->next)
		if (job->delivery.resolved)
			return true;
	return false;
}

struct job *lanes_take_first(struct lanes *lanes, struct lane *lane)
{
	CHECK(!lane->busy);
	struct job *job = lane->first;
	lane->first = job->next;
	if (lane->first != NULL)
		return job;
	struct lane **place = &lanes->first;
	while (*place != lane)
		place = &(*place)->next;
	*place = lane->next;
	free(lane);
	return job;
}

void job_free(struct job *job)
{
	if (job == NULL)
		return;
	free(job->delivery.receiver);
	free(job->delivery.alert);
	free(job->delivery.payload);
	free(job);
}

void lanes_hurry(struct lanes *lanes)
{
	for (struct lane *lane = lanes->first; lane != NULL; lane = lane->next)
		lane->first->delivery.next_try_us = 0;
}

struct lane *lanes_idle(const struct lanes *lanes)
{
	struct lane *lane = lanes->first;
	while (lane != NULL && lane->busy)
		lane = lane->next;
	return lane;
}
