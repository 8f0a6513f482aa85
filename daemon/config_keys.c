/*
 * A new key is a field in its struct, a line here, a line in
 * etc/bellwether.yaml and a wrong form of it in tests/unit/test_config.c,
 * which fails until all of them are there.
 */
#include "daemon/config_keys.h"

#include "daemon/config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEYS(array) array, sizeof(array) / sizeof *(array)
#define AT(type, field) .offset = offsetof(type, field)
#define LIST_AT(type, field, count) .offset = offsetof(type, field), .count_offset = offsetof(type, count)
#define FOREVER 1e10

static const char *const precisions[] = {"auto", "fp32", "bf16", "int8", NULL};
static const char *const metrics[] = {
	[RULE_NEGATIVE_COUNT] = "negative_count",
	[RULE_NEGATIVE_SHARE] = "negative_share",
	[RULE_MEAN_SCORE] = "mean_score",
	[RULE_VOLUME] = "volume",
	[RULE_METRICS] = NULL,
};
static const char *const charts[] = {[RECEIVER_CHART_AUTO] = "auto", [RECEIVER_CHART_YES] = "true", [RECEIVER_CHART_NO] = "false",
				     NULL};
static const char *const policies[] = {[SCORE_AUTO] = "auto", [SCORE_ALL] = "all", [SCORE_MATCHED] = "matched", NULL};

static const struct key kafka_keys[] = {
	{"brokers", KEY_STRING, AT(struct kafka_options, brokers), .required = true,
	 .help = "bootstrap servers, comma separated"},
	{"topics", KEY_STRINGS, LIST_AT(struct kafka_options, topics, topic_count), .required = true,
	 .help = "topics to read"},
	{"group", KEY_STRING, AT(struct kafka_options, group), .fallback = "bellwether", .help = "consumer group"},
	{"plain_text", KEY_BOOL, AT(struct kafka_options, plain_text), .fallback = "false",
	 .help = "values are text, not JSON objects"},
	{"properties", KEY_PROPERTIES, LIST_AT(struct kafka_options, properties, property_count),
	 .help = "librdkafka properties (TLS, SASL), passed on as they are"},
};
static const struct section kafka_section = {KEYS(kafka_keys), 0, NO_MARK};

static const struct key map_keys[] = {
	{"title", KEY_STRING, AT(struct message_map, title), .fallback = "title", .help = "key of the headline"},
	{"body", KEY_STRING, AT(struct message_map, body), .fallback = "body", .help = "key of the text below it"},
	{"published", KEY_STRING, AT(struct message_map, published), .fallback = "published",
	 .help = "key of the time: ISO 8601, seconds or milliseconds"},
	{"url", KEY_STRING, AT(struct message_map, url), .fallback = "url", .help = "key of the link"},
	{"id", KEY_STRING, AT(struct message_map, id), .fallback = "id", .help = "key of the message's own id"},
	{"publisher", KEY_STRING, AT(struct message_map, publisher), .fallback = "source",
	 .help = "key of who wrote it"},
	{"lang", KEY_STRING, AT(struct message_map, lang), .fallback = "lang", .help = "key of the language"},
};
static const struct section map_section = {KEYS(map_keys), 0, NO_MARK};

static const struct key rss_keys[] = {
	{"urls", KEY_STRINGS, LIST_AT(struct rss_options, urls, url_count), .required = true,
	 .help = "feeds: RSS, Atom, RDF or JSON Feed"},
	{"interval", KEY_DURATION, AT(struct rss_options, interval_us), .fallback = "5m", .min = 1, .max = 30 * 86400,
	 .help = "how often each feed is asked"},
	{"timeout", KEY_DURATION, AT(struct rss_options, timeout_us), .fallback = "30s", .min = 1, .max = 600,
	 .help = "for a whole transfer"},
	{"max_bytes", KEY_SIZE, AT(struct rss_options, max_bytes), .fallback = "16 MiB", .min = 1024, .max = 1e9,
	 .help = "largest feed, after decompression"},
	{"allow_private", KEY_BOOL, AT(struct rss_options, allow_private), .fallback = "false",
	 .help = "fetch from loopback and private addresses too"},
	{"user_agent", KEY_STRING, AT(struct rss_options, user_agent), .help = "User-Agent header"},
	{"ca_file", KEY_STRING, AT(struct rss_options, ca_file), .help = "certificates to trust instead of the system's"},
};
static const struct section rss_section = {KEYS(rss_keys), 0, NO_MARK};

