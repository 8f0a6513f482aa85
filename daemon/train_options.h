#ifndef DAEMON_TRAIN_OPTIONS_H
#define DAEMON_TRAIN_OPTIONS_H

#include "daemon/base/err.h"
#include "model/train/fit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What `bellwether train` is told, by its command line and by a YAML file of the same names: one table for both. */
struct train_options {
	char *base, *out, *polarity, *topic, *polarity_validation, *topic_validation, *source;
	char *database;      /* whose corrections are rows, too */
	double database_share;
	char *teacher;       /* directories, with commas between them */
	char *unlabelled, *pretrain;
	char *keep_layers;   /* "3", "0,2,4" */
	char *search;        /* the space of a search, or NULL */
	char *pooling;       /* "cls", "mean"; NULL: as the base says */
	char *class_weights; /* "none", "balanced" */
	char *dtype;         /* "f32", "f16" */
	char *calibrate;     /* "yes", "no" */
	char *precision;     /* "fp32", "bf16" */
	double rates[FIT_RATES];
	size_t rate_count;
	double epochs, batch, max_tokens, batch_tokens, threads, patience, seed;
	double noise, trials;
	double dropout, smoothing, decay, clip, warm_up, average, validation, keep, checkpoint_s;
	double temperature, hard, relations, hidden, pretrain_epochs, pretrain_rate, mask, prune_heads;
	bool new_heads, resume, help;
	bool prune_table;
};

/* Frees what it holds. */
void train_options_clear(struct train_options *options);

/* A copy with strings of its own. */
void train_options_copy(struct train_options *to, const struct train_options *from);

/* The command line over the file that it names over the defaults.  Fails with a message that names option or place. */
int train_options_parse(struct train_options *options, int argc, char **argv, struct err *e);

/* Is all there that a run needs, and nothing that it cannot follow?  Parsing asks; who sets values afterwards asks again. */
int train_options_check(const struct train_options *options, struct err *e);

/* One value by its name ("lr") as text. */
int train_options_set(struct train_options *options, const char *name, const char *value, struct err *e);

/* Values by the YAML file's text; relative paths are relative to the file. */
int train_options_read(struct train_options *options, const char *path, struct err *e);

/* Those that have a say in the result, as lines "name=value" (of what they are after parsing). */
char *train_options_describe(const struct train_options *options);

/* Name, value and kind of each: calls `tell` with the value as text, or NULL where it is not set. */
void train_options_each(const struct train_options *options,
			void (*tell)(void *context, const char *name, const char *value, bool is_text), void *context);

void train_options_help(FILE *out);

/* Of a key that there is: does it name a file or directory, or several of them with commas between?  Several?  Does it take
 * whole numbers alone? */
bool train_options_is_path(const char *name);
bool train_options_is_list(const char *name);
bool train_options_is_whole(const char *name);

/* The next path of a value: *length bytes, in a list up to a comma and without the blanks before it.  *rest begins as the value
 * and is NULL after the last. */
const char *train_options_part(const char **rest, bool list, size_t *length);

/* A value as the file `path` has it: relative paths are relative to the file.  The caller frees it. */
char *train_options_resolve(const char *path, const char *name, const char *value);

#endif
