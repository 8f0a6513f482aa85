#include "alerts/series.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/cmd.h"
#include "daemon/lines.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: bellwether detect [--interval 5m] [--false-alarms D] < CSV\n"
	"\n"
	"How unusual each value of a series of counts is, judged from earlier rows only.\n"
	"Reads CSV \"timestamp,value\" with a header line, evenly spaced in time; writes\n"
	"\"timestamp,value,expected,score,alert\".\n"
	"\n"
	"  --interval D       time between rows; else that between the first two\n"
	"  --false-alarms D   one false alarm in so long is accepted (default 7d)\n"
	"\n"
	"score: 0 to 1, 1 minus the chance a day of an hour as high as the one that ends\n"
	"with the row; halved for a day after an alert.  alert: 1 where that chance is\n"
	"within the accepted false alarms, once a day at most.  The first two days are\n"
	"learnt from.\n"
	"\n"
	"Exit status: 0 ok, 1 reading or writing failed or a row is wrong, 2 wrong usage.\n";

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

	*out = (struct options){.false_alarm_us = 7 * DAY_US};
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		switch (c) {
		case 'i':
			if (!duration_parse(optarg, &out->interval_us) || out->interval_us < SECOND_US)
				return usage_error("--interval takes a duration of a second or more, not", optarg);
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

/* One row; `time` and `number` point into `text`, which is cut up. */
struct row {
	char *text, *time, *number;
	double value;
	int64_t time_us;
};

static int row_parse(struct row *row, const char *line, size_t length, uint64_t line_number, struct err *e)
{
	char *comma, *end;

	free(row->text);
	row->text = xmalloc(length + 1);
	memcpy(row->text, line, length);
	row->text[length] = '\0';
	if (length && row->text[length - 1] == '\r')
		row->text[length - 1] = '\0';
	comma = strchr(row->text, ',');
	if (!comma)
		return err_set(e, "line %llu: expected timestamp,value", (unsigned long long)line_number);
	*comma = '\0';
	row->time = row->text;
	row->number = comma + 1;
	if (!time_parse_iso(row->time, &row->time_us))
		return err_set(e, "line %llu: \"%.40s\" is no time", (unsigned long long)line_number, row->time);
	row->value = strtod(row->number, &end);
	while (*end == ' ')
		end++;
	if (end == row->number || (*end && *end != ','))
		return err_set(e, "line %llu: \"%.40s\" is no number", (unsigned long long)line_number, row->number);
	*end = '\0';
	return 0;
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

static int print_row(const struct row *row, const struct series_verdict *verdict, struct err *e)
{
	if (printf("%s,%s,%.6g,%.6f,%d\n", row->time, row->number, verdict->expected, verdict->score, verdict->alert) < 0)
		return err_sys(e, errno, "cannot write");
	return 0;
}

struct detector {
	const struct options *options;
	struct series *series;
	struct row row, first; /* the first row waits for the second one, which tells the interval */
	bool waiting;
};

static int judge(struct detector *detector, const struct row *row, struct err *e)
{
	struct series_verdict verdict = series_add(detector->series, row->value);

	return print_row(row, &verdict, e);
}

static int add_row(struct detector *detector, struct err *e)
{
	int64_t interval_us = detector->options->interval_us;

	if (detector->series)
		return judge(detector, &detector->row, e);
	if (!interval_us && !detector->waiting) {
		detector->first = detector->row;
		detector->row = (struct row){0};
		detector->waiting = true;
		return 0;
	}
	if (!interval_us)
		interval_us = detector->row.time_us - detector->first.time_us;
	if (interval_us < SECOND_US)
		return err_set(e, "the first two rows are not in order of time; --interval says how far rows are apart");
	detector->series = make_series(detector->options, interval_us);
	if (detector->waiting && judge(detector, &detector->first, e) < 0)
		return -1;
	detector->waiting = false;
	return judge(detector, &detector->row, e);
}

/* A single row has no interval: it is judged as a series of five minutes. */
static int finish(struct detector *detector, struct err *e)
{
	if (!detector->waiting)
		return 0;
	detector->series = make_series(detector->options, 5 * MINUTE_US);
	return judge(detector, &detector->first, e);
}

static int detect(const struct options *options, struct lines *lines, struct err *e)
{
	struct detector detector = {.options = options};
	enum lines_result got;
	const char *line;
	size_t length;
	uint64_t number = 0;
	int result = 0;

	printf("timestamp,value,expected,score,alert\n");
	while (result == 0 && (got = lines_next(lines, number ? 20000 : LINES_FOREVER, &line, &length, e)) != LINES_END) {
		if (got == LINES_TIMED_OUT) {
			fflush(stdout);
			got = lines_next(lines, LINES_FOREVER, &line, &length, e);
			if (got == LINES_END)
				break;
		}
		if (got == LINES_FAILED)
			result = -1;
		else if (number++ > 0 && length > 0)
			result = row_parse(&detector.row, line, length, number, e) < 0 ? -1 : add_row(&detector, e);
	}
	if (result == 0)
		result = finish(&detector, e);
	free(detector.row.text);
	free(detector.first.text);
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