static const struct key file_keys[] = {
	{"path", KEY_STRING, AT(struct file_options, path), .required = true,
	 .help = "JSON Lines or TSV; \"-\" is standard input"},
	{"speed", KEY_NUMBER, AT(struct file_options, speed), .fallback = "0", .min = 0, .max = 1e9,
	 .help = "0: as fast as possible; 600: ten minutes of the documents' own time a second"},
};
static const struct section file_section = {KEYS(file_keys), 0, NO_MARK};

static const struct key source_keys[] = {
	{"name", KEY_STRING, AT(struct config_source, options.name), .required = true,
	 .help = "stands in the database; a source keeps its position under this name"},
	{"kafka", KEY_SECTION, AT(struct config_source, options.kafka), .section = &kafka_section,
	 .help = "a Kafka cluster"},
	{"rss", KEY_SECTION, AT(struct config_source, options.rss), .section = &rss_section, .help = "feeds over HTTP"},
	{"file", KEY_SECTION, AT(struct config_source, options.file), .section = &file_section,
	 .help = "a recorded stream"},
	{"map", KEY_SECTION, AT(struct config_source, options.map), .section = &map_section,
	 .help = "which key of a JSON message holds what"},
};
const struct section config_source_section = {KEYS(source_keys), sizeof(struct config_source),
					      offsetof(struct config_source, mark)};

static const struct key topic_keys[] = {
	{"name", KEY_STRING, AT(struct config_topic, spec.name), .required = true, .help = "stands in the database and in alerts"},
	{"any", KEY_STRINGS, LIST_AT(struct config_topic, spec.any, spec.any_count),
	 .help = "words, phrases, $CASHTAGS: any of them makes a document part of the topic"},
	{"none", KEY_STRINGS, LIST_AT(struct config_topic, spec.none, spec.none_count),
	 .help = "words and phrases that take it out again"},
	{"regex", KEY_STRING, AT(struct config_topic, spec.regex),
	 .help = "PCRE2, case-insensitive unless (?-i)"},
	{"labels", KEY_STRINGS, LIST_AT(struct config_topic, spec.labels, spec.label_count),
	 .help = "the classifier's own topics"},
};
static const struct section topic_section = {KEYS(topic_keys), sizeof(struct config_topic),
					     offsetof(struct config_topic, mark)};

static const struct key rule_keys[] = {
	{"name", KEY_STRING, AT(struct config_rule, spec.name), .required = true, .help = "stands in the database and in alerts"},
	{"topics", KEY_NAMES, LIST_AT(struct config_rule, spec.topics, spec.topic_count), .fallback = "all",
	 .help = "topics by name, or all"},
	{"metric", KEY_CHOICE, AT(struct config_rule, spec.metric), .fallback = "negative_count", .choices = metrics,
	 .help = "what is judged"},
	{"false_alarms", KEY_BUDGET, AT(struct config_rule, spec.false_alarms_per_day), .fallback = "1 per month",
	 .help = "the budget, per topic; thresholds follow from it"},
	{"window", KEY_DURATION, AT(struct config_rule, spec.window_us), .fallback = "0", .min = 60, .max = 2 * 86400,
	 .help = "one window only; 0: the rule's own set"},
	{"min_count", KEY_COUNT, AT(struct config_rule, spec.min_count), .fallback = "0", .min = 0, .max = 1e6,
	 .help = "never fire below this many stories; 0: the rule's default"},
	{"min_ratio", KEY_NUMBER, AT(struct config_rule, spec.min_ratio), .fallback = "0", .min = 0, .max = 1e6,
	 .help = "never fire below this multiple of what was expected; 0: the rule's default"},
	{"min_publishers", KEY_COUNT, AT(struct config_rule, spec.min_publishers), .fallback = "0", .min = 0, .max = RULE_MOST_PUBLISHERS,
	 .help = "never fire for fewer publishers; 0: the rule's default"},
	{"for", KEY_DURATION, AT(struct config_rule, spec.for_us), .fallback = "0", .min = 0, .max = 7 * 86400,
	 .help = "pending this long before it fires"},
	{"keep_firing_for", KEY_DURATION, AT(struct config_rule, spec.keep_firing_us), .fallback = "6h", .min = 0,
	 .max = 7 * 86400, .help = "quiet this long before it resolves"},
};
static const struct section rule_section = {KEYS(rule_keys), sizeof(struct config_rule),
					    offsetof(struct config_rule, mark)};

