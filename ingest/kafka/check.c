/*
 * `bellwether check`: one client without a subscription asks for the metadata
 * of each topic.  It joins no group, so it disturbs no daemon that reads.
 */
#include "ingest/kafka/kafka.h"

#include <stdio.h>

#define TIMEOUT_MS 5000

static void report_topic(rd_kafka_t *client, const char *name, source_report *report, void *context)
{
	char what[300], text[400];
	const struct rd_kafka_metadata *metadata = NULL;
	snprintf(what, sizeof what, "topic %s", name);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
	rd_kafka_resp_err_t err = topic != NULL ? rd_kafka_metadata(client, 0, topic, &metadata, TIMEOUT_MS)
						: rd_kafka_last_error();
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1)
		err = metadata->topics[0].err;
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topics[0].partition_cnt > 0) {
		snprintf(text, sizeof text, "%d partitions", metadata->topics[0].partition_cnt);
		report(context, "ok", what, text);
	} else if (err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		report(context, "warning", what,
		       "the broker does not know it; create it, or correct 'topics' (the daemon waits for it)");
	} else {
		snprintf(text, sizeof text, "%s; look at the broker's access rules and at 'properties'",
			 rd_kafka_err2str(err));
		report(context, "error", what, text);
	}
	rd_kafka_metadata_destroy(metadata);
	if (topic != NULL)
		rd_kafka_topic_destroy(topic);
}

/* True where some broker answers. */
static bool report_brokers(rd_kafka_t *client, const char *brokers, source_report *report, void *context)
{
	char what[300], text[400];
	const struct rd_kafka_metadata *metadata = NULL;
	snprintf(what, sizeof what, "brokers %s", brokers);
	rd_kafka_resp_err_t err = rd_kafka_metadata(client, 0, NULL, &metadata, TIMEOUT_MS);
	if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		snprintf(text, sizeof text, "%d in the cluster", metadata->broker_cnt);
		report(context, "ok", what, text);
		rd_kafka_metadata_destroy(metadata);
		return true;
	}
	snprintf(text, sizeof text, "%s; look at 'brokers', the network, and TLS and SASL in 'properties'",
		 rd_kafka_err2str(err));
	report(context, "error", what, text);
	return false;
}

void kafka_check(const struct source_options *options, source_report *report, void *context)
{
	char reason[512];
	struct err e;
	enum kafka_start start;
	rd_kafka_conf_t *conf = kafka_conf_create(options, &start, &e);
	if (conf == NULL) {
		report(context, "error", "properties", e.text);
		return;
	}
	/* Callbacks need a source that runs. */
	rd_kafka_conf_set_rebalance_cb(conf, NULL);
	rd_kafka_conf_set_error_cb(conf, NULL);
	rd_kafka_conf_set_stats_cb(conf, NULL);
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, reason, sizeof reason);
	if (client == NULL) {
		rd_kafka_conf_destroy(conf);
		report(context, "error", "properties", reason);
		return;
	}
	if (report_brokers(client, options->kafka.brokers, report, context)) {
		for (size_t i = 0; i < options->kafka.topic_count; i++)
			report_topic(client, options->kafka.topics[i], report, context);
	}
	rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}
