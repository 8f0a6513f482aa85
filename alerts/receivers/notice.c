#include "alerts/receivers/notice.h"

#include "alerts/receivers/text.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>

static const char *state_of(enum message_kind kind, const json_t *alert)
{
	switch (kind) {
	case MESSAGE_RESOLVED: return "Resolved";
	case MESSAGE_DIGEST: return "Late";
	case MESSAGE_HEARTBEAT: return "Heartbeat";
	case MESSAGE_TEST: return "Test";
	case MESSAGE_UPDATE: return "Update";
	case MESSAGE_FIRING: break;
	}
	if (strcmp(alert_text(alert, "state"), "pending") == 0)
		return "Pending";
	if (strcmp(alert_text(alert, "change"), "renewed") == 0)
		return "Still firing";
	return alert_is_self(alert) ? "Warning" : "Firing";
}

static enum notice_tone tone_of(enum message_kind kind, const json_t *alert)
{
	switch (kind) {
	case MESSAGE_RESOLVED: return TONE_GOOD;
	case MESSAGE_DIGEST: return TONE_WARNING;
	case MESSAGE_TEST: return TONE_PLAIN;
	case MESSAGE_HEARTBEAT: return strcmp(alert_text(alert, "status"), "ok") == 0 ? TONE_PLAIN : TONE_WARNING;
	default: return alert_is_self(alert) || json_is_true(json_object_get(alert, "late")) ? TONE_WARNING : TONE_ALARM;
	}
}

struct notice *notice_create(const struct message *message, size_t items_max)
{
	struct notice *notice = xcalloc(1, sizeof *notice);
	notice->tone = tone_of(message->kind, message->alert);
	notice->state = state_of(message->kind, message->alert);
	notice->summary = notice_summary(message->kind, message->alert);
	notice_add_facts(notice, message->kind, message->alert);
	notice_add_items(notice, message->kind, message->alert, items_max);
	return notice;
}

void notice_free(struct notice *notice)
{
	if (notice == NULL)
		return;
	free(notice->summary);
	for (size_t i = 0; i < notice->fact_count; i++)
		free(notice->facts[i].value);
	for (size_t i = 0; i < notice->item_count; i++) {
		free(notice->items[i].title);
		free(notice->items[i].detail);
	}
	free(notice->items);
	free(notice);
}

char *notice_more(const struct notice *notice)
{
	return notice->more > 0 ? text_format("and %zu more", notice->more) : NULL;
}

char *notice_time(const json_t *alert, const char *key)
{
	const char *text = alert_text(alert, key);
	int64_t time_us;
	char iso[32];
	if (text[0] == '\0')
		return NULL;
	if (!time_parse_iso(text, &time_us))
		return text_line(text, 40);
	time_format_iso(time_us, iso, sizeof iso);
	return text_format("%.10s %.5s UTC", iso, iso + strlen("2026-01-05T"));
}
