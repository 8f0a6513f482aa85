/*
 * Everything a first start could trip over, tried once: one line for each
 * thing, with its place in the configuration where it has one.
 */
#include "alerts/store.h"
#include "daemon/base/clock.h"
#include "daemon/check_budget.h"
#include "daemon/cmd.h"
#include "daemon/config.h"
#include "daemon/model_path.h"
#include "model/classifier.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
	"usage: bellwether check --config FILE [--offline] [--send-test RECEIVER]\n"
	"       bellwether check --keys\n"
	"\n"
	"One line for each thing checked: ok, warning or error.  Exit 0 where nothing is an error.\n"
	"  --offline            the file alone: no feeds, brokers or receivers\n"
	"  --send-test NAME     also send one test message to that receiver\n"
	"  --keys               list every key of the configuration with its default\n";

struct checker {
	const struct config *config;
	struct config_mark mark; /* of what is being checked */
	const char *part;        /* "source wire" */
	unsigned errors;
};

static void say(struct checker *c, const char *status, const char *what, const char *message)
{
	printf("%-8s", status);
	if (c->config != NULL && c->mark.line > 0)
		printf("%s:%zu:%zu: ", c->config->path, c->mark.line, c->mark.column);
	if (c->part != NULL)
		printf("%s: ", c->part);
	printf("%s%s%s\n", what, what[0] != '\0' && message[0] != '\0' ? ": " : "", message);
	if (strcmp(status, "error") == 0)
		c->errors++;
}

static void on_problem(void *context, const char *line)
{
	struct checker *c = context;
	printf("%-8s%s\n", "error", line);
	c->errors++;
}

static void on_source(void *context, const char *status, const char *what, const char *message)
{
	say(context, status, what, message);
}

static void check_model(struct checker *c)
{
	struct err e;
	char path[4096], text[512];
	c->part = "model";
	c->mark = (struct config_mark){0, 0};
	if (model_path_find(c->config->model.path, path, sizeof path, &e) != 0) {
		say(c, "error", "", e.text);
		return;
	}
	struct classifier_options options = {path, c->config->model.device, c->config->model.precision,
					     (int)c->config->model.threads};
	int64_t began = monotonic_us();
	struct classifier *classifier = classifier_open(&options, &e);
	if (classifier == NULL) {
		say(c, "error", "", e.text);
		return;
	}
	const struct classifier_info *info = classifier_get_info(classifier);
	snprintf(text, sizeof text, "version %s, %s, %s, kernels %s, %zu topics, opened in %lld ms", info->version, info->device,
		 info->precision, info->kernels, info->topic_count, (long long)((monotonic_us() - began) / 1000));
	say(c, "ok", path, text);
	if (info->why_cpu != NULL) {
		snprintf(text, sizeof text, "runs on the CPU: %s", info->why_cpu);
		say(c, "ok", "device: auto", text);
	}
	c->part = NULL;
	config_check_labels(c->config, info->topics, info->topic_count, on_problem, c);
	classifier_close(classifier);
}

static void on_budget(void *context, const char *status, const char *message)
{
	say(context, status, "", message);
}

static void check_existing_database(struct checker *c)
{
	struct err e;
	struct stat st = {0};
	const char *path = c->config->database;
	struct store *store = NULL;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		say(c, "error", path, "not a file");
	else if (access(path, W_OK) != 0)
		say(c, "error", path, "this user may not write it");
	else if (st.st_size > 0 && (store = store_open(path, STORE_READ, 0, &e)) == NULL)
		say(c, e.busy ? "warning" : "error", "", e.text);
	else
		say(c, "ok", path, "");
	if (store != NULL)
		check_budgets(store, on_budget, c);
	store_close(store);
}

static void check_database(struct checker *c)
{
	char copy[4096];
	c->part = "database";
	c->mark = (struct config_mark){0, 0};
	snprintf(copy, sizeof copy, "%s", c->config->database);
	if (access(c->config->database, F_OK) == 0)
		check_existing_database(c);
	else if (access(dirname(copy), W_OK) != 0)
		say(c, "error", c->config->database, "this user may not make it: the directory must exist and be writable");
	else
		say(c, "ok", c->config->database, "will be made");
}

static void check_sources(struct checker *c)
{
	struct err e;
	for (size_t i = 0; i < c->config->source_count; i++) {
		const struct config_source *source = &c->config->sources[i];
		struct source_options options = source->options;
		options.kafka.instance_id = "bellwether-check";
		char part[256];
		snprintf(part, sizeof part, "source \"%s\"", options.name);
		c->part = part;
		c->mark = source->mark;
		struct queue *queue = queue_create(1, 1);
		struct source *opened = source_open(&options, NULL, 0, queue, &e);
		if (opened == NULL)
			say(c, "error", "", e.text);
		else
			source_check(&options, on_source, c);
		source_close(opened);
		queue_free(queue);
		c->part = NULL;
	}
}

