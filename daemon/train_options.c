#include "daemon/train_options.h"

#include "daemon/base/check.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, PATH, PATHS, NUMBER, WHOLE, RATES, FLAG };

struct key {
	const char *name;
	enum kind kind;
	size_t offset;
	double least, most, absent;
	const char *text;    /* default of a TEXT, or NULL */
	const char *choices; /* of a TEXT: "cls|mean" */
	const char *value, *help;
	bool aside; /* has no say in the result */
};

#define AT(member) offsetof(struct train_options, member)

static const struct key keys[] = {
	{"base", PATH, AT(base), 0, 0, 0, NULL, NULL, "DIR",
	 "the BERT to start from, in Hugging Face's layout", false},
	{"polarity", PATH, AT(polarity), 0, 0, 0, NULL, NULL, "F.tsv",
	 "rows labelled negative, neutral or positive", false},
	{"topic", PATH, AT(topic), 0, 0, 0, NULL, NULL, "F.tsv",
	 "rows with labels of any names; new names, a new head", false},
	{"db", PATH, AT(database), 0, 0, 0, NULL, NULL, "FILE",
	 "the desk's corrections in a daemon's database are rows too", false},
	{"db-share", NUMBER, AT(database_share), 0, 0.9, 0.1, NULL, NULL, "X",
	 "share that they have in a walk, each up to 20 times", false},
	{"out", PATH, AT(out), 0, 0, 0, NULL, NULL, "DIR",
	 "the new model; it appears when it is complete", true},
	{"polarity-validation", PATH, AT(polarity_validation), 0, 0, 0, NULL, NULL, "F.tsv",
	 "validate on these rows", false},
	{"topic-validation", PATH, AT(topic_validation), 0, 0, 0, NULL, NULL, "F.tsv",
	 "instead of a part of the others", false},
	{"validation", NUMBER, AT(validation), 0, 0.5, 0.1, NULL, NULL, "X",
	 "share of the rows kept for validation", false},
	{"source", TEXT, AT(source), 0, 0, 0, NULL, NULL, "COLUMN",
	 "learn a bias for each of this column's values (and drop it)", false},
	{"teacher", PATHS, AT(teacher), 0, 0, 0, NULL, NULL, "DIR,...",
	 "learn this model's answers too, or the mean of several; they read the base's words", false},
	{"unlabelled", PATH, AT(unlabelled), 0, 0, 0, NULL, NULL, "F",
	 "texts that the teacher answers: one a line, or a column `text`", false},
	{"temperature", NUMBER, AT(temperature), 0.1, 100, 2, NULL, NULL, "X",
	 "of the teacher's answers", false},
	{"hard", NUMBER, AT(hard), 0, 1, 0.5, NULL, NULL, "X",
	 "the label's share where the teacher answers too", false},
	{"relations", NUMBER, AT(relations), 0, 1000, 0, NULL, NULL, "X",
	 "learn how the teacher relates tokens to each other; how much that counts", false},
	{"hidden", NUMBER, AT(hidden), 0, 1000, 0, NULL, NULL, "X",
	 "learn the teacher's hidden states, projected where the widths differ; how much that counts", false},
	{"pretrain", PATH, AT(pretrain), 0, 0, 0, NULL, NULL, "F",
	 "first guess masked words of these texts: one a line, or a column `text`", false},
	{"pretrain-epochs", WHOLE, AT(pretrain_epochs), 1, 1000, 3, NULL, NULL, "N",
	 "walks over them", false},
	{"pretrain-lr", NUMBER, AT(pretrain_rate), 0, 1, 1e-4, NULL, NULL, "X",
	 "learning rate", false},
	{"mask", NUMBER, AT(mask), 0.01, 0.5, 0.15, NULL, NULL, "X",
	 "share of the words that are masked", false},
	{"keep-layers", TEXT, AT(keep_layers), 0, 0, 0, NULL, NULL, "LIST",
	 "start from these of the base's layers: 0,2,5; or so many, evenly spaced: 3", false},
	{"prune-heads", WHOLE, AT(prune_heads), 0, 65536, 0, NULL, NULL, "N",
	 "remove the N attention heads that the rows need least", false},
	{"prune-table", FLAG, AT(prune_table), 0, 0, 0, NULL, NULL, NULL,
	 "show first what fewer layers and heads cost", true},
	{"epochs", WHOLE, AT(epochs), 1, 1000, 4, NULL, NULL, "N",
	 "walks over the rows", false},
	{"batch", WHOLE, AT(batch), 1, 4096, 32, NULL, NULL, "N",
	 "texts of a step", false},
	{"lr", RATES, AT(rates), 0, 1, 0, NULL, NULL, "X,...",
	 "learning rate; of several each is tried first", false},
	{"seed", WHOLE, AT(seed), 0, 9007199254740992.0, 1, NULL, NULL, "N",
	 "of all chance", false},
	{"threads", WHOLE, AT(threads), 0, 1024, 0, NULL, NULL, "N",
	 "0: one per CPU; the result does not depend on it", true},
	{"patience", WHOLE, AT(patience), 0, 1000, 2, NULL, NULL, "N",
	 "end after N epochs without a gain; 0: never", false},
	{"warm-up", NUMBER, AT(warm_up), 0, 1, 0.06, NULL, NULL, "X",
	 "share of the steps in which the rate rises", false},
	{"dropout", NUMBER, AT(dropout), 0, 0.9, 0.1, NULL, NULL, "X",
	 "share of activations set to zero", false},
	{"label-smoothing", NUMBER, AT(smoothing), 0, 0.9, 0.05, NULL, NULL, "X",
	 "what a label gives to all classes", false},
	{"weight-decay", NUMBER, AT(decay), 0, 1, 0.01, NULL, NULL, "X",
	 "of matrices", false},
	{"clip", NUMBER, AT(clip), 0, 1e9, 1, NULL, NULL, "X",
	 "the most that a gradient's norm may be; 0: any", false},
	{"ema", NUMBER, AT(average), 0, 0.999999, 0.99, NULL, NULL, "X",
	 "average of weights: what a step leaves of it; 0: none", false},
	{"noise", NUMBER, AT(noise), 0, 1, 0, NULL, NULL, "X",
	 "share of the texts that get a typo, a cashtag, another name, ...", false},
	{"class-weights", TEXT, AT(class_weights), 0, 0, 0, "none", "none|balanced", "W",
	 "balanced: rare labels count for more", false},
	{"pooling", TEXT, AT(pooling), 0, 0, 0, NULL, "cls|mean", "P",
	 "cls or mean (default: as the base has it)", false},
	{"new-heads", FLAG, AT(new_heads), 0, 0, 0, NULL, NULL, NULL,
	 "start the heads anew where the base has them", false},
	{"keep", NUMBER, AT(keep), 0, 100, 1, NULL, NULL, "X",
	 "hold a head without rows to the base's answers; 0: let it go", false},
	{"calibrate", TEXT, AT(calibrate), 0, 0, 0, "yes", "yes|no", "W",
	 "scale the heads so that probabilities fit the validation rows", false},
	{"max-tokens", WHOLE, AT(max_tokens), 0, 4096, 0, NULL, NULL, "N",
	 "cut texts here (default: what the model reads)", false},
	{"batch-tokens", WHOLE, AT(batch_tokens), 0, 1 << 20, 0, NULL, NULL, "N",
	 "tokens in memory at once (default 2048)", false},
	{"precision", TEXT, AT(precision), 0, 0, 0, "fp32", "fp32|bf16", "P",
	 "of the products: fp32 or bf16", false},
	{"dtype", TEXT, AT(dtype), 0, 0, 0, "f32", "f32|f16", "T",
	 "of the stored weights: f32 or f16", false},
	{"checkpoint", NUMBER, AT(checkpoint_s), 0, 1e9, 300, NULL, NULL, "SECONDS",
	 "from one checkpoint to the next", true},
	{"search", PATH, AT(search), 0, 0, 0, NULL, NULL, "SPACE.yaml",
	 "search for a recipe; it comes to OUT/best.yaml", true},
	{"trials", WHOLE, AT(trials), 1, 10000, 27, NULL, NULL, "N",
	 "of a search; the best third runs on, three times as long", true},
	{"resume", FLAG, AT(resume), 0, 0, 0, NULL, NULL, NULL,
	 "go on from the last checkpoint, to the same bits", true},
};
enum { KEYS = sizeof keys / sizeof *keys };

