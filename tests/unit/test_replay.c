/*
 * Replay equals live: a writer with a clock that the test moves writes a
 * history, with silences, restarts and late documents in it; what it alerted is
 * read back from the database and must be what a replay of the stored documents
 * says.  Then what only a replay can: other topics, two at once, a part of the
 * time.  A failure names the seed; BELLWETHER_TEST_SEED is added to it.
 */
#include "alerts/payload.h"
#include "alerts/writer.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/replay.h"
#include "daemon/replay_feed.h"
#include "daemon/replay_report.h"
#include "tests/lib/run.h"

#include <check.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TOPICS = 3, DAYS = 20 };
#define START_US (INT64_C(1767571200) * SECOND_US)

static const char *const names[TOPICS] = {"orbel", "lurex", "quill"};

static const char usual[] =
	"topics:\n"
	"  - {name: orbel, any: [Orbel]}\n"
	"  - {name: lurex, any: [Lurex]}\n"
	"  - {name: quill, any: [Quill]}\n"
	"rules:\n"
	"  - {name: spike, metric: negative_count, keep_firing_for: 3h}\n"
	"  - {name: steady, metric: negative_count, for: 20m, keep_firing_for: 1h}\n"
	"  - {name: volume, metric: volume, topics: [orbel, quill], keep_firing_for: 2h}\n";

static char directory[64], database[128];
static uint64_t state;
static _Atomic int64_t now_us;

static int64_t told_now(const struct clock *clock)
{
	(void)clock;
	return now_us;
}

static const struct clock told_clock = {told_now};

