/*
 * Entries are pointers in a sorted array: a topic has few partitions, they are
 * never forgotten, and a pointer to one stays good while others are added.
 */
#include "ingest/kafka/partitions.h"

#include "daemon/base/check.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits only; -1 where `text` does not start with one, or does not fit. */
static int64_t parse_digits(const char *text, char **end)
{
	if (text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	long long value = strtoll(text, end, 10);
	return errno == 0 ? value : -1;
}

/* "" is a position, too: nothing read.  False where the text is no position. */
static bool position_parse(const char *text, struct kafka_position *position)
{
	char *end;
	*position = (struct kafka_position){-1, -1};
	if (text[0] == '\0')
		return true;
	position->offset = parse_digits(text, &end);
	if (position->offset == -1)
		return false;
	if (*end == '@') {
		position->last_ms = parse_digits(end + 1, &end);
		if (position->last_ms == -1)
			return false;
	}
	return *end == '\0';
}

/* snprintf would take a fifth of the time that a message costs altogether. */
static char *append_digits(char *out, int64_t value)
{
	char digits[20];
	size_t at = sizeof digits;
	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	memcpy(out, digits + at, sizeof digits - at);
	return out + (sizeof digits - at);
}

void kafka_position_format(const struct kafka_position *position, char out[KAFKA_POSITION_SIZE])
{
	if (position->offset >= 0) {
		out = append_digits(out, position->offset);
		if (position->last_ms >= 0) {
			*out++ = '@';
			out = append_digits(out, position->last_ms);
		}
	}
	*out = '\0';
}

bool kafka_stream_parse(const char *stream, char *topic, int32_t *number)
{
	const char *slash = strrchr(stream, '/');
	char *end;
	if (slash == NULL || slash == stream)
		return false;
	int64_t value = parse_digits(slash + 1, &end);
	if (value < 0 || value > INT32_MAX || *end != '\0')
		return false;
	memcpy(topic, stream, (size_t)(slash - stream));
	topic[slash - stream] = '\0';
	*number = (int32_t)value;
	return true;
}

void partitions_init(struct partitions *partitions)
{
	*partitions = (struct partitions){.entries = NULL};
	pthread_mutex_init(&partitions->lock, NULL);
}

void partitions_clear(struct partitions *partitions)
{
	for (size_t i = 0; i < partitions->count; i++) {
		free(partitions->entries[i]->topic);
		free(partitions->entries[i]->stream);
		free(partitions->entries[i]);
	}
	free(partitions->entries);
	pthread_mutex_destroy(&partitions->lock);
}

static int compare(const struct partition *partition, const char *topic, int32_t number)
{
	int order = strcmp(partition->topic, topic);
	return order != 0 ? order : (partition->number > number) - (partition->number < number);
}

/* Where it is, or where it belongs. */
static size_t lower_bound(const struct partitions *partitions, const char *topic, int32_t number)
{
	size_t low = 0, high = partitions->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare(partitions->entries[middle], topic, number) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct partition *find(const struct partitions *partitions, const char *topic, int32_t number)
{
	size_t at = lower_bound(partitions, topic, number);
	if (at == partitions->count || compare(partitions->entries[at], topic, number) != 0)
		return NULL;
	return partitions->entries[at];
}

static struct partition *partition_create(const char *topic, int32_t number)
{
	struct partition *partition = xcalloc(1, sizeof *partition);
	size_t size = strlen(topic) + 16;
	partition->topic = xstrdup(topic);
	partition->number = number;
	partition->stream = xmalloc(size);
	snprintf(partition->stream, size, "%s/%" PRId32, topic, number);
	partition->position = (struct kafka_position){-1, -1};
	partition->sent = partition->committed = -1;
	return partition;
}

struct partition *partitions_get(struct partitions *partitions, const char *topic, int32_t number)
{
	if (partitions->last != NULL && compare(partitions->last, topic, number) == 0)
		return partitions->last;
	struct partition *partition = find(partitions, topic, number);
	if (partition == NULL) {
		partition = partition_create(topic, number);
		pthread_mutex_lock(&partitions->lock);
		size_t at = lower_bound(partitions, topic, number), count = partitions->count++;
		partitions->entries = xrealloc(partitions->entries, (count + 1) * sizeof partitions->entries[0]);
		memmove(partitions->entries + at + 1, partitions->entries + at,
			(count - at) * sizeof partitions->entries[0]);
		partitions->entries[at] = partition;
		pthread_mutex_unlock(&partitions->lock);
	}
	return partitions->last = partition;
}

int partitions_restore(struct partitions *partitions, const char *topic, int32_t number, const char *next,
		       struct err *e)
{
	struct partition *partition = partitions_get(partitions, topic, number);
	if (!position_parse(next, &partition->position) || strlen(next) >= sizeof partition->next)
		return err_set(e, "saved position '%.60s' of %s is not a Kafka offset", next, partition->stream);
	strcpy(partition->next, next);
	partition->committed = partition->position.offset;
	return 0;
}

void partitions_committed(struct partitions *partitions, const char *stream, const char *next)
{
	char topic[512];
	int32_t number;
	struct kafka_position position;
	if (strlen(stream) >= sizeof topic || !kafka_stream_parse(stream, topic, &number) ||
	    !position_parse(next, &position))
		return;
	pthread_mutex_lock(&partitions->lock);
	struct partition *partition = find(partitions, topic, number);
	if (partition != NULL)
		partition->committed = position.offset;
	pthread_mutex_unlock(&partitions->lock);
}

size_t partitions_assigned(const struct partitions *partitions, const char *topic)
{
	size_t assigned = 0;
	for (size_t i = 0; i < partitions->count; i++) {
		const struct partition *partition = partitions->entries[i];
		assigned += partition->assigned && (topic == NULL || strcmp(topic, partition->topic) == 0);
	}
	return assigned;
}

rd_kafka_topic_partition_list_t *partitions_list(const struct partitions *partitions)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)partitions->count);
	for (size_t i = 0; i < partitions->count; i++) {
		const struct partition *partition = partitions->entries[i];
		if (partition->assigned)
			rd_kafka_topic_partition_list_add(list, partition->topic, partition->number);
	}
	return list;
}

rd_kafka_topic_partition_list_t *partitions_take_commits(struct partitions *partitions)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
	pthread_mutex_lock(&partitions->lock);
	for (size_t i = 0; i < partitions->count; i++) {
		struct partition *partition = partitions->entries[i];
		if (!partition->assigned || partition->committed < 0 || partition->committed == partition->sent)
			continue;
		rd_kafka_topic_partition_list_add(list, partition->topic, partition->number)->offset =
			partition->committed;
		partition->sent = partition->committed;
	}
	pthread_mutex_unlock(&partitions->lock);
	if (list->cnt > 0)
		return list;
	rd_kafka_topic_partition_list_destroy(list);
	return NULL;
}
