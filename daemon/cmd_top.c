/*
 * A live terminal view over the public views of the database, read-only.  It
 * asks every two seconds; what it shows is what sqlite3 would show.
 */
#include "alerts/store.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/utf8.h"
#include "daemon/cmd.h"
#include "daemon/config.h"

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <utf8proc.h>

#define HOURS 24
#define EVERY_MS 2000

static const char help[] = "usage: bellwether top [--db FILE] [--once]\n\n"
			   "Topics with their last 24 hours of documents, tone and state; firing first.  q quits.\n"
			   "  --once   print it once, without colours, and end\n";

struct row {
	char *name;
	char state[12];
	long total, negative;    /* over the 24 hours */
	long hour_total, hour_negative;
	double score_sum;        /* of hourly means, weighted by total */
	unsigned negatives[HOURS];
};

struct screen {
	struct row *rows;
	size_t count;
	bool colours;
	char newest[32];         /* start of the newest hour */
	char documents[32], deliveries[32], firing[32], unwell[32];
};

static const char *text_or(const char *text, const char *fallback)
{
	return text != NULL ? text : fallback;
}

static int on_topic(void *context, size_t columns, const char *const *values)
{
	CHECK(columns == 2);
	struct screen *s = context;
	s->rows = xrealloc(s->rows, (s->count + 1) * sizeof *s->rows);
	struct row *row = &s->rows[s->count++];
	*row = (struct row){.name = xstrdup(text_or(values[0], ""))};
	snprintf(row->state, sizeof row->state, "%s", text_or(values[1], "ok"));
	return 0;
}

static int compare_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name, ((const struct row *)b)->name);
}

/* topic, hours before the newest, total, negative, mean_score */
static int on_bucket(void *context, size_t columns, const char *const *values)
{
	CHECK(columns == 5);
	struct screen *s = context;
	struct row key = {.name = (char *)text_or(values[0], "")};
	struct row *row = s->count > 0 ? bsearch(&key, s->rows, s->count, sizeof key, compare_name) : NULL;
	long ago = strtol(text_or(values[1], "-1"), NULL, 10);
	if (row == NULL || ago < 0 || ago >= HOURS)
		return 0;
	long total = strtol(text_or(values[2], "0"), NULL, 10), negative = strtol(text_or(values[3], "0"), NULL, 10);
	row->total += total;
	row->negative += negative;
	row->score_sum += strtod(text_or(values[4], "0"), NULL) * (double)total;
	row->negatives[HOURS - 1 - ago] += (unsigned)negative;
	if (ago == 0) {
		row->hour_total = total;
		row->hour_negative = negative;
	}
	return 0;
}

static int on_summary(void *context, size_t columns, const char *const *values)
{
	CHECK(columns == 5);
	struct screen *s = context;
	snprintf(s->newest, sizeof s->newest, "%s", text_or(values[0], "never"));
	snprintf(s->documents, sizeof s->documents, "%s", text_or(values[1], "0"));
	snprintf(s->deliveries, sizeof s->deliveries, "%s", text_or(values[2], "0"));
	snprintf(s->firing, sizeof s->firing, "%s", text_or(values[3], "0"));
	snprintf(s->unwell, sizeof s->unwell, "%s", text_or(values[4], "0"));
	return 0;
}

static int load(struct store *store, struct screen *s, struct err *e)
{
	static const char topics[] = "SELECT topic, CASE WHEN sum(state = 'firing') > 0 THEN 'firing'"
				    " WHEN sum(state = 'pending') > 0 THEN 'pending' ELSE min(state) END"
				    " FROM watch_status GROUP BY topic";
	static const char buckets[] =
		"WITH newest(at) AS (SELECT max(bucket) FROM trend_hourly)"
		" SELECT topic, (unixepoch(at) - unixepoch(bucket)) / 3600, total, negative, mean_score"
		" FROM trend_hourly, newest WHERE bucket > strftime('%Y-%m-%dT%H:%M:%SZ', at, '-24 hours')";
	static const char summary[] =
		"SELECT (SELECT max(bucket) FROM trend_hourly), (SELECT max(id) FROM documents_v),"
		" (SELECT count(*) FROM delivery_status WHERE state = 'pending'),"
		" (SELECT count(*) FROM alert_history WHERE state = 'firing'),"
		" (SELECT count(*) FROM source_health WHERE state IN ('down', 'fatal', 'warning'))";
	if (store_query(store, topics, on_topic, s, e) != 0)
		return -1;
	if (s->count > 0)
		qsort(s->rows, s->count, sizeof *s->rows, compare_name);
	if (store_query(store, buckets, on_bucket, s, e) != 0)
		return -1;
	return store_query(store, summary, on_summary, s, e);
}

/* ---- drawing ---- */

static int urgency(const struct row *row)
{
	return strcmp(row->state, "firing") == 0 ? 2 : strcmp(row->state, "pending") == 0;
}

static int compare_urgency(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	if (urgency(x) != urgency(y))
		return urgency(y) - urgency(x);
	if (x->negative != y->negative)
		return x->negative < y->negative ? 1 : -1;
	return strcmp(x->name, y->name);
}

