#include "alerts/webhook/attempt.h"

#include "alerts/receivers/text.h"
#include "alerts/webhook/courier.h"
#include "alerts/webhook/request.h"
#include "daemon/base/check.h"

#include <stdio.h>
#include <stdlib.h>

struct attempt {
	CURLM *multi;
	struct request *request; /* one of these two, or neither: a command that could not be started */
	struct process *process;
	struct courier *courier; /* who brings the request; NULL = the multi handle does, or nobody */
	bool added;              /* to the multi handle */
	bool over;
	struct outcome outcome;  /* once it is over */
};

/* What a script may count on, and nothing of the daemon's own. */
static struct process *start_command(const struct settings *s, const struct envelope *envelope, const char *body, struct err *e)
{
	char *receiver = text_format("BELLWETHER_RECEIVER=%s", s->spec.name);
	char *id = text_format("BELLWETHER_ID=%s", envelope->id);
	const char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
					   receiver, id, NULL};
	struct process_options options = {s->spec.command, environment, body, s->spec.timeout_us};
	struct process *process = process_start(&options, e);
	free(receiver);
	free(id);
	return process;
}

/* What fails here may go well the next time. */
static void fail(struct attempt *a, const struct err *e)
{
	a->over = true;
	a->outcome.kind = OUTCOME_FAILED;
	snprintf(a->outcome.error, sizeof a->outcome.error, "%.250s", e->text);
}

static void start_request(struct attempt *a, const struct settings *s)
{
	struct err e;
	CURL *easy = request_handle(a->request);
	if (s->format->transport == TRANSPORT_SMTP) {
		a->courier = courier_start(easy, s->spec.timeout_us, a->multi, &e);
		if (a->courier == NULL)
			fail(a, &e);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_PRIVATE, a);
	CHECK(curl_multi_add_handle(a->multi, easy) == CURLM_OK);
	a->added = true;
}

struct attempt *attempt_start(const struct settings *settings, const struct envelope *envelope, int64_t now_us, CURLM *multi,
			      struct err *e)
{
	struct err failure;
	char *body = format_write(settings->format, &settings->spec, envelope, now_us, e);
	if (body == NULL)
		return NULL;
	struct attempt *a = xcalloc(1, sizeof *a);
	a->multi = multi;
	if (settings->format->transport == TRANSPORT_COMMAND) {
		a->process = start_command(settings, envelope, body, &failure);
		free(body);
		if (a->process == NULL)
			fail(a, &failure);
		return a;
	}
	a->request = request_create(settings, envelope->id, body, now_us, e);
	if (a->request == NULL) {
		free(a);
		return NULL;
	}
	start_request(a, settings);
	return a;
}

void attempt_cancel(struct attempt *a)
{
	if (a != NULL)
		courier_cancel(a->courier);
}

void attempt_free(struct attempt *a)
{
	if (a == NULL)
		return;
	courier_free(a->courier);
	if (a->added)
		CHECK(curl_multi_remove_handle(a->multi, request_handle(a->request)) == CURLM_OK);
	request_free(a->request);
	process_free(a->process);
	free(a);
}

void attempt_finish(CURL *easy, CURLcode code)
{
	struct attempt *a = NULL;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&a);
	request_outcome(a->request, code, &a->outcome);
	a->over = true;
}

bool attempt_is_over(struct attempt *a, struct outcome *out)
{
	CURLcode code;
	if (!a->over && a->process != NULL)
		a->over = process_is_over(a->process, &a->outcome);
	if (!a->over && a->courier != NULL && courier_is_over(a->courier, &code)) {
		request_outcome(a->request, code, &a->outcome);
		a->over = true;
	}
	if (a->over)
		*out = a->outcome;
	return a->over;
}

void waits_add(struct waits *waits, const struct attempt *a)
{
	if (a->process == NULL || a->over)
		return;
	if (waits->count + PROCESS_WAITS > waits->capacity) {
		waits->capacity = 2 * waits->capacity + PROCESS_WAITS;
		waits->each = xrealloc(waits->each, waits->capacity * sizeof *waits->each);
	}
	waits->count += process_waits(a->process, waits->each + waits->count);
}

int64_t attempt_deadline_us(const struct attempt *a)
{
	if (a->over)
		return 0;
	return a->process != NULL ? process_deadline_us(a->process) : INT64_MAX;
}
