/* Payloads of other versions and of nobody's, and texts that would break out of a message: every format takes them. */
#include "tests/lib/run.h"
#include "tests/lib/webhook_bodies.h"

/* ---- payloads of other versions, and of nobody's ---- */

START_TEST(test_sparse_and_strange_payloads_fit_every_format)
{
	static const char *const payloads[] = {
		"{}",
		"{\"id\":\"a1\",\"expected\":null,\"evidence\":[null,3,{}]}",
		"{\"id\":3,\"event\":\"x\",\"rule\":[],\"topic\":{},\"state\":7,\"at\":\"soon\",\"fired\":true,\"count\":\"many\","
		"\"window_s\":-1e308,\"expected\":1e308,\"topics\":\"all\",\"evidence\":{\"title\":1},\"chart\":[1,2],\"group\":null}",
		"{\"state\":\"digest\",\"alerts\":[1,null,[],{\"id\":\"b\"}],\"omitted\":-4}",
		"{\"state\":\"digest\",\"alerts\":\"none\"}",
		"{\"state\":\"heartbeat\",\"sources\":[{\"name\":null,\"lag\":\"long\"}]}",
		"{\"state\":\"firing\",\"topics\":[1,null,\"quorl\"],\"evidence\":[{\"title\":\"t\",\"copies\":1e300,\"words\":[{},7]}],"
		"\"chart\":{\"start\":\"never\",\"step_s\":1e300,\"counts\":[\"x\",null,-1e308]}}",
		"{\"rule\":\"bellwether\",\"message\":\"\",\"topic\":\"\",\"state\":\"firing\"}",
	};
	for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
		check_in_all(payloads[i], false);
		check_in_all(payloads[i], true);
	}
	/* As an older version stored it. */
	char *payload = harness_payload("a1", 1, false);
	check_in_all(payload, false);
	json_t *body = body_of("slack", payload);
	ck_assert_ptr_null(strstr(string_in(body, "text"), "Cause"));
	json_decref(body);
	free(payload);
	ck_assert_ptr_null(format_find("pigeon", NULL));
}
END_TEST

/* ---- texts that are meant to do harm ---- */

/* `unit` again and again, `bytes` long at least. */
static char *repeat(const char *unit, size_t bytes)
{
	size_t length = strlen(unit), count = bytes / length + 1;
	char *out = xmalloc(count * length + 1);
	for (size_t i = 0; i < count; i++)
		memcpy(out + i * length, unit, length);
	out[count * length] = '\0';
	return out;
}

static char *payload_with(const char *title, const char *topic, size_t stories, size_t topics)
{
	json_t *evidence = json_array(), *names = json_array();
	for (size_t i = 0; i < stories; i++)
		json_array_append_new(evidence, json_pack("{s:s, s:s, s:s, s:[{s:s}]}", "title", title, "url",
							  "https://news.example/a", "publisher", title, "words", "text", title));
	for (size_t i = 0; i < topics; i++)
		json_array_append_new(names, json_string(topic));
	json_t *payload = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "id", "a1", "state", "firing", "rule", topic, "topic", topic,
				    "at", "2026-01-05T09:30:00Z", "evidence", evidence, "topics", names);
	char *text = json_dumps(payload, JSON_COMPACT);
	json_decref(payload);
	return text;
}

START_TEST(test_long_and_many)
{
	static const char *const units[] = {"\"", "x", "\\", "\xE2\x80\xAE", "&", "\n", "\xF0\x9F\x92\xA3", "<", "a b "};
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		char *title = repeat(units[i], 2000), *payload = payload_with(title, title, 30, 60);
		check_in_all(payload, false);
		free(payload);
		free(title);
		if (i % 3 != 0)
			continue;
		title = repeat(units[i], 1 << 20);
		payload = payload_with(title, title, 1, 0);
		check_in_all(payload, false);
		free(payload);
		free(title);
	}
}
END_TEST

START_TEST(test_digest_of_many)
{
	json_t *alerts = json_array();
	for (int i = 0; i < 600; i++) {
		char id[16];
		snprintf(id, sizeof id, "b%d", i);
		json_t *alert = json_loads(FIRING, 0, NULL);
		json_object_set_new(alert, "id", json_string(id));
		json_array_append_new(alerts, alert);
	}
	json_t *digest = json_pack("{s:s, s:s, s:o}", "id", "digest-1", "state", "digest", "alerts", alerts);
	char *payload = json_dumps(digest, 0);
	json_decref(digest);
	check_in_all(payload, false);
	json_t *body = body_of("teams", payload);
	char *text = json_dumps(body, 0);
	ck_assert_ptr_nonnull(strstr(text, "and 590 more"));
	free(text);
	json_decref(body);
	free(payload);
}
END_TEST

START_TEST(test_markup_stays_text)
{
	static const char hostile[] = "<!channel> @here <https://evil.example|click> *bold* [link](https://evil.example) \xE2\x80\xAE"
				      "gnp.exe\r\n\x1b[31m {{DATE(2026-01-01)}} <at>all</at>";
	char *payload = payload_with(hostile, "zorvex", 1, 0);
	json_t *body = body_of("slack", payload);
	const char *text = string_in(body, "text");
	ck_assert_ptr_null(strstr(text, "<!"));
	ck_assert_ptr_null(strstr(text, "<https://evil"));
	ck_assert_ptr_null(strstr(text, "@here"));
	ck_assert_ptr_null(strstr(text, "\xE2\x80\xAE"));
	ck_assert_ptr_null(strchr(text, '\x1b'));
	ck_assert_ptr_null(strchr(text, '\r'));
	ck_assert_ptr_nonnull(strstr(text, "&lt;!channel&gt;"));
	ck_assert_str_eq(string_in(body, "blocks.2.elements.0.elements.0.elements.0.text"),
			 "<!channel> @here <https://evil.example|click> *bold* [link](https://evil.example) gnp.exe [31m "
			 "{{DATE(2026-01-01)}} <at>all</at>");
	json_decref(body);
	free(payload);

	static const char *const urls[] = {"javascript:alert(1)", "https://a.example/|b>", "https://a.example/\nX", "file:///etc/passwd",
					   "https://a.example/\"onclick=\"", "//a.example"};
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		json_t *json = json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "id", "a1", "state", "firing", "evidence", "title", "t", "url", urls[i]);
		payload = json_dumps(json, 0);
		json_decref(json);
		static const char *const linking[] = {"slack", "teams", "pagerduty", "alertmanager", "smtp"};
		for (size_t j = 0; j < 5; j++) {
			char *out = write_as(linking[j], payload, false, RECEIVER_CHART_AUTO);
			ck_assert_msg(strstr(out, "a.example") == NULL && strstr(out, "javascript") == NULL && strstr(out, "etc/passwd") == NULL,
				      "%s: %s", linking[j], out);
			free(out);
		}
		free(payload);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("hostile");
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, test_sparse_and_strange_payloads_fit_every_format);
	tcase_add_test(tcase, test_long_and_many);
	tcase_add_test(tcase, test_digest_of_many);
	tcase_add_test(tcase, test_markup_stays_text);
	return run_case("webhook_hostile", tcase);
}
