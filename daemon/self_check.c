/*
 * Each limit has a second one on its far side, so that what hovers about it is
 * neither: half of an age or a size, a quarter more of free room.
 */
#include "daemon/self_check.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/self_lag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GAP_OPEN_US HOUR_US /* a gap is told once, and over when none has followed for this long */
#define NAME_MAX_BYTES 300
#define MESSAGE_BYTES 700

/* What must be remembered of a source between two looks. */
struct remembered {
	char *name;
	uint64_t documents;
	int64_t document_us;  /* when the last came */
	struct self_lag lag;
	int64_t gap_us;
	uint32_t gaps;
	char gap_reason[400];
};

struct self_check {
	struct remembered **sources;
	size_t count;
	int64_t started_us;
};

struct self_check *self_check_create(int64_t now_us)
{
	struct self_check *check = xcalloc(1, sizeof *check);
	check->started_us = now_us;
	return check;
}

void self_check_free(struct self_check *check)
{
	if (check == NULL)
		return;
	for (size_t i = 0; i < check->count; i++) {
		free(check->sources[i]->name);
		free(check->sources[i]);
	}
	free(check->sources);
	free(check);
}

static struct remembered *find_or_add(struct self_check *check, const char *name)
{
	for (size_t i = 0; i < check->count; i++)
		if (strcmp(check->sources[i]->name, name) == 0)
			return check->sources[i];
	struct remembered *source = xcalloc(1, sizeof *source);
	source->name = xstrdup(name);
	source->document_us = check->started_us;
	source->gap_us = TIME_NONE;
	check->sources = xrealloc(check->sources, (check->count + 1) * sizeof(struct remembered *));
	return check->sources[check->count++] = source;
}

void self_check_gap(struct self_check *check, const char *name, const char *reason, int64_t at_us)
{
	struct remembered *source = find_or_add(check, name);
	source->gap_us = at_us;
	source->gaps++;
	snprintf(source->gap_reason, sizeof source->gap_reason, "%s", reason);
}

void self_check_past(struct self_check *check, const struct store_source_past *past)
{
	struct remembered *source = find_or_add(check, past->source);
	if (past->advanced_us != TIME_NONE)
		source->document_us = past->advanced_us;
	if (past->gap_us != TIME_NONE)
		self_check_gap(check, past->source, past->gap_reason, past->gap_us);
}

/* ---- telling ---- */

static const char *span_text(int64_t span_us, char out[32])
{
	int64_t minutes = span_us / MINUTE_US;
	if (minutes < 1)
		snprintf(out, 32, "%lld s", (long long)(span_us / SECOND_US));
	else if (minutes < 120)
		snprintf(out, 32, "%lld minutes", (long long)minutes);
	else if (minutes < 2880)
		snprintf(out, 32, "%lld hours", (long long)(minutes / 60));
	else
		snprintf(out, 32, "%lld days", (long long)(minutes / 1440));
	return out;
}

static const char *size_text(int64_t bytes, char out[32])
{
	snprintf(out, 32, "%.2f GiB", (double)bytes / (1 << 30));
	return out;
}

struct telling {
	struct self *self;
	int64_t now_us;
	const char *kind, *name; /* the subject; `name` may be NULL */
	enum self_verdict verdict;
	int64_t raise_after_us, clear_after_us;
	uint32_t level;
};

static void tell(const struct telling *telling, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct telling *telling, const char *fmt, ...)
{
	char subject[NAME_MAX_BYTES], message[MESSAGE_BYTES];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof message, fmt, args);
	va_end(args);
	snprintf(subject, sizeof subject, "%s%s%s", telling->kind, telling->name != NULL ? " " : "",
		 telling->name != NULL ? telling->name : "");
	self_observe(telling->self,
		     &(struct self_observation){.subject = subject,
						.verdict = telling->verdict,
						.raise_after_us = telling->raise_after_us,
						.clear_after_us = telling->clear_after_us,
						.level = telling->level > 0 ? telling->level : 1,
						.message = message},
		     telling->now_us);
}

static enum self_verdict verdict_of(bool bad, bool good)
{
	return bad ? SELF_BAD : good ? SELF_GOOD : SELF_UNSURE;
}

