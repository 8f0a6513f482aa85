/*
 * What an operator changes in a running daemon's history: redeliver, silence,
 * label.  Each leaves a row in the database; the daemon carries it out by its
 * own rules within a second, or when it next starts.
 */
#include "alerts/store.h"
#include "daemon/base/clock.h"
#include "daemon/cmd.h"
#include "daemon/config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>


#define LONGEST_US (10 * 366 * DAY_US)

struct desk_options {
	const char *database, *length, *why;
};

/* Returns an exit status, or -1 to go on with `count` positional arguments from optind on. */
static int parse(int argc, char **argv, const char *help, int positional, struct desk_options *out)
{
	static const struct option options[] = {
		{"db", required_argument, NULL, 'd'},	{"for", required_argument, NULL, 'f'},
		{"why", required_argument, NULL, 'w'},	{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	*out = (struct desk_options){.database = CONFIG_DATABASE, .why = ""};
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		switch (c) {
		case 'd': out->database = optarg; break;
		case 'f': out->length = optarg; break;
		case 'w': out->why = optarg; break;
		case 'h': fputs(help, stdout); return EXIT_OK;
		default: fputs(help, stderr); return EXIT_USAGE;
		}
	}
	if (argc - optind != positional) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	return -1;
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
	int status = parse(argc, argv, help, 1, &options);
	if (status >= 0)
		return status;
	struct store_command command = {.verb = "redeliver", .subject = argv[optind], .argument = "", .why = (char *)options.why};
	return leave(options.database, &command, "the running daemon sends it again (see delivery_status)");
}

int cmd_silence(int argc, char **argv)
{
	static const char help[] =
		"usage: bellwether silence [--db FILE] TOPIC --for DURATION [--why TEXT]\n\n"
		"No notifications of TOPIC (\"*\" = every topic) for the duration (30m, 4h, 2d); 0 ends a silence.\n"
		"Alerts are still recorded.\n";
	struct desk_options options;
	int status = parse(argc, argv, help, 1, &options);
	if (status >= 0)
		return status;
	int64_t length_us;
	if (options.length == NULL || !duration_parse(options.length, &length_us) || length_us > LONGEST_US) {
		fprintf(stderr, "bellwether: --for \"%s\": expected a duration such as 30m, 4h, 2d, at most 10y\n",
			options.length ? options.length : "");
		return EXIT_USAGE;
	}
	int64_t until_us = clock_now_us(&wall_clock) + length_us;
	char until[40], done[128];
	snprintf(done, sizeof done, "silent until %s", time_format_iso(until_us, until, sizeof until));
	struct store_command command = {.verb = "silence", .subject = argv[optind], .argument = "",
					.why = (char *)options.why, .until_us = until_us};
	return leave(options.database, &command, done);
}

int cmd_label(int argc, char **argv)
{
	static const char help[] = "usage: bellwether label [--db FILE] DOCUMENT negative|neutral|positive [--why TEXT]\n\n"
				   "Stores the desk's own judgement of a document (its id stands in documents_v).\n";
	struct desk_options options;
	int status = parse(argc, argv, help, 2, &options);
	if (status >= 0)
		return status;
	const char *polarity = argv[optind + 1];
	if (polarity_parse(polarity) == POLARITY_NONE) {
		fprintf(stderr, "bellwether: \"%s\": expected negative, neutral or positive\n", polarity);
		return EXIT_USAGE;
	}
	struct store_command command = {.verb = "label", .subject = argv[optind], .argument = argv[optind + 1],
					.why = (char *)options.why};
	return leave(options.database, &command, "noted");
}