static unsigned draw(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static void set_up(void)
{
	strcpy(directory, "/tmp/bellwether-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(database, sizeof database, "%s/b.db", directory);
}

static void tear_down(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", directory);
	ck_assert_int_eq(system(command), 0);
}

static void say_problem(void *context, const char *line)
{
	(void)context;
	fprintf(stderr, "%s\n", line);
}

static struct config *parse(const char *text)
{
	struct config *config = config_parse(text, strlen(text), "t.yaml", say_problem, NULL);

	ck_assert_ptr_nonnull(config);
	return config;
}

/* ---- live ---- */

static struct writer *writer;
static struct queue *queue;
static unsigned message;

static void start(const struct config *config)
{
	struct err e = {0};
	struct store *store = store_open(database, STORE_DAEMON, 0, &e);

	ck_assert_msg(store, "%s", e.text);
	queue = queue_create(1000, 1 << 22);
	writer = writer_start(&(struct writer_options){.store = store, .configuration = {.watch = &config->watch},
						       .model_version = "tiny-1", .input = queue, .clock = &told_clock}, &e);
	ck_assert_msg(writer, "%s", e.text);
}

static void stop(void)
{
	queue_close(queue);
	writer_stop(writer);
	queue_free(queue);
}

static void push(uint32_t topic, bool second, enum polarity polarity, int64_t published_us, unsigned flags)
{
	struct writer_entry *entry = xcalloc(1, sizeof *entry + 2 * sizeof *entry->topics);
	char previous[24] = "", next[24], title[128];

	if (message > 0)
		snprintf(previous, sizeof previous, "%u", message);
	snprintf(next, sizeof next, "%u", ++message);
	/* One in four is a copy of the one before. */
	snprintf(title, sizeof title, "Report %u about %s%s in talks with creditors", message - (draw(4) == 0), names[topic],
		 second ? " and Quill" : "");
	entry->kind = ENTRY_ITEM;
	entry->item = item_create(&(struct item){
		.kind = ITEM_DOCUMENT, .flags = flags, .polarity = POLARITY_NONE, .published_us = published_us,
		.received_us = now_us, .source = draw(5) ? "wire" : "feeds", .position = {"", "", ""}, .external_id = next,
		.publisher = draw(2) ? "Example Wire" : "Daily Example", .title = title});
	entry->polarity = polarity;
	entry->score = polarity == POLARITY_NONE ? 0 : polarity == POLARITY_NEGATIVE ? -0.5f : 0.1f;
	entry->label = -1;
	entry->scored = true;
	story_sign(title, strlen(title), &entry->signature);
	entry->topics = (uint32_t *)(entry + 1);
	entry->topics[entry->topic_count++] = topic;
	if (second && topic != 2)
		entry->topics[entry->topic_count++] = 2;
	ck_assert_int_eq(queue_push(queue, entry, entry->item->size, 10 * SECOND_US), QUEUE_OK);
}

static void silence(void)
{
	struct err e = {0};
	struct store *store = store_open(database, STORE_WRITE, 0, &e);
	uint32_t topic = draw(TOPICS + 1);
	struct store_command command = {.verb = "silence", .subject = topic < TOPICS ? (char *)names[topic] : (char *)"*",
					.argument = (char *)"", .why = (char *)"maintenance",
					.until_us = now_us + (int64_t)(1 + draw(30)) * HOUR_US};

	ck_assert_msg(store && store_add_command(store, &command, &e) == 0, "%s", e.text);
	store_close(store);
}

static void flush(void)
{
	ck_assert(writer_flush(writer, 30 * SECOND_US));
}

/* Twenty days: quiet topics, a storm of some hours every four days, now and then a silence, a restart, a stop of a day. */
static void live(const struct config *config, unsigned seed)
{
	state = seed * 2654435761u + 1;
	message = 0;
	now_us = START_US;
	start(config);
	while (now_us < START_US + DAYS * DAY_US) {
		int64_t day = (now_us - START_US) / DAY_US, hour = (now_us - START_US) / HOUR_US % 24;
		bool storm = day % 4 == 3 && hour >= 18 && hour < 21;
		uint32_t topic = storm ? (uint32_t)(day / 4 + seed) % TOPICS : draw(TOPICS);

		for (unsigned i = draw(4); i > 0; i--) {
			enum polarity polarity = storm || draw(3) == 0 ? POLARITY_NEGATIVE : POLARITY_NEUTRAL;
			int64_t published_us = now_us - (int64_t)draw(draw(10) ? 120 : 20000) * SECOND_US;

			push(topic, draw(6) == 0, draw(20) ? polarity : POLARITY_NONE, published_us,
			     draw(40) == 0 ? ITEM_BACKFILL : 0);
		}
		flush();
		if (draw(40) == 0 || (storm && draw(10) == 0)) {
			silence();
			flush();
		}
		if (draw(100) == 0) {
			stop();
			now_us += (int64_t)draw(30) * HOUR_US;
			start(config);
		}
		now_us += storm ? (int64_t)(1 + draw(900)) * SECOND_US : (int64_t)(1 + draw(5 * 3600)) * SECOND_US;
	}
	flush();
	stop();
}

/* ---- what was said ---- */

struct said {
	char **lines;
	size_t count, room;
};

static void say(struct said *said, const char *line)
{
	if (said->count == said->room) {
		said->room = said->room ? said->room * 2 : 64;
		said->lines = xrealloc(said->lines, said->room * sizeof *said->lines);
	}
	said->lines[said->count++] = xstrdup(line);
}

static void said_free(struct said *said)
{
	for (size_t i = 0; i < said->count; i++)
		free(said->lines[i]);
	free(said->lines);
	*said = (struct said){0};
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All that a receiver gets, keys in one order. */
static void say_payload(struct said *said, const char *payload, const char *notify)
{
	json_t *object = json_loads(payload, 0, NULL);
	char *text;

	ck_assert_ptr_nonnull(object);
	text = json_dumps(object, JSON_SORT_KEYS | JSON_COMPACT);
	char *line = xmalloc(strlen(text) + strlen(notify) + 2);
	sprintf(line, "%s %s", text, notify);
	say(said, line);
	free(line);
	free(text);
	json_decref(object);
}

static int say_row(void *context, size_t columns, const char *const *values)
{
	ck_assert_uint_eq(columns, 2);
	say_payload(context, values[0], values[1]);
	return 0;
}

static struct said ask_database(void)
{
	struct said said = {0};
	struct err e = {0};
	struct store *store = store_open(database, STORE_READ, 0, &e);

	ck_assert_msg(store && store_query(store, "SELECT payload, min(notify, 2) FROM alert_events"
							" WHERE json_extract(payload, '$.state') <> 'digest'", say_row, &said, &e) == 0, "%s",
		      e.text);
	store_close(store);
	qsort(said.lines, said.count, sizeof *said.lines, by_text);
	return said;
}

struct listener {
	const struct config *config;
	struct said said;
};

static int listen(void *context, const struct watch_alert *alert, struct err *e)
{
	struct listener *listener = context;
	const struct watch_options *watch = &listener->config->watch;
	char *payload = payload_write_event(alert, watch->rules[alert->rule].name, watch->topics[alert->topic], watch->topics);

	(void)e;
	say_payload(&listener->said, payload, alert->notify ? "1" : alert->held ? "2" : "0");
	free(payload);
	return 0;
}

static struct replay *begin(struct listener *listener, int64_t since_us)
{
	return replay_create(&(struct replay_options){.config = listener->config, .ticks = true, .since_us = since_us,
						      .changed = listen, .context = listener});
}

static struct said replay_all(const struct config *config)
{
	struct listener listener = {.config = config};
	struct replay *replay = begin(&listener, INT64_MIN);
	struct replay_source source = {.replays = {replay}, .count = 1, .until_us = INT64_MAX};
	struct err e = {0};

	ck_assert_msg(replay_read_history(&source, database, &e) == 0, "%s", e.text);
	replay_free(replay);
	qsort(listener.said.lines, listener.said.count, sizeof *listener.said.lines, by_text);
	return listener.said;
}

/* Which change, and from where it differs. */
static void assert_same_line(unsigned seed, const char *live, const char *again)
{
	size_t same = 0;

	while (live[same] && live[same] == again[same])
		same++;
	ck_assert_msg(live[same] == again[same], "seed %u: of %.300s ...\nlive ...%.300s\nreplay ...%.300s", seed, live,
		      live + (same > 60 ? same - 60 : 0), again + (same > 60 ? same - 60 : 0));
}

static void assert_same(unsigned seed, struct said *a, struct said *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		assert_same_line(seed, a->lines[i], b->lines[i]);
	ck_assert_msg(a->count == b->count, "seed %u: %zu changes live, %zu in the replay", seed, a->count, b->count);
}

/* ---- */

START_TEST(replay_says_what_was_said_live)
{
	const char *more = getenv("BELLWETHER_TEST_SEED");
	unsigned seed = (unsigned)_i + 1 + (more ? (unsigned)strtoul(more, NULL, 10) : 0);
	struct config *config = parse(usual);
	struct said was, is;

	live(config, seed);
	was = ask_database();
	is = replay_all(config);
	ck_assert_msg(was.count >= 6, "seed %u: only %zu changes: this shows nothing", seed, was.count);
	assert_same(seed, &was, &is);
	said_free(&was);
	said_free(&is);
	config_free(config);
}
END_TEST

static struct replay *plain(const struct config *config, int64_t since_us)
{
	return replay_create(&(struct replay_options){.config = config, .ticks = true, .since_us = since_us});
}

START_TEST(a_topic_that_was_never_configured_can_be_tried)
{
	static const char other[] = "topics:\n  - {name: creditors, any: [creditors], none: [\"about Quill\"]}\n"
				    "rules:\n  - {name: spike, metric: volume}\n";
	struct config *config = parse(usual), *new = parse(other);
	struct replay *replay = plain(new, INT64_MIN);
	struct replay_source source = {.replays = {replay}, .count = 1, .until_us = INT64_MAX};
	struct err e = {0};

	live(config, 3);
	ck_assert_msg(replay_read_history(&source, database, &e) == 0, "%s", e.text);
	ck_assert_uint_gt(replay_topic_documents(replay, 0), message / 3);
	ck_assert_uint_lt(replay_topic_documents(replay, 0), message * 9 / 10);
	replay_free(replay);
	config_free(config);
	config_free(new);
}
END_TEST

START_TEST(two_at_once_are_as_each_alone)
{
	static const char careful[] =
		"topics:\n  - {name: quill, any: [Quill]}\n  - {name: orbel, any: [Orbel], none: [\"Orbel and Quill\"]}\n"
		"rules:\n  - {name: loud, metric: negative_count, min_count: 6, keep_firing_for: 1h}\n";
	struct config *configs[2] = {parse(usual), parse(careful)};
	struct listener together[2] = {{.config = configs[0]}, {.config = configs[1]}};
	struct replay *replays[2] = {begin(&together[0], INT64_MIN), begin(&together[1], INT64_MIN)};
	struct replay_source source = {.replays = {replays[0], replays[1]}, .count = 2, .until_us = INT64_MAX};
	struct err e = {0};

	live(configs[0], 5);
	ck_assert_msg(replay_read_history(&source, database, &e) == 0, "%s", e.text);
	for (int i = 0; i < 2; i++) {
		struct said alone = replay_all(configs[i]);

		qsort(together[i].said.lines, together[i].said.count, sizeof *together[i].said.lines, by_text);
		ck_assert_uint_gt(alone.count, 0);
		assert_same(5, &alone, &together[i].said);
		said_free(&alone);
		said_free(&together[i].said);
		replay_free(replays[i]);
	}
	config_free(configs[0]);
	config_free(configs[1]);
}
END_TEST

/* ---- a recorded stream ---- */

static char *stream_text;

static int stream_fd(void)
{
	char path[128];
	snprintf(path, sizeof path, "%s/stream.jsonl", directory);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(stream_text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	return open(path, O_RDONLY);
}

/* Thirty quiet days, a storm on the last evening but `calm` hours. */
static void make_lines(unsigned calm_hours)
{
	size_t size = 0;
	FILE *out = open_memstream(&stream_text, &size);
	char iso[32];
	int n = 0;

	for (int64_t at_us = START_US; at_us < START_US + 30 * DAY_US; at_us += 4 * HOUR_US)
		fprintf(out, "{\"published\":\"%s\",\"source\":\"Example Wire\",\"title\":\"Quarter %d of Orbel\",\"polarity\":\"%s\"}\n",
			time_format_iso(at_us, iso, sizeof iso), n, n % 5 ? "neutral" : "negative"), n++;
	for (int i = 0; i < 30; i++)
		fprintf(out, "{\"published\":\"%s\",\"source\":\"Wire %d\",\"title\":\"Orbel fire kills %d <b>&\",\"polarity\":\"negative\"}\n",
			time_format_iso(START_US + 30 * DAY_US + i * 5 * MINUTE_US, iso, sizeof iso), i % 3, i * 7), n++;
	fprintf(out, "not json\n\n{\"published\":\"%s\",\"title\":\"Lurex rests\",\"polarity\":\"neutral\"}\n",
		time_format_iso(START_US + 31 * DAY_US + calm_hours * HOUR_US, iso, sizeof iso));
	fclose(out);
}

static struct replay *replay_stream(const struct config *config, int64_t since_us, int64_t until_us, bool tracks)
{
	struct replay *replay = replay_create(&(struct replay_options){.config = config, .since_us = since_us, .tracks = tracks});
	struct replay_source source = {.replays = {replay}, .count = 1, .until_us = until_us};
	struct err e = {0};
	int fd = stream_fd();

	ck_assert_msg(replay_read_lines(&source, fd, &e) == 0, "%s", e.text);
	close(fd);
	if (until_us == INT64_MAX)
		ck_assert_uint_eq(source.rejected, 1);
	return replay;
}

static const char volume_too[] = "topics:\n  - {name: orbel, any: [Orbel]}\n  - {name: lurex, any: [Lurex]}\n"
				 "rules:\n  - {name: spike, metric: negative_count}\n  - {name: volume, metric: volume}\n";

START_TEST(since_and_until_cut_what_is_shown_and_keep_what_was_learnt)
{
	struct config *config = parse("topics:\n  - {name: orbel, any: [Orbel]}\nrules:\n  - {name: spike, metric: negative_count}\n");
	size_t count;

	make_lines(0);
	struct replay *all = replay_stream(config, INT64_MIN, INT64_MAX, false);
	const struct replay_alert *alerts = replay_alerts(all, &count);
	ck_assert_uint_ge(count, 1);
	const struct replay_alert crisis = alerts[count - 1];
	ck_assert_int_ge(crisis.fired_us, START_US + 30 * DAY_US);
	ck_assert_int_ne(crisis.resolved_us, TIME_NONE);

	struct replay *late = replay_stream(config, START_US + 29 * DAY_US, INT64_MAX, false);
	alerts = replay_alerts(late, &count);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(alerts[0].id, crisis.id);
	ck_assert_int_eq(alerts[0].fired_us, crisis.fired_us);
	ck_assert_uint_lt(replay_span(late).documents, replay_span(all).documents);
	ck_assert_int_ge(replay_span(late).first_us, START_US + 29 * DAY_US);

	struct replay *early = replay_stream(config, INT64_MIN, START_US + 30 * DAY_US, false);
	for (alerts = replay_alerts(early, &count); count > 0; count--)
		ck_assert_int_lt(alerts[count - 1].fired_us, START_US + 30 * DAY_US);
	ck_assert_int_lt(replay_span(early).last_us, START_US + 30 * DAY_US);
	replay_free(all);
	replay_free(late);
	replay_free(early);
	config_free(config);
	free(stream_text);
}
END_TEST

static char *printed(void (*print)(const struct replay *a, const struct replay *b, FILE *out), const struct replay *a,
		     const struct replay *b)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	print(a, b, out);
	fclose(out);
	return text;
}

START_TEST(what_only_one_raises_is_told_from_what_both_do)
{
	struct config *eager = parse(volume_too);
	struct config *patient = parse("topics:\n  - {name: orbel, any: [Orbel]}\n"
				       "rules:\n  - {name: slow, metric: negative_count, for: 20m, min_count: 8}\n");
	struct config *deaf = parse("topics:\n  - {name: orbel, any: [Orbel]}\n"
				    "rules:\n  - {name: deaf, metric: negative_count, min_count: 1000}\n");
	make_lines(0);
	int64_t since_us = START_US + 29 * DAY_US;
	struct replay *a = replay_stream(eager, since_us, INT64_MAX, false), *b = replay_stream(patient, since_us, INT64_MAX, false),
		      *c = replay_stream(deaf, since_us, INT64_MAX, false);

	char *both = printed(replay_print_comparison, a, b);
	json_t *line = json_loads(both, 0, NULL);
	ck_assert_msg(line, "one line: %s", both);
	ck_assert_str_eq(json_string_value(json_object_get(line, "raised_by")), "both");
	ck_assert_str_eq(json_string_value(json_object_get(line, "topic")), "orbel");
	ck_assert_str_eq(json_string_value(json_object_get(line, "earlier")), "a");
	ck_assert_int_gt(json_integer_value(json_object_get(line, "lead_s")), 0);
	ck_assert_uint_ge(json_array_size(json_object_get(line, "a")), 2);
	ck_assert_uint_ge(json_array_size(json_object_get(line, "b")), 1);
	json_decref(line);
	free(both);

	char *other_way = printed(replay_print_comparison, b, a);
	ck_assert_ptr_nonnull(strstr(other_way, "\"earlier\":\"b\""));
	free(other_way);

	char *only = printed(replay_print_comparison, c, a);
	ck_assert_ptr_nonnull(strstr(only, "{\"raised_by\":\"b\",\"topic\":\"orbel\""));
	ck_assert_ptr_nonnull(strstr(only, "\"earlier\":null,\"lead_s\":null,\"a\":[],\"b\":[{"));
	free(only);

	char *same = printed(replay_print_comparison, a, a);
	ck_assert_ptr_nonnull(strstr(same, "\"earlier\":\"same\",\"lead_s\":0"));
	ck_assert_ptr_null(strstr(same, "\"raised_by\":\"a\""));
	free(same);

	char *table = printed(replay_print_comparison_summary, a, c);
	ck_assert_ptr_nonnull(strstr(table, "all topics                     1       0       0           0           0"));
	free(table);
	replay_free(a);
	replay_free(b);
	replay_free(c);
	config_free(eager);
	config_free(patient);
	config_free(deaf);
	free(stream_text);
}
END_TEST

static char *read_page(const char *name)
{
	static char text[1 << 20];
	char path[256];

	snprintf(path, sizeof path, "%s/charts/%s", directory, name);
	FILE *file = fopen(path, "r");
	ck_assert_msg(file, "%s", path);
	size_t length = fread(text, 1, sizeof text - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

START_TEST(charts_are_a_page_that_needs_nothing_else)
{
	struct config *config = parse(volume_too);
	char charts[128];
	struct err e = {0};

	make_lines(0);
	struct replay *replay = replay_stream(config, INT64_MIN, INT64_MAX, true);
	struct replay_report report = {replay, NULL};
	snprintf(charts, sizeof charts, "%s/charts", directory);
	ck_assert_msg(replay_write_charts(&report, 1, charts, &e) == 0, "%s", e.text);

	const char *svg = read_page("orbel-spike.svg");
	ck_assert_ptr_nonnull(strstr(svg, "negative stories"));
	ck_assert_ptr_nonnull(strstr(svg, "expected"));
	ck_assert_ptr_nonnull(strstr(svg, "alert limit"));
	ck_assert_ptr_nonnull(strstr(svg, "<title>alert from 2026-02-04"));
	read_page("orbel-volume.svg");
	read_page("lurex-volume.svg");

	const char *page = read_page("index.html");
	ck_assert_ptr_nonnull(strstr(page, "Orbel fire kills "));
	ck_assert_ptr_nonnull(strstr(page, " &lt;b&gt;&amp;</td>"));
	ck_assert_ptr_null(strstr(page, "<script"));
	ck_assert_ptr_null(strstr(page, " src="));
	ck_assert_ptr_null(strstr(page, "<link"));
	for (const char *at = page; (at = strstr(at, "http")); at++)
		ck_assert_msg(strncmp(at, "http://www.w3.org/2000/svg", 26) == 0, "%.60s", at);

	ck_assert_int_eq(replay_write_charts(&report, 1, "/dev/null", &e), -1);
	ck_assert_ptr_nonnull(strstr(e.text, "/dev/null"));
	replay_free(replay);
	config_free(config);
	free(stream_text);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("replay");
	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 120);
	tcase_add_loop_test(tests, replay_says_what_was_said_live, 0, 4);
	tcase_add_test(tests, a_topic_that_was_never_configured_can_be_tried);
	tcase_add_test(tests, two_at_once_are_as_each_alone);
	tcase_add_test(tests, since_and_until_cut_what_is_shown_and_keep_what_was_learnt);
	tcase_add_test(tests, what_only_one_raises_is_told_from_what_both_do);
	tcase_add_test(tests, charts_are_a_page_that_needs_nothing_else);
	return run_case("replay", tests);
}