/* ---- one source ---- */

/* A consumer that warns and has no partition reads nothing; feeds warn where some of them are read. */
static bool is_down(const struct self_source *seen)
{
	enum source_state state = seen->health->state;
	return state == SOURCE_DOWN || (state == SOURCE_WARNING && seen->interval_us == 0 && seen->health->lag < 0);
}

static void check_down(struct telling telling, const struct self_limits *limits, const struct self_source *seen)
{
	const struct source_health *health = seen->health;
	bool down = is_down(seen);
	char span[32];
	telling.kind = "source";
	telling.verdict = verdict_of(down, health->state != SOURCE_STARTING);
	telling.raise_after_us = limits->source_down_us;
	telling.clear_after_us = limits->hold_us;
	if (down)
		tell(&telling, "Source %s has not been read for %s: %s", seen->name, span_text(limits->source_down_us, span),
		     health->message);
	else
		tell(&telling, "Source %s is read again.", seen->name);
}

/* While nothing of the source is read, one message says it all. */
static void check_parts(struct self_check *check, struct telling telling, const struct self_limits *limits,
			const struct self_source *seen)
{
	int64_t limit_us = limits->source_down_us > 2 * seen->interval_us ? limits->source_down_us : 2 * seen->interval_us;
	const struct source_part *first = NULL;
	char span[32];
	for (size_t i = 0; i < seen->part_count; i++) {
		const struct source_part *part = &seen->parts[i];
		int64_t last_us = part->last_progress_us > check->started_us ? part->last_progress_us : check->started_us;
		if (part->state != SOURCE_DOWN || telling.now_us - last_us <= limit_us)
			continue;
		telling.level++;
		if (first == NULL)
			first = part;
	}
	telling.kind = seen->interval_us > 0 ? "feeds" : "partitions";
	telling.verdict = seen->health->state == SOURCE_DOWN ? SELF_UNSURE : verdict_of(first != NULL, true);
	if (first != NULL)
		tell(&telling, "%u of %zu %s of source %s have not been read for %s, the first: %.300s: %.200s", telling.level,
		     seen->part_count, telling.kind, seen->name, span_text(limit_us, span), first->stream, first->message);
	else
		tell(&telling, "All %s of source %s are read.", telling.kind, seen->name);
}

static void check_silence(struct telling telling, const struct self_limits *limits, struct remembered *source,
			  const struct source_health *health)
{
	char span[32];
	bool came = health->documents != source->documents;
	source->documents = health->documents;
	if (came || source->document_us > telling.now_us)
		source->document_us = telling.now_us;
	bool silent = telling.now_us - source->document_us > limits->silent_us;
	telling.kind = "silent";
	telling.verdict = silent && health->state != SOURCE_OK && health->state != SOURCE_WARNING
				  ? SELF_UNSURE
				  : verdict_of(silent, true);
	if (silent)
		tell(&telling, "Source %s is read and has brought nothing for %s.", source->name,
		     span_text(limits->silent_us, span));
	else
		tell(&telling, "Source %s has brought something again.", source->name);
}

static void check_lag(struct telling telling, const struct self_limits *limits, struct remembered *source,
		      const struct source_health *health)
{
	char span[32];
	telling.kind = "lag";
	telling.verdict = self_lag_judge(&source->lag, health, limits->lag_us, telling.now_us);
	telling.clear_after_us = limits->hold_us;
	if (telling.verdict == SELF_GOOD)
		tell(&telling, "Source %s has caught up.", source->name);
	else if (source->lag.growing)
		tell(&telling, "Source %s falls behind: %lld messages wait, more from one %s to the next.", source->name,
		     (long long)health->lag, span_text(limits->lag_us, span));
	else
		tell(&telling, "Source %s is behind: messages that came %s ago are not read yet; %lld wait.", source->name,
		     span_text(limits->lag_us, span), (long long)health->lag);
}

static void check_gap(struct telling telling, const struct remembered *source)
{
	bool open = source->gap_us != TIME_NONE && telling.now_us - source->gap_us < GAP_OPEN_US;
	telling.kind = "gap";
	telling.verdict = verdict_of(open, true);
	telling.level = source->gaps;
	if (open)
		tell(&telling, "The log of source %s has lost messages before they were read: %s", source->name,
		     source->gap_reason);
	else
		tell(&telling, "No more gap in the log of source %s for an hour. What was lost stays lost.", source->name);
}

