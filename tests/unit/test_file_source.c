/* Files and pipes as sources: formats, rejects, resuming, pace, stop. */
#include "tests/lib/run.h"
#include "tests/lib/source_harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define LONG_US (10 * SECOND_US)

static char directory[] = "/tmp/test_file_source.XXXXXX";
static char path[128];

static void make_directory(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert_int_eq(system(command), 0);
}

static void write_bytes(const char *name, const char *mode, const char *bytes, size_t size)
{
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, mode);
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, "w", text, strlen(text));
}

static struct source_options options_for(double speed)
{
	return (struct source_options){.name = "tape", .kind = SOURCE_FILE, .file = {.path = path, .speed = speed}};
}

/* Read the whole file; `h` is left to look at. */
static void read_all(struct harness *h, const struct saved_position *saved)
{
	struct source_options options = options_for(0);

	harness_open(h, &options, saved, saved ? 1 : 0, 4096);
	ck_assert(harness_wait_state(h, SOURCE_DONE, LONG_US));
	harness_pop(h, 4096, SECOND_US / 10);
}

START_TEST(test_json_lines)
{
	struct source_health health;
	struct harness h;

	write_file("a.jsonl", "{\"title\":\"One\",\"published\":\"2026-01-05T09:30:00Z\",\"source\":\"Example Wire\"}\n"
			      "\n"
			      "{\"title\":\"Two\",\"polarity\":\"negative\",\"id\":\"x7\"}\r\n"
			      "{\"title\":\"Three\"}");
	read_all(&h, NULL);
	ck_assert_uint_eq(h.count, 3);
	ck_assert_str_eq(h.items[0]->title, "One");
	ck_assert_str_eq(h.items[0]->publisher, "Example Wire");
	ck_assert_str_eq(h.items[0]->source, "tape");
	ck_assert_int_eq(h.items[0]->published_us, INT64_C(1767605400) * SECOND_US);
	ck_assert_uint_eq(h.items[0]->flags, ITEM_OWN_CLOCK);
	ck_assert_str_eq(h.items[0]->position.stream, path);
	ck_assert_str_eq(h.items[0]->position.previous, "");
	ck_assert_uint_eq(h.items[1]->flags, ITEM_OWN_CLOCK | ITEM_LABELLED);
	ck_assert_int_eq(h.items[1]->polarity, POLARITY_NEGATIVE);
	ck_assert_str_eq(h.items[1]->external_id, "x7");
	ck_assert_str_eq(h.items[1]->position.previous, h.items[0]->position.next);
	ck_assert_ptr_nonnull(strstr(h.items[1]->coordinates, "/a.jsonl:3"));
	ck_assert_int_eq(h.items[1]->published_us, TIME_NONE);
	ck_assert_str_eq(h.items[2]->title, "Three");
	source_get_health(h.source, &health);
	ck_assert_uint_eq(health.documents, 3);
	ck_assert_ptr_nonnull(strstr(health.message, "3 documents"));
	harness_close(&h);
}
END_TEST

START_TEST(test_rejects)
{
	struct source_health health;
	struct harness h;

	write_file("b.jsonl", "{\"title\":\"One\"}\nnot json\n{\"url\":\"https://x.example/\"}\n[1]\n"
			      "{\"title\":\"Bad\",\"polarity\":\"sad\"}\n{\"title\":\"Two\"}\n");
	read_all(&h, NULL);
	ck_assert_uint_eq(h.count, 6);
	for (size_t i = 1; i < 5; i++) {
		ck_assert_int_eq(h.items[i]->kind, ITEM_REJECT);
		ck_assert_str_ne(h.items[i]->reason, "");
		ck_assert_str_eq(h.items[i]->position.previous, h.items[i - 1]->position.next);
	}
	ck_assert_str_eq(h.items[1]->body, "not json");
	ck_assert_ptr_nonnull(strstr(h.items[1]->coordinates, "/b.jsonl:2"));
	ck_assert_str_eq(h.items[5]->title, "Two");
	source_get_health(h.source, &health);
	ck_assert_uint_eq(health.rejects, 4);
	harness_close(&h);
}
END_TEST

