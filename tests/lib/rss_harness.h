#ifndef TESTS_RSS_HARNESS_H
#define TESTS_RSS_HARNESS_H

#include "tests/lib/feed_server.h"
#include "tests/lib/run.h"
#include "tests/lib/source_harness.h"

#include <jansson.h>

/* What the tests of feeds over HTTP share: one server, options for a feed of it, what it was asked. */
#define SHORT_US (SECOND_US / 20)
#define LONG_US (10 * SECOND_US)

static struct feed_server server;
static const char *server_host = "127.0.0.1";
static char urls[4][256];
static const char *url_list[4];

static inline void start_server(void)
{
	feed_server_start(&server, server_host);
}

static inline void stop_server(void)
{
	feed_server_stop(&server);
}

/* Options for one feed at that path of the server. */
static inline struct source_options options_for(const char *path)
{
	snprintf(urls[0], sizeof(urls[0]), "http://127.0.0.1:%d%s", server.port, path);
	url_list[0] = urls[0];
	return (struct source_options){
		.name = "feeds",
		.kind = SOURCE_RSS,
		.rss = {.urls = url_list, .url_count = 1, .interval_us = SHORT_US, .timeout_us = SECOND_US,
			.max_bytes = 1 << 20, .allow_private = true},
	};
}

/* The requests that the server saw for that feed. */
static inline json_t *log_of(const char *feed)
{
	char *text = feed_server_get(&server, "/control/log?feed=%s", feed);
	json_t *log = json_loads(text, 0, NULL);

	free(text);
	ck_assert(json_is_array(log));
	return log;
}

static inline const char *header_of(json_t *log, size_t index, const char *name)
{
	return json_string_value(json_object_get(json_object_get(json_array_get(log, index), "headers"), name));
}

static inline int status_of(json_t *log, size_t index)
{
	return (int)json_integer_value(json_object_get(json_array_get(log, index), "status"));
}

static inline double time_of(json_t *log, size_t index)
{
	return json_real_value(json_object_get(json_array_get(log, index), "at"));
}

static inline void wait_requests(const char *feed, size_t count)
{
	for (int i = 0; i < 400; i++) {
		json_t *log = log_of(feed);
		size_t seen = json_array_size(log);

		json_decref(log);
		if (seen >= count)
			return;
		usleep(25000);
	}
	ck_abort_msg("%s was not asked %zu times", feed, count);
}

/* Run the suite that `add_tests` fills, with the server; the exit status. */
static inline int run_with_server(const char *name, void (*add_tests)(TCase *))
{
	TCase *tests = tcase_create(name);

	if (system("python3 -c '' 2>/dev/null") != 0) {
		puts("python3 is missing: the feed server of this test needs it");
		return 77;
	}
	tcase_add_unchecked_fixture(tests, start_server, stop_server);
	tcase_set_timeout(tests, 60);
	add_tests(tests);
	return run_case(name, tests);
}

#endif
