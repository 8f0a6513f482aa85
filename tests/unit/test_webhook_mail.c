/* Receivers by mail, against a server that reads mails by Python's email package. */
#include "tests/lib/run.h"
#include "tests/lib/webhook_harness.h"

#define ME "Bellwether <alerts@bw.example>"

static const char *const desk_only[] = {"desk@example.com"};

static struct receiver_spec mail_to(const char *const *to, size_t count)
{
	return (struct receiver_spec){.name = "desk", .url = box.url, .format = "smtp", .from = ME, .to = to, .to_count = count,
				      .starttls = "never", .timeout_us = 5 * SECOND_US};
}

static void open_server(const char *scheme, const char *const *options)
{
	int port = post_box_start(&box, "mail_server.py", options);
	snprintf(box.url, sizeof box.url, "%s://127.0.0.1:%d", scheme, port);
}

static const char *const plainly[] = {NULL};

static void start(const char *const *options)
{
	open_server("smtp", options);
	struct receiver_spec spec = mail_to(desk_only, 1);
	harness_start(&h, &spec, 1);
}

static void tear_down(void)
{
	harness_stop(&h);
	post_box_close(&box);
}

static const char *header(const json_t *rows, size_t index, const char *name)
{
	const json_t *headers = json_object_get(json_array_get(rows, index), "headers");
	const char *value = json_string_value(json_object_get(headers, name));
	return value != NULL ? value : "(none)";
}

static const char *part(const json_t *rows, size_t index, size_t number)
{
	const json_t *parts = json_object_get(json_array_get(rows, index), "parts");
	return text_at(parts, number, "text");
}

/* Nothing that Python's reader, or a strict server, would find wrong. */
static void check_sound(const json_t *rows)
{
	size_t index;
	const json_t *row;
	json_array_foreach(rows, index, row) {
		char *defects = json_dumps(json_object_get(row, "defects"), 0), *lines = json_dumps(json_object_get(row, "long_lines"), 0);
		ck_assert_str_eq(defects, "[]");
		ck_assert_str_eq(lines, "[]");
		ck_assert_int_eq(json_integer_value(json_object_get(row, "bare_ends")), 0);
		free(defects);
		free(lines);
	}
}

START_TEST(test_mails_of_an_alert)
{
	start(plainly);
	harness_add(&h, firing("a1", 1));
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_SENT);
	harness_add(&h, resolved("a1", 2));
	ck_assert_int_eq(harness_result(&h, 2).state, DELIVERY_SENT);

	json_t *rows = post_box_read(&box);
	check_sound(rows);
	ck_assert_str_eq(text_at(rows, 0, "sender"), "alerts@bw.example");
	ck_assert_str_eq(header(rows, 0, "From"), ME);
	ck_assert_str_eq(header(rows, 0, "To"), "desk@example.com");
	ck_assert_str_eq(header(rows, 0, "Subject"), "[Firing] negative-spike on zorvex: 14 in 60 min, 2.1 expected, 5 publishers");
	ck_assert_str_eq(header(rows, 0, "Message-ID"), "<bellwether.a1-1@bw.example>");
	ck_assert_str_eq(header(rows, 0, "In-Reply-To"), "(none)");
	ck_assert_str_eq(header(rows, 0, "References"), "<bellwether.a1@bw.example>");
	ck_assert_str_eq(header(rows, 0, "Auto-Submitted"), "auto-generated");
	ck_assert_ptr_nonnull(strstr(header(rows, 0, "Date"), "+0000"));
	ck_assert_ptr_nonnull(strstr(part(rows, 0, 0), "* Zorvex <recalls> pumps & valves\n  Example Wire, 2026-01-05 09:10 UTC, 4 copies, "
						       "negative\n  https://news.example/1?a=1&b=2\n"));
	ck_assert_ptr_nonnull(strstr(part(rows, 0, 1), "<a href=\"https://news.example/1?a=1&amp;b=2\">Zorvex &lt;recalls&gt; pumps "
						       "&amp; valves</a>"));

	ck_assert_str_eq(header(rows, 1, "Subject"), "[Resolved] negative-spike on zorvex: resolved after 15 min, 17 at the peak");
	ck_assert_str_eq(header(rows, 1, "Message-ID"), "<bellwether.a1-2@bw.example>");
	ck_assert_str_eq(header(rows, 1, "In-Reply-To"), "<bellwether.a1@bw.example>");
	ck_assert_str_eq(header(rows, 1, "References"), "<bellwether.a1@bw.example>");
	json_decref(rows);
	tear_down();
}
END_TEST

