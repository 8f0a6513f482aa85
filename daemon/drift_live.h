#ifndef DAEMON_DRIFT_LIVE_H
#define DAEMON_DRIFT_LIVE_H

#include "daemon/drift_profile.h"
#include "model/classifier.h"

#include <stdint.h>

/*
 * The stored text by weeks (from Monday, UTC, by the documents' own time) and by
 * sources, as profiles.  Of a week so many texts are taken, by chance, but the
 * same ones each time.
 */
struct drift_live_options {
	const char *database;
	size_t weeks;     /* the newest of those that have text */
	size_t texts;     /* of a week at most */
	bool all;         /* documents that no model was asked about, too */
	const struct tokenizer *tokenizer;
	struct classifier *classifier;
	const struct drift_profile *before; /* sealed; NULL: the weeks before the newest become it */
	void (*progress)(void *context, size_t done, size_t all); /* may be NULL */
	void *context;
};

struct drift_group {
	char *name; /* "2026-11-16", "wire" */
	struct drift_profile profile;
};

struct drift_live {
	struct drift_group *weeks, *sources; /* weeks: oldest first */
	size_t week_count, source_count;
	struct drift_profile earlier; /* without `before`: the weeks before the newest, sealed */
	bool has_earlier;
	struct drift_tally news;      /* words of the newest week that `before` does not have */
};

/* Fails where the database cannot be read or has no such text, and, without `before`, where it has one week alone. */
int drift_live_read(struct drift_live *live, const struct drift_live_options *options, struct err *e);
void drift_live_clear(struct drift_live *live);

#endif
