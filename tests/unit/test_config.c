/* Every key of the configuration has a wrong form here with the whole message that a user sees. */
#include "daemon/base/clock.h"
#include "daemon/config.h"
#include "daemon/config_keys.h"
#include "tests/lib/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct problems {
	char text[8192];
	size_t count;
};

static void collect(void *context, const char *line)
{
	struct problems *p = context;
	p->count++;
	strncat(p->text, line, sizeof p->text - strlen(p->text) - 1);
	strncat(p->text, "\n", sizeof p->text - strlen(p->text) - 1);
}

static struct config *parse(const char *yaml, struct problems *p)
{
	*p = (struct problems){.count = 0};
	return config_parse(yaml, strlen(yaml), "t.yaml", collect, p);
}

#define KAFKA "sources:\n  - name: s\n    kafka:\n      brokers: b\n      topics: [t]\n"
#define RSS "sources:\n  - name: s\n    rss:\n      urls: [\"http://h/f\"]\n"
#define FILE_ "sources:\n  - name: s\n    file:\n      path: p\n"
#define TOPIC "topics:\n  - name: t\n    any: [a]\n"
#define SILENCE "silences:\n  - name: q\n"
#define RULE "rules:\n  - name: r\n"
#define MAIL "receivers:\n  - name: c\n    format: smtp\n    url: smtp://h/\n    from: a@b.example\n"
#define RECEIVER "receivers:\n  - name: c\n    url: https://h/\n"

#define DEVICES "auto, cpu, cuda, or GPUs by number, each once, such as \"cuda:0,1\""
#define COUNT_RANGE "expected a whole number from 0 to 1000000"

