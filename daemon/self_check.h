#ifndef DAEMON_SELF_CHECK_H
#define DAEMON_SELF_CHECK_H

#include "alerts/self.h"
#include "alerts/store.h"
#include "alerts/writer.h"
#include "daemon/self_limits.h"
#include "ingest/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * From what the daemon measures of itself to what alerts/self is told: which
 * subjects there are, and when each is bad and when good.  Asks neither clock
 * nor disk.
 *
 *   source NAME   nothing can be read from it
 *   feeds NAME    some of its feeds (or partitions) cannot be read
 *   silent NAME   it is read, and brings nothing
 *   lag NAME      it is read too slowly: what was in the log long ago still is not read, or it falls further behind
 *   gap NAME      its log has lost messages that were not read
 *   outbox        deliveries wait
 *   clock         it was set back behind what was stored last
 *   wal           the write-ahead log grows: somebody holds an old snapshot
 *   disk          room runs out, or the database cannot be written
 *   gpu           one failed, and other GPUs or the CPU have taken over
 */
struct self_check;

struct self_check *self_check_create(int64_t now_us);
void self_check_free(struct self_check *check);

/* What the database knows of a source's past: before its first self_check_source. */
void self_check_past(struct self_check *check, const struct store_source_past *past);

/* A gap that is durable now. */
void self_check_gap(struct self_check *check, const char *source, const char *reason, int64_t at_us);

struct self_source {
	const char *name;
	const struct source_health *health;
	const struct source_part *parts;
	size_t part_count;
	int64_t interval_us; /* between polls of a feed; 0 = none */
};
void self_check_source(struct self_check *check, struct self *self, const struct self_limits *limits,
		       const struct self_source *seen, int64_t now_us);

struct self_database {
	const struct writer_status *status;
	int64_t free_bytes; /* on its file system; -1 = not known */
};
void self_check_database(struct self *self, const struct self_limits *limits, const struct self_database *seen,
			 int64_t now_us);

/* `trouble` is classifier_trouble's: NULL, or who has taken over and why. */
void self_check_gpu(struct self *self, const char *trouble, int64_t now_us);

#endif