START_TEST(test_group_and_chart)
{
	start(plainly);
	struct delivery delivery = firing("a2", 3);
	delivery.payload =
		"{\"id\":\"a2\",\"event\":3,\"rule\":\"negative-spike\",\"topic\":\"zorvex\",\"state\":\"firing\",\"change\":\"escalated\","
		"\"at\":\"2026-01-05T09:30:00Z\",\"fired\":\"2026-01-05T09:15:00Z\",\"count\":40,\"window_s\":21600,\"expected\":2.1,"
		"\"publishers\":9,\"documents\":60,\"cause\":\"both\",\"stories\":80,\"stories_expected\":12.5,\"share\":0.5,"
		"\"share_expected\":0.2,\"group\":\"a1\",\"topics\":[\"zorvex\",\"quorl\"],\"evidence\":[],"
		"\"chart\":{\"start\":\"2026-01-05T00:00:00Z\",\"step_s\":3600,\"counts\":[1,2,40],\"expected\":[2,2,2],\"limit\":[8,8,8]}}";
	harness_add(&h, delivery);
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_SENT);
	json_t *rows = post_box_read(&box);
	check_sound(rows);
	ck_assert_str_eq(header(rows, 0, "Subject"), "[Update] negative-spike on zorvex and 1 more topic keeps growing: "
						     "40 in 6 h, 2.1 expected, 9 publishers");
	ck_assert_str_eq(header(rows, 0, "References"), "<bellwether.a1@bw.example> <bellwether.a2@bw.example>");
	ck_assert_str_eq(header(rows, 0, "In-Reply-To"), "<bellwether.a2@bw.example>");
	const char *plain = part(rows, 0, 0);
	ck_assert_ptr_nonnull(strstr(plain, "\nCause: more is written, and it turned worse\n"));
	ck_assert_ptr_nonnull(strstr(plain, "\nVolume: 80 stories in all, 12.5 expected\n"));
	ck_assert_ptr_nonnull(strstr(plain, "\nNegative: 50 % of what was judged, 20 % is usual\n"));
	ck_assert_ptr_nonnull(strstr(plain, "\nTopics: zorvex, quorl\n"));
	const json_t *parts = json_object_get(json_array_get(rows, 0), "parts");
	ck_assert_uint_eq(json_array_size(parts), 3);
	ck_assert_str_eq(text_at(parts, 2, "type"), "image/svg+xml");
	ck_assert_str_eq(text_at(parts, 2, "filename"), "chart.svg");
	ck_assert_ptr_nonnull(strstr(text_at(parts, 2, "text"), "<svg"));
	json_decref(rows);
	tear_down();
}
END_TEST