static const struct {
	const char *key;  /* as `check --keys` prints it */
	const char *yaml;
	const char *message;
} wrong[] = {
	{"database", "database: [a]\n", "t.yaml:1:11: database: a list: expected a text"},
	{"model", "model: 3\n", "t.yaml:1:8: model: a single value: expected a mapping of keys"},
	{"model.path", "model: {path: {}}\n", "t.yaml:1:15: model.path: a mapping of keys: expected a text"},
	{"model.device", "model: {device: tpu}\n", "t.yaml:1:17: model.device: \"tpu\": expected " DEVICES},
	{"model.device", "model: {device: \"cuda:0,x\"}\n", "t.yaml:1:17: model.device: \"cuda:0,x\": expected " DEVICES},
	{"model.device", "model:\n  device: cuda:1,1\n", "t.yaml:2:11: model.device: \"cuda:1,1\": expected " DEVICES},
	{"model.precision", "model: {precision: fp8}\n",
	 "t.yaml:1:20: model.precision: \"fp8\": expected one of auto, fp32, bf16, int8"},
	{"model.threads", "model: {threads: many}\n",
	 "t.yaml:1:18: model.threads: \"many\": expected a whole number from 0 to 1024"},
	{"model.linger", "model: {linger: 1hr}\n",
	 "t.yaml:1:17: model.linger: \"1hr\": expected a duration such as 30m, 1h, 7d"},
	{"http", "http: on\n", "t.yaml:1:7: http: a single value: expected a mapping of keys"},
	{"http.listen", "http: {listen: here}\n",
	 "http.listen: \"here\": expected ADDRESS:PORT such as 127.0.0.1:9610"},
	{"sources[]", "sources: {name: s}\n",
	 "t.yaml:1:10: sources: a mapping of keys: expected a list (each entry starts with \"- \")"},
	{"sources[].name", "sources:\n  - file: {path: p}\n",
	 "t.yaml:2:5: sources[0].name: is missing: stands in the database; a source keeps its position under this name"},
	{"sources[].kafka", "sources:\n  - name: s\n    kafka: yes\n",
	 "t.yaml:3:12: sources[0].kafka: a single value: expected a mapping of keys"},
	{"sources[].kafka.brokers", "sources:\n  - name: s\n    kafka: {topics: [t]}\n",
	 "t.yaml:3:12: sources[0].kafka.brokers: is missing: bootstrap servers, comma separated"},
	{"sources[].kafka.topics", "sources:\n  - name: s\n    kafka: {brokers: b, topics: []}\n",
	 "t.yaml:3:33: sources[0].kafka.topics: is empty: expected at least one"},
	{"sources[].kafka.group", KAFKA "      group: [g]\n", "t.yaml:6:14: sources[0].kafka.group: a list: expected a text"},
	{"sources[].kafka.plain_text", KAFKA "      plain_text: maybe\n",
	 "t.yaml:6:19: sources[0].kafka.plain_text: \"maybe\": expected true or false"},
	{"sources[].kafka.properties", KAFKA "      properties: [a]\n",
	 "t.yaml:6:19: sources[0].kafka.properties: a list: expected a mapping of librdkafka properties"},
	{"sources[].rss", "sources:\n  - name: s\n    rss: [\"http://h/\"]\n",
	 "t.yaml:3:10: sources[0].rss: a list: expected a mapping of keys"},
	{"sources[].rss.urls", "sources:\n  - name: s\n    rss: {urls: [\"ftp://h/f\"]}\n",
	 "t.yaml:2:5: source \"s\": rss.urls[0]: \"ftp://h/f\": expected a URL that starts with https:// or http://"},
	{"sources[].rss.interval", RSS "      interval: 5 minutes\n",
	 "t.yaml:5:17: sources[0].rss.interval: \"5 minutes\": expected a duration such as 30m, 1h, 7d"},
	{"sources[].rss.timeout", RSS "      timeout: 0\n",
	 "t.yaml:5:16: sources[0].rss.timeout: \"0\": expected a duration from 1 to 600 seconds"},
	{"sources[].rss.max_bytes", RSS "      max_bytes: 16 MiBs\n",
	 "t.yaml:5:18: sources[0].rss.max_bytes: \"16 MiBs\": expected a size such as 500 kB or 16 MiB, from 1024 to "
	 "1000000000 bytes"},
	{"sources[].rss.allow_private", RSS "      allow_private: 2\n",
	 "t.yaml:5:22: sources[0].rss.allow_private: \"2\": expected true or false"},
	{"sources[].rss.user_agent", RSS "      user_agent: [x]\n",
	 "t.yaml:5:19: sources[0].rss.user_agent: a list: expected a text"},
	{"sources[].rss.ca_file", RSS "      ca_file: {}\n",
	 "t.yaml:5:16: sources[0].rss.ca_file: a mapping of keys: expected a text"},
	{"sources[].file", "sources:\n  - name: s\n    file: p\n",
	 "t.yaml:3:11: sources[0].file: a single value: expected a mapping of keys"},
	{"sources[].file.path", "sources:\n  - name: s\n    file: {path: \"\"}\n",
	 "t.yaml:3:18: sources[0].file.path: is empty: expected a text"},
	{"sources[].file.speed", FILE_ "      speed: fast\n",
	 "t.yaml:5:14: sources[0].file.speed: \"fast\": expected a number from 0 to 1e+09"},
	{"sources[].map", FILE_ "    map: title\n", "t.yaml:5:10: sources[0].map: a single value: expected a mapping of keys"},
	{"sources[].map.title", FILE_ "    map: {title: []}\n", "t.yaml:5:18: sources[0].map.title: a list: expected a text"},
	{"sources[].map.body", FILE_ "    map: {body: []}\n", "t.yaml:5:17: sources[0].map.body: a list: expected a text"},
	{"sources[].map.published", FILE_ "    map: {published: []}\n",
	 "t.yaml:5:22: sources[0].map.published: a list: expected a text"},
	{"sources[].map.url", FILE_ "    map: {url: []}\n", "t.yaml:5:16: sources[0].map.url: a list: expected a text"},
	{"sources[].map.id", FILE_ "    map: {id: []}\n", "t.yaml:5:15: sources[0].map.id: a list: expected a text"},
	{"sources[].map.publisher", FILE_ "    map: {publisher: []}\n",
	 "t.yaml:5:22: sources[0].map.publisher: a list: expected a text"},
	{"sources[].map.lang", FILE_ "    map: {lang: []}\n", "t.yaml:5:17: sources[0].map.lang: a list: expected a text"},
	{"topics[]", "topics: t\n", "t.yaml:1:9: topics: a single value: expected a list (each entry starts with \"- \")"},
	{"topics[].name", "topics:\n  - any: [a]\n", "t.yaml:2:5: topics[0].name: is missing: stands in the database and in alerts"},
	{"topics[].any", "topics:\n  - name: t\n    any: [\"\"]\n", "t.yaml:3:11: topics[0].any[0]: is empty: expected a text"},
	{"topics[].none", TOPIC "    none: {a: b}\n",
	 "t.yaml:4:11: topics[0].none: a mapping of keys: expected a list of texts"},
	{"topics[].regex", "topics:\n  - name: t\n    regex: '(a'\n", "t.yaml:2:5: topics[0]: "},
	{"topics[].labels", TOPIC "    labels: [[x]]\n", "t.yaml:4:14: topics[0].labels[0]: a list: expected a text"},
	{"rules[]", "rules: none\n", "t.yaml:1:8: rules: a single value: expected a list (each entry starts with \"- \")"},
	{"rules[].name", "rules:\n  - topics: all\n", "t.yaml:2:5: rules[0].name: is missing: stands in the database and in alerts"},
	{"rules[].topics", RULE "    topics: [nowhere]\n",
	 "t.yaml:2:5: rules[0].topics[0]: \"nowhere\": there is no topic of this name"},
	{"rules[].metric", RULE "    metric: negatives\n",
	 "t.yaml:3:13: rules[0].metric: \"negatives\": expected one of negative_count, negative_share, mean_score, volume"},
	{"rules[].false_alarms", RULE "    false_alarms: rarely\n",
	 "t.yaml:3:19: rules[0].false_alarms: \"rarely\": expected a number of false alarms per hour, day, week, month, "
	 "quarter or year, such as 1 per month"},
	{"rules[].window", RULE "    window: \"1hr\"\n",
	 "t.yaml:3:13: rules[0].window: \"1hr\": expected a duration such as 30m, 1h, 7d"},
	{"rules[].min_count", RULE "    min_count: -1\n", "t.yaml:3:16: rules[0].min_count: \"-1\": " COUNT_RANGE},
	{"rules[].min_ratio", RULE "    min_ratio: x\n", "t.yaml:3:16: rules[0].min_ratio: \"x\": expected a number from 0 to 1e+06"},
	{"rules[].min_publishers", RULE "    min_publishers: 1.5\n",
	 "t.yaml:3:21: rules[0].min_publishers: \"1.5\": " "expected a whole number from 0 to 32"},
	{"rules[].for", RULE "    for: 10\n", "t.yaml:3:10: rules[0].for: \"10\": expected a duration such as 30m, 1h, 7d"},
	{"rules[].keep_firing_for", RULE "    keep_firing_for: 8d\n",
	 "t.yaml:3:22: rules[0].keep_firing_for: \"8d\": expected a duration from 0 to 604800 seconds"},
	{"no_data", "no_data: 5s\n", "t.yaml:1:10: no_data: \"5s\": expected a duration from 60 to 2592000 seconds"},
	{"silences[]", "silences: none\n", "t.yaml:1:11: silences: a single value: expected a list (each entry starts with \"- \")"},
	{"silences[].name", "silences:\n  - weekly: Sat 22:00-23:00\n", "t.yaml:2:5: silences[0].name: is missing: stands in silences_v"},
	{"silences[].topics", SILENCE "    topics: [nowhere]\n    weekly: Sat 22:00-23:00\n",
	 "t.yaml:2:5: silences[0].topics[0]: \"nowhere\": there is no topic of this name"},
	{"silences[].from", SILENCE "    from: tonight\n    until: 2026-01-01\n",
	 "t.yaml:2:5: silences[0]: from: \"tonight\": expected a time such as 2026-01-28T22:00 or 2026-01-28T22:00:00Z"},
	{"silences[].until", SILENCE "    from: 2026-01-02\n    until: 2026-01-01\n",
	 "t.yaml:2:5: silences[0]: until: \"2026-01-01\": expected a time later than from"},
	{"silences[].weekly", SILENCE "    weekly: [Sat 22:00-Sat 22:00]\n",
	 "t.yaml:2:5: silences[0]: weekly: \"Sat 22:00-Sat 22:00\": expected a window such as Sat 22:00-Sun 06:00, shorter than a week"},
	{"silences[].timezone", SILENCE "    weekly: Sat 22:00-23:00\n    timezone: Europe/Atlantis\n",
	 "t.yaml:2:5: silences[0]: timezone: \"Europe/Atlantis\": expected the name of a time zone such as Europe/Berlin"},
	{"silences[].why", SILENCE "    why: [a]\n", "t.yaml:3:10: silences[0].why: a list: expected a text"},
	{"", SILENCE "    from: 2026-01-02\n", "t.yaml:2:5: silences[0]: expected either from and until, or weekly"},
	{"", SILENCE "    weekly: Someday 10:00-11:00\n", "silences[0]: weekly: \"Someday 10:00-11:00\": expected a window"},
	{"", SILENCE "    weekly: Sat 22:00-Sun 25:00\n", "silences[0]: weekly: \"Sat 22:00-Sun 25:00\": expected a window"},
	{"receivers[]", "receivers: https://h/\n",
	 "t.yaml:1:12: receivers: a single value: expected a list (each entry starts with \"- \")"},
	{"receivers[].name", "receivers:\n  - url: https://h/\n", "t.yaml:2:5: receivers[0].name: is missing: stands in the database"},
	{"receivers[].url", "receivers:\n  - name: c\n    url: hooks.example.com\n",
	 "t.yaml:2:5: receivers[0].url: \"hooks.example.com\": expected a URL that starts with https:// or http://"},
	{"receivers[].format", RECEIVER "    format: teams2\n",
	 "t.yaml:4:13: receivers[0].format: \"teams2\": expected one of standard, slack, teams, alertmanager, "
	 "pagerduty, smtp, command"},
	{"receivers[].secret_file", RECEIVER "    secret_file: [a]\n",
	 "t.yaml:4:18: receivers[0].secret_file: a list: expected a text"},
	{"receivers[].timeout", RECEIVER "    timeout: 1h\n",
	 "t.yaml:4:14: receivers[0].timeout: \"1h\": expected a duration from 1 to 300 seconds"},
	{"receivers[].ca_file", RECEIVER "    ca_file: []\n", "t.yaml:4:14: receivers[0].ca_file: a list: expected a text"},
	{"receivers[].chart", RECEIVER "    chart: big\n",
	 "t.yaml:4:12: receivers[0].chart: \"big\": expected one of auto, true, false"},
	{"receivers[].from", RECEIVER "    from: desk@example.com\n", "t.yaml:2:5: receivers[0].from: format standard has no such key"},
	{"receivers[].to", MAIL "    to: [desk]\n",
	 "t.yaml:2:5: receivers[0].to: \"desk\": expected an address such as desk@example.com or Risk desk <desk@example.com>"},
	{"receivers[].starttls", MAIL "    to: desk@example.com\n    starttls: maybe\n",
	 "t.yaml:7:15: receivers[0].starttls: \"maybe\": expected one of required, try, never"},
	{"receivers[].command", "receivers:\n  - name: c\n    format: command\n    command: page-desk\n",
	 "t.yaml:2:5: receivers[0].command: \"page-desk\": expected the program's absolute path as the first word"},
	{"self", "self: on\n", "t.yaml:1:7: self: a single value: expected a mapping of keys"},
	{"self.source_down", "self: {source_down: long}\n",
	 "t.yaml:1:21: self.source_down: \"long\": expected a duration such as 30m, 1h, 7d"},
	{"self.silent", "self: {silent: 2y}\n", "t.yaml:1:16: self.silent: \"2y\": expected a duration from 0 to 31536000 seconds"},
	{"self.lag", "self: {lag: 100}\n", "t.yaml:1:13: self.lag: \"100\": expected a duration such as 30m, 1h, 7d"},
	{"self.gap", "self: {gap: maybe}\n", "t.yaml:1:13: self.gap: \"maybe\": expected true or false"},
	{"self.outbox_age", "self: {outbox_age: old}\n",
	 "t.yaml:1:20: self.outbox_age: \"old\": expected a duration such as 30m, 1h, 7d"},
	{"self.clock", "self: {clock: noon}\n", "t.yaml:1:15: self.clock: \"noon\": expected a duration such as 30m, 1h, 7d"},
	{"self.wal", "self: {wal: big}\n",
	 "t.yaml:1:13: self.wal: \"big\": expected a size such as 500 kB or 16 MiB, from 0 to 10000000000000 bytes"},
	{"self.disk_free", "self: {disk_free: 5 %}\n",
	 "t.yaml:1:19: self.disk_free: \"5 %\": expected a size such as 500 kB or 16 MiB, from 0 to 1000000000000000 bytes"},
	{"self.hold", "self: {hold: 2d}\n", "t.yaml:1:14: self.hold: \"2d\": expected a duration from 0 to 86400 seconds"},
	{"self.receivers", "self: {receivers: [nobody]}\n",
	 "t.yaml:1:1: self.receivers: \"nobody\": there is no receiver of this name"},
	{"heartbeat[]", "heartbeat: 1m\n",
	 "t.yaml:1:12: heartbeat: a single value: expected a list (each entry starts with \"- \")"},
	{"heartbeat[].receiver", "heartbeat: {receiver: nobody}\n",
	 "t.yaml:1:12: heartbeat.receiver: \"nobody\": there is no receiver of this name"},
	{"heartbeat[].every", RECEIVER "heartbeat: {receiver: c, every: 0}\n",
	 "t.yaml:4:33: heartbeat[0].every: \"0\": expected a duration from 1 to 86400 seconds"},
	{"score", "score: some\n", "t.yaml:1:8: score: \"some\": expected one of auto, all, matched"},
	{"lateness", "lateness: 31d\n", "t.yaml:1:11: lateness: \"31d\": expected a duration from 0 to 43200 seconds"},
	{"queue", "queue: []\n", "t.yaml:1:8: queue: a list: expected a mapping of keys"},
	{"queue.documents", "queue: {documents: 0}\n",
	 "t.yaml:1:20: queue.documents: \"0\": expected a whole number from 1 to 10000000"},
	{"queue.bytes", "queue: {bytes: lots}\n",
	 "t.yaml:1:16: queue.bytes: \"lots\": expected a size such as 500 kB or 16 MiB, from 65536 to 100000000000 bytes"},
	{"retention", "retention: 90d\n", "t.yaml:1:12: retention: a single value: expected a mapping of keys"},
	{"retention.documents", "retention: {documents: 1h}\n",
	 "t.yaml:1:24: retention.documents: \"1h\": expected a duration of at least 86400 seconds"},
	{"retention.trends", "retention: {trends: forever}\n",
	 "t.yaml:1:21: retention.trends: \"forever\": expected a duration such as 30m, 1h, 7d"},
	/* Not of one key: */
	{"", "rules:\n  - name: bellwether\n", "t.yaml:2:5: rule \"bellwether\": this name is kept for alerts on the daemon itself"},
	{"", "databse: x\n", "t.yaml:1:1: there is no key \"databse\" here: did you mean \"database\"?"},
	{"", "http: {port: 1}\n", "t.yaml:1:8: http: there is no key \"port\" here: expected listen"},
	{"", "score: all\nscore: auto\n", "t.yaml:2:1: score: stands here twice: keep one"},
	{"", "topics: [\n", "t.yaml:2:1: not valid YAML: "},
	{"", "sources:\n  - name: s\n", "t.yaml:2:5: source \"s\": expected exactly one of kafka, rss, file"},
	{"", TOPIC "  - name: t\n    any: [b]\n",
	 "t.yaml:4:5: topic \"t\" stands on line 2 already: expected a name of its own"},
	{"", "topics:\n  - name: t\n", "t.yaml:2:5: topic \"t\" can match nothing: expected any, regex or labels"},
	{"", "- a\n", "t.yaml:1:1: a list: expected a mapping of keys"},
};
#define WRONG_COUNT (sizeof wrong / sizeof *wrong)

