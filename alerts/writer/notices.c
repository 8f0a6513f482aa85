/* What the daemon has to say of itself, on its way into the next transaction: whole, since its sayer goes on. */
#include "alerts/writer/private.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

static void notice_free(struct store_notice *notice)
{
	free((char *)notice->subject);
	free((struct watch_alert *)notice->alert);
	free((char *)notice->payload);
	for (size_t i = 0; i < notice->receiver_count; i++)
		free((char *)notice->receivers[i]);
	free((void *)notice->receivers);
	free((bool *)notice->taken);
}

void notices_free(struct notices *notices)
{
	for (size_t i = 0; i < notices->count; i++)
		notice_free(&notices->each[i]);
	free(notices->each);
	*notices = (struct notices){0};
}

/* Of the alert, what a notice has: it rests on no stories. */
static struct watch_alert *copy_alert(const struct watch_alert *from)
{
	struct watch_alert *alert = xmalloc(sizeof *alert);
	*alert = *from;
	alert->evidence = NULL;
	alert->evidence_count = 0;
	alert->members = NULL;
	alert->member_count = 0;
	alert->words = NULL;
	alert->explained = 0;
	alert->group = NULL;
	return alert;
}

static struct store_notice copy_notice(const struct store_notice *from)
{
	struct store_notice notice = {
		.subject = xstrdup(from->subject),
		.alert = copy_alert(from->alert),
		.payload = xstrdup(from->payload),
		.receiver_count = from->receiver_count,
	};
	if (from->receiver_count == 0)
		return notice;
	const char **receivers = xcalloc(from->receiver_count, sizeof *receivers);
	bool *taken = xcalloc(from->receiver_count, sizeof *taken);
	for (size_t i = 0; i < from->receiver_count; i++) {
		receivers[i] = xstrdup(from->receivers[i]);
		taken[i] = from->taken != NULL && from->taken[i];
	}
	notice.receivers = receivers;
	notice.taken = taken;
	return notice;
}

void writer_put_notice(struct writer *writer, const struct store_notice *notice)
{
	struct store_notice copy = copy_notice(notice);
	pthread_mutex_lock(&writer->lock);
	struct notices *notices = &writer->notices;
	if (notices->count == notices->capacity) {
		notices->capacity = notices->capacity > 0 ? notices->capacity * 2 : 8;
		notices->each = xrealloc(notices->each, notices->capacity * sizeof *notices->each);
	}
	notices->each[notices->count++] = copy;
	pthread_mutex_unlock(&writer->lock);
}

void notices_take(struct writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	writer->batch.notices = writer->notices;
	writer->notices = (struct notices){0};
	pthread_mutex_unlock(&writer->lock);
}
