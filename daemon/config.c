/*
 * From a file to a checked value: reading is config_read.c's, this checks what
 * spans several keys (names unique, topics of rules exist, exactly one kind a
 * source), compiles the watch list, and derives what the rooms take.
 */
#include "daemon/config.h"

#include "alerts/self.h"
#include "daemon/base/check.h"
#include "daemon/base/log.h"
#include "daemon/config_read.h"
#include "daemon/config_silences.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILE_BYTES (16u << 20) /* ten thousand topics are one or two */

struct config_private {
	struct pool *pool;
	size_t problems;
	config_problem *problem;
	void *context;
};

static void complain(const struct config *config, struct config_mark mark, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void complain(const struct config *config, struct config_mark mark, const char *fmt, ...)
{
	char line[2048];
	if (++config->private->problems > CONFIG_PROBLEMS_MAX)
		return;
	int at = snprintf(line, sizeof line, "%s:%zu:%zu: ", config->path, mark.line, mark.column);
	if (at < 0 || (size_t)at >= sizeof line)
		return;
	va_list args;
	va_start(args, fmt);
	vsnprintf(line + at, sizeof line - (size_t)at, fmt, args);
	va_end(args);
	config->private->problem(config->private->context, line);
}

static void complain_of_rest(const struct config *config)
{
	size_t problems = config->private->problems;
	char line[256];
	if (problems <= CONFIG_PROBLEMS_MAX)
		return;
	snprintf(line, sizeof line, "%s: %zu more problems", config->path, problems - CONFIG_PROBLEMS_MAX);
	config->private->problem(config->private->context, line);
}

static bool is_http_url(const char *url)
{
	return strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
}

/* ---- names: unique within their list; sorted once, so that ten thousand topics cost nothing ---- */

struct named {
	const char *name;
	struct config_mark mark;
};

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);
	if (order != 0)
		return order;
	return x->mark.line < y->mark.line ? -1 : x->mark.line > y->mark.line;
}

/* Sorts `names` and complains of each name that stands twice. */
static void check_unique(struct config *config, const char *what, struct named *names, size_t count)
{
	qsort(names, count, sizeof *names, compare_named);
	for (size_t i = 1; i < count; i++)
		if (strcmp(names[i - 1].name, names[i].name) == 0)
			complain(config, names[i].mark, "%s \"%s\" stands on line %zu already: expected a name of its own",
				 what, names[i].name, names[i - 1].mark.line);
}

#define CHECK_UNIQUE(config, what, list, count, name_field)                                        \
	do {                                                                                       \
		struct named *names = xcalloc((count), sizeof *names);                             \
		for (size_t i = 0; i < (count); i++)                                               \
			names[i] = (struct named){(list)[i].name_field, (list)[i].mark};           \
		check_unique(config, what, names, count);                                          \
		free(names);                                                                       \
	} while (0)

/* ---- each list ---- */

static void check_source(struct config *config, struct config_source *source)
{
	struct source_options *options = &source->options;
	bool kafka = options->kafka.brokers != NULL, rss = options->rss.url_count > 0, file = options->file.path != NULL;
	if (kafka + rss + file != 1)
		complain(config, source->mark, "source \"%s\": expected exactly one of kafka, rss, file", options->name);
	options->kind = kafka ? SOURCE_KAFKA : rss ? SOURCE_RSS : SOURCE_FILE;
	for (size_t i = 0; i < options->rss.url_count; i++)
		if (!is_http_url(options->rss.urls[i]))
			complain(config, source->mark,
				 "source \"%s\": rss.urls[%zu]: \"%s\": expected a URL that starts with https:// or http://",
				 options->name, i, options->rss.urls[i]);
}

static void check_topics(struct config *config)
{
	for (size_t i = 0; i < config->topic_count; i++) {
		const struct topic_spec *spec = &config->topics[i].spec;
		if (spec->any_count == 0 && spec->regex == NULL && spec->label_count == 0)
			complain(config, config->topics[i].mark,
				 "topic \"%s\" can match nothing: expected any, regex or labels", spec->name);
	}
}

