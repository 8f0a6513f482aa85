/*
 * The budget is a promise about false alarms, and the database knows alarms
 * alone: a topic beyond its budget has had crises or is noisy, and a person
 * can tell which.  So it is a warning, with the numbers.
 */
#include "daemon/check_budget.h"

#include <stdio.h>
#include <stdlib.h>

#define SHOWN_MAX 10 /* topics; the others are counted */

struct tally_of_topics {
	budget_say *say;
	void *context;
	unsigned topics, beyond;
};

static int look_at_topic(void *context, size_t columns, const char *const *values)
{
	struct tally_of_topics *all = context;
	char text[256];
	(void)columns;
	all->topics++;
	if (atof(values[1]) <= atof(values[2]))
		return 0;
	if (all->beyond++ < SHOWN_MAX) {
		snprintf(text, sizeof text, "topic \"%.100s\" fired %s times in %s days, %s allowed", values[0], values[1], values[3],
			 values[2]);
		all->say(all->context, "warning", text);
	}
	return 0;
}

void check_budgets(struct store *store, budget_say *say, void *context)
{
	struct tally_of_topics all = {.say = say, .context = context};
	struct err e;
	char text[256];
	if (store_query(store,
			"SELECT DISTINCT topic, alerts_fired, alerts_budgeted, budget_days FROM watch_status"
			" WHERE alerts_budgeted IS NOT NULL ORDER BY alerts_fired / alerts_budgeted DESC, topic",
			look_at_topic, &all, &e) != 0) {
		say(context, "error", e.text);
		return;
	}
	if (all.topics == 0)
		return; /* nothing was watched yet */
	snprintf(text, sizeof text, "false alarms: %u of %u topics are within their budget", all.topics - all.beyond, all.topics);
	say(context, "ok", text);
}