/* What a stranger's headline, or a topic's name, could do to a mail. */
START_TEST(test_hostile_texts)
{
	start(plainly);
	json_t *payload = json_pack(
		"{s:s, s:s, s:s, s:s, s:[{s:s, s:s, s:s}, {s:s, s:s}]}", "id", "a1", "state", "firing", "rule",
		"spike\r\nBcc: victim@example.com", "topic", "\xC3\x9C" "ber =?UTF-8?B?WA==?= \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E "
		"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", "evidence",
		"title", "first\r\n.\r\nQUIT\r\n\xE2\x80\xAE" "desrever <script>alert(1)</script> \"quoted\"", "url",
		"https://a.example/\"><img src=x>", "publisher", "--=_text_0", "title", ".", "url", "javascript:alert(1)");
	struct delivery delivery = firing("a1", 1);
	delivery.payload = json_dumps(payload, 0);
	json_decref(payload);
	harness_add(&h, delivery);
	free(delivery.payload);
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_SENT);
	json_t *rows = post_box_read(&box);
	ck_assert_uint_eq(json_array_size(rows), 1);
	check_sound(rows);
	ck_assert_str_eq(header(rows, 0, "Bcc"), "(none)");
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(rows, 0), "header_count")), 10);
	ck_assert_ptr_nonnull(strstr(header(rows, 0, "Subject"), "spike Bcc: victim@example.com on \xC3\x9C" "ber =?UTF-8?B?WA==?= "
							       "\xE6\x97\xA5\xE6\x9C\xAC"));
	ck_assert_ptr_nonnull(strstr(part(rows, 0, 0), "* first . QUIT desrever <script>alert(1)</script> \"quoted\"\n"));
	ck_assert_msg(strstr(part(rows, 0, 0), "\n* .") != NULL, "%s", part(rows, 0, 0));
	ck_assert_ptr_null(strstr(part(rows, 0, 0), "javascript"));
	ck_assert_ptr_nonnull(strstr(part(rows, 0, 1), "first . QUIT desrever &lt;script&gt;alert(1)&lt;/script&gt; &quot;quoted&quot;"));
	ck_assert_ptr_null(strstr(part(rows, 0, 1), "<script"));
	ck_assert_ptr_null(strstr(part(rows, 0, 1), "<img"));
	json_decref(rows);
	tear_down();
}
END_TEST

START_TEST(test_long_texts)
{
	start(plainly);
	char *title = xmalloc((1 << 20) + 1);
	memset(title, 'x', 1 << 20);
	title[1 << 20] = '\0';
	json_t *payload = json_pack("{s:s, s:s, s:s, s:s, s:[{s:s}]}", "id", "a1", "state", "firing", "rule", "spike", "topic", title,
				    "evidence", "title", title);
	struct delivery delivery = firing("a1", 1);
	delivery.payload = json_dumps(payload, 0);
	json_decref(payload);
	free(title);
	harness_add(&h, delivery);
	free(delivery.payload);
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_SENT);
	json_t *rows = post_box_read(&box);
	check_sound(rows);
	ck_assert_uint_lt(strlen(text_at(rows, 0, "raw")), 8000);
	json_decref(rows);
	tear_down();
}
END_TEST

/* ---- who gets it ---- */

START_TEST(test_addresses)
{
	static const char *const to[] = {"desk@example.com", "\"Duty, officer\" <duty@example.com>",
					 "J\xC3\xBCrgen Gro\xC3\x9F <jg@example.com>"};
	open_server("smtp", plainly);
	struct receiver_spec spec = mail_to(to, 3);
	harness_start(&h, &spec, 1);
	harness_add(&h, firing("a1", 1));
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_SENT);
	json_t *rows = post_box_read(&box);
	check_sound(rows);
	char *recipients = json_dumps(json_object_get(json_array_get(rows, 0), "recipients"), JSON_COMPACT);
	ck_assert_str_eq(recipients, "[\"desk@example.com\",\"duty@example.com\",\"jg@example.com\"]");
	ck_assert_str_eq(header(rows, 0, "To"), "desk@example.com, \"Duty, officer\" <duty@example.com>, "
						"J\xC3\xBCrgen Gro\xC3\x9F <jg@example.com>");
	free(recipients);
	json_decref(rows);
	tear_down();
}
END_TEST