START_TEST(wrong_value_names_place_and_remedy)
{
	struct problems p;
	struct config *config = parse(wrong[_i].yaml, &p);
	ck_assert_msg(config == NULL, "accepted: %s", wrong[_i].yaml);
	ck_assert_msg(strstr(p.text, wrong[_i].message) != NULL, "for:\n%sexpected:\n%s\ngot:\n%s", wrong[_i].yaml,
		      wrong[_i].message, p.text);
}
END_TEST

static bool has_case(const char *path)
{
	for (size_t i = 0; i < WRONG_COUNT; i++)
		if (strcmp(wrong[i].key, path) == 0)
			return true;
	return false;
}

static void require_cases(const struct section *section, const char *prefix)
{
	for (size_t i = 0; i < section->key_count; i++) {
		char path[160];
		const struct key *key = &section->keys[i];
		snprintf(path, sizeof path, "%s%s%s", prefix, key->name, key->type == KEY_LIST ? "[]" : "");
		ck_assert_msg(has_case(path), "no wrong form of %s is tested", path);
		if (key->section != NULL) {
			strcat(path, ".");
			require_cases(key->section, path);
		}
	}
}

START_TEST(every_key_has_a_wrong_form)
{
	require_cases(&config_section, "");
}
END_TEST

START_TEST(empty_file_is_all_defaults)
{
	struct problems p;
	struct config *config = parse("", &p);
	ck_assert_msg(config != NULL, "%s", p.text);
	ck_assert_str_eq(config->database, "/var/lib/bellwether/bellwether.db");
	ck_assert_str_eq(config->http.listen, "127.0.0.1:9610");
	ck_assert_int_eq(config->retention.documents_us, 90 * DAY_US);
	ck_assert_int_eq(config->score, SCORE_AUTO);
	ck_assert_uint_eq(config->source_count, 0);
	ck_assert_int_eq(config->self.lag_us, 15 * MINUTE_US);
	ck_assert_int_eq(config->self.disk_free_bytes, 1 << 30);
	ck_assert(config->self.gap);
	ck_assert_uint_eq(config->self.receiver_count, 0);
	config_free(config);
}
END_TEST