static int compare_names(const void *key, const void *element)
{
	return strcmp(key, *(const char *const *)element);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_rules(struct config *config)
{
	const char **sorted = xcalloc(config->topic_count, sizeof *sorted);
	for (size_t i = 0; i < config->topic_count; i++)
		sorted[i] = config->topics[i].spec.name;
	qsort(sorted, config->topic_count, sizeof *sorted, compare_strings);
	for (size_t i = 0; i < config->rule_count; i++) {
		const struct rule_spec *spec = &config->rules[i].spec;
		for (size_t j = 0; j < spec->topic_count; j++)
			if (bsearch(spec->topics[j], sorted, config->topic_count, sizeof *sorted, compare_names) == NULL)
				complain(config, config->rules[i].mark,
					 "rules[%zu].topics[%zu]: \"%s\": there is no topic of this name", i, j,
					 spec->topics[j]);
	}
	free(sorted);
}

static void check_receivers(struct config *config)
{
	for (size_t i = 0; i < config->receiver_count; i++) {
		const struct config_receiver *receiver = &config->receivers[i];
		const char *key;
		struct err e;
		if (webhook_check_spec(&receiver->spec, receiver->secret_file != NULL, &key, &e) != 0)
			complain(config, receiver->mark, "receivers[%zu].%s: %s", i, key, e.text);
	}
}

static void check_receiver_name(struct config *config, struct config_mark mark, const char *key, const char *name)
{
	for (size_t i = 0; i < config->receiver_count; i++)
		if (strcmp(config->receivers[i].spec.name, name) == 0)
			return;
	complain(config, mark, "%s: \"%s\": there is no receiver of this name", key, name);
}

/* Who hears of the daemon itself. */
static void check_self(struct config *config)
{
	for (size_t i = 0; i < config->self.receiver_count; i++)
		check_receiver_name(config, (struct config_mark){1, 1}, "self.receivers", config->self.receivers[i]);
	for (size_t i = 0; i < config->heartbeat_count; i++)
		check_receiver_name(config, config->heartbeats[i].mark, "heartbeat.receiver", config->heartbeats[i].receiver);
	for (size_t i = 0; i < config->rule_count; i++)
		if (strcmp(config->rules[i].spec.name, SELF_RULE) == 0)
			complain(config, config->rules[i].mark, "rule \"%s\": this name is kept for alerts on the daemon itself",
				 SELF_RULE);
}

static void check_silence_topics(struct config *config, const struct config_silence *silence, size_t index)
{
	for (size_t i = 0; i < silence->topic_count; i++) {
		size_t t = 0;
		while (t < config->topic_count && strcmp(config->topics[t].spec.name, silence->topics[i]) != 0)
			t++;
		if (t == config->topic_count)
			complain(config, silence->mark, "silences[%zu].topics[%zu]: \"%s\": there is no topic of this name", index, i,
				 silence->topics[i]);
	}
}

/* What the core takes of them is made here, since that is what tells whether they are right. */
static void check_silences(struct config *config)
{
	struct watch_quiet *quiets = pool_alloc(config->private->pool, config->silence_count * sizeof *quiets);
	struct err e;
	for (size_t i = 0; i < config->silence_count; i++) {
		check_silence_topics(config, &config->silences[i], i);
		if (silence_expand(config->private->pool, &config->silences[i], &quiets[i], &e) != 0)
			complain(config, config->silences[i].mark, "silences[%zu]: %s", i, e.text);
	}
	config->watch.quiets = quiets;
	config->watch.quiet_count = config->silence_count;
}

static void check_listen(struct config *config)
{
	const char *listen = config->http.listen;
	if (listen[0] == '\0')
		return;
	const char *colon = strrchr(listen, ':');
	char *end = NULL;
	long port = colon != NULL ? strtol(colon + 1, &end, 10) : -1;
	if (colon == NULL || colon == listen || end == colon + 1 || *end != '\0' || port < 0 || port > 65535)
		complain(config, (struct config_mark){1, 1},
			 "http.listen: \"%s\": expected ADDRESS:PORT such as 127.0.0.1:9610", listen);
}

/* ---- the watch list ---- */

static void compile_watch_list(struct config *config)
{
	struct topic_spec *specs = xcalloc(config->topic_count, sizeof *specs);
	for (size_t i = 0; i < config->topic_count; i++)
		specs[i] = config->topics[i].spec;
	struct err e;
	config->watch_list = topics_create(specs, config->topic_count, &e);
	/* Which one is it?  Asked only when something is wrong. */
	bool found = config->watch_list != NULL;
	for (size_t i = 0; i < config->topic_count && !found; i++) {
		struct topics *alone = topics_create(&specs[i], 1, &e);
		if (alone == NULL) {
			complain(config, config->topics[i].mark, "topics[%zu]: %s", i, e.text);
			found = true;
		}
		topics_free(alone);
	}
	if (!found)
		complain(config, (struct config_mark){1, 1}, "topics: %s", e.text);
	free(specs);
}

static void derive(struct config *config)
{
	struct pool *pool = config->private->pool;
	const char **topics = pool_alloc(pool, config->topic_count * sizeof *topics);
	for (size_t i = 0; i < config->topic_count; i++)
		topics[i] = config->topics[i].spec.name;
	struct rule_spec *rules = pool_alloc(pool, config->rule_count * sizeof *rules);
	for (size_t i = 0; i < config->rule_count; i++)
		rules[i] = config->rules[i].spec;
	config->watch = (struct watch_options){
		.topics = topics,
		.topic_count = config->topic_count,
		.rules = rules,
		.rule_count = config->rule_count,
		.lateness_us = config->lateness_us,
		.no_data_us = config->no_data_us,
		.quiets = config->watch.quiets,
		.quiet_count = config->watch.quiet_count,
	};
	config->receiver_names = pool_alloc(pool, config->receiver_count * sizeof *config->receiver_names);
	config->receiver_specs = pool_alloc(pool, config->receiver_count * sizeof *config->receiver_specs);
	for (size_t i = 0; i < config->receiver_count; i++) {
		config->receiver_names[i] = config->receivers[i].spec.name;
		config->receiver_specs[i] = config->receivers[i].spec;
	}
}

struct config *config_parse(const char *text, size_t length, const char *name, config_problem *problem, void *context)
{
	struct pool *pool = pool_create();
	struct config *config = pool_alloc(pool, sizeof *config);
	config->private = pool_alloc(pool, sizeof *config->private);
	*config->private = (struct config_private){pool, 0, problem, context};
	config->path = pool_strdup(pool, name);

	config->private->problems = config_read(text, length, name, config, pool, problem, context);
	if (config->private->problems > 0)
		goto fail;

	CHECK_UNIQUE(config, "source", config->sources, config->source_count, options.name);
	CHECK_UNIQUE(config, "topic", config->topics, config->topic_count, spec.name);
	CHECK_UNIQUE(config, "rule", config->rules, config->rule_count, spec.name);
	CHECK_UNIQUE(config, "receiver", config->receivers, config->receiver_count, spec.name);
	CHECK_UNIQUE(config, "silence", config->silences, config->silence_count, name);
	for (size_t i = 0; i < config->source_count; i++)
		check_source(config, &config->sources[i]);
	check_topics(config);
	check_rules(config);
	check_receivers(config);
	check_self(config);
	check_silences(config);
	check_listen(config);
	if (config->private->problems == 0)
		compile_watch_list(config);
	if (config->private->problems > 0)
		goto fail_checks;
	derive(config);
	return config;
fail_checks:
	complain_of_rest(config);
fail:
	config_free(config);
	return NULL;
}

/* The whole file; NULL with errno set. */
static char *read_file(const char *path, size_t max, size_t *length)
{
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return NULL;
	size_t size = 65536;
	char *text = xmalloc(size);
	*length = 0;
	for (size_t n; (n = fread(text + *length, 1, size - *length, file)) > 0;) {
		*length += n;
		if (*length > max) {
			errno = EFBIG;
			goto fail;
		}
		if (*length == size)
			text = xrealloc(text, size *= 2);
	}
	if (ferror(file))
		goto fail;
	fclose(file);
	return text;
fail:;
	int saved = errno;
	fclose(file);
	free(text);
	errno = saved;
	return NULL;
}

struct config *config_load(const char *path, config_problem *problem, void *context)
{
	size_t length;
	char *text = read_file(path, MAX_FILE_BYTES, &length);
	if (text == NULL) {
		char line[1024];
		struct err e;
		err_sys(&e, errno, "%s", path);
		snprintf(line, sizeof line, "%s", e.text);
		problem(context, line);
		return NULL;
	}
	struct config *config = config_parse(text, length, path, problem, context);
	free(text);
	return config;
}

void config_free(struct config *config)
{
	if (config == NULL)
		return;
	topics_free(config->watch_list);
	pool_free(config->private->pool);
}

void config_print_problem(void *context, const char *line)
{
	(void)context;
	fprintf(stderr, "%s\n", line);
}

void config_log_problem(void *context, const char *line)
{
	(void)context;
	log_error("%s", line);
}

/* ---- secrets ---- */

static void secret_path(const struct config *config, const char *file, char *out, size_t size)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	struct stat st;
	if (file[0] == '/') {
		snprintf(out, size, "%s", file);
		return;
	}
	if (credentials != NULL) {
		snprintf(out, size, "%s/%s", credentials, file);
		if (stat(out, &st) == 0)
			return;
	}
	const char *slash = strrchr(config->path, '/');
	int directory = slash != NULL ? (int)(slash - config->path + 1) : 0;
	snprintf(out, size, "%.*s%s", directory, config->path, file);
}

