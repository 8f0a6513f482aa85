#ifndef ALERTS_WEBHOOK_RECEIVER_H
#define ALERTS_WEBHOOK_RECEIVER_H

#include "alerts/webhook/lanes.h"
#include "alerts/webhook/settings.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * A receiver and what waits for it.  The settings of one that a reload changes
 * are exchanged in place: messages under way carry all they need and come back
 * to the same lane.  One that is gone from the configuration stays as a name
 * that takes nothing, until the thread ends.
 */
struct receiver {
	struct receiver *next;
	char *name;
	struct settings *settings; /* NULL = not configured */
	uint32_t generation;       /* of the settings: what an older one says about "gone" is history */
	struct lanes lanes;
	int64_t not_before_us;     /* Retry-After: all lanes wait */
	bool failing;              /* said so in the log */
	char disabled[200];        /* why it takes nothing; "" = it does */
};

/* Why a name that nobody configured takes nothing. */
extern const char receiver_not_configured[];

/* NULL where there is none of this name. */
struct receiver *receiver_find(struct receiver *first, const char *name);

/* A new one is not configured. */
struct receiver *receiver_find_or_create(struct receiver **first, const char *name);

/* From now on it takes nothing. */
void receiver_disable(struct receiver *receiver, const char *why);

/* The log tells where it changes, not every time. */
void receiver_set_failing(struct receiver *receiver, bool failing, const char *error);

/* The receivers from now on; `list` is taken.  What waits for those that stay is tried at once; one that was disabled is
 * given another chance. */
void receivers_configure(struct receiver **first, struct settings_list *list);

/* With all that waits; nothing may be under way. */
void receivers_free(struct receiver *first);

#endif
