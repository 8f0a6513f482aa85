/*
 * Lines of standard input into a topic, each once: the producer is idempotent
 * and waits for broker restarts, so that a test may count.
 *
 *   produce --brokers HOST:PORT --topic NAME [--partitions N] [--rate PER_SECOND] [--repeat N]
 *
 * The topic is created where it is missing (N partitions, 1 where not said).
 * --repeat writes the whole input N times.  Ends with 0 once the broker has
 * every line, and says how many there were.
 */
#include "daemon/base/clock.h"

#include <librdkafka/rdkafka.h>

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct settings {
	const char *brokers, *topic;
	int partitions;
	double rate; /* 0 = as fast as possible */
	long repeat;
};

struct input {
	char **lines;
	size_t count;
};

static unsigned long delivered, failed;

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
	(void)client, (void)opaque;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
		delivered++;
		return;
	}
	if (failed++ == 0)
		fprintf(stderr, "produce: %s\n", rd_kafka_err2str(message->err));
}

static void die(const char *what)
{
	fprintf(stderr, "produce: %s\n", what);
	exit(EXIT_FAILURE);
}

static rd_kafka_t *connect_client(const struct settings *settings)
{
	static const char *const properties[][2] = {
		{"enable.idempotence", "true"},
		{"linger.ms", "2"},
		{"queue.buffering.max.messages", "100000"},
		{"message.timeout.ms", "300000"},
		{"message.max.bytes", "20000000"},
		{"reconnect.backoff.max.ms", "1000"},
		{"log_level", "3"},
	};
	char text[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++) {
		if (rd_kafka_conf_set(conf, properties[i][0], properties[i][1], text, sizeof text) != RD_KAFKA_CONF_OK)
			die(text);
	}
	if (rd_kafka_conf_set(conf, "bootstrap.servers", settings->brokers, text, sizeof text) != RD_KAFKA_CONF_OK)
		die(text);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof text);
	if (client == NULL)
		die(text);
	return client;
}

static void create_topic(rd_kafka_t *client, const struct settings *settings)
{
	char text[512];
	size_t count;
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(settings->topic, settings->partitions, 1, text, sizeof text);
	if (topic == NULL)
		die(text);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_CreateTopics(client, &topic, 1, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 60000);
	const rd_kafka_CreateTopics_result_t *result = event != NULL ? rd_kafka_event_CreateTopics_result(event) : NULL;
	if (result == NULL || rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		die(event != NULL ? rd_kafka_event_error_string(event) : "no answer to the topic's creation");
	const rd_kafka_topic_result_t *answer = rd_kafka_CreateTopics_result_topics(result, &count)[0];
	rd_kafka_resp_err_t err = rd_kafka_topic_result_error(answer);
	if (err != RD_KAFKA_RESP_ERR_NO_ERROR && err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
		die(rd_kafka_err2str(err));
	rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	rd_kafka_NewTopic_destroy(topic);
}

/* Not before its turn. */
static void pace(const struct settings *settings, int64_t began_us, unsigned long number)
{
	if (settings->rate <= 0)
		return;
	int64_t wait_us = began_us + (int64_t)((double)number / settings->rate * 1e6) - monotonic_us();
	if (wait_us <= 0)
		return;
	struct timespec span = {wait_us / SECOND_US, wait_us % SECOND_US * 1000};
	nanosleep(&span, NULL);
}

static void produce(rd_kafka_t *client, const struct settings *settings, const char *line)
{
	for (;;) {
		rd_kafka_resp_err_t err = rd_kafka_producev(
			client, RD_KAFKA_V_TOPIC(settings->topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
			RD_KAFKA_V_VALUE((void *)line, strlen(line)), RD_KAFKA_V_END);
		if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
			break;
		if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			die(rd_kafka_err2str(err));
		rd_kafka_poll(client, 10);
	}
	rd_kafka_poll(client, 0);
}

/* Each line as it arrives; kept where it is needed again. */
static unsigned long produce_input(rd_kafka_t *client, const struct settings *settings, struct input *input)
{
	char *line = NULL;
	size_t room = 0;
	unsigned long number = 0;
	int64_t began_us = monotonic_us();
	for (ssize_t length; (length = getline(&line, &room, stdin)) >= 0;) {
		if (length > 0 && line[length - 1] == '\n')
			line[length - 1] = '\0';
		pace(settings, began_us, number++);
		produce(client, settings, line);
		if (number == 1) {
			/* The first line opens the way (a second goes by), so that no other waits here for it. */
			rd_kafka_flush(client, 60000);
			began_us = monotonic_us();
		}
		if (settings->repeat > 1) {
			input->lines = realloc(input->lines, (input->count + 1) * sizeof input->lines[0]);
			input->lines[input->count++] = strdup(line);
		}
	}
	free(line);
	for (long round = 1; round < settings->repeat; round++) {
		for (size_t i = 0; i < input->count; i++) {
			pace(settings, began_us, number++);
			produce(client, settings, input->lines[i]);
		}
	}
	return number;
}

static struct settings read_arguments(int argc, char **argv)
{
	static const struct option options[] = {
		{"brokers", required_argument, NULL, 'b'}, {"topic", required_argument, NULL, 't'},
		{"partitions", required_argument, NULL, 'p'}, {"rate", required_argument, NULL, 'r'},
		{"repeat", required_argument, NULL, 'n'}, {0},
	};
	struct settings settings = {.partitions = 1, .repeat = 1};
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (option) {
		case 'b': settings.brokers = optarg; break;
		case 't': settings.topic = optarg; break;
		case 'p': settings.partitions = atoi(optarg); break;
		case 'r': settings.rate = atof(optarg); break;
		case 'n': settings.repeat = atol(optarg); break;
		default: exit(2);
		}
	}
	if (settings.brokers == NULL || settings.topic == NULL || settings.partitions < 1 || optind < argc) {
		fprintf(stderr, "usage: produce --brokers HOST:PORT --topic NAME [--partitions N] [--rate PER_SECOND] "
				"[--repeat N]\n");
		exit(2);
	}
	return settings;
}

int main(int argc, char **argv)
{
	struct settings settings = read_arguments(argc, argv);
	struct input input = {NULL, 0};
	rd_kafka_t *client = connect_client(&settings);
	create_topic(client, &settings);
	int64_t began_us = monotonic_us();
	unsigned long count = produce_input(client, &settings, &input);
	while (rd_kafka_outq_len(client) > 0)
		rd_kafka_poll(client, 100);
	double seconds = (double)(monotonic_us() - began_us) / 1e6;
	printf("produced %lu of %lu lines in %.1f s (%.0f a second)\n", delivered, count, seconds,
	       (double)delivered / seconds);
	rd_kafka_destroy(client);
	for (size_t i = 0; i < input.count; i++)
		free(input.lines[i]);
	free(input.lines);
	return failed == 0 && delivered == count ? EXIT_SUCCESS : EXIT_FAILURE;
}
