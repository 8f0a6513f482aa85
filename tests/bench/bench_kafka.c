/*
 * Messages a second from a broker into the queue, which another thread empties:
 * what the pipeline can get at most.
 *
 *   bench_kafka BROKERS TOPIC COUNT
 */
#include "daemon/base/clock.h"
#include "daemon/base/item.h"
#include "daemon/base/queue.h"
#include "ingest/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define QUEUE_COUNT 8192
#define QUEUE_WEIGHT (64 * 1024 * 1024)

static double process_cpu_s(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: bench_kafka BROKERS TOPIC COUNT\n");
		return 2;
	}
	struct err e;
	char group[64];
	const char *topics[] = {argv[2]};
	snprintf(group, sizeof group, "bench-%d", (int)getpid());
	struct source_options options = {
		.name = "bench",
		.kind = SOURCE_KAFKA,
		.kafka = {.brokers = argv[1], .topics = topics, .topic_count = 1, .group = group, .instance_id = group},
	};
	struct queue *queue = queue_create(QUEUE_COUNT, QUEUE_WEIGHT);
	struct source *source = source_open(&options, NULL, 0, queue, &e);
	if (source == NULL || source_start(source, &e) == -1) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	long count = atol(argv[3]), seen = 0;
	int64_t began_us = 0;
	double cpu_s = 0;
	while (seen < count) {
		void *items[256];
		size_t popped = 0;
		if (queue_pop(queue, items, 256, &popped, 30 * SECOND_US) != QUEUE_OK)
			break;
		if (began_us == 0) {
			began_us = monotonic_us();
			cpu_s = process_cpu_s();
		}
		for (size_t i = 0; i < popped; i++) {
			seen += ((struct item *)items[i])->kind == ITEM_DOCUMENT;
			item_free(items[i]);
		}
	}
	double seconds = (double)(monotonic_us() - began_us) / 1e6;
	printf("%ld documents in %.2f s: %.0f a second, %.2f us of CPU each in all threads\n", seen, seconds,
	       (double)seen / seconds, (process_cpu_s() - cpu_s) / (double)seen * 1e6);
	source_stop(source);
	void *left;
	for (size_t popped; queue_pop(queue, &left, 1, &popped, 0) == QUEUE_OK;)
		item_free(left);
	source_close(source);
	queue_free(queue);
	return seen == count ? 0 : 1;
}
