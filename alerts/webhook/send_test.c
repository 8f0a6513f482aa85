/* One message by hand, the same way that alerts go. */
#include "alerts/webhook.h"

#include "alerts/webhook/attempt.h"
#include "daemon/base/check.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static char *test_payload(const char *id, int64_t now_us)
{
	char now[64];
	json_t *alert = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:[]}", "id", id, "event", 1, "rule", "bellwether-test", "topic",
				  "test", "state", "test", "at", time_format_iso(now_us, now, sizeof now), "evidence");
	return format_dump(alert);
}

static void perform(CURLM *multi)
{
	int running, left;
	curl_multi_perform(multi, &running);
	for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;)
		attempt_finish(message->easy_handle, message->data.result);
}

static void wait_for(CURLM *multi, struct attempt *attempt, struct outcome *outcome)
{
	struct waits waits = {0};
	for (;;) {
		perform(multi);
		if (attempt_is_over(attempt, outcome))
			break;
		int64_t wait_us = attempt_deadline_us(attempt) - monotonic_us();
		int wait_ms = wait_us >= SECOND_US ? 1000 : wait_us > 0 ? (int)(wait_us / 1000) + 1 : 0;
		waits.count = 0;
		waits_add(&waits, attempt);
		curl_multi_poll(multi, waits.each, (unsigned)waits.count, wait_ms, NULL);
	}
	free(waits.each);
}

static int send_test(const struct settings *settings, CURLM *multi, struct err *e)
{
	char id[64];
	int64_t now_us = clock_now_us(&wall_clock);
	snprintf(id, sizeof id, "test-%" PRId64, now_us);
	char *payload = test_payload(id, now_us);
	CHECK(payload != NULL);
	struct envelope envelope = {id, payload, false};
	struct attempt *attempt = attempt_start(settings, &envelope, now_us, multi, e);
	free(payload);
	if (attempt == NULL)
		return -1;

	struct outcome outcome;
	wait_for(multi, attempt, &outcome);
	attempt_free(attempt);
	err_set(e, "%s", outcome.error);
	return outcome.kind == OUTCOME_TAKEN ? 0 : -1;
}

int webhook_send_test(const struct receiver_spec *receiver, struct err *e)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, "libcurl does not start");
	struct settings *settings = settings_create(receiver, e);
	if (settings == NULL)
		return -1;
	CURLM *multi = curl_multi_init();
	CHECK(multi != NULL);
	int result = send_test(settings, multi, e);
	curl_multi_cleanup(multi);
	settings_free(settings);
	return result;
}
