/* One message by hand, the same way that alerts go. */
#include "alerts/webhook.h"

#include "alerts/webhook/request.h"
#include "alerts/webhook/settings.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static char *test_payload(const char *id, int64_t now_us)
{
	char now[64];
	json_t *alert = json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:[]}", "id", id, "event", 1, "rule", "bellwether-test", "topic",
				  "test", "state", "test", "at", time_format_iso(now_us, now, sizeof now), "evidence");
	char *payload = alert != NULL ? json_dumps(alert, JSON_COMPACT) : NULL;
	json_decref(alert);
	return payload;
}

static int send_test(const struct settings *settings, struct err *e)
{
	char id[64];
	int64_t now_us = clock_now_us(&wall_clock);
	snprintf(id, sizeof id, "test-%" PRId64, now_us);
	char *payload = test_payload(id, now_us);
	if (payload == NULL)
		return err_set(e, "out of memory");
	char *body = format_write(settings->format, MESSAGE_TEST, payload, settings->secret, now_us, e);
	free(payload);
	struct request *request = body != NULL ? request_create(settings, id, body, now_us, e) : NULL;
	if (request == NULL)
		return -1;

	struct outcome outcome;
	CURLcode code = curl_easy_perform(request_handle(request));
	request_outcome(request, code, &outcome);
	request_free(request);
	return outcome.kind == OUTCOME_TAKEN ? 0 : err_set(e, "%s", outcome.error);
}

int webhook_send_test(const struct receiver_spec *receiver, struct err *e)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(e, "libcurl does not start");
	struct settings *settings = settings_create(receiver, e);
	if (settings == NULL)
		return -1;
	int result = send_test(settings, e);
	settings_free(settings);
	return result;
}