static const struct key silence_keys[] = {
	{"name", KEY_STRING, AT(struct config_silence, name), .required = true, .help = "stands in silences_v"},
	{"topics", KEY_NAMES, LIST_AT(struct config_silence, topics, topic_count), .fallback = "all",
	 .help = "topics by name, or all"},
	{"from", KEY_STRING, AT(struct config_silence, from), .help = "once: a time such as 2026-01-28T22:00"},
	{"until", KEY_STRING, AT(struct config_silence, until), .help = "and its end"},
	{"weekly", KEY_STRINGS, LIST_AT(struct config_silence, weekly, weekly_count),
	 .help = "instead: windows such as Sat 22:00-Sun 06:00"},
	{"timezone", KEY_STRING, AT(struct config_silence, timezone), .fallback = "UTC",
	 .help = "whose clocks these are, such as Europe/Berlin"},
	{"why", KEY_STRING, AT(struct config_silence, why), .help = "for who asks later"},
};
static const struct section silence_section = {KEYS(silence_keys), sizeof(struct config_silence),
					       offsetof(struct config_silence, mark)};

static const struct key receiver_keys[] = {
	{"name", KEY_STRING, AT(struct config_receiver, spec.name), .required = true, .help = "stands in the database"},
	{"url", KEY_STRING, AT(struct config_receiver, spec.url),
	 .help = "where alerts are posted: https://, http://; smtps:// or smtp:// for mail"},
	{"format", KEY_WORD, AT(struct config_receiver, spec.format), .fallback = "standard", .choices = webhook_formats,
	 .help = "what is posted"},
	{"secret_file", KEY_STRING, AT(struct config_receiver, secret_file),
	 .help = "the signing secret, pagerduty's key, or smtp's login; relative: in $CREDENTIALS_DIRECTORY, else beside this file"},
	{"timeout", KEY_DURATION, AT(struct config_receiver, spec.timeout_us), .fallback = "15s", .min = 1, .max = 300,
	 .help = "for one delivery"},
	{"ca_file", KEY_STRING, AT(struct config_receiver, spec.ca_file),
	 .help = "certificates to trust instead of the system's"},
	{"chart", KEY_CHOICE, AT(struct config_receiver, spec.chart), .fallback = "auto", .choices = charts,
	 .help = "the window as a picture (SVG): true, false; auto: in mails"},
	{"from", KEY_STRING, AT(struct config_receiver, spec.from), .help = "smtp: the sender, such as Alerts <alerts@example.com>"},
	{"to", KEY_STRINGS, LIST_AT(struct config_receiver, spec.to, spec.to_count), .help = "smtp: who gets the mail"},
	{"starttls", KEY_WORD, AT(struct config_receiver, spec.starttls), .choices = webhook_starttls,
	 .help = "smtp:// alone: required (without this key), try, never"},
	{"command", KEY_STRINGS, LIST_AT(struct config_receiver, spec.command, spec.command_count),
	 .help = "command: the program's path and its arguments; the alert comes on standard input"},
};
static const struct section receiver_section = {KEYS(receiver_keys), sizeof(struct config_receiver),
						offsetof(struct config_receiver, mark)};

static const struct key model_keys[] = {
	{"path", KEY_STRING, AT(struct config, model.path), .restart = true,
	 .help = "a Hugging Face directory; without it $BELLWETHER_MODEL, else a promoted one, else the installed one"},
	{"device", KEY_DEVICES, AT(struct config, model.device), .fallback = "auto", .restart = true,
	 .help = "where it runs: auto, cpu, cuda, or GPUs by number such as cuda:0,1"},
	{"precision", KEY_WORD, AT(struct config, model.precision), .fallback = "auto", .choices = precisions,
	 .restart = true, .help = "auto: the fastest that agrees with fp32"},
	{"threads", KEY_INTEGER, AT(struct config, model.threads), .fallback = "0", .min = 0, .max = 1024,
	 .restart = true, .help = "0: one per CPU; of several GPUs each needs one"},
	{"linger", KEY_DURATION, AT(struct config, model.linger_us), .fallback = "5ms", .min = 0, .max = 10,
	 .help = "how long a document waits for company in its batch"},
};
static const struct section model_section = {KEYS(model_keys), 0, NO_MARK};