START_TEST(test_long_lines)
{
	const size_t good = 15 << 20, bad = 20 << 20;
	char *bytes = malloc(good + bad + 64);
	size_t used;
	struct harness h;

	used = (size_t)sprintf(bytes, "{\"title\":\"One\",\"body\":\"");
	memset(bytes + used, 'a', good);
	used += good;
	used += (size_t)sprintf(bytes + used, "\"}\n{\"");
	memset(bytes + used, 'b', bad);
	used += bad;
	used += (size_t)sprintf(bytes + used, "\n{\"title\":\"Two\"}\n");
	write_bytes("long.jsonl", "w", bytes, used);
	free(bytes);
	read_all(&h, NULL);
	ck_assert_uint_eq(h.count, 3);
	ck_assert_uint_eq(strlen(h.items[0]->body), good);
	ck_assert_int_eq(h.items[1]->kind, ITEM_REJECT);
	ck_assert_ptr_nonnull(strstr(h.items[1]->reason, "16 MiB"));
	ck_assert_uint_eq(strlen(h.items[1]->body), 64 << 10);
	ck_assert_str_eq(h.items[2]->title, "Two");
	/* Going on behind such a line works, too. */
	struct saved_position saved = {.stream = path, .next = strdup(h.items[1]->position.next)};

	harness_close(&h);
	read_all(&h, &saved);
	ck_assert_uint_eq(h.count, 1);
	ck_assert_str_eq(h.items[0]->title, "Two");
	harness_close(&h);
	free((char *)saved.next);
}
END_TEST

START_TEST(test_odd_bytes)
{
	static const char bytes[] = "\xef\xbb\xbf\n  {\"title\":\"One\"}\n{\"title\":\"a\\u0000b\"}\n\xff\xfe\n\0\n"
				    "{\"title\":\"\xff\"}\n";
	struct harness h;

	write_bytes("odd", "w", bytes, sizeof(bytes) - 1);
	read_all(&h, NULL);
	for (size_t i = 0; i < h.count; i++)
		ck_assert(h.items[i]->kind == ITEM_DOCUMENT || *h.items[i]->reason);
	ck_assert_uint_eq(h.count, 5);
	ck_assert_str_eq(h.items[0]->title, "One");
	harness_close(&h);
}
END_TEST

START_TEST(test_tsv_header)
{
	struct harness h;

	write_file("c.tsv", "ID\tPublished\tunknown\ttitle\tSource\tpolarity\n"
			    "7\t2026-01-05T09:30:00Z\tx\tOne\tExample Wire\tpositive\n"
			    "8\t\tx\tTwo\n"
			    "9\t1767605400\tx\t\n"
			    "10\tx\tx\tThree\tW\tmaybe\n");
	read_all(&h, NULL);
	ck_assert_uint_eq(h.count, 4);
	ck_assert_str_eq(h.items[0]->external_id, "7");
	ck_assert_str_eq(h.items[0]->title, "One");
	ck_assert_str_eq(h.items[0]->publisher, "Example Wire");
	ck_assert_int_eq(h.items[0]->polarity, POLARITY_POSITIVE);
	ck_assert_int_eq(h.items[0]->published_us, INT64_C(1767605400) * SECOND_US);
	ck_assert_str_eq(h.items[1]->title, "Two");
	ck_assert_int_eq(h.items[1]->kind, ITEM_DOCUMENT);
	ck_assert_int_eq(h.items[2]->kind, ITEM_REJECT);
	ck_assert_int_eq(h.items[3]->kind, ITEM_REJECT);
	harness_close(&h);
}
END_TEST

START_TEST(test_tsv_plain)
{
	struct harness h;

	write_file("d.txt", "Just a title\n2026-01-05T09:30:00Z\tDated\nnegative\tNot a time\na\tb\tc\n");
	read_all(&h, NULL);
	ck_assert_uint_eq(h.count, 4);
	ck_assert_str_eq(h.items[0]->title, "Just a title");
	ck_assert_str_eq(h.items[1]->title, "Dated");
	ck_assert_int_eq(h.items[1]->published_us, INT64_C(1767605400) * SECOND_US);
	ck_assert_int_eq(h.items[2]->kind, ITEM_REJECT);
	ck_assert_int_eq(h.items[3]->kind, ITEM_REJECT);
	harness_close(&h);
}
END_TEST

