#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "alerts/rule.h"
#include "alerts/topics.h"
#include "alerts/watch.h"
#include "alerts/webhook.h"
#include "daemon/base/err.h"
#include "daemon/self_limits.h"
#include "ingest/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * The configuration as a value: parsed, checked whole, then immutable.  Nothing
 * reads YAML later; a reload makes a new value and swaps it.
 *
 * Every key stands in one table (daemon/config_keys.c) with its type, default,
 * range and help; etc/bellwether.yaml shows them all.
 */
#define CONFIG_DATABASE "/var/lib/bellwether/bellwether.db" /* where none is named */

enum score_policy {
	SCORE_AUTO,    /* encode what a topic or rule needs */
	SCORE_ALL,     /* every document */
	SCORE_MATCHED, /* only documents that a topic's words match */
};

/* Where something stands in the file; lines and columns from 1. */
struct config_mark {
	size_t line, column;
};

/* One thing of a list, with its place: for checks that need the outside (does the model know this label?). */
struct config_source {
	struct config_mark mark;
	struct source_options options;
};

struct config_topic {
	struct config_mark mark;
	struct topic_spec spec;
};

struct config_rule {
	struct config_mark mark;
	struct rule_spec spec;
};

struct config_receiver {
	struct config_mark mark;
	struct receiver_spec spec;
	const char *secret_file; /* NULL = unsigned; read by config_load_secrets into spec.secret */
};

/* A sign of life: `receiver` gets one so often, while all is well. */
struct config_heartbeat {
	struct config_mark mark;
	const char *receiver;
	int64_t every_us;
};

/* A time in which nothing is sent: once, or every week. */
struct config_silence {
	struct config_mark mark;
	const char *name;
	const char *const *topics; /* topic_count 0 = all */
	size_t topic_count;
	const char *from, *until;
	const char *const *weekly; /* "Sat 22:00-Sun 06:00" */
	size_t weekly_count;
	const char *timezone, *why;
};

struct config {
	const char *path;
	const char *database;
	struct {
		const char *path; /* NULL = looked up: $BELLWETHER_MODEL, installed, source tree */
		const char *device;
		const char *precision;
		int64_t threads;
		int64_t linger_us; /* how long a document waits for company in its batch */
	} model;
	struct {
		const char *listen; /* "127.0.0.1:9610"; "" = no HTTP */
	} http;
	struct {
		int64_t documents;
		int64_t bytes;
	} queue;
	struct {
		int64_t documents_us;
		int64_t trends_us;
	} retention;
	enum score_policy score;
	int64_t lateness_us;
	struct config_source *sources;
	size_t source_count;
	struct config_topic *topics;
	size_t topic_count;
	struct config_rule *rules;
	size_t rule_count;
	int64_t no_data_us;
	struct config_silence *silences;
	size_t silence_count;
	struct config_receiver *receivers;
	size_t receiver_count;
	struct self_limits self; /* alerts on the daemon itself */
	struct config_heartbeat *heartbeats;
	size_t heartbeat_count;

	/* Derived, so that nobody derives them twice: */
	struct topics *watch_list;     /* compiled */
	struct watch_options watch;    /* names and rules as alerts/watch takes them */
	const char **receiver_names;
	struct receiver_spec *receiver_specs;

	struct config_private *private; /* owns every string and array above */
};

/* Called for each problem found, in the order of the file: "bellwether.yaml:14:9: rules[0].window: ...". */
typedef void config_problem(void *context, const char *line);

/* NULL where there is any problem; each has been reported. */
struct config *config_load(const char *path, config_problem *problem, void *context);
/* The same from memory; `name` stands in messages. */
struct config *config_parse(const char *text, size_t length, const char *name, config_problem *problem, void *context);
void config_free(struct config *config);

/* A config_problem that prints to standard error. */
void config_print_problem(void *context, const char *line);
/* One that writes it to the log. */
void config_log_problem(void *context, const char *line);

/* Read the receivers' secret files (relative: in $CREDENTIALS_DIRECTORY, else beside the configuration).
 * -1 where one is missing, empty or no valid secret; each has been reported. */
int config_load_secrets(struct config *config, config_problem *problem, void *context);

/* Do the topics' labels exist in the model?  `labels` are its names (count 0 = the model has no topic head). */
int config_check_labels(const struct config *config, const char *const *labels, size_t count, config_problem *problem,
			void *context);

/* Does any topic need the classifier's labels? */
bool config_needs_labels(const struct config *config);

/* For a reload.  Is there a key of a different value that only a restart can change?  `path` takes its name ("model.device"). */
bool config_needs_restart(const struct config *old, const struct config *new, char *path, size_t size);

/* Do all keys of two sources say the same?  Then the one that runs may go on. */
bool config_same_source(const struct config_source *a, const struct config_source *b);

/* Write the reference of all keys (for `check --keys`): key, default, what it means. */
void config_print_keys(FILE *out);

#endif
