/*
 * What an operator changes in a running daemon's history: redeliver, silence,
 * label.  Each leaves a row in the database; the daemon carries it out by its
 * own rules within a second, or when it next starts.
 */
#include "alerts/store.h"
#include "daemon/base/clock.h"
#include "daemon/base/utf8.h"
#include "daemon/cmd.h"
#include "daemon/config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define LONGEST_US (10 * 366 * DAY_US)
#define WHY_MAX 1000 /* bytes: it stands in a table beside others */

struct desk_options {
	const char *database, *length, *why;
	bool list, end;
};

/* One line of text; anything else is a slip of the shell. */
static bool is_line(const char *text)
{
	size_t length = strlen(text);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20)
			return false;
	return length <= WHY_MAX && utf8_is_valid(text, length);
}

/* Returns an exit status, or -1 to go on with the positional arguments from optind on.  `allowed`: letters of the options
 * that the command has besides --db and --help. */
static int parse(int argc, char **argv, const char *help, const char *allowed, struct desk_options *out)
{
	static const struct option options[] = {
		{"db", required_argument, NULL, 'd'}, {"for", required_argument, NULL, 'f'}, {"why", required_argument, NULL, 'w'},
		{"list", no_argument, NULL, 'l'},     {"end", no_argument, NULL, 'e'},	     {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	*out = (struct desk_options){.database = CONFIG_DATABASE, .why = ""};
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		if (c == 'h')
			return fputs(help, stdout), EXIT_OK;
		if (c != 'd' && strchr(allowed, c) == NULL)
			return fputs(help, stderr), EXIT_USAGE;
		switch (c) {
		case 'd': out->database = optarg; break;
		case 'f': out->length = optarg; break;
		case 'w': out->why = optarg; break;
		case 'l': out->list = true; break;
		case 'e': out->end = true; break;
		}
	}
	if (is_line(out->why))
		return -1;
	fprintf(stderr, "bellwether: --why: expected one line of text, at most %d bytes\n", WHY_MAX);
	return EXIT_USAGE;
}

static int wrong_usage(const char *help)
{
	fputs(help, stderr);
	return EXIT_USAGE;
}

static int leave(const char *database, const struct store_command *command, const char *done)
{
	struct err e;
	struct store *store = store_open(database, STORE_WRITE, 0, &e);
	int rc = store != NULL ? store_add_command(store, command, &e) : -1;
	store_close(store);
	if (rc != 0) {
		fprintf(stderr, "bellwether: %s\n", e.text);
		return EXIT_FAILED;
	}
	printf("%s\n", done);
	return EXIT_OK;
}

int cmd_redeliver(int argc, char **argv)
{
	static const char help[] = "usage: bellwether redeliver [--db FILE] ALERT\n\n"
				   "Sends the messages of an alert (its id stands in alert_history) again, under the same webhook-id.\n";
	struct desk_options options;
	int status = parse(argc, argv, help, "w", &options);
	if (status >= 0)
		return status;
	if (argc - optind != 1)
		return wrong_usage(help);
	struct store_command command = {.verb = "redeliver", .subject = argv[optind], .argument = "", .why = (char *)options.why};
	return leave(options.database, &command, "the running daemon sends it again (see delivery_status)");
}

/* ---- silence ---- */

static int print_silence(void *context, size_t columns, const char *const *values)
{
	size_t *count = context;
	(void)columns;
	if ((*count)++ == 0)
		printf("%-24s %-8s %-20s  %-20s  %-24s %s\n", "topic", "now", "from", "until", "by", "why");
	printf("%-24s %-8s %-20s  %-20s  %-24s %s\n", values[0], values[1], values[2] != NULL ? values[2] : "-",
	       values[3] != NULL ? values[3] : "-", values[4], values[5] != NULL ? values[5] : "");
	return 0;
}

static int list_silences(const char *database)
{
	struct err e;
	size_t count = 0;
	struct store *store = store_open(database, STORE_READ, 0, &e);
	int rc = store != NULL ? store_query(store,
					     "SELECT topic, iif(active, 'silent', '-'), starts, until, coalesce(name || ' (configured)', 'command'),"
					     " why FROM silences_v ORDER BY active DESC, starts, topic",
					     print_silence, &count, &e)
			       : -1;
	store_close(store);
	if (rc != 0) {
		fprintf(stderr, "bellwether: %s\n", e.text);
		return EXIT_FAILED;
	}
	if (count == 0)
		printf("there are no silences\n");
	return EXIT_OK;
}

static int begin_silence(const struct desk_options *options, const char *topic)
{
	int64_t length_us;
	if (!duration_parse(options->length, &length_us) || length_us > LONGEST_US) {
		fprintf(stderr, "bellwether: --for \"%s\": expected a duration such as 30m, 4h, 2d, at most 10y\n", options->length);
		return EXIT_USAGE;
	}
	int64_t until_us = clock_now_us(&wall_clock) + length_us;
	char until[40], done[128];
	snprintf(done, sizeof done, "silent until %s", time_format_iso(until_us, until, sizeof until));
	struct store_command command = {.verb = "silence", .subject = (char *)topic, .argument = "",
					.why = (char *)options->why, .until_us = until_us};
	return leave(options->database, &command, done);
}

int cmd_silence(int argc, char **argv)
{
	static const char help[] =
		"usage: bellwether silence [--db FILE] TOPIC --for DURATION [--why TEXT]\n"
		"       bellwether silence [--db FILE] TOPIC --end [--why TEXT]\n"
		"       bellwether silence [--db FILE] --list\n\n"
		"No notifications of TOPIC (\"*\" = every topic) for the duration (30m, 4h, 2d); --end or 0 ends it.\n"
		"Alerts are still recorded; what fires when a silence ends is told then.  --list shows the\n"
		"configuration's silences too, which only the configuration ends.\n";
	struct desk_options options;
	int status = parse(argc, argv, help, "fwle", &options);
	if (status >= 0)
		return status;
	if (options.list)
		return argc == optind && options.length == NULL && !options.end && options.why[0] == '\0'
			       ? list_silences(options.database)
			       : wrong_usage(help);
	if (argc - optind != 1)
		return wrong_usage(help);
	if ((options.length != NULL) == options.end) {
		fprintf(stderr, "bellwether: expected either --for with a duration such as 30m, 4h, 2d, or --end\n");
		return EXIT_USAGE;
	}
	if (!options.end)
		return begin_silence(&options, argv[optind]);
	struct store_command command = {.verb = "silence", .subject = argv[optind], .argument = "end", .why = (char *)options.why,
					.until_us = clock_now_us(&wall_clock)};
	return leave(options.database, &command, "the silence ends");
}

int cmd_label(int argc, char **argv)
{
	static const char help[] = "usage: bellwether label [--db FILE] DOCUMENT negative|neutral|positive [--why TEXT]\n\n"
				   "Stores the desk's own judgement of a document (its id stands in documents_v);\n"
				   "another one later replaces it.  See the view corrections_v.\n\n"
				   "`bellwether train --db` learns it, and `bellwether model promote` lets no model into\n"
				   "service that answers it wrongly.\n";
	struct desk_options options;
	int status = parse(argc, argv, help, "w", &options);
	if (status >= 0)
		return status;
	if (argc - optind != 2)
		return wrong_usage(help);
	const char *polarity = argv[optind + 1];
	if (polarity_parse(polarity) == POLARITY_NONE) {
		fprintf(stderr, "bellwether: \"%s\": expected negative, neutral or positive\n", polarity);
		return EXIT_USAGE;
	}
	struct store_command command = {.verb = "label", .subject = argv[optind], .argument = argv[optind + 1],
					.why = (char *)options.why};
	return leave(options.database, &command, "noted");
}