START_TEST(one_heartbeat_or_many)
{
	struct problems p;
	struct config *config = parse(RECEIVER "heartbeat: {receiver: c, every: 30s}\n", &p);
	ck_assert_msg(config != NULL, "%s", p.text);
	ck_assert_uint_eq(config->heartbeat_count, 1);
	ck_assert_str_eq(config->heartbeats[0].receiver, "c");
	ck_assert_int_eq(config->heartbeats[0].every_us, 30 * SECOND_US);
	config_free(config);
	config = parse(RECEIVER "  - name: d\n    url: http://d/\nheartbeat:\n  - receiver: c\n  - {receiver: d, every: 5m}\n", &p);
	ck_assert_msg(config != NULL, "%s", p.text);
	ck_assert_uint_eq(config->heartbeat_count, 2);
	ck_assert_int_eq(config->heartbeats[0].every_us, MINUTE_US);
	ck_assert_str_eq(config->heartbeats[1].receiver, "d");
	config_free(config);
}
END_TEST

START_TEST(documented_forms_work_verbatim)
{
	static const char yaml[] =
		"database: /var/lib/bellwether/bellwether.db\n"
		"model: {path: /usr/share/bellwether/model, device: auto, precision: auto, threads: 2}\n"
		"http: {listen: \"127.0.0.1:9610\"}\n"
		"sources:\n"
		"  - name: wire\n"
		"    kafka: {brokers: \"127.0.0.1:9092\", topics: [news], group: bellwether, properties: "
		"{auto.offset.reset: earliest}}\n"
		"    map: {title: title, body: body, published: published, url: url, id: id, publisher: source, lang: lang}\n"
		"  - name: feeds\n"
		"    rss: {urls: [\"https://example.com/rss.xml\"], interval: 5m}\n"
		"  - name: tape\n"
		"    file: {path: day.jsonl, speed: 600}\n"
		"topics:\n"
		"  - name: boeing\n"
		"    any: [\"Boeing\", \"$BA\", \"737 MAX\"]\n"
		"    none: [\"Boeing Field\"]\n"
		"  - name: bp\n"
		"    regex: '\\bbp\\b|deepwater horizon'\n"
		"  - name: rates\n"
		"    labels: [\"Fed | Central Banks\"]\n"
		"rules:\n"
		"  - name: negative-spike\n"
		"    topics: all\n"
		"    metric: negative_count\n"
		"    false_alarms: 1 per month\n"
		"receivers:\n"
		"  - name: risk-desk\n"
		"    url: https://hooks.example.com/bellwether\n"
		"    format: standard\n"
		"    secret_file: webhook-secret\n"
		"score: auto\n"
		"retention: {documents: 90d, trends: 5y}\n";
	struct problems p;
	struct config *config = parse(yaml, &p);
	ck_assert_msg(config != NULL, "%s", p.text);
	ck_assert_uint_eq(config->source_count, 3);
	const struct source_options *wire = &config->sources[0].options;
	ck_assert_int_eq(wire->kind, SOURCE_KAFKA);
	ck_assert_str_eq(wire->kafka.topics[0], "news");
	ck_assert_str_eq(wire->kafka.properties[0].name, "auto.offset.reset");
	ck_assert_str_eq(wire->kafka.properties[0].value, "earliest");
	ck_assert_str_eq(wire->map.publisher, "source");
	ck_assert_int_eq(config->sources[1].options.kind, SOURCE_RSS);
	ck_assert_int_eq(config->sources[1].options.rss.interval_us, 5 * MINUTE_US);
	ck_assert_int_eq(config->sources[2].options.kind, SOURCE_FILE);
	ck_assert(config->sources[2].options.file.speed == 600);
	ck_assert_uint_eq(config->topic_count, 3);
	ck_assert_uint_eq(config->topics[0].spec.any_count, 3);
	ck_assert_str_eq(config->topics[1].spec.regex, "\\bbp\\b|deepwater horizon");
	ck_assert(config_needs_labels(config));
	ck_assert_uint_eq(config->rules[0].spec.topic_count, 0);
	ck_assert_double_eq_tol(config->rules[0].spec.false_alarms_per_day, 12 / 365.25, 1e-12);
	ck_assert_str_eq(config->receiver_names[0], "risk-desk");
	ck_assert_int_eq(config->retention.trends_us, 5 * 365 * DAY_US);
	config_free(config);
}
END_TEST