START_TEST(test_one_refused_recipient_costs_the_others_nothing)
{
	static const char *const to[] = {"gone@example.com", "desk@example.com"};
	static const char *const options[] = {"--refuse", "gone@example.com", NULL};
	open_server("smtp", options);
	struct receiver_spec spec = mail_to(to, 2);
	struct err e = {.text = ""};
	harness_start(&h, &spec, 1);
	harness_add(&h, firing("a1", 1));
	struct webhook_result result = harness_result(&h, 1);
	ck_assert_int_eq(result.state, DELIVERY_SENT);
	ck_assert_str_eq(result.error, "refused for gone@example.com: 550 5.1.1 no such user here");
	ck_assert_int_eq(webhook_send_test(&spec, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "gone@example.com: 550"));
	tear_down();

	open_server("smtp", options);
	spec = mail_to(to, 1);
	harness_start(&h, &spec, 1);
	harness_add(&h, firing("a1", 1));
	result = harness_result(&h, 1);
	ck_assert_int_eq(result.state, DELIVERY_PENDING);
	ck_assert_msg(strstr(result.error, "gone@example.com: 550 5.1.1 no such user here") != NULL, "%s", result.error);
	tear_down();
}
END_TEST

START_TEST(test_failures_are_tried_again)
{
	static const char *const options[] = {"--responses", "451,from:550,drop,250", NULL};
	static const char *const errors[] = {"451 so be it", "550 not from you", "", NULL};
	start(options);
	harness_add(&h, firing("a1", 1));
	for (size_t i = 0; errors[i] != NULL; i++) {
		struct webhook_result result = harness_result(&h, i + 1);
		ck_assert_int_eq(result.state, DELIVERY_PENDING);
		ck_assert_msg(result.error[0] != '\0' && strstr(result.error, errors[i]) != NULL, "%zu: %s", i, result.error);
		harness_advance(&h, MINUTE_US);
	}
	ck_assert_int_eq(harness_result(&h, 4).state, DELIVERY_SENT);
	json_t *rows = post_box_read(&box);
	ck_assert_uint_eq(json_array_size(rows), 3);
	ck_assert_str_eq(header(rows, 0, "Message-ID"), header(rows, 2, "Message-ID"));
	json_decref(rows);
	tear_down();
}
END_TEST

/* ---- servers that hang ---- */

/* A server that takes no leave holds up neither its own mails for longer than their time-out, nor the end. */
START_TEST(test_a_server_that_does_not_say_goodbye)
{
	static const char *const options[] = {"--mute-quit", "--responses", "from:550", NULL};
	int64_t start_us = monotonic_us();
	open_server("smtp", options);
	struct receiver_spec spec = mail_to(desk_only, 1);
	spec.timeout_us = SECOND_US;
	harness_start(&h, &spec, 1);
	harness_add(&h, firing("a1", 1));
	ck_assert_int_eq(harness_result(&h, 1).state, DELIVERY_PENDING);
	harness_advance(&h, MINUTE_US);
	ck_assert_int_eq(harness_result(&h, 2).state, DELIVERY_SENT);
	tear_down();
	ck_assert_int_lt(monotonic_us() - start_us, 15 * SECOND_US);
}
END_TEST

/* One that takes the text and does not say whether it took the mail. */
START_TEST(test_a_server_that_hangs_holds_up_nobody)
{
	static const char *const options[] = {"--responses", "hang,hang", NULL};
	static const char *const command[] = {"/bin/true"};
	open_server("smtp", options);
	struct receiver_spec specs[] = {mail_to(desk_only, 1),
					{.name = "other", .format = "command", .command = command, .command_count = 1}};
	specs[0].timeout_us = 20 * SECOND_US;
	harness_start(&h, specs, 2);
	harness_add(&h, firing("a1", 1));
	harness_add(&h, firing("a2", 1));
	for (int i = 0; i < 50 && post_box_count(&box) < 2; i++)
		harness_let_it_be();
	ck_assert_uint_eq(post_box_count(&box), 2);
	int64_t start_us = monotonic_us();
	struct delivery other = firing("a3", 1);
	other.receiver = "other";
	harness_add(&h, other);
	ck_assert_int_eq(harness_result(&h, 1).delivery, 3);
	harness_stop(&h); /* with two mails under way */
	ck_assert_int_lt(monotonic_us() - start_us, 5 * SECOND_US);
	ck_assert_uint_eq(harness_result_count(&h), 1);
	post_box_close(&box);
}
END_TEST