START_TEST(test_map)
{
	struct source_options options;
	struct harness h;

	write_file("e", "headline\twhen\nOne\t2026-01-05T09:30:00Z\n");
	options = options_for(0);
	options.map.title = "headline";
	options.map.published = "when";
	harness_open(&h, &options, NULL, 0, 10);
	ck_assert(harness_pop(&h, 1, LONG_US));
	ck_assert_str_eq(h.items[0]->title, "One");
	ck_assert_int_eq(h.items[0]->published_us, INT64_C(1767605400) * SECOND_US);
	harness_close(&h);
	write_file("e", "{\"headline\":\"Two\"}\n");
	harness_open(&h, &options, NULL, 0, 10);
	ck_assert(harness_pop(&h, 1, LONG_US));
	ck_assert_str_eq(h.items[0]->title, "Two");
	harness_close(&h);
}
END_TEST

/* Stop after each line in turn: the rest comes, once, and line numbers go on. */
START_TEST(test_resume)
{
	static const char *const names[] = {"r.jsonl", "r.tsv"};
	static const char *const texts[] = {
		"{\"title\":\"t2\"}\n{\"title\":\"t3\"}\n\n{\"title\":\"t5\"}\n{\"title\":\"t6\"}",
		"body\ttitle\nx\tt2\nx\tt3\nx\tt4\nx\tt5",
	};
	char *places[8], *titles[8];
	struct harness h;
	size_t count;

	write_file(names[_i], texts[_i]);
	read_all(&h, NULL);
	count = h.count;
	ck_assert_uint_eq(count, 4);
	for (size_t i = 0; i < count; i++) {
		places[i] = strdup(h.items[i]->position.next);
		titles[i] = strdup(h.items[i]->title);
	}
	harness_close(&h);
	for (size_t i = 0; i < count; i++) {
		struct saved_position saved = {.stream = path, .next = places[i]};

		read_all(&h, &saved);
		ck_assert_uint_eq(h.count, count - 1 - i);
		for (size_t j = 0; j < h.count; j++) {
			ck_assert_str_eq(h.items[j]->title, titles[i + 1 + j]);
			ck_assert_str_eq(h.items[j]->position.next, places[i + 1 + j]);
			ck_assert_str_eq(h.items[j]->position.previous, places[i + j]);
		}
		harness_close(&h);
	}
	for (size_t i = 0; i < count; i++) {
		free(places[i]);
		free(titles[i]);
	}
}
END_TEST

static char *read_and_get_place(void)
{
	struct harness h;
	char *place;

	read_all(&h, NULL);
	place = strdup(h.items[h.count - 1]->position.next);
	harness_close(&h);
	return place;
}

START_TEST(test_replaced_and_appended)
{
	struct saved_position saved = {.stream = path};
	struct harness h;
	char *place;

	write_file("f.jsonl", "{\"title\":\"One\"}\n{\"title\":\"Two\"}\n");
	saved.next = place = read_and_get_place();
	/* Appended to: only what is new. */
	write_bytes("f.jsonl", "a", "{\"title\":\"Three\"}\n", 18);
	read_all(&h, &saved);
	ck_assert_uint_eq(h.count, 1);
	ck_assert_str_eq(h.items[0]->title, "Three");
	harness_close(&h);
	/* Another head, another last line, or shorter: another file, from its start. */
	static const char *const others[] = {
		"{\"title\":\"Oxe\"}\n{\"title\":\"Two\"}\n{\"title\":\"Six\"}\n",
		"{\"title\":\"One\"}\n{\"title\":\"Txo\"}\n{\"title\":\"Six\"}\n",
		"{\"title\":\"One\"}\n",
	};
	for (size_t i = 0; i < 3; i++) {
		write_file("f.jsonl", others[i]);
		read_all(&h, &saved);
		ck_assert_uint_eq(h.count, i == 2 ? 1 : 3);
		ck_assert_str_eq(h.items[0]->position.previous, place);
		harness_close(&h);
	}
	saved.next = "nonsense";
	read_all(&h, &saved);
	ck_assert_uint_eq(h.count, 1);
	harness_close(&h);
	free(place);
}
END_TEST

