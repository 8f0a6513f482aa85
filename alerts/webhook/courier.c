/*
 * For mails.  In a multi handle, too, libcurl waits for a mail server's answer
 * to the whole text, and to "QUIT", in a loop of its own: one server that is
 * slow to answer would hold up every receiver.  In that loop it asks the
 * progress function once a second, which is how it is told to give up.
 */
#include "alerts/webhook/courier.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct courier {
	CURL *easy;
	CURLM *wake;
	pthread_t thread;
	int64_t deadline_us;
	atomic_bool cancelled, over;
	CURLcode code; /* the thread's until it is over */
};

static int is_to_end(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct courier *courier = context;
	(void)a, (void)b, (void)c, (void)d;
	return atomic_load(&courier->cancelled) || monotonic_us() >= courier->deadline_us;
}

static void *run(void *context)
{
	struct courier *c = context;
	c->code = curl_easy_perform(c->easy);
	atomic_store(&c->over, true);
	curl_multi_wakeup(c->wake);
	return NULL;
}

struct courier *courier_start(CURL *easy, int64_t timeout_us, CURLM *wake, struct err *e)
{
	struct courier *c = xcalloc(1, sizeof *c);
	c->easy = easy;
	c->wake = wake;
	c->deadline_us = monotonic_us() + timeout_us + SECOND_US; /* curl's own time-out comes first, and says more */
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, is_to_end);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, c);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	int error = pthread_create(&c->thread, NULL, run, c);
	if (error == 0) {
		pthread_setname_np(c->thread, "courier");
		return c;
	}
	err_sys(e, error, "no thread for the mail");
	free(c);
	return NULL;
}

bool courier_is_over(struct courier *c, CURLcode *code)
{
	bool over = atomic_load(&c->over);
	if (over)
		*code = c->code;
	return over;
}

void courier_cancel(struct courier *c)
{
	if (c != NULL)
		atomic_store(&c->cancelled, true);
}

void courier_free(struct courier *c)
{
	if (c == NULL)
		return;
	courier_cancel(c);
	pthread_join(c->thread, NULL);
	free(c);
}