static const double default_rates[] = {5e-5, 1e-4, 2e-4};

static void *slot(const struct train_options *options, const struct key *key)
{
	return (char *)(uintptr_t)options + key->offset;
}

static bool is_string(enum kind kind)
{
	return kind == TEXT || kind == PATH || kind == PATHS;
}

static void defaults_set(struct train_options *options)
{
	*options = (struct train_options){.rate_count = sizeof default_rates / sizeof *default_rates};
	memcpy(options->rates, default_rates, sizeof default_rates);
	for (size_t i = 0; i < KEYS; i++) {
		if (keys[i].kind == NUMBER || keys[i].kind == WHOLE)
			*(double *)slot(options, &keys[i]) = keys[i].absent;
		if (keys[i].text != NULL)
			*(char **)slot(options, &keys[i]) = xstrdup(keys[i].text);
	}
}

void train_options_clear(struct train_options *options)
{
	for (size_t i = 0; i < KEYS; i++)
		if (is_string(keys[i].kind))
			free(*(char **)slot(options, &keys[i]));
	*options = (struct train_options){0};
}

void train_options_copy(struct train_options *to, const struct train_options *from)
{
	*to = *from;
	for (size_t i = 0; i < KEYS; i++) {
		char **text = slot(to, &keys[i]);
		if (is_string(keys[i].kind) && *text != NULL)
			*text = xstrdup(*text);
	}
}