/* Several secrets (rotation) stand on several lines or behind blanks: one blank between them.  The lines of a login stay. */
static void squeeze_blanks(char *text)
{
	char *to = text;
	for (const char *from = text; *from != '\0'; from++) {
		bool blank = strchr(" \t\r\n", *from) != NULL;
		if (!blank)
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	if (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

static void load_secret(struct config *config, size_t index)
{
	struct config_receiver *receiver = &config->receivers[index];
	char path[4096];
	secret_path(config, receiver->secret_file, path, sizeof path);
	size_t length;
	char *text = read_file(path, 65536, &length);
	if (text == NULL) {
		complain(config, receiver->mark, "receivers[%zu].secret_file: %s: %s", index, path, strerror(errno));
		return;
	}
	char *secret = pool_alloc(config->private->pool, length + 1);
	memcpy(secret, text, length);
	free(text);
	if (strcmp(receiver->spec.format, "smtp") != 0)
		squeeze_blanks(secret);
	struct err e;
	if (webhook_check_secret(receiver->spec.format, secret, &e) != 0) {
		complain(config, receiver->mark, "receivers[%zu].secret_file: %s: %s", index, path, e.text);
		return;
	}
	receiver->spec.secret = secret;
	config->receiver_specs[index].secret = secret;
}

int config_load_secrets(struct config *config, config_problem *problem, void *context)
{
	config->private->problem = problem;
	config->private->context = context;
	config->private->problems = 0;
	for (size_t i = 0; i < config->receiver_count; i++)
		if (config->receivers[i].secret_file != NULL)
			load_secret(config, i);
	complain_of_rest(config);
	return config->private->problems > 0 ? -1 : 0;
}

/* ---- what the model must know ---- */

bool config_needs_labels(const struct config *config)
{
	for (size_t i = 0; i < config->topic_count; i++)
		if (config->topics[i].spec.label_count > 0)
			return true;
	return false;
}

static bool has_label(const char *const *labels, size_t count, const char *label)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(labels[i], label) == 0)
			return true;
	return false;
}

int config_check_labels(const struct config *config, const char *const *labels, size_t count, config_problem *problem,
			void *context)
{
	config->private->problem = problem;
	config->private->context = context;
	config->private->problems = 0;
	for (size_t i = 0; i < config->topic_count; i++) {
		const struct topic_spec *spec = &config->topics[i].spec;
		for (size_t j = 0; j < spec->label_count; j++)
			if (!has_label(labels, count, spec->labels[j]))
				complain(config, config->topics[i].mark,
					 count == 0 ? "topics[%zu].labels[%zu]: \"%s\": this model has no topic head: leave labels out"
						    : "topics[%zu].labels[%zu]: \"%s\": the model knows no such label (`bellwether "
						      "score` shows its labels)",
					 i, j, spec->labels[j]);
	}
	complain_of_rest(config);
	return config->private->problems > 0 ? -1 : 0;
}