/* ---- reloads ---- */

static const struct {
	const char *before, *after, *key; /* the key that wants a restart, NULL = none */
} reloads[] = {
	{"", "", NULL},
	{"", "database: other.db\n", "database"},
	{"", "model: {device: cpu}\n", "model.device"},
	{"", "model: {device: \"cuda:0,1\"}\n", "model.device"},
	{"", "model: {path: m}\n", "model.path"},
	{"model: {linger: 5ms}\n", "model: {linger: 9ms}\n", NULL},
	{"http: {listen: \"\"}\n", "", "http.listen"},
	{"", "queue: {documents: 9999}\n", "queue.documents"},
	{"queue: {bytes: 1 MiB}\n", "queue: {bytes: 1024 KiB}\n", NULL},
	{KAFKA, RSS TOPIC RULE RECEIVER "score: all\nlateness: 2h\nretention: {trends: 1y}\n", NULL},
};

START_TEST(a_reload_names_what_only_a_restart_changes)
{
	struct problems p;
	struct config *before = parse(reloads[_i].before, &p), *after = parse(reloads[_i].after, &p);
	char key[64] = "";
	ck_assert_int_eq(config_needs_restart(before, after, key, sizeof key), reloads[_i].key != NULL);
	ck_assert_str_eq(key, reloads[_i].key != NULL ? reloads[_i].key : "");
	config_free(before);
	config_free(after);
}
END_TEST

