/*
 * Signs of life.  They say that everything works from the sources to the
 * database, so they end where it does not: whoever watches for them hears of
 * a daemon that hangs, of a disk that is full, of a machine that is gone, by
 * the same silence.
 */
#include "daemon/service_private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *source_array(struct service *s)
{
	json_t *array = json_array();
	for (size_t i = 0; i < s->source_count; i++) {
		struct source_health health;
		source_get_health(s->sources[i], &health);
		json_array_append_new(array, json_pack("{s:s, s:s, s:o}", "name", s->config->sources[i].options.name, "state",
						       source_state_name(health.state), "lag",
						       health.lag >= 0 ? json_integer(health.lag) : json_null()));
	}
	return array;
}

static json_t *subject_array(struct service *s, size_t *count)
{
	json_t *array = json_array();
	char **open = service_self_open(s->own, count);
	for (size_t i = 0; i < *count; i++) {
		json_array_append_new(array, json_string(open[i]));
		free(open[i]);
	}
	free(open);
	return array;
}

/* "status" is "ok", or "degraded" while an alert on the daemon itself is open; "interval_s" says when the next is due. */
static char *write_payload(struct service *s, int64_t every_us)
{
	struct writer_status status;
	char id[64], now[64];
	size_t problems;
	int64_t now_us = clock_now_us(&wall_clock);
	writer_get_status(s->writer, &status);
	snprintf(id, sizeof id, "heartbeat-%lld", (long long)(now_us / SECOND_US));
	json_t *subjects = subject_array(s, &problems);
	json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:I, s:s, s:s, s:o, s:I}", "id", id, "state", "heartbeat", "at",
				 time_format_iso(now_us, now, sizeof now), "status", problems > 0 ? "degraded" : "ok",
				 "documents", (json_int_t)status.documents, "sources", source_array(s), "alerts_firing",
				 (json_int_t)status.alerts_firing, "version", BELLWETHER_VERSION, "model",
				 classifier_get_info(s->classifier)->version, "problems", subjects, "interval_s",
				 (json_int_t)(every_us / SECOND_US));
	CHECK(json != NULL);
	char *payload = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	CHECK(payload != NULL);
	return payload;
}

void service_reset_heartbeats(struct service *s)
{
	free(s->heartbeats_due_us);
	s->heartbeats_due_us = xcalloc(s->config->heartbeat_count + 1, sizeof *s->heartbeats_due_us);
}

void service_beat(struct service *s)
{
	char why[512];
	bool ready = false;
	int64_t now = monotonic_us();
	for (size_t i = 0; i < s->config->heartbeat_count; i++) {
		const struct config_heartbeat *heartbeat = &s->config->heartbeats[i];
		if (now < s->heartbeats_due_us[i])
			continue;
		if (!ready && !service_is_ready(s, why, sizeof why))
			return;
		ready = true;
		char *payload = write_payload(s, heartbeat->every_us);
		webhook_heartbeat(s->webhook, heartbeat->receiver, payload);
		free(payload);
		/* By the clock of the first, so that a slow turn does not shift all that follow. */
		int64_t due = s->heartbeats_due_us[i] + heartbeat->every_us;
		s->heartbeats_due_us[i] = due > now ? due : now + heartbeat->every_us;
	}
}