static void no_result(void *context, const struct webhook_result *result)
{
	(void)context;
	(void)result;
}

static const char *goes_to(const struct receiver_spec *spec)
{
	return spec->command_count > 0 ? spec->command[0] : spec->url;
}

/* What the thread that sends would refuse at start, said with its place. */
static void check_receiver(struct checker *c, size_t index)
{
	struct err e;
	const struct config_receiver *receiver = &c->config->receivers[index];
	const struct receiver_spec *spec = &c->config->receiver_specs[index];
	if (receiver->secret_file != NULL && spec->secret == NULL)
		return; /* said already */
	c->mark = receiver->mark;
	struct webhook *webhook = webhook_start(spec, 1, &wall_clock, no_result, NULL, &e);
	if (webhook == NULL) {
		say(c, "error", "", e.text); /* it names the receiver */
		return;
	}
	webhook_stop(webhook, 0);
	char part[256];
	snprintf(part, sizeof part, "receiver \"%s\"", spec->name);
	c->part = part;
	if (spec->ca_file != NULL && access(spec->ca_file, R_OK) != 0)
		say(c, "error", spec->ca_file, strerror(errno));
	else if (spec->command_count > 0 && access(spec->command[0], X_OK) != 0)
		say(c, "error", spec->command[0], strerror(errno));
	else if (spec->secret == NULL && strcmp(spec->format, "standard") == 0)
		say(c, "warning", "no secret_file", "its messages are not signed");
	else
		say(c, "ok", goes_to(spec), "not tried; --send-test does");
	c->part = NULL;
}

static int send_test(struct checker *c, const char *name)
{
	struct err e;
	for (size_t i = 0; i < c->config->receiver_count; i++) {
		const struct config_receiver *receiver = &c->config->receivers[i];
		if (strcmp(receiver->spec.name, name) != 0)
			continue;
		char part[256];
		snprintf(part, sizeof part, "receiver \"%s\"", name);
		c->part = part;
		c->mark = receiver->mark;
		int result = webhook_send_test(&receiver->spec, &e);
		if (result != 0)
			say(c, "error", goes_to(&receiver->spec), e.text);
		else if (e.text[0] != '\0') /* a mail that not all of its readers get */
			say(c, "warning", goes_to(&receiver->spec), e.text);
		else
			say(c, "ok", goes_to(&receiver->spec), "took the test message");
		c->part = NULL;
		return 0;
	}
	fprintf(stderr, "bellwether: there is no receiver \"%s\"\n", name);
	return -1;
}

static void check_rest(struct checker *c)
{
	c->mark = (struct config_mark){0, 0};
	c->part = NULL;
	if (c->config->rule_count == 0)
		say(c, "warning", "rules", "there are none: nothing will ever alert");
	if (c->config->receiver_count == 0)
		say(c, "warning", "receivers", "there are none: alerts live in the database alone");
	for (size_t i = 0; i < c->config->receiver_count; i++)
		check_receiver(c, i);
	c->mark = (struct config_mark){0, 0};
}

int cmd_check(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"offline", no_argument, NULL, 'o'},
		{"send-test", required_argument, NULL, 's'}, {"keys", no_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0},
	};
	const char *path = NULL, *receiver = NULL;
	bool offline = false;
	for (int c; (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		switch (c) {
		case 'c': path = optarg; break;
		case 'o': offline = true; break;
		case 's': receiver = optarg; break;
		case 'k': config_print_keys(stdout); return EXIT_OK;
		case 'h': fputs(help, stdout); return EXIT_OK;
		default: fputs(help, stderr); return EXIT_USAGE;
		}
	}
	if (path == NULL || optind != argc)
		return fputs(help, stderr), EXIT_USAGE;

	setvbuf(stdout, NULL, _IOLBF, 0);
	struct checker checker = {0};
	struct config *config = config_load(path, on_problem, &checker);
	if (config == NULL)
		return EXIT_USAGE;
	checker.config = config;
	char text[256];
	snprintf(text, sizeof text, "%zu sources, %zu topics, %zu rules, %zu receivers", config->source_count,
		 config->topic_count, config->rule_count, config->receiver_count);
	say(&checker, "ok", path, text);
	config_load_secrets(config, on_problem, &checker);
	check_rest(&checker);
	check_database(&checker);
	check_model(&checker);
	if (!offline)
		check_sources(&checker);
	int rc = receiver != NULL && !offline ? send_test(&checker, receiver) : 0;
	config_free(config);
	if (rc != 0)
		return EXIT_USAGE;
	return checker.errors > 0 ? EXIT_FAILED : EXIT_OK;
}
