#include "alerts/payload.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/cmd.h"
#include "daemon/config.h"
#include "daemon/replay.h"
#include "daemon/replay_feed.h"
#include "daemon/replay_report.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: bellwether replay --config F [--input FILE|-] [--since T] [--until T] [--summary] [--quiet] [--charts DIR]\n"
	"       bellwether replay --compare A.yaml B.yaml [the same options]\n"
	"\n"
	"What the rules would have said: a recorded stream, or the stored history,\n"
	"through the rules with a virtual clock.  One JSON object for each change of an\n"
	"alert's state: pending, firing, resolved.\n"
	"\n"
	"  --config F      the configuration: its topics and rules\n"
	"  --compare A B   two configurations over the same documents: a JSON object for\n"
	"                  each alert that only A, only B, or both raise (\"raised_by\": \"a\",\n"
	"                  \"b\", \"both\"; same topic, overlapping in time), with the times in\n"
	"                  both and which was earlier; then a table of them (to standard\n"
	"                  error, or behind the lines with --summary)\n"
	"  --input FILE    JSON lines in order of time, one document each:\n"
	"                  {\"published\":\"2026-01-05T09:30:00Z\",\"source\":\"Example Wire\",\"title\":\"...\"}\n"
	"                  \"polarity\" (negative, neutral, positive) is taken as given;\n"
	"                  else the model judges what a rule needs.  \"-\": standard input.\n"
	"                  Without --input: the stored history of the configuration's\n"
	"                  database (of A's), with the polarities, silences and changes of\n"
	"                  the model as they were\n"
	"  --since T       show nothing of before T, a time (2026-01-05,\n"
	"                  2026-01-05T09:30:00Z) or how long ago (90d, 12h); what was before\n"
	"                  is what the rules learn from.  Default: 90d; with --input: all\n"
	"  --until T       end there\n"
	"  --summary       a table at the end: how often each topic fired, and how often\n"
	"                  its budget allows\n"
	"  --quiet         only the table\n"
	"  --updates       also what is told while an alert fires: it keeps growing, another\n"
	"                  topic joined it, a silence ran out\n"
	"  --charts DIR    write a chart (SVG) of each topic, and index.html that shows them\n"
	"\n"
	"Exit status: 0 ok, 1 reading or writing failed, 2 wrong usage or configuration.\n";

struct options {
	const char *configs[REPLAY_SIDES], *input, *charts;
	size_t count; /* of configurations: two are compared */
	int64_t since_us, until_us;
	bool has_since, summary, quiet, updates;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "bellwether replay: %s%s%s\nbellwether replay --help says more\n", what, value ? " " : "",
		value ? value : "");
	return EXIT_USAGE;
}

/* "90d" is so long ago. */
static bool parse_time(const char *text, int64_t *time_us)
{
	int64_t ago_us;

	if (time_parse_iso(text, time_us))
		return true;
	if (!duration_parse(text, &ago_us))
		return false;
	*time_us = clock_now_us(&wall_clock) - ago_us;
	return true;
}

/* What the options say together; an exit status, or -1 to go on. */
static int options_check(int argc, char **argv, struct options *options, const char *config, const char *compared)
{
	if (compared && config)
		return usage_error("--compare names both configurations: leave out --config", config);
	if (compared && optind == argc)
		return usage_error("--compare takes two configurations, and there is only", compared);
	options->configs[0] = compared ? compared : config;
	options->configs[1] = compared ? argv[optind++] : NULL;
	options->count = compared ? 2 : 1;
	if (optind < argc)
		return usage_error("unexpected:", argv[optind]);
	if (!options->configs[0])
		return usage_error("--config is missing", NULL);
	if (!options->has_since)
		options->since_us = options->input ? INT64_MIN : clock_now_us(&wall_clock) - 90 * DAY_US;
	if (options->since_us >= options->until_us)
		return usage_error("--until is not after --since: nothing would be shown", NULL);
	return -1;
}

/* Returns an exit status, or -1 to go on. */
static int options_parse(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"config", required_argument, NULL, 'c'},  {"compare", required_argument, NULL, 'o'},
		{"input", required_argument, NULL, 'i'},   {"since", required_argument, NULL, 's'},
		{"until", required_argument, NULL, 'u'},   {"charts", required_argument, NULL, 'g'},
		{"summary", no_argument, NULL, 'm'},	   {"quiet", no_argument, NULL, 'q'},
		{"updates", no_argument, NULL, 'a'},	   {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *config = NULL, *compared = NULL;

	*out = (struct options){.until_us = INT64_MAX};
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		switch (c) {
		case 'c': config = optarg; break;
		case 'o': compared = optarg; break;
		case 'i': out->input = optarg; break;
		case 'g': out->charts = optarg; break;
		case 'm': out->summary = true; break;
		case 'a': out->updates = true; break;
		case 'q': out->summary = out->quiet = true; break;
		case 's':
		case 'u':
			if (!parse_time(optarg, c == 's' ? &out->since_us : &out->until_us))
				return usage_error(c == 's' ? "--since takes a time (2026-01-05) or how long ago (90d, 12h), not"
							    : "--until takes a time (2026-01-05) or how long ago (90d, 12h), not",
						   optarg);
			out->has_since |= c == 's';
			break;
		case 'h': fputs(help, stdout); return EXIT_OK;
		case ':': return usage_error("a value is missing after", argv[optind - 1]);
		default: return usage_error("unknown option", argv[optind - 1]);
		}
	}
	return options_check(argc, argv, out, config, compared);
}