/* ---- encryption and login ---- */

static int send_with(struct receiver_spec spec, const char *scheme, const char *security, const char *login, struct err *e)
{
	static char certificate[] = "/tmp/test_webhook_ca.XXXXXX";
	int fd = mkstemp(certificate);
	close(fd);
	const char *const options[] = {"--security", security, "--certificate", certificate, "--login", login, NULL};
	open_server(scheme, options);
	spec.url = box.url;
	if (spec.ca_file != NULL)
		spec.ca_file = certificate;
	int result = webhook_send_test(&spec, e);
	unlink(certificate);
	strcpy(certificate, "/tmp/test_webhook_ca.XXXXXX");
	return result;
}

START_TEST(test_encryption_and_login)
{
	static const struct {
		const char *scheme, *security, *starttls, *secret, *ca_file, *error; /* NULL = it goes */
	} cases[] = {
		{"smtp", "starttls", NULL, "desk@example.com\nopen: sesame\n", "yes", NULL},
		{"smtp", "starttls", "try", "desk@example.com:open: sesame", "yes", NULL},
		{"smtps", "tls", NULL, "desk@example.com\r\nopen: sesame\r\n", "yes", NULL},
		{"smtp", "none", "never", "desk@example.com:open: sesame", NULL, NULL}, /* on this machine */
		{"smtp", "none", "try", "desk@example.com:open: sesame", NULL, NULL},
		{"smtp", "none", NULL, "desk@example.com:open: sesame", NULL, "STARTTLS"},
		{"smtp", "starttls", NULL, "desk@example.com:open: sesame", NULL, "certificate"},
		{"smtps", "tls", NULL, "desk@example.com:open: sesame", NULL, "certificate"},
		{"smtps", "tls", NULL, "desk:wrong", "yes", "535 5.7.8 wrong user or password"},
		{"smtps", "tls", NULL, NULL, "yes", "530 5.7.0 log in first"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err e = {.text = ""};
		struct receiver_spec spec = mail_to(desk_only, 1);
		spec.starttls = cases[i].starttls;
		spec.secret = cases[i].secret;
		spec.ca_file = cases[i].ca_file;
		int result = send_with(spec, cases[i].scheme, cases[i].security, "desk@example.com:open: sesame", &e);
		json_t *rows = post_box_read(&box);
		ck_assert_msg((result == 0) == (cases[i].error == NULL), "%zu: %s", i, e.text);
		ck_assert_msg(cases[i].error == NULL || strstr(e.text, cases[i].error) != NULL, "%zu: %s", i, e.text);
		ck_assert_ptr_null(strstr(e.text, "sesame"));
		ck_assert_uint_eq(json_array_size(rows), result == 0);
		if (result == 0) {
			const json_t *row = json_array_get(rows, 0);
			ck_assert_int_eq(json_is_true(json_object_get(row, "encrypted")), strcmp(cases[i].security, "none") != 0);
			ck_assert_str_eq(text_at(rows, 0, "login"), "desk@example.com");
			ck_assert_str_eq(header(rows, 0, "Subject"), "[Test] Bellwether: a test message, nothing happened");
		}
		json_decref(rows);
		post_box_close(&box);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("mail");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_mails_of_an_alert);
	tcase_add_test(tcase, test_group_and_chart);
	tcase_add_test(tcase, test_hostile_texts);
	tcase_add_test(tcase, test_long_texts);
	tcase_add_test(tcase, test_addresses);
	tcase_add_test(tcase, test_one_refused_recipient_costs_the_others_nothing);
	tcase_add_test(tcase, test_failures_are_tried_again);
	tcase_add_test(tcase, test_a_server_that_does_not_say_goodbye);
	tcase_add_test(tcase, test_a_server_that_hangs_holds_up_nobody);
	tcase_add_test(tcase, test_encryption_and_login);
	return run_case("webhook_mail", tcase);
}
