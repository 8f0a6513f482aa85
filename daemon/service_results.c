/*
 * What became of deliveries, on its way to the writer.  While the database
 * cannot be written the writer's queue is full, and the webhook thread must not
 * wait for it: it has messages to send that say just that.  So what finds no
 * room is kept here, the last of each delivery, and the driving thread brings
 * it along.
 */
#include "daemon/service_private.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

static bool push(struct service *s, const struct webhook_result *result, int64_t wait_us)
{
	struct writer_entry *entry = xcalloc(1, sizeof *entry);
	entry->kind = ENTRY_DELIVERY_RESULT;
	entry->result = *result;
	enum queue_result pushed = queue_push(s->entries, entry, sizeof *entry, wait_us);
	if (pushed != QUEUE_OK)
		free(entry);
	/* Where the daemon is ending the delivery stays pending, and is sent again. */
	return pushed != QUEUE_TIMED_OUT;
}

static void keep(struct service *s, const struct webhook_result *result)
{
	for (size_t i = 0; i < s->result_count; i++)
		if (s->results[i].delivery == result->delivery) {
			s->results[i] = *result;
			return;
		}
	if (s->result_count == s->result_room) {
		s->result_room = s->result_room > 0 ? s->result_room * 2 : 16;
		s->results = xrealloc(s->results, s->result_room * sizeof *s->results);
	}
	s->results[s->result_count++] = *result;
}

void service_take_result(struct service *s, const struct webhook_result *result)
{
	pthread_mutex_lock(&s->results_lock);
	if (s->result_count > 0 || !push(s, result, 0))
		keep(s, result);
	pthread_mutex_unlock(&s->results_lock);
}

void service_push_results(struct service *s, int64_t wait_us)
{
	size_t done = 0;
	pthread_mutex_lock(&s->results_lock);
	while (done < s->result_count && push(s, &s->results[done], wait_us))
		done++;
	s->result_count -= done;
	if (done > 0)
		memmove(s->results, s->results + done, s->result_count * sizeof *s->results);
	pthread_mutex_unlock(&s->results_lock);
}