static const struct {
	const char *before, *after;
	bool same;
} sources[] = {
	{KAFKA, KAFKA, true},
	{KAFKA, RSS, false},
	{KAFKA, KAFKA "      group: g\n", false},
	{KAFKA "      properties: {a: b}\n", KAFKA "      properties: {a: b}\n", true},
	{KAFKA "      properties: {a: b}\n", KAFKA "      properties: {a: c}\n", false},
	{KAFKA "      properties: {a: b}\n", KAFKA, false},
	{KAFKA "    map: {title: t}\n", KAFKA, false},
	{RSS "      interval: 5m\n", RSS "      interval: 300s\n", true},
	{RSS "      ca_file: a\n", RSS, false},
	{RSS "      allow_private: true\n", RSS, false},
	{RSS "      max_bytes: 1 MiB\n", RSS "      max_bytes: 2 MiB\n", false},
	{FILE_ "      speed: 2\n", FILE_, false},
	{"sources:\n  - name: s\n    rss: {urls: [\"http://a/\"]}\n",
	 "sources:\n  - name: s\n    rss: {urls: [\"http://b/\"]}\n", false},
	{"sources:\n  - name: s\n    file: {path: p}\n", "sources:\n  - name: z\n    file: {path: p}\n", false},
};

START_TEST(a_source_is_the_same_where_all_its_keys_are)
{
	struct problems p;
	struct config *before = parse(sources[_i].before, &p), *after = parse(sources[_i].after, &p);
	ck_assert_int_eq(config_same_source(before->sources, after->sources), sources[_i].same);
	config_free(before);
	config_free(after);
}
END_TEST

