#include "alerts/series.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/cmd.h"
#include "daemon/detect_rows.h"
#include "daemon/lines.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char help[] =
	"usage: bellwether detect [--interval 5m] [--false-alarms D] < CSV\n"
	"\n"
	"How unusual each value of a series of counts is, judged from earlier rows only.\n"
	"Reads CSV \"timestamp,value\", with or without a line of column names, in order of\n"
	"time and evenly spaced; writes \"timestamp,value,expected,score,alert\", a line for\n"
	"each row as it comes.\n"
	"\n"
	"  --interval D       time between rows; else that between the first two\n"
	"  --false-alarms D   one false alarm in so long is accepted (default 14d)\n"
	"\n"
	"score: 0 to 1, 1 minus the chance that the highest quarter of an hour, hour or six\n"
	"hours of a day is as high as that which ends with the row; halved where it is no\n"
	"news: for a day after news, only what has at most its chance to the power of 1.5 is\n"
	"news again.  alert: 1 where a row is news and its chance within the accepted false\n"
	"alarms.  The first two days are learnt from.\n"
	"\n"
	"Rows that are missing, or have no value (empty, \"nan\", \"null\"), are left out of what\n"
	"is learnt; values below 0 count as 0.\n"
	"\n"
	"Exit status: 0 ok, 1 reading or writing failed or a row is wrong, 2 wrong usage.\n";

static const int64_t highest_interval_us = 366 * DAY_US;

struct options {
	int64_t interval_us; /* 0 = from the rows */
	int64_t false_alarm_us;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "bellwether detect: %s%s%s\nbellwether detect --help says more\n", what, value ? " " : "",
		value ? value : "");
	return EXIT_USAGE;
}

/* Returns an exit status, or -1 to go on. */
static int options_parse(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"interval", required_argument, NULL, 'i'},
		{"false-alarms", required_argument, NULL, 'f'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};

	*out = (struct options){.false_alarm_us = 14 * DAY_US};
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		switch (c) {
		case 'i':
			if (!duration_parse(optarg, &out->interval_us) || out->interval_us < SECOND_US ||
			    out->interval_us > highest_interval_us)
				return usage_error("--interval takes a duration of a second to a year, not", optarg);
			break;
		case 'f':
			if (!duration_parse(optarg, &out->false_alarm_us) || out->false_alarm_us < DAY_US)
				return usage_error("--false-alarms takes a duration of a day or more, not", optarg);
			break;
		case 'h': fputs(help, stdout); return EXIT_OK;
		case ':': return usage_error("a value is missing after", argv[optind - 1]);
		default: return usage_error("unknown option", argv[optind - 1]);
		}
	}
	return optind < argc ? usage_error("the series comes from standard input; unexpected:", argv[optind]) : -1;
}

static struct series *make_series(const struct options *options, int64_t interval_us)
{
	struct series_options series = {.false_alarms_per_day = (double)DAY_US / (double)options->false_alarm_us};
	int64_t hour_rows = HOUR_US / interval_us, day_rows = DAY_US / interval_us;

	/* A series of days: "a day" is then a fortnight of rows, that there may be a highest one. */
	series.hour_rows = hour_rows > 1 ? (size_t)hour_rows : 1;
	series.day_rows = day_rows > 12 ? (size_t)day_rows : 12;
	return series_create(&series);
}

struct detector {
	const struct options *options;
	int64_t interval_us;
	struct series *series;
	struct detect_row row, first; /* the first row waits for the second one, which tells the interval */
	uint64_t line;                /* number of the last one read */
	int64_t newest_us;            /* time of the last row judged, or of `first` */
	size_t rows;
};

static int judge(struct detector *detector, const struct detect_row *row, struct err *e)
{
	struct series_verdict verdict = series_add(detector->series, row->missing ? NAN : row->value);

	if (printf("%s,%s,%.6g,%.8f,%d\n", row->time, row->value_text, verdict.expected, verdict.score, verdict.alert) < 0)
		return err_sys(e, errno, "cannot write");
	return 0;
}

