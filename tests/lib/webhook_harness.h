#ifndef TESTS_WEBHOOK_HARNESS_H
#define TESTS_WEBHOOK_HARNESS_H

#include "alerts/webhook.h"
#include "daemon/base/check.h"

#include <check.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* tests/lib/receiver.py as a child, a clock that can be moved, and a webhook thread whose results are kept. */

#define HARNESS_SECRET "whsec_TWFkZSB1cCBmb3IgdGVzdHMgb25seSwgMzIgYnl0ZXM="
#define HARNESS_WAIT_US (20 * SECOND_US)

struct post_box {
	pid_t process;
	int input; /* closing it ends the receiver */
	char url[64];
	char log[64];
};

/* A server of tests/lib that says "port N" and ends with its standard input; `options` end with NULL. */
static inline int post_box_start(struct post_box *box, const char *script, const char *const *options)
{
	int in[2], out[2], port = 0;
	char path[512];
	const char *argv[32] = {"python3", path, "--log", box->log};
	snprintf(path, sizeof path, SOURCE_DIR "/tests/lib/%s", script);
	strcpy(box->log, "/tmp/test_webhook.XXXXXX");
	for (size_t i = 4; *options != NULL; i++)
		argv[i] = *options++;
	int fd = mkstemp(box->log);
	ck_assert(fd >= 0 && pipe(in) == 0 && pipe(out) == 0);
	close(fd);
	box->process = fork();
	if (box->process == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		for (int i = 0; i < 2; i++) {
			close(in[i]);
			close(out[i]);
		}
		execvp("python3", (char *const *)argv);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	box->input = in[1];
	FILE *lines = fdopen(out[0], "r");
	ck_assert_msg(fscanf(lines, "port %d", &port) == 1, "%s does not start (python3?)", path);
	fclose(lines);
	return port;
}

static inline void post_box_open(struct post_box *box, const char *responses)
{
	const char *const options[] = {"--secret", HARNESS_SECRET, "--responses", responses, NULL};
	int port = post_box_start(box, "receiver.py", options);
	snprintf(box->url, sizeof box->url, "http://127.0.0.1:%d/hook", port);
}

static inline void post_box_close(struct post_box *box)
{
	close(box->input);
	waitpid(box->process, NULL, 0);
	unlink(box->log);
}

/* What came so far, in order: a new array of the log's rows. */
static inline json_t *post_box_read(const struct post_box *box)
{
	json_t *rows = json_array();
	FILE *file = fopen(box->log, "r");
	ck_assert_ptr_nonnull(file);
	for (json_t *row; (row = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL;)
		json_array_append_new(rows, row);
	fclose(file);
	return rows;
}

static inline size_t post_box_count(const struct post_box *box)
{
	json_t *rows = post_box_read(box);
	size_t count = json_array_size(rows);
	json_decref(rows);
	return count;
}

/* ---- the thread under test ---- */

static atomic_int_fast64_t harness_offset_us;

static inline int64_t harness_now_us(const struct clock *clock)
{
	(void)clock;
	return wall_clock.now_us(&wall_clock) + atomic_load(&harness_offset_us);
}

static const struct clock harness_clock = {harness_now_us};

struct harness {
	struct webhook *webhook;
	int64_t next_id;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct webhook_result results[256];
	size_t count;
};

static inline void harness_done(void *context, const struct webhook_result *result)
{
	struct harness *h = context;
	pthread_mutex_lock(&h->lock);
	CHECK(h->count < sizeof h->results / sizeof *h->results);
	h->results[h->count++] = *result;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static inline void harness_start(struct harness *h, const struct receiver_spec *receivers, size_t count)
{
	struct err e = {.text = ""};
	*h = (struct harness){.next_id = 1, .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
	atomic_store(&harness_offset_us, 0);
	h->webhook = webhook_start(receivers, count, &harness_clock, harness_done, h, &e);
	ck_assert_msg(h->webhook != NULL, "%s", e.text);
}

static inline void harness_stop(struct harness *h)
{
	webhook_stop(h->webhook, 0);
	h->webhook = NULL;
}

/* The payload of event `event` of an alert, as the store makes it. */
static inline char *harness_payload(const char *alert, uint32_t event, bool resolved)
{
	char *payload;
	int length = asprintf(
		&payload,
		"{\"id\":\"%s\",\"event\":%u,\"rule\":\"negative-spike\",\"topic\":\"zorvex\",\"state\":\"%s\",\"at\":\"2026-01-05T09:30:00Z\","
		"\"started\":\"2026-01-05T09:00:00Z\",\"fired\":\"2026-01-05T09:15:00Z\",\"resolved\":%s,\"window_s\":3600,\"count\":14,"
		"\"peak_count\":17,\"expected\":2.1,\"ratio\":6.67,\"p_value\":0.00002,\"documents\":30,\"publishers\":5,\"late\":false,"
		"\"evidence\":[{\"title\":\"Zorvex <recalls> pumps & valves\",\"url\":\"https://news.example/1?a=1&b=2\","
		"\"publisher\":\"Example Wire\",\"published\":\"2026-01-05T09:10:00Z\",\"polarity\":\"negative\",\"score\":-0.9,\"copies\":4,"
		"\"story\":7},{\"title\":\"Zorvex plunges\",\"url\":null,\"publisher\":null,\"published\":null,\"polarity\":null,"
		"\"score\":null,\"copies\":1,\"story\":8}]}",
		alert, event, resolved ? "resolved" : "firing", resolved ? "\"2026-01-05T09:30:00Z\"" : "null");
	ck_assert_int_gt(length, 0);
	return payload;
}

/* Returns the delivery's id. */
static inline int64_t harness_add(struct harness *h, struct delivery delivery)
{
	struct delivery *one = xcalloc(1, sizeof *one);
	*one = delivery;
	one->id = h->next_id++;
	one->receiver = xstrdup(delivery.receiver);
	one->alert = xstrdup(delivery.alert);
	one->payload = delivery.payload != NULL ? xstrdup(delivery.payload)
						: harness_payload(delivery.alert, delivery.event, delivery.resolved);
	webhook_add(h->webhook, one, 1);
	return h->next_id - 1;
}

/* The clock jumps ahead, and the thread looks at it. */
static inline void harness_advance(struct harness *h, int64_t by_us)
{
	atomic_fetch_add(&harness_offset_us, by_us);
	webhook_add(h->webhook, NULL, 0);
}

/* Waits for the `number`-th result of all (from 1). */
static inline struct webhook_result harness_result(struct harness *h, size_t number)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += HARNESS_WAIT_US / SECOND_US;
	int error = 0;
	pthread_mutex_lock(&h->lock);
	while (h->count < number && error == 0)
		error = pthread_cond_timedwait(&h->changed, &h->lock, &until);
	struct webhook_result result = h->results[number - 1];
	size_t count = h->count;
	pthread_mutex_unlock(&h->lock);
	ck_assert_msg(count >= number, "result %zu does not come: %zu came", number, count);
	return result;
}

static inline size_t harness_result_count(struct harness *h)
{
	pthread_mutex_lock(&h->lock);
	size_t count = h->count;
	pthread_mutex_unlock(&h->lock);
	return count;
}

/* Long enough for the thread to do what it should not do. */
static inline void harness_let_it_be(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 300 * 1000 * 1000}, NULL);
}

/* ---- what most tests use: one receiver, "desk", at one post box ---- */

static struct post_box box __attribute__((unused));
static struct harness h __attribute__((unused));

static inline struct receiver_spec desk(void)
{
	return (struct receiver_spec){.name = "desk", .url = box.url, .format = "standard", .secret = HARNESS_SECRET,
				      .timeout_us = 2 * SECOND_US};
}

static inline struct delivery firing(const char *alert, uint32_t event)
{
	return (struct delivery){.receiver = "desk", .alert = (char *)alert, .event = event};
}

static inline struct delivery resolved(const char *alert, uint32_t event)
{
	return (struct delivery){.receiver = "desk", .alert = (char *)alert, .event = event, .resolved = true};
}

static inline const char *text_at(const json_t *rows, size_t index, const char *key)
{
	const char *value = json_string_value(json_object_get(json_array_get(rows, index), key));
	return value != NULL ? value : "(none)";
}

#endif
