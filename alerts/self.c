/*
 * Subjects are few (some for each source), so a list that is searched from its
 * start will do.  What is not firing and not bad is only kept for the round.
 */
#include "alerts/self.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct subject {
	char *name;
	bool seen;           /* in this round */
	bool firing;
	int64_t since_us;    /* bad (while not firing) or good (while firing) since; TIME_NONE = neither */
	int64_t told_us;     /* the last telling */
	struct watch_alert alert; /* while firing: what was told last */
};

struct self {
	struct subject *subjects;
	size_t count, room;
	struct self_change *changes; /* texts owned */
	size_t change_count, change_room;
};

struct self *self_create(void)
{
	return xcalloc(1, sizeof(struct self));
}

void self_clear(struct self *self)
{
	for (size_t i = 0; i < self->change_count; i++) {
		free((char *)self->changes[i].subject);
		free((char *)self->changes[i].message);
	}
	self->change_count = 0;
}

void self_free(struct self *self)
{
	if (self == NULL)
		return;
	self_clear(self);
	for (size_t i = 0; i < self->count; i++)
		free(self->subjects[i].name);
	free(self->subjects);
	free(self->changes);
	free(self);
}

static struct subject *find_or_add(struct self *self, const char *name)
{
	for (size_t i = 0; i < self->count; i++)
		if (strcmp(self->subjects[i].name, name) == 0)
			return &self->subjects[i];
	if (self->count == self->room) {
		self->room = self->room > 0 ? self->room * 2 : 16;
		self->subjects = xrealloc(self->subjects, self->room * sizeof *self->subjects);
	}
	struct subject *subject = &self->subjects[self->count++];
	*subject = (struct subject){.name = xstrdup(name), .since_us = TIME_NONE, .told_us = TIME_NONE};
	return subject;
}

/* ---- telling ---- */

static void name_alert(struct watch_alert *alert, const char *subject, int64_t since_us)
{
	uint64_t hash = hash_text(hash_text(0, SELF_RULE), subject);
	hash = hash_bytes(hash, &since_us, sizeof since_us);
	snprintf(alert->id, sizeof alert->id, "%016llx", (unsigned long long)hash);
}

static void tell(struct self *self, struct subject *subject, enum alert_change change, const char *message, int64_t now_us)
{
	subject->alert.event++;
	subject->alert.change = change;
	subject->alert.at_us = now_us;
	subject->told_us = now_us;
	if (self->change_count == self->change_room) {
		self->change_room = self->change_room > 0 ? self->change_room * 2 : 8;
		self->changes = xrealloc(self->changes, self->change_room * sizeof *self->changes);
	}
	self->changes[self->change_count++] =
		(struct self_change){subject->alert, xstrdup(subject->name), xstrdup(message)};
}

static void raise_alert(struct self *self, struct subject *subject, const struct self_observation *seen, int64_t now_us)
{
	subject->firing = true;
	subject->alert = (struct watch_alert){
		.state = ALERT_FIRING,
		.notify = true,
		.started_us = subject->since_us,
		.fired_us = now_us,
		.resolved_us = TIME_NONE,
		.count = seen->level,
		.peak_count = seen->level,
		.expected = NAN,
		.ratio = NAN,
		.p_value = NAN,
	};
	name_alert(&subject->alert, subject->name, subject->since_us);
	subject->since_us = TIME_NONE;
	tell(self, subject, CHANGE_FIRED, seen->message, now_us);
}

static void resolve(struct self *self, struct subject *subject, const char *message, int64_t now_us)
{
	subject->firing = false;
	subject->since_us = TIME_NONE;
	subject->alert.state = ALERT_RESOLVED;
	subject->alert.resolved_us = now_us;
	tell(self, subject, CHANGE_RESOLVED, message, now_us);
}

/* ---- observations ---- */

/* How long it has been so; a clock that was set back starts it anew. */
static int64_t held_us(struct subject *subject, int64_t now_us)
{
	if (subject->since_us == TIME_NONE || subject->since_us > now_us)
		subject->since_us = now_us;
	return now_us - subject->since_us;
}

static void grow_worse(struct self *self, struct subject *subject, const struct self_observation *seen, int64_t now_us)
{
	if (subject->told_us > now_us)
		subject->told_us = now_us;
	if (seen->level <= subject->alert.peak_count || now_us - subject->told_us < SELF_AGAIN_US)
		return;
	subject->alert.count = subject->alert.peak_count = seen->level;
	tell(self, subject, CHANGE_ESCALATED, seen->message, now_us);
}

void self_observe(struct self *self, const struct self_observation *seen, int64_t now_us)
{
	struct subject *subject = find_or_add(self, seen->subject);
	subject->seen = true;
	if (seen->verdict == SELF_UNSURE)
		return;
	if ((seen->verdict == SELF_BAD) == subject->firing) {
		subject->since_us = TIME_NONE; /* as it should be */
		if (subject->firing)
			grow_worse(self, subject, seen, now_us);
	} else if (subject->firing) {
		if (held_us(subject, now_us) >= seen->clear_after_us)
			resolve(self, subject, seen->message, now_us);
	} else if (held_us(subject, now_us) >= seen->raise_after_us) {
		raise_alert(self, subject, seen, now_us);
	}
}

void self_end_round(struct self *self, int64_t now_us)
{
	size_t kept = 0;
	for (size_t i = 0; i < self->count; i++) {
		struct subject *subject = &self->subjects[i];
		if (!subject->seen && subject->firing)
			resolve(self, subject, "It is watched no more: the configuration has changed.", now_us);
		if (!subject->seen) {
			free(subject->name);
			continue;
		}
		subject->seen = false;
		self->subjects[kept++] = *subject;
	}
	self->count = kept;
}

/* ---- what others take and give ---- */

const struct self_change *self_changes(const struct self *self, size_t *count)
{
	*count = self->change_count;
	return self->changes;
}

void self_load(struct self *self, const char *name, const struct watch_alert *alert)
{
	struct subject *subject = find_or_add(self, name);
	subject->firing = true;
	subject->alert = *alert;
	subject->alert.state = ALERT_FIRING;
	subject->alert.notify = true;
	subject->alert.resolved_us = TIME_NONE;
	subject->alert.expected = subject->alert.ratio = subject->alert.p_value = NAN;
	subject->told_us = alert->at_us;
}

void self_each_open(const struct self *self, void (*each)(void *context, const char *subject), void *context)
{
	for (size_t i = 0; i < self->count; i++)
		if (self->subjects[i].firing)
			each(context, self->subjects[i].name);
}
