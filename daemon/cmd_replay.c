#include "alerts/store.h"
#include "daemon/base/clock.h"
#include "daemon/cmd.h"
#include "daemon/config.h"
#include "daemon/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: bellwether replay --config F [--input FILE|-] [--since 90d] [--summary]\n"
	"\n"
	"What the rules would have said: a recorded stream, or the stored history,\n"
	"through the rules with a virtual clock.  One JSON object for each change of an\n"
	"alert: pending, firing, resolved.\n"
	"\n"
	"  --config F      the configuration: its topics and rules\n"
	"  --input FILE    JSON lines in order of time, one document each:\n"
	"                  {\"published\":\"2026-01-05T09:30:00Z\",\"source\":\"Example Wire\",\"title\":\"...\"}\n"
	"                  \"polarity\" (negative, neutral, positive) is taken as given;\n"
	"                  else the model judges what a rule needs.  \"-\": standard input\n"
	"  --since D       the stored history; show the last D of it (default 90d)\n"
	"  --summary       a table at the end: how often each topic fired\n"
	"  --quiet         only the summary\n"
	"\n"
	"Exit status: 0 ok, 1 reading or writing failed, 2 wrong usage or configuration.\n";

struct options {
	const char *config, *input;
	int64_t since_us;
	bool summary, quiet;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "bellwether replay: %s%s%s\nbellwether replay --help says more\n", what, value ? " " : "",
		value ? value : "");
	return EXIT_USAGE;
}

/* Returns an exit status, or -1 to go on. */
static int options_parse(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'}, {"input", required_argument, NULL, 'i'},
		{"since", required_argument, NULL, 's'},  {"summary", no_argument, NULL, 'm'},
		{"quiet", no_argument, NULL, 'q'},	  {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};

	*out = (struct options){.since_us = 90 * DAY_US};
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		switch (c) {
		case 'c': out->config = optarg; break;
		case 'i': out->input = optarg; break;
		case 'm': out->summary = true; break;
		case 'q': out->summary = out->quiet = true; break;
		case 's':
			if (!duration_parse(optarg, &out->since_us))
				return usage_error("--since takes a duration as 90d or 12h, not", optarg);
			break;
		case 'h': fputs(help, stdout); return EXIT_OK;
		case ':': return usage_error("a value is missing after", argv[optind - 1]);
		default: return usage_error("unknown option", argv[optind - 1]);
		}
	}
	if (optind < argc)
		return usage_error("unexpected:", argv[optind]);
	return out->config ? -1 : usage_error("--config is missing", NULL);
}

static int replay_file(struct replay *replay, const struct config *config, const char *path, struct err *e)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	uint64_t rejected = 0;
	int result;

	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", path);
	result = replay_read(replay, config, fd, &rejected, e);
	if (!is_stdin)
		close(fd);
	if (rejected)
		fprintf(stderr, "bellwether replay: %llu lines were no documents\n", (unsigned long long)rejected);
	return result;
}

struct past {
	struct replay *replay;
	struct err *e;
	int result;
};

static int replay_past(void *context, const struct store_past *stored)
{
	struct past *past = context;

	past->result = replay_document(past->replay, &stored->document, past->e);
	return past->result;
}

static int replay_stored(struct replay *replay, const struct config *config, struct err *e)
{
	struct store_names names = {
		.topics = config->watch.topics,
		.topic_count = config->watch.topic_count,
	};
	struct past past = {.replay = replay, .e = e};
	struct store *store = store_open(config->database, STORE_READ, 0, e);
	int result = -1;

	if (store && store_use_names(store, &names, e) == 0)
		result = store_each_document(store, INT64_MIN, replay_past, &past, e);
	store_close(store);
	return past.result < 0 ? -1 : result;
}

int cmd_replay(int argc, char **argv)
{
	struct options options;
	struct replay_options replay_options;
	struct config *config;
	struct replay *replay;
	struct err e = {0};
	int status = options_parse(argc, argv, &options), result;

	if (status >= 0)
		return status;
	config = config_load(options.config, config_print_problem, NULL);
	if (!config)
		return EXIT_USAGE;
	replay_options = (struct replay_options){
		.config = config,
		.out = stdout,
		.changes = !options.quiet,
		.summary = options.summary,
		.since_us = options.input ? INT64_MIN : clock_now_us(&wall_clock) - options.since_us,
	};
	replay = replay_create(&replay_options);
	result = options.input ? replay_file(replay, config, options.input, &e) : replay_stored(replay, config, &e);
	if (result == 0 && options.summary)
		replay_print_summary(replay);
	if (fflush(stdout) != 0 && result == 0)
		result = err_sys(&e, errno, "cannot write");
	if (result < 0)
		fprintf(stderr, "bellwether replay: %s\n", e.text);
	replay_free(replay);
	config_free(config);
	return result < 0 ? EXIT_FAILED : EXIT_OK;
}