static int begin(struct detector *detector, int64_t interval_us, struct err *e)
{
	detector->interval_us = interval_us;
	detector->series = make_series(detector->options, interval_us);
	return detector->first.text ? judge(detector, &detector->first, e) : 0;
}

/* The second row, or the first one where the interval is given. */
static int begin_with(struct detector *detector, struct err *e)
{
	int64_t interval_us = detector->options->interval_us, steps;

	if (interval_us)
		return begin(detector, interval_us, e);
	if (detect_row_steps(&detector->row, detector->newest_us, SECOND_US, detector->line, &steps, e) < 0)
		return -1;
	interval_us = detector->row.time_us - detector->newest_us;
	if (interval_us > highest_interval_us)
		return err_set(e, "the first two rows are more than a year apart; --interval says how far rows are apart");
	return begin(detector, interval_us, e);
}

/* Rows that never came: one without a value for each, as far back as anything is remembered. */
static int skip_missing(struct detector *detector, struct err *e)
{
	int64_t steps, memory = (int64_t)series_memory(detector->series);

	if (detect_row_steps(&detector->row, detector->newest_us, detector->interval_us, detector->line, &steps, e) < 0)
		return -1;
	for (int64_t i = 1; i < steps && i <= memory; i++)
		series_add(detector->series, NAN);
	return 0;
}

static int add_row(struct detector *detector, struct err *e)
{
	bool first = detector->rows++ == 0;

	if (first && !detector->options->interval_us) {
		detector->first = detector->row;
		detector->row = (struct detect_row){0};
		detector->newest_us = detector->first.time_us;
		return 0;
	}
	if (!detector->series && begin_with(detector, e) < 0)
		return -1;
	if (!first && skip_missing(detector, e) < 0)
		return -1;
	detector->newest_us = detector->row.time_us;
	return judge(detector, &detector->row, e);
}

static int add_line(struct detector *detector, const char *line, size_t length, struct err *e)
{
	detector->line++;
	if (length == 0 || (length == 1 && *line == '\r') || (detector->line == 1 && detect_row_is_header(line, length)))
		return 0;
	if (detect_row_parse(&detector->row, line, length, detector->line, e) < 0)
		return -1;
	return add_row(detector, e);
}

/* A single row has no interval: it is judged as a series of five minutes. */
static int finish(struct detector *detector, struct err *e)
{
	if (detector->series || !detector->first.text)
		return 0;
	return begin(detector, 5 * MINUTE_US, e);
}

static int detect(const struct options *options, struct lines *lines, struct err *e)
{
	struct detector detector = {.options = options};
	enum lines_result got;
	const char *line;
	size_t length;
	int result = 0;

	printf("timestamp,value,expected,score,alert\n");
	while (result == 0) {
		got = lines_next(lines, detector.line ? 20000 : LINES_FOREVER, &line, &length, e);
		if (got == LINES_TIMED_OUT) {
			fflush(stdout);
			got = lines_next(lines, LINES_FOREVER, &line, &length, e);
		}
		if (got == LINES_END)
			break;
		result = got == LINES_FAILED ? -1 : add_line(&detector, line, length, e);
	}
	if (result == 0)
		result = finish(&detector, e);
	detect_row_free(&detector.row);
	detect_row_free(&detector.first);
	series_free(detector.series);
	return result;
}

int cmd_detect(int argc, char **argv)
{
	struct options options;
	struct lines *lines;
	struct err e = {0};
	int status = options_parse(argc, argv, &options), result;

	if (status >= 0)
		return status;
	lines = lines_open(STDIN_FILENO);
	result = detect(&options, lines, &e);
	lines_close(lines);
	if (fflush(stdout) != 0 && result == 0)
		result = err_sys(&e, errno, "cannot write");
	if (result < 0)
		fprintf(stderr, "bellwether detect: %s\n", e.text);
	return result < 0 ? EXIT_FAILED : EXIT_OK;
}