START_TEST(annotated_file_is_the_defaults)
{
	struct problems p = {.count = 0};
	struct config *config = config_load(SOURCE_DIR "/etc/bellwether.yaml", collect, &p);
	ck_assert_msg(config != NULL, "%s", p.text);
	struct config *empty = parse("", &p);
	ck_assert_str_eq(config->database, empty->database);
	ck_assert_str_eq(config->model.precision, empty->model.precision);
	ck_assert_int_eq(config->model.linger_us, empty->model.linger_us);
	ck_assert_int_eq(config->lateness_us, empty->lateness_us);
	ck_assert_int_eq(config->queue.bytes, empty->queue.bytes);
	ck_assert_int_eq(config->retention.trends_us, empty->retention.trends_us);
	config_free(config);
	config_free(empty);
}
END_TEST

/* Every key of the table stands in the annotated file, set or commented out. */
static void require_in_file(const struct section *section, const char *text)
{
	for (size_t i = 0; i < section->key_count; i++) {
		char word[80];
		snprintf(word, sizeof word, "%s:", section->keys[i].name);
		ck_assert_msg(strstr(text, word) != NULL, "etc/bellwether.yaml lacks %s", word);
		if (section->keys[i].section != NULL)
			require_in_file(section->keys[i].section, text);
	}
}

START_TEST(annotated_file_shows_every_key)
{
	static char text[65536];
	FILE *file = fopen(SOURCE_DIR "/etc/bellwether.yaml", "r");
	ck_assert(file != NULL);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	require_in_file(&config_section, text);
}
END_TEST

START_TEST(labels_are_checked_against_the_model)
{
	struct problems p;
	struct config *config = parse("topics:\n  - name: x\n    labels: [Earnings, Weather]\n", &p);
	const char *const labels[] = {"Earnings"};
	ck_assert(config != NULL);
	p = (struct problems){.count = 0};
	ck_assert_int_eq(config_check_labels(config, labels, 1, collect, &p), -1);
	ck_assert_uint_eq(p.count, 1);
	ck_assert(strstr(p.text, "t.yaml:2:5: topics[0].labels[1]: \"Weather\": the model knows no such label") != NULL);
	p = (struct problems){.count = 0};
	ck_assert_int_eq(config_check_labels(config, NULL, 0, collect, &p), -1);
	ck_assert_uint_eq(p.count, 2);
	config_free(config);
}
END_TEST

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	ck_assert(file != NULL);
	fputs(text, file);
	fclose(file);
}

