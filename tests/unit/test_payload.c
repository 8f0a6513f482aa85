#include "alerts/payload.h"
#include "tests/lib/run.h"
#include "tests/lib/store_fixture.h"

#include <jansson.h>
#include <math.h>

static json_t *parse(char *text)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(json != NULL, "%s in %s", error.text, text);
	free(text);
	return json;
}

START_TEST(an_event_says_everything_in_its_order)
{
	struct watch_alert alert = fixture_alert(2, ALERT_FIRING, true);
	char *text = payload_write_event(&alert, "spike", "boeing", NULL);
	ck_assert_str_eq(text,
		"{\"id\":\"spike-boeing-1\",\"event\":2,\"rule\":\"spike\",\"topic\":\"boeing\",\"state\":\"firing\","
		"\"at\":\"2026-01-05T12:00:00Z\",\"started\":\"2026-01-05T11:59:00Z\",\"fired\":\"2026-01-05T12:00:00Z\","
		"\"resolved\":null,\"window_s\":3600,\"count\":9,\"peak_count\":12,\"expected\":2.25,\"ratio\":4.0,"
		"\"p_value\":1.5e-7,\"documents\":20,\"publishers\":5,\"late\":false,\"evidence\":[{\"title\":\"Acme \\\"sinks\\\"\","
		"\"url\":\"https://example.com/1\",\"publisher\":\"Example Wire\",\"published\":\"2026-01-05T11:00:00Z\","
		"\"polarity\":\"negative\",\"score\":-0.83,\"copies\":3,\"story\":1}],\"change\":\"fired\",\"cause\":null,\"stories\":0,"
		"\"stories_expected\":0.0,\"share\":0.0,\"share_expected\":0.0,\"group\":\"spike-boeing-1\",\"topics\":[\"boeing\"],"
		"\"chart\":null}");
	json_decref(parse(text));
}
END_TEST

START_TEST(a_change_starts_with_the_keys_of_replay)
{
	struct watch_alert alert = fixture_alert(1, ALERT_PENDING, false);
	char *text = payload_write_change(&alert, "spike", "boeing", NULL);
	const char *start = "{\"at\":\"2026-01-05T12:00:00Z\",\"rule\":\"spike\",\"topic\":\"boeing\",\"state\":\"pending\","
			    "\"count\":9,\"expected\":2.25,\"ratio\":4.0,\"p_value\":1.5e-7,\"documents\":20,\"publishers\":5,"
			    "\"evidence\":[],";
	ck_assert_msg(strncmp(text, start, strlen(start)) == 0, "%s", text);
	json_t *json = parse(text);
	ck_assert(json_is_null(json_object_get(json, "fired")));
	ck_assert_uint_eq(json_object_size(json), 27);
	json_decref(json);
}
END_TEST

START_TEST(a_group_a_cause_and_a_chart_are_told)
{
	static const char *const topics[] = {"boeing", "rates", "acme"};
	const uint32_t members[] = {2, 0};
	struct watch_alert alert = fixture_alert(3, ALERT_FIRING, true);
	alert.topic = 2;
	alert.change = CHANGE_JOINED;
	alert.cause = RULE_CAUSE_TONE;
	alert.stories = 30;
	alert.stories_expected = 12.5;
	alert.share = 0.5;
	alert.share_expected = 0.125;
	alert.group = "another-1";
	alert.members = members;
	alert.member_count = 2;
	alert.chart = (struct watch_chart){.start_s = NOON_US / SECOND_US - 3600, .step_s = 3600, .count = 2, .counts = {1, NAN},
					   .expected = {0.5f, 0.25f}, .limit = {4, INFINITY}};
	char *text = payload_write_event(&alert, "spike", "acme", topics);
	const char *end = "\"change\":\"joined\",\"cause\":\"tone\",\"stories\":30,\"stories_expected\":12.5,\"share\":0.5,"
			  "\"share_expected\":0.125,\"group\":\"another-1\",\"topics\":[\"acme\",\"boeing\"],"
			  "\"chart\":{\"start\":\"2026-01-05T11:00:00Z\",\"step_s\":3600,\"counts\":[1.0,null],\"expected\":[0.5,0.25],"
			  "\"limit\":[4.0,null]}}";
	ck_assert_msg(strlen(text) > strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0, "%s", text);
	json_decref(parse(text));
	json_t *line = parse(payload_write_change(&alert, "spike", "acme", topics));
	ck_assert_uint_eq(json_array_size(json_object_get(line, "topics")), 2);
	ck_assert_ptr_null(json_object_get(line, "chart"));
	json_decref(line);
}
END_TEST