static int number_parse(const struct key *key, const char *text, double *out, struct err *e)
{
	char *end;
	errno = 0;
	*out = strtod(text, &end);
	if (*text != '\0' && *end == '\0' && errno == 0 && *out >= key->least && *out <= key->most &&
	    (key->kind != WHOLE || *out == floor(*out)))
		return 0;
	return err_set(e, "%s takes a %snumber from %g to %g, not \"%s\"", key->name, key->kind == WHOLE ? "whole " : "",
		       key->least, key->most, text);
}

static int rates_parse(struct train_options *options, const struct key *key, const char *text, struct err *e)
{
	char *copy = xstrdup(text), *rest = copy;
	int result = 0;
	options->rate_count = 0;
	for (char *part; result == 0 && (part = strsep(&rest, ",")) != NULL;) {
		part += strspn(part, " ");
		if (options->rate_count == FIT_RATES)
			result = err_set(e, "lr takes at most %d rates", FIT_RATES);
		else if (number_parse(key, part, &options->rates[options->rate_count], e) < 0 ||
			 !(options->rates[options->rate_count++] > 0))
			result = err_set(e, "lr takes rates above 0 and up to 1, such as 5e-5,1e-4; not \"%s\"", text);
	}
	free(copy);
	return result;
}

/* "cls|mean" */
static bool is_choice(const char *choices, const char *value)
{
	size_t length = strlen(value);
	for (const char *at = choices; at != NULL && length > 0; at = strchr(at, '|')) {
		at += *at == '|';
		if (strncmp(at, value, length) == 0 && (at[length] == '|' || at[length] == '\0'))
			return true;
	}
	return false;
}

static int key_set(struct train_options *options, const struct key *key, const char *value, struct err *e)
{
	switch (key->kind) {
	case TEXT:
	case PATH:
	case PATHS:
		if (key->choices != NULL && !is_choice(key->choices, value))
			return err_set(e, "%s is one of %s, not \"%s\"", key->name, key->choices, value);
		if (*value == '\0')
			return err_set(e, "%s is empty", key->name);
		free(*(char **)slot(options, key));
		*(char **)slot(options, key) = xstrdup(value);
		return 0;
	case NUMBER:
	case WHOLE:
		return number_parse(key, value, slot(options, key), e);
	case RATES:
		return rates_parse(options, key, value, e);
	case FLAG:
		if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
			return err_set(e, "%s is true or false, not \"%s\"", key->name, value);
		*(bool *)slot(options, key) = *value == 't';
		return 0;
	}
	return 0;
}

static const struct key *key_find(const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

bool train_options_is_path(const char *name)
{
	const struct key *key = key_find(name);
	return key != NULL && (key->kind == PATH || key->kind == PATHS);
}

bool train_options_is_list(const char *name)
{
	const struct key *key = key_find(name);
	return key != NULL && key->kind == PATHS;
}

bool train_options_is_whole(const char *name)
{
	const struct key *key = key_find(name);
	return key != NULL && key->kind == WHOLE;
}

int train_options_set(struct train_options *options, const char *name, const char *value, struct err *e)
{
	const struct key *key = key_find(name);
	return key != NULL ? key_set(options, key, value, e) : err_set(e, "there is no key \"%s\"", name);
}

/* The command line */

static void options_list(struct option out[KEYS + 3])
{
	for (size_t i = 0; i < KEYS; i++)
		out[i] = (struct option){keys[i].name, keys[i].kind == FLAG ? no_argument : required_argument, NULL,
					 256 + (int)i};
	out[KEYS] = (struct option){"config", required_argument, NULL, 'c'};
	out[KEYS + 1] = (struct option){"help", no_argument, NULL, 'h'};
	out[KEYS + 2] = (struct option){0};
}

/* One walk over the command line: the first for the file alone, the second for what goes before it. */
static int arguments_walk(struct train_options *options, int argc, char **argv, bool for_file, struct err *e)
{
	struct option known[KEYS + 3];
	options_list(known);
	opterr = 0;
	optind = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		int result = 0;
		if (c == 'h')
			options->help = true;
		else if (c == ':')
			result = err_set(e, "a value is missing after \"%s\"", argv[optind - 1]);
		else if (c == '?')
			result = err_set(e, "unknown option \"%s\"", argv[optind - 1]);
		else if (c == 'c' && for_file)
			result = train_options_read(options, optarg, e);
		else if (c >= 256 && !for_file && key_set(options, &keys[c - 256], optarg != NULL ? optarg : "true", e) < 0)
			result = err_prefix(e, "--%s", keys[c - 256].name);
		if (result < 0)
			return -1;
	}
	return optind < argc ? err_set(e, "unexpected \"%s\"", argv[optind]) : 0;
}