void self_check_source(struct self_check *check, struct self *self, const struct self_limits *limits,
		       const struct self_source *seen, int64_t now_us)
{
	struct remembered *source = find_or_add(check, seen->name);
	struct telling telling = {.self = self, .now_us = now_us, .name = seen->name};
	if (limits->source_down_us > 0) {
		check_down(telling, limits, seen);
		if (seen->part_count > 1)
			check_parts(check, telling, limits, seen);
	}
	if (limits->silent_us > 0 && seen->health->state != SOURCE_DONE)
		check_silence(telling, limits, source, seen->health);
	if (limits->lag_us > 0)
		check_lag(telling, limits, source, seen->health);
	if (limits->gap)
		check_gap(telling, source);
}

/* ---- the database ---- */

static void check_disk(struct telling telling, const struct self_limits *limits, const struct self_database *seen)
{
	char room[32];
	bool waiting = seen->status->waiting, known = seen->free_bytes >= 0;
	bool low = known && seen->free_bytes < limits->disk_free_bytes;
	bool enough = known && seen->free_bytes > limits->disk_free_bytes + limits->disk_free_bytes / 4;
	telling.kind = "disk";
	telling.verdict = verdict_of(waiting || low, enough);
	if (waiting)
		tell(&telling, "The database cannot be written, so nothing is taken in: %s", seen->status->message);
	else if (low)
		tell(&telling, "%s are free on the database's file system.", size_text(seen->free_bytes, room));
	else
		tell(&telling, "The database can be written, and there is room again.");
}

void self_check_database(struct self *self, const struct self_limits *limits, const struct self_database *seen,
			 int64_t now_us)
{
	const struct writer_status *status = seen->status;
	struct telling telling = {
		.self = self, .now_us = now_us, .raise_after_us = limits->hold_us, .clear_after_us = limits->hold_us};
	char span[32], size[32];
	if (limits->disk_free_bytes > 0)
		check_disk(telling, limits, seen);
	if (limits->clock_us > 0) {
		int64_t behind_us = status->applied_us == TIME_NONE ? 0 : status->applied_us - now_us;
		telling.kind = "clock";
		telling.verdict = verdict_of(behind_us > limits->clock_us, behind_us < limits->clock_us / 2);
		if (telling.verdict == SELF_GOOD)
			tell(&telling, "The clock has caught up with what was stored.");
		else
			tell(&telling, "The clock is %s behind what was stored last: alerts wait until it has caught up.",
			     span_text(behind_us, span));
	}
	if (limits->wal_bytes > 0) {
		telling.kind = "wal";
		telling.verdict = verdict_of(status->wal_bytes > limits->wal_bytes, status->wal_bytes < limits->wal_bytes / 2);
		tell(&telling, "The database's write-ahead log has %s%s.", size_text(status->wal_bytes, size),
		     telling.verdict == SELF_GOOD ? " again" : ": a reader keeps an old snapshot open");
	}
	if (limits->outbox_age_us > 0) {
		int64_t age_us = status->outbox_oldest_us == TIME_NONE ? 0 : now_us - status->outbox_oldest_us;
		telling.kind = "outbox";
		telling.verdict = verdict_of(age_us > limits->outbox_age_us, age_us < limits->outbox_age_us / 2);
		telling.raise_after_us = 0;
		if (telling.verdict == SELF_GOOD)
			tell(&telling, "No delivery waits for long.");
		else
			tell(&telling, "%zu deliveries wait, the oldest for %s: a receiver does not take them (delivery_status).",
			     status->outbox_pending, span_text(age_us, span));
	}
}

void self_check_gpu(struct self *self, const char *trouble, int64_t now_us)
{
	struct telling telling = {.self = self, .now_us = now_us, .kind = "gpu"};
	telling.verdict = verdict_of(trouble != NULL, trouble == NULL);
	if (trouble != NULL)
		tell(&telling, "The model runs more slowly until the daemon is started again: %s.", trouble);
	else
		tell(&telling, "The model runs where it should.");
}