START_TEST(a_digest_holds_events_without_their_charts)
{
	const char *const events[] = {"{\"id\":\"a\",\"chart\":{\"counts\":[1]},\"p_value\":1.5e-7}", "{\"id\":\"b\"}"};
	const char *const broken[] = {"{\"id\":\"a\"}", "[]"};
	char *text = payload_write_digest("digest-1", NOON_US, events, 2, 7);
	ck_assert_str_eq(text, "{\"id\":\"digest-1\",\"event\":1,\"state\":\"digest\",\"late\":true,\"at\":\"2026-01-05T12:00:00Z\","
			       "\"alerts\":[{\"id\":\"a\",\"p_value\":1.5e-7},{\"id\":\"b\"}],\"omitted\":7}");
	free(text);
	ck_assert_ptr_null(payload_write_digest("digest-1", NOON_US, broken, 2, 0));
}
END_TEST

START_TEST(every_change_has_a_name)
{
	static const char *const names[ALERT_CHANGES] = {"pending", "fired", "escalated", "joined", "renewed", "resolved"};
	for (int c = 0; c < ALERT_CHANGES; c++)
		ck_assert_str_eq(alert_change_name((enum alert_change)c), names[c]);
	ck_assert_ptr_null(rule_cause_name(RULE_CAUSE_NONE));
	ck_assert_str_eq(rule_cause_name(RULE_CAUSE_VOLUME), "volume");
	ck_assert_str_eq(rule_cause_name(RULE_CAUSE_BOTH), "both");
}
END_TEST

START_TEST(what_is_not_there_is_null)
{
	struct watch_evidence evidence = {7, 7, TIME_NONE, POLARITY_NONE, 0, 1, "", NULL, ""};
	struct watch_alert alert = fixture_alert(1, ALERT_FIRING, true);
	alert.expected = NAN;
	alert.ratio = INFINITY;
	alert.evidence = &evidence;
	json_t *json = parse(payload_write_event(&alert, "r", "t", NULL));
	ck_assert(json_is_null(json_object_get(json, "expected")));
	ck_assert(json_is_null(json_object_get(json, "ratio")));
	json_t *one = json_array_get(json_object_get(json, "evidence"), 0);
	const char *const nulls[] = {"title", "url", "publisher", "published", "polarity", "score"};
	for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
		ck_assert_msg(json_is_null(json_object_get(one, nulls[i])), "%s", nulls[i]);
	ck_assert_int_eq(json_integer_value(json_object_get(one, "story")), 7);
	json_decref(json);
}
END_TEST

START_TEST(hostile_text_stays_text)
{
	struct watch_evidence evidence = {1, 1, NOON_US, POLARITY_POSITIVE, 1, 1, "a\"},{\"b", "\x01\n</script>\xf0\x9f\x92\xa5", "\\"};
	json_t *array = parse(payload_write_evidence(&evidence, 1));
	ck_assert_uint_eq(json_array_size(array), 1);
	json_t *one = json_array_get(array, 0);
	ck_assert_str_eq(json_string_value(json_object_get(one, "title")), evidence.title);
	ck_assert_str_eq(json_string_value(json_object_get(one, "publisher")), evidence.publisher);
	ck_assert_str_eq(json_string_value(json_object_get(one, "url")), evidence.url);
	json_decref(array);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("payload");
	tcase_add_test(tcase, an_event_says_everything_in_its_order);
	tcase_add_test(tcase, a_change_starts_with_the_keys_of_replay);
	tcase_add_test(tcase, a_group_a_cause_and_a_chart_are_told);
	tcase_add_test(tcase, a_digest_holds_events_without_their_charts);
	tcase_add_test(tcase, every_change_has_a_name);
	tcase_add_test(tcase, what_is_not_there_is_null);
	tcase_add_test(tcase, hostile_text_stays_text);
	return run_case("payload", tcase);
}
