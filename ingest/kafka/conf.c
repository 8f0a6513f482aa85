/*
 * librdkafka's properties are the user's, but for those by which positions and
 * polling would stop being ours.  The first refusal in `refused` that fits
 * names the reason, so that nobody has to guess what else to write.
 */
#include "ingest/kafka/kafka.h"

#include "daemon/base/log.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name, *reason;
} refused[] = {
	{"bootstrap.servers", "the key 'brokers' says it"},
	{"metadata.broker.list", "the key 'brokers' says it"},
	{"group.id", "the key 'group' says it"},
	{"group.instance.id", "it is derived from the database, which has one reader"},
	{"enable.auto.commit", "positions are committed with the documents, in the database"},
	{"auto.commit.enable", "positions are committed with the documents, in the database"},
	{"auto.commit.interval.ms", "positions are committed with the documents, in the database"},
	{"enable.auto.offset.store", "positions are committed with the documents, in the database"},
	{"offset.store.method", "positions are committed with the documents, in the database"},
	{"offset.store.path", "positions are committed with the documents, in the database"},
	{"partition.assignment.strategy", "only 'range' keeps positions across every rebalance"},
	{"enable.partition.eof", "the source needs the events"},
	{"statistics.interval.ms", "the source's health is made from them"},
	{"log.queue", "the client's log goes to the daemon's"},
	{"plugin.library.paths", "it would load code into the daemon"},
};

/*
 * What the user may change.  queued.min.messages and queued.max.messages.kbytes
 * stay as large as they are by default: once either is reached, librdkafka
 * looks for room again only after a second, so that they bound the rate, too.
 */
static const struct kafka_property defaults[] = {
	{"client.id", "bellwether"},
	{"isolation.level", "read_committed"},
	/* Who reads with another database finds the member of the old one in the group for so long. */
	{"session.timeout.ms", "10000"},
	{"fetch.wait.max.ms", "100"},
	{"fetch.max.bytes", "16777216"},
	{"reconnect.backoff.max.ms", "2000"},
	{"fetch.error.backoff.ms", "100"},
	{"socket.keepalive.enable", "true"},
	{"log.connection.close", "false"},
	{"topic.metadata.refresh.interval.ms", "30000"},
};

/* What the contract needs. */
static const struct kafka_property required[] = {
	{"enable.auto.commit", "false"},
	{"enable.auto.offset.store", "false"},
	{"partition.assignment.strategy", "range"},
	{"enable.partition.eof", "true"},
	/* An offset that is gone must be an event, never a silent jump. */
	{"auto.offset.reset", "error"},
	{"statistics.interval.ms", "1000"},
};

static int set(rd_kafka_conf_t *conf, const char *name, const char *value, struct err *e)
{
	char text[512];
	if (rd_kafka_conf_set(conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
		return 0;
	return err_set(e, "property '%s': %s", name, text);
}

static int set_all(rd_kafka_conf_t *conf, const struct kafka_property *properties, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		if (set(conf, properties[i].name, properties[i].value, e) == -1)
			return -1;
	}
	return 0;
}

static int read_start(const char *value, enum kafka_start *start, struct err *e)
{
	static const struct {
		const char *name;
		enum kafka_start start;
	} names[] = {
		{"earliest", START_EARLIEST}, {"beginning", START_EARLIEST}, {"smallest", START_EARLIEST},
		{"latest", START_LATEST},     {"end", START_LATEST},	      {"largest", START_LATEST},
		{"error", START_ERROR},
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcasecmp(value, names[i].name) == 0) {
			*start = names[i].start;
			return 0;
		}
	}
	return err_set(e, "property 'auto.offset.reset': '%s' is not earliest, latest or error", value);
}

static int set_users(rd_kafka_conf_t *conf, const struct kafka_property *property, enum kafka_start *start,
		     struct err *e)
{
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		if (strcmp(property->name, refused[i].name) == 0)
			return err_set(e, "property '%s' cannot be set: %s", property->name, refused[i].reason);
	}
	if (strcmp(property->name, "auto.offset.reset") == 0)
		return read_start(property->value, start, e);
	return set(conf, property->name, property->value, e);
}

/* Called from any of the client's threads.  What a user has to know is in the source's health. */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
	(void)client, (void)level;
	log_debug("kafka %s: %s", facility, text);
}

static void set_callbacks(rd_kafka_conf_t *conf)
{
	rd_kafka_conf_set_log_cb(conf, on_log);
	rd_kafka_conf_set_rebalance_cb(conf, kafka_on_rebalance);
	rd_kafka_conf_set_error_cb(conf, kafka_on_error);
	rd_kafka_conf_set_stats_cb(conf, kafka_on_stats);
}

/* Two sources of one database may share a group: each is a member of its own. */
static int set_instance(rd_kafka_conf_t *conf, const char *instance_id, const char *source, struct err *e)
{
	char text[250]; /* Kafka's limit */
	if (instance_id == NULL)
		return 0;
	snprintf(text, sizeof text, "%s-%s", instance_id, source);
	for (char *at = text; *at != '\0'; at++) {
		if (!isalnum((unsigned char)*at) && strchr("._-", *at) == NULL)
			*at = '_';
	}
	return set(conf, "group.instance.id", text, e);
}

/* Some wrong values show only when a client is made (files that are not there, values that contradict each other).  One
 * without brokers connects to nothing. */
static int try_client(const rd_kafka_conf_t *conf, struct err *e)
{
	char text[512];
	rd_kafka_conf_t *copy = rd_kafka_conf_dup(conf);
	rd_kafka_conf_set_log_cb(copy, on_log);
	if (set(copy, "bootstrap.servers", NULL, e) == -1)
		goto fail;
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, copy, text, sizeof text);
	if (client == NULL) {
		err_set(e, "properties: %s", text);
		goto fail;
	}
	rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	return 0;
fail:
	rd_kafka_conf_destroy(copy);
	return -1;
}

rd_kafka_conf_t *kafka_conf_create(const struct source_options *source, enum kafka_start *start, struct err *e)
{
	const struct kafka_options *options = &source->kafka;
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	*start = START_EARLIEST;
	if (set_all(conf, defaults, sizeof defaults / sizeof defaults[0], e) == -1)
		goto fail;
	for (size_t i = 0; i < options->property_count; i++) {
		if (set_users(conf, &options->properties[i], start, e) == -1)
			goto fail;
	}
	if (set_all(conf, required, sizeof required / sizeof required[0], e) == -1 ||
	    set(conf, "bootstrap.servers", options->brokers, e) == -1 || set(conf, "group.id", options->group, e) == -1)
		goto fail;
	if (set_instance(conf, options->instance_id, source->name, e) == -1)
		goto fail;
	if (try_client(conf, e) == -1)
		goto fail;
	set_callbacks(conf);
	return conf;
fail:
	rd_kafka_conf_destroy(conf);
	return NULL;
}