static void print_sparkline(const struct row *row)
{
	static const char *const steps[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	unsigned max = 1;
	for (int i = 0; i < HOURS; i++)
		if (row->negatives[i] > max)
			max = row->negatives[i];
	for (int i = 0; i < HOURS; i++) {
		unsigned value = row->negatives[i];
		fputs(steps[value == 0 ? 0 : 1 + value * 7 / max], stdout);
	}
}

/* A terminal counts cells, not bytes: a name may be Chinese. */
static void print_name(const char *name, int columns)
{
	int used = 0;
	for (size_t left = strlen(name), size; left > 0; name += size, left -= size) {
		uint32_t code_point;
		size = utf8_decode(name, left, &code_point);
		int width = utf8proc_charwidth((utf8proc_int32_t)code_point);
		if (used + width > columns)
			break;
		if (code_point >= ' ' && code_point != 0x7f)
			fwrite(name, 1, size, stdout);
		used += width;
	}
	printf("%*s", columns - used, "");
}

static void print_row(const struct screen *s, const struct row *row)
{
	const char *colour = urgency(row) == 2 ? "\033[1;31m" : urgency(row) == 1 ? "\033[33m" : "";
	double tone = row->total > 0 ? row->score_sum / (double)row->total : 0;
	if (s->colours)
		fputs(colour, stdout);
	print_name(row->name, 24);
	printf(" %-8s %6ld %6ld %7ld %7ld  %+5.2f  ", row->state, row->hour_total, row->hour_negative, row->total,
	       row->negative, tone);
	print_sparkline(row);
	fputs(s->colours ? "\033[0m\033[K\n" : "\n", stdout);
}

static size_t terminal_rows(void)
{
	struct winsize size;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 6 ? size.ws_row : 24;
}

static void draw(struct screen *s)
{
	const char *end = s->colours ? "\033[K\n" : "\n";
	size_t shown = s->count, room = s->colours ? terminal_rows() - 4 : s->count;
	if (s->count > 0)
		qsort(s->rows, s->count, sizeof *s->rows, compare_urgency);
	if (shown > room)
		shown = room;
	if (s->colours)
		fputs("\033[H", stdout);
	printf("bellwether: %s documents, newest hour %s, %s firing, %s deliveries pending, %s sources unwell%s", s->documents,
	       s->newest, s->firing, s->deliveries, s->unwell, end);
	printf("%-24s %-8s %6s %6s %7s %7s  %5s  %-24s%s", "topic", "state", "1h", "neg", "24h", "neg", "tone",
	       "negative, hour by hour", end);
	for (size_t i = 0; i < shown; i++)
		print_row(s, &s->rows[i]);
	if (s->count > shown)
		printf("and %zu more%s", s->count - shown, end);
	if (s->colours)
		fputs("\033[J", stdout);
	fflush(stdout);
}

static void clear(struct screen *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->rows[i].name);
	free(s->rows);
	*s = (struct screen){.colours = s->colours};
}

/* ---- the terminal: it must be left as it was found, also on Ctrl-C ---- */

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	if (number != SIGWINCH) /* which only ends the wait: the view is drawn anew */
		interrupted = 1;
}

/* The alternate screen, keys at once, long lines cut.  False where standard input is no terminal. */
static bool enter_terminal(struct termios *saved)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
	struct sigaction action = {.sa_handler = on_signal};
	if (tcgetattr(STDIN_FILENO, saved) != 0)
		return false;
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		sigaction(numbers[i], &action, NULL);
	struct termios now = *saved;
	now.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &now);
	fputs("\033[?1049h\033[?7l", stdout);
	return true;
}

static void leave_terminal(const struct termios *saved)
{
	fputs("\033[?7h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, saved);
}

/* Waits for the next round; true = the user wants to leave. */
static bool wants_to_quit(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	char key;
	if (!interrupted && poll(&input, 1, EVERY_MS) > 0 && (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q'))
		return true;
	return interrupted;
}

static int show(const char *database, bool once)
{
	struct err e;
	struct store *store = store_open(database, STORE_READ, 0, &e);
	if (store == NULL) {
		fprintf(stderr, "bellwether: %s\n", e.text);
		return EXIT_FAILED;
	}
	struct screen screen = {.colours = !once && isatty(STDOUT_FILENO)};
	struct termios saved;
	bool live = screen.colours && enter_terminal(&saved);
	int rc;
	do {
		rc = load(store, &screen, &e);
		if (rc == 0)
			draw(&screen);
		clear(&screen);
	} while (rc == 0 && live && !wants_to_quit());
	if (live)
		leave_terminal(&saved);
	if (rc != 0)
		fprintf(stderr, "bellwether: %s\n", e.text);
	store_close(store);
	return rc == 0 ? EXIT_OK : EXIT_FAILED;
}

int cmd_top(int argc, char **argv)
{
	static const struct option options[] = {
		{"db", required_argument, NULL, 'd'},
		{"once", no_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *database = CONFIG_DATABASE;
	bool once = false;
	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		if (c == 'd')
			database = optarg;
		else if (c == 'o')
			once = true;
		else if (c == 'h')
			return fputs(help, stdout), EXIT_OK;
		else
			return fputs(help, stderr), EXIT_USAGE;
	}
	if (optind != argc)
		return fputs(help, stderr), EXIT_USAGE;
	return show(database, once);
}