static const struct key http_keys[] = {
	{"listen", KEY_STRING, AT(struct config, http.listen), .fallback = "127.0.0.1:9610", .restart = true,
	 .help = "address:port of /healthz, /readyz, /metrics, /score; \"\" turns it off"},
};
static const struct section http_section = {KEYS(http_keys), 0, NO_MARK};

static const struct key queue_keys[] = {
	{"documents", KEY_INTEGER, AT(struct config, queue.documents), .fallback = "10000", .min = 1, .max = 1e7,
	 .restart = true, .help = "documents between the sources and the model; a full queue makes sources wait"},
	{"bytes", KEY_BYTES, AT(struct config, queue.bytes), .fallback = "32 MiB", .min = 65536, .max = 1e11,
	 .restart = true, .help = "and their size"},
};
static const struct section queue_section = {KEYS(queue_keys), 0, NO_MARK};

static const struct key retention_keys[] = {
	{"documents", KEY_DURATION, AT(struct config, retention.documents_us), .fallback = "90d", .min = 86400,
	 .max = FOREVER, .help = "documents and rejected values, by the time they were received"},
	{"trends", KEY_DURATION, AT(struct config, retention.trends_us), .fallback = "5y", .min = 86400, .max = FOREVER,
	 .help = "daily trends and alerts"},
};
static const struct section retention_section = {KEYS(retention_keys), 0, NO_MARK};

static const struct key self_keys[] = {
	{"source_down", KEY_DURATION, AT(struct self_limits, source_down_us), .fallback = "15m", .min = 0, .max = 30 * 86400,
	 .help = "a source, or some of its feeds, cannot be read for this long; 0 in all of these: never told"},
	{"silent", KEY_DURATION, AT(struct self_limits, silent_us), .fallback = "4d", .min = 0, .max = 365 * 86400,
	 .help = "a source is read and brings nothing"},
	{"lag", KEY_DURATION, AT(struct self_limits, lag_us), .fallback = "15m", .min = 0, .max = 30 * 86400,
	 .help = "messages wait in the log for this long, or more from one such time to the next"},
	{"gap", KEY_BOOL, AT(struct self_limits, gap), .fallback = "true",
	 .help = "a log has lost messages before they were read"},
	{"outbox_age", KEY_DURATION, AT(struct self_limits, outbox_age_us), .fallback = "15m", .min = 0, .max = 30 * 86400,
	 .help = "a delivery waits"},
	{"clock", KEY_DURATION, AT(struct self_limits, clock_us), .fallback = "10m", .min = 0, .max = 30 * 86400,
	 .help = "the clock is so far behind what was stored last: alerts wait until it has caught up"},
	{"wal", KEY_BYTES, AT(struct self_limits, wal_bytes), .fallback = "1 GiB", .min = 0, .max = 1e13,
	 .help = "the database's write-ahead log grows to this"},
	{"disk_free", KEY_BYTES, AT(struct self_limits, disk_free_bytes), .fallback = "1 GiB", .min = 0, .max = 1e15,
	 .help = "less room than this beside the database, or it cannot be written"},
	{"hold", KEY_DURATION, AT(struct self_limits, hold_us), .fallback = "1m", .min = 0, .max = 86400,
	 .help = "a size must be beyond its limit for this long, and what was told be right again"},
	{"receivers", KEY_NAMES, LIST_AT(struct self_limits, receivers, receiver_count), .fallback = "all",
	 .help = "who is told, by name, or all"},
};
static const struct section self_section = {KEYS(self_keys), 0, NO_MARK};

static const struct key heartbeat_keys[] = {
	{"receiver", KEY_STRING, AT(struct config_heartbeat, receiver), .required = true, .help = "who gets it, by name"},
	{"every", KEY_DURATION, AT(struct config_heartbeat, every_us), .fallback = "1m", .min = 1, .max = 86400,
	 .help = "how often, while all is well"},
};
static const struct section heartbeat_section = {KEYS(heartbeat_keys), sizeof(struct config_heartbeat),
						 offsetof(struct config_heartbeat, mark)};