START_TEST(secrets_come_from_credentials_or_beside_the_file)
{
	char directory[] = "/tmp/bellwether-config-XXXXXX", path[256], secret[256], credentials[256];
	ck_assert(mkdtemp(directory) != NULL);
	snprintf(path, sizeof path, "%s/c.yaml", directory);
	snprintf(secret, sizeof secret, "%s/secret", directory);
	write_file(path, RECEIVER "    secret_file: secret\n");
	struct problems p = {.count = 0};
	struct config *config = config_load(path, collect, &p);
	ck_assert_msg(config != NULL, "%s", p.text);

	ck_assert_int_eq(config_load_secrets(config, collect, &p), -1);
	ck_assert_msg(strstr(p.text, "receivers[0].secret_file: ") != NULL, "%s", p.text);
	write_file(secret, "\n");
	p = (struct problems){.count = 0};
	ck_assert_int_eq(config_load_secrets(config, collect, &p), -1);
	write_file(secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nwhsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\n");
	ck_assert_int_eq(config_load_secrets(config, collect, &p), 0);
	ck_assert_str_eq(config->receiver_specs[0].secret,
			 "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");

	snprintf(credentials, sizeof credentials, "%s/credentials", directory);
	ck_assert_int_eq(rename(secret, credentials), 0);
	unlink(credentials);
	config_free(config);
	unlink(path);
	rmdir(directory);
}
END_TEST

START_TEST(budgets)
{
	double per_day;
	ck_assert(budget_parse("1 per week", &per_day));
	ck_assert_double_eq_tol(per_day, 1 / 7.0, 1e-12);
	ck_assert(budget_parse("0.5 per day", &per_day));
	ck_assert_double_eq_tol(per_day, 0.5, 1e-12);
	ck_assert(!budget_parse("0 per day", &per_day));
	ck_assert(!budget_parse("-1 per day", &per_day));
	ck_assert(!budget_parse("1 per fortnight", &per_day));
	ck_assert(!budget_parse("1 per day or so", &per_day));
	ck_assert(!budget_parse("", &per_day));
}
END_TEST

START_TEST(many_problems_are_counted_not_flooded)
{
	static char yaml[65536] = "topics:\n";
	for (int i = 0; i < 500; i++)
		strcat(yaml, "  - nme: x\n");
	struct problems p;
	ck_assert(parse(yaml, &p) == NULL);
	ck_assert_uint_eq(p.count, 51);
}
END_TEST

static void repeat(char *out, const char *piece, int times)
{
	while (times-- > 0)
		out = stpcpy(out, piece);
}

START_TEST(what_hurts_is_refused_before_it_is_loaded)
{
	static char yaml[400000], words[40000], topics[40000];
	struct problems p;
	strcpy(yaml, "topics: ");
	repeat(yaml + 8, "[", 200000);
	ck_assert(parse(yaml, &p) == NULL);
	ck_assert_str_eq(p.text, "t.yaml:1:24: nested more than 16 levels deep: this is no configuration\n");

	repeat(words, "x,", 5000);
	repeat(topics, "  - *t\n", 5000);
	snprintf(yaml, sizeof yaml, "topics:\n  - &t {name: a, any: [%s]}\n%s", words, topics);
	ck_assert(parse(yaml, &p) == NULL);
	ck_assert_ptr_nonnull(strstr(p.text, "more than a million values, with every alias written out"));

	ck_assert(parse("topics: &a [*a]\n", &p) == NULL);
	ck_assert_str_eq(p.text, "t.yaml:1:13: an alias inside of its own anchor: this is no configuration\n");
}
END_TEST

START_TEST(anchors_stand_for_their_content)
{
	struct problems p;
	struct config *config = parse("topics:\n"
				      "  - {name: one, any: &words [Northwind, Halberd]}\n"
				      "  - {name: two, any: *words, none: &none [Traders]}\n"
				      "  - {name: three, any: [Lumenta], none: *none}\n",
				      &p);
	ck_assert_msg(config != NULL, "%s", p.text);
	ck_assert_uint_eq(config->topics[1].spec.any_count, 2);
	ck_assert_str_eq(config->topics[1].spec.any[1], "Halberd");
	ck_assert_str_eq(config->topics[2].spec.none[0], "Traders");
	config_free(config);
}
END_TEST

START_TEST(problems_found_after_reading_are_counted_too)
{
	static char yaml[40000];
	struct problems p;
	strcpy(yaml, "topics:\n");
	repeat(yaml + 8, "  - {name: a, any: [b]}\n", 500);
	ck_assert(parse(yaml, &p) == NULL);
	ck_assert_uint_eq(p.count, 51);
	ck_assert_ptr_nonnull(strstr(p.text, "t.yaml: 449 more problems"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("config");
	tcase_add_loop_test(tcase, wrong_value_names_place_and_remedy, 0, (int)WRONG_COUNT);
	tcase_add_test(tcase, every_key_has_a_wrong_form);
	tcase_add_test(tcase, empty_file_is_all_defaults);
	tcase_add_test(tcase, one_heartbeat_or_many);
	tcase_add_test(tcase, documented_forms_work_verbatim);
	tcase_add_loop_test(tcase, a_reload_names_what_only_a_restart_changes, 0, sizeof reloads / sizeof *reloads);
	tcase_add_loop_test(tcase, a_source_is_the_same_where_all_its_keys_are, 0, sizeof sources / sizeof *sources);
	tcase_add_test(tcase, annotated_file_is_the_defaults);
	tcase_add_test(tcase, annotated_file_shows_every_key);
	tcase_add_test(tcase, labels_are_checked_against_the_model);
	tcase_add_test(tcase, secrets_come_from_credentials_or_beside_the_file);
	tcase_add_test(tcase, budgets);
	tcase_add_test(tcase, many_problems_are_counted_not_flooded);
	tcase_add_test(tcase, problems_found_after_reading_are_counted_too);
	tcase_add_test(tcase, what_hurts_is_refused_before_it_is_loaded);
	tcase_add_test(tcase, anchors_stand_for_their_content);
	return run_case("config", tcase);
}