/* The same head of 4 KiB and more, and then another line where the last one was read. */
START_TEST(test_replaced_behind_the_head)
{
	struct saved_position saved = {.stream = path};
	char text[16384], *last;
	struct harness h;

	memset(text, ' ', sizeof(text));
	last = text + 10000;
	for (char *line = text; line < last; line += 100) {
		memcpy(line, "{\"title\":\"x\"", 12);
		memcpy(line + 98, "}\n", 2);
	}
	strcpy(last, "{\"title\":\"One\"}\n");
	write_file("l.jsonl", text);
	saved.next = read_and_get_place();
	strcpy(last, "{\"title\":\"Two\"}\n");
	write_file("l.jsonl", text);
	read_all(&h, &saved);
	ck_assert_uint_eq(h.count, 101);
	harness_close(&h);
	free((char *)saved.next);
}
END_TEST

START_TEST(test_pace)
{
	struct source_options options;
	struct harness h;
	int64_t start_us;

	write_file("g.jsonl", "{\"title\":\"1\",\"published\":\"2026-01-05T09:00:00Z\"}\n"
			      "{\"title\":\"2\",\"published\":\"2026-01-05T09:05:00Z\"}\n"
			      "{\"title\":\"3\",\"published\":\"2026-01-05T09:01:00Z\"}\n"
			      "{\"title\":\"4\"}\n"
			      "{\"title\":\"5\",\"published\":\"2026-01-05T19:00:00Z\"}\n");
	options = options_for(600);
	start_us = monotonic_us();
	harness_open(&h, &options, NULL, 0, 10);
	ck_assert(harness_pop(&h, 1, LONG_US));
	ck_assert_int_lt(monotonic_us() - start_us, SECOND_US / 3);
	ck_assert(harness_pop(&h, 4, LONG_US));
	ck_assert_int_ge(monotonic_us() - start_us, SECOND_US / 2 - SECOND_US / 100);
	/* Out of order or without a time: at once.  The last one is a minute away: stopping does not wait for it. */
	ck_assert(!harness_pop(&h, 5, SECOND_US / 5));
	ck_assert_int_lt(harness_close(&h), SECOND_US / 2);
}
END_TEST

START_TEST(test_pipe)
{
	struct source_options options;
	struct harness h;
	int out;

	snprintf(path, sizeof(path), "%s/pipe", directory);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	options = options_for(0);
	harness_open(&h, &options, NULL, 0, 10);
	out = open(path, O_WRONLY);
	ck_assert_int_ge(out, 0);
	ck_assert_int_eq(write(out, "{\"title\":\"One\"}\n{\"ti", 20), 20);
	/* A line is there as soon as it is whole. */
	ck_assert(harness_pop(&h, 1, LONG_US));
	ck_assert_str_eq(h.items[0]->position.stream, "");
	ck_assert(!harness_pop(&h, 2, SECOND_US / 10));
	ck_assert_int_eq(write(out, "tle\":\"Two\"}\n", 12), 12);
	ck_assert(harness_pop(&h, 2, LONG_US));
	ck_assert_str_eq(h.items[1]->title, "Two");
	close(out);
	ck_assert(harness_wait_state(&h, SOURCE_DONE, LONG_US));
	harness_close(&h);
	/* Nobody writes: stopping is quick all the same. */
	harness_open(&h, &options, NULL, 0, 10);
	usleep(100000);
	ck_assert_int_lt(harness_close(&h), SECOND_US / 2);
}
END_TEST

START_TEST(test_standard_input)
{
	struct source_options options;
	struct harness h;
	int saved_input = dup(STDIN_FILENO), fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	snprintf(path, sizeof(path), "-");
	options = options_for(0);
	harness_open(&h, &options, NULL, 0, 10);
	ck_assert_int_eq(write(fds[1], "title\tbody\nOne\tText\n", 20), 20);
	ck_assert(harness_pop(&h, 1, LONG_US));
	ck_assert_str_eq(h.items[0]->body, "Text");
	ck_assert_str_eq(h.items[0]->coordinates, "stdin:2");
	ck_assert_str_eq(h.items[0]->position.stream, "");
	close(fds[1]);
	ck_assert(harness_wait_state(&h, SOURCE_DONE, LONG_US));
	harness_close(&h);
	dup2(saved_input, STDIN_FILENO);
	close(saved_input);
}
END_TEST