int train_options_check(const struct train_options *options, struct err *e)
{
	if (options->base == NULL)
		return err_set(e, "--base is missing: the directory of the model to start from");
	if (options->out == NULL)
		return err_set(e, "--out is missing: the directory of the new model");
	if (options->polarity == NULL && options->topic == NULL && options->database == NULL)
		return err_set(e, "no rows to learn from: --polarity F.tsv, --topic F.tsv, --db FILE, or several of them");
	if (options->polarity == NULL && options->database == NULL && options->polarity_validation != NULL)
		return err_set(e, "--polarity-validation without --polarity");
	if (options->topic == NULL && options->topic_validation != NULL)
		return err_set(e, "--topic-validation without --topic");
	if (options->unlabelled != NULL && options->teacher == NULL)
		return err_set(e, "--unlabelled without --teacher: nobody says what these texts are");
	if (options->relations > 0 && options->teacher == NULL)
		return err_set(e, "--relations without --teacher");
	if (options->hidden > 0 && options->teacher == NULL)
		return err_set(e, "--hidden without --teacher");
	return 0;
}

int train_options_parse(struct train_options *options, int argc, char **argv, struct err *e)
{
	defaults_set(options);
	if (arguments_walk(options, argc, argv, true, e) < 0 || arguments_walk(options, argc, argv, false, e) < 0)
		return -1;
	return options->help ? 0 : train_options_check(options, e);
}

/* Out again */

void train_options_each(const struct train_options *options,
			void (*tell)(void *context, const char *name, const char *value, bool is_text), void *context)
{
	for (size_t i = 0; i < KEYS; i++) {
		const struct key *key = &keys[i];
		char text[FIT_RATES * 32] = "";
		switch (key->kind) {
		case TEXT:
		case PATH:
		case PATHS:
			tell(context, key->name, *(char *const *)slot(options, key), true);
			continue;
		case NUMBER:
		case WHOLE:
			snprintf(text, sizeof text, "%.17g", *(const double *)slot(options, key));
			break;
		case RATES:
			for (size_t k = 0, used = 0; k < options->rate_count; k++)
				used += (size_t)snprintf(text + used, sizeof text - used, "%s%g", k > 0 ? "," : "",
							 options->rates[k]);
			tell(context, key->name, text, true);
			continue;
		case FLAG:
			snprintf(text, sizeof text, "%s", *(const bool *)slot(options, key) ? "true" : "false");
			break;
		}
		tell(context, key->name, text, false);
	}
}

static void describe(void *context, const char *name, const char *value, bool is_text)
{
	(void)is_text;
	if (value != NULL && !key_find(name)->aside)
		fprintf(context, "%s=%s\n", name, value);
}

char *train_options_describe(const struct train_options *options)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (out == NULL)
		return xstrdup("");
	train_options_each(options, describe, out);
	fclose(out);
	return text;
}

void train_options_help(FILE *out)
{
	for (size_t i = 0; i < KEYS; i++) {
		const struct key *key = &keys[i];
		char left[48];
		snprintf(left, sizeof left, "--%s %s", key->name, key->value != NULL ? key->value : "");
		fprintf(out, "  %-27s %s", left, key->help);
		if (key->kind == RATES)
			fprintf(out, " (5e-5,1e-4,2e-4)");
		else if ((key->kind == NUMBER || key->kind == WHOLE) && strstr(key->help, "default") == NULL)
			fprintf(out, " (%g)", key->absent);
		else if (key->text != NULL)
			fprintf(out, " (%s)", key->text);
		fputc('\n', out);
	}
}