/* ---- while it runs ---- */

/* The object's text and, at its end, whether it would have been sent. */
static int print_change(void *context, const struct watch_alert *alert, struct err *e)
{
	const struct config *config = context;
	const struct watch_options *watch = &config->watch;
	char *line = payload_write_change(alert, watch->rules[alert->rule].name, watch->topics[alert->topic], watch->topics);
	int length = (int)strlen(line) - 1, result;

	CHECK(length > 0 && line[length] == '}');
	result = printf("%.*s,\"notify\":%s}\n", length, line, alert->notify ? "true" : "false");
	free(line);
	return result < 0 ? err_sys(e, errno, "cannot write") : 0;
}

/* A change of state, not of what is told of it. */
static int print_state(void *context, const struct watch_alert *alert, struct err *e)
{
	bool is_update = alert->change == CHANGE_ESCALATED || alert->change == CHANGE_JOINED || alert->change == CHANGE_RENEWED;

	return is_update ? 0 : print_change(context, alert, e);
}

static void show_output(void)
{
	fflush(stdout);
}

static void show_progress(uint64_t documents, int64_t applied_us)
{
	char iso[64];

	fprintf(stderr, "\r%llu documents, %.10s ", (unsigned long long)documents, time_format_iso(applied_us, iso, sizeof iso));
}

static int read_file(struct replay_source *source, const char *path, struct err *e)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", path);
	result = replay_read_lines(source, fd, e);
	if (!is_stdin)
		close(fd);
	if (source->rejected)
		fprintf(stderr, "bellwether replay: %llu lines were no documents\n", (unsigned long long)source->rejected);
	return result;
}

/* ---- what is told at the end ---- */

static void report(const struct options *options, struct replay *const *replays)
{
	if (options->count == 1) {
		if (options->summary)
			replay_print_summary(replays[0], stdout);
		return;
	}
	if (!options->quiet)
		replay_print_comparison(replays[0], replays[1], stdout);
	fflush(stdout);
	replay_print_comparison_summary(replays[0], replays[1], options->summary ? stdout : stderr);
}

static int write_charts(const struct options *options, struct replay *const *replays, struct err *e)
{
	struct replay_report reports[REPLAY_SIDES] = {{replays[0], NULL}, {replays[1], "B"}};

	if (!options->charts)
		return 0;
	if (options->count > 1)
		reports[0].name = "A";
	return replay_write_charts(reports, options->count, options->charts, e);
}

static int replay_all(const struct options *options, struct config *const *configs, struct replay *const *replays,
		      struct err *e)
{
	struct replay_source source = {.count = options->count, .until_us = options->until_us, .pause = show_output};
	int result;

	memcpy(source.replays, replays, options->count * sizeof *replays);
	if (isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO))
		source.progress = show_progress;
	result = options->input ? read_file(&source, options->input, e)
				: replay_read_history(&source, configs[0]->database, e);
	if (source.progress)
		fputs("\r\33[K", stderr);
	if (result < 0 || write_charts(options, replays, e) < 0)
		return -1;
	report(options, replays);
	return fflush(stdout) != 0 ? err_sys(e, errno, "cannot write") : 0;
}

static struct replay *start(const struct options *options, struct config *config)
{
	bool lines = options->count == 1 && !options->quiet;

	return replay_create(&(struct replay_options){
		.config = config,
		.ticks = !options->input,
		.tracks = options->charts != NULL,
		.since_us = options->since_us,
		.changed = !lines ? NULL : options->updates ? print_change : print_state,
		.context = config,
	});
}

int cmd_replay(int argc, char **argv)
{
	struct options options;
	struct config *configs[REPLAY_SIDES] = {NULL};
	struct replay *replays[REPLAY_SIDES] = {NULL};
	struct err e = {0};
	int status = options_parse(argc, argv, &options);

	if (status >= 0)
		return status;
	status = EXIT_USAGE;
	for (size_t i = 0; i < options.count; i++) {
		configs[i] = config_load(options.configs[i], config_print_problem, NULL);
		if (!configs[i])
			goto done;
		replays[i] = start(&options, configs[i]);
	}
	status = EXIT_OK;
	if (replay_all(&options, configs, replays, &e) < 0) {
		fprintf(stderr, "bellwether replay: %s\n", e.text);
		status = EXIT_FAILED;
	}
done:
	for (size_t i = 0; i < options.count; i++) {
		replay_free(replays[i]);
		config_free(configs[i]);
	}
	return status;
}