START_TEST(test_full_queue)
{
	struct source_options options;
	struct source_health health;
	struct harness h;

	write_file("h.txt", "1\n2\n3\n4\n5\n6\n7\n8\n");
	options = options_for(0);
	harness_open(&h, &options, NULL, 0, 2);
	usleep(600000);
	source_get_health(h.source, &health);
	ck_assert(health.waiting);
	ck_assert_uint_eq(health.documents, 2);
	ck_assert_int_lt(monotonic_us() - health.heartbeat_us, SECOND_US / 2);
	ck_assert(harness_pop(&h, 8, LONG_US));
	ck_assert(harness_wait_state(&h, SOURCE_DONE, LONG_US));
	harness_close(&h);
	harness_open(&h, &options, NULL, 0, 2);
	usleep(100000);
	ck_assert_int_lt(harness_close(&h), SECOND_US / 2);
}
END_TEST

START_TEST(test_cannot_open)
{
	static const char *const names[] = {"missing", "."};
	struct source_options options;
	struct source_health health;
	struct harness h;

	snprintf(path, sizeof(path), "%s/%s", directory, names[_i]);
	options = options_for(0);
	harness_open(&h, &options, NULL, 0, 2);
	ck_assert(harness_wait_state(&h, SOURCE_FATAL, LONG_US));
	source_get_health(h.source, &health);
	ck_assert_ptr_nonnull(strstr(health.message, path));
	harness_close(&h);
}
END_TEST

START_TEST(test_wrong_options)
{
	struct queue *queue = queue_create(1, 1);
	struct source_options options;
	struct err e;

	snprintf(path, sizeof(path), "x.jsonl");
	options = options_for(-1);
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	ck_assert_ptr_nonnull(strstr(e.text, "speed"));
	options.file = (struct file_options){.path = ""};
	ck_assert_ptr_null(source_open(&options, NULL, 0, queue, &e));
	queue_free(queue);
}
END_TEST

static char reported[512];

static void collect_report(void *context, const char *status, const char *what, const char *message)
{
	(void)context;
	snprintf(reported, sizeof(reported), "%s|%s|%s", status, strrchr(what, '/'), message);
}

START_TEST(test_check)
{
	struct source_options options = options_for(0);

	write_file("i.tsv", "title\tbody\nOne\tx\n");
	source_check(&options, collect_report, NULL);
	ck_assert_str_eq(reported, "ok|/i.tsv|TSV, first document: One");
	write_file("j.jsonl", "One\n");
	source_check(&options, collect_report, NULL);
	ck_assert_ptr_nonnull(strstr(reported, "warning|/j.jsonl|JSON Lines, its first line cannot be read"));
	write_file("k.jsonl", "\n\n");
	source_check(&options, collect_report, NULL);
	ck_assert_ptr_nonnull(strstr(reported, "warning|/k.jsonl|it holds no documents"));
	snprintf(path, sizeof(path), "%s/none", directory);
	source_check(&options, collect_report, NULL);
	ck_assert_ptr_nonnull(strstr(reported, "error|/none|cannot open"));
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_unchecked_fixture(tests, make_directory, remove_directory);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, test_json_lines);
	tcase_add_test(tests, test_rejects);
	tcase_add_test(tests, test_long_lines);
	tcase_add_test(tests, test_odd_bytes);
	tcase_add_test(tests, test_tsv_header);
	tcase_add_test(tests, test_tsv_plain);
	tcase_add_test(tests, test_map);
	tcase_add_loop_test(tests, test_resume, 0, 2);
	tcase_add_test(tests, test_replaced_and_appended);
	tcase_add_test(tests, test_replaced_behind_the_head);
	tcase_add_test(tests, test_pace);
	tcase_add_test(tests, test_pipe);
	tcase_add_test(tests, test_standard_input);
	tcase_add_test(tests, test_full_queue);
	tcase_add_loop_test(tests, test_cannot_open, 0, 2);
	tcase_add_test(tests, test_wrong_options);
	tcase_add_test(tests, test_check);
}

int main(void)
{
	TCase *tests = tcase_create("file");


	add_tests(tests);
	return run_case("file_source", tests);
}