static const struct key top_keys[] = {
	{"database", KEY_STRING, AT(struct config, database), .fallback = CONFIG_DATABASE, .restart = true,
	 .help = "the SQLite file"},
	{"model", KEY_SECTION, .section = &model_section, .help = "the classifier"},
	{"http", KEY_SECTION, .section = &http_section, .help = "the local HTTP port"},
	{"sources", KEY_LIST, LIST_AT(struct config, sources, source_count), .section = &config_source_section,
	 .help = "where text comes from"},
	{"topics", KEY_LIST, LIST_AT(struct config, topics, topic_count), .section = &topic_section,
	 .help = "the watch list"},
	{"rules", KEY_LIST, LIST_AT(struct config, rules, rule_count), .section = &rule_section, .help = "when to alert"},
	{"no_data", KEY_DURATION, AT(struct config, no_data_us), .fallback = "6h", .min = 60, .max = 30 * 86400,
	 .help = "a topic whose sources have shown nothing for this long is in state no_data; its alerts are held"},
	{"silences", KEY_LIST, LIST_AT(struct config, silences, silence_count), .section = &silence_section,
	 .help = "times in which nothing is sent; alerts are still recorded"},
	{"receivers", KEY_LIST, LIST_AT(struct config, receivers, receiver_count), .section = &receiver_section,
	 .help = "whom to tell"},
	{"self", KEY_SECTION, AT(struct config, self), .section = &self_section,
	 .help = "alerts on the daemon itself, of rule \"bellwether\""},
	{"heartbeat", KEY_LIST, LIST_AT(struct config, heartbeats, heartbeat_count), .section = &heartbeat_section,
	 .single = true, .help = "signs of life; whoever watches for them hears when the daemon does not"},
	{"score", KEY_CHOICE, AT(struct config, score), .fallback = "auto", .choices = policies,
	 .help = "which documents are encoded: what a topic needs (auto), all, or those whose words match (matched)"},
	{"lateness", KEY_DURATION, AT(struct config, lateness_us), .fallback = "1h", .min = 0, .max = 12 * 3600,
	 .help = "a document older than its source's newest by more than this is counted and never alerts"},
	{"queue", KEY_SECTION, .section = &queue_section, .help = "the bounded queue behind the sources"},
	{"retention", KEY_SECTION, .section = &retention_section, .help = "how long history is kept"},
};
const struct section config_section = {KEYS(top_keys), sizeof(struct config), NO_MARK};

bool budget_parse(const char *text, double *per_day)
{
	static const struct {
		const char *name;
		double days;
	} periods[] = {{"hour", 1 / 24.0}, {"day", 1}, {"week", 7}, {"month", 365.25 / 12}, {"quarter", 365.25 / 4},
		       {"year", 365.25}};
	char *end;
	double count = strtod(text, &end);
	char period[16];
	int used = 0;
	if (end == text || !(count > 0) || count > 1e6 || sscanf(end, " per %15[a-z]%n", period, &used) != 1 ||
	    end[used] != '\0')
		return false;
	for (size_t i = 0; i < sizeof periods / sizeof *periods; i++)
		if (strcmp(period, periods[i].name) == 0) {
			*per_day = count / periods[i].days;
			return true;
		}
	return false;
}

bool bytes_parse(const char *text, double *bytes)
{
	static const struct {
		const char *name;
		double factor;
	} units[] = {{"", 1},	   {"B", 1},	       {"kB", 1e3},	     {"MB", 1e6},
		     {"GB", 1e9}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024.0 * 1024 * 1024}};
	char *end;
	double value = strtod(text, &end);
	if (end == text || !isfinite(value) || value < 0)
		return false;
	while (*end == ' ')
		end++;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strcasecmp(end, units[i].name) == 0) {
			*bytes = value * units[i].factor;
			return true;
		}
	return false;
}

static void print_section(FILE *out, const struct section *section, const char *prefix)
{
	for (size_t i = 0; i < section->key_count; i++) {
		const struct key *key = &section->keys[i];
		char path[128];
		snprintf(path, sizeof path, "%s%s%s", prefix, key->name, key->type == KEY_LIST ? "[]" : "");
		fprintf(out, "%-28s %-34s %s%s\n", path,
			key->fallback ? key->fallback : key->required ? "(required)" : "", key->help,
			key->restart ? " (restart to change it)" : "");
		if (key->section != NULL) {
			strncat(path, ".", sizeof path - strlen(path) - 1);
			print_section(out, key->section, path);
		}
	}
}

void config_print_keys(FILE *out)
{
	fprintf(out, "%-28s %-34s %s\n", "key", "default", "meaning");
	print_section(out, &config_section, "");
}
