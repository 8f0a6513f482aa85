/*
 * The receiver is somebody else's machine: redirects are not followed (they
 * would carry signed alerts elsewhere, or into this network), only the
 * format's own protocols are spoken, the whole exchange has one time-out, and
 * of its answer nothing is kept but the status and Retry-After.
 */
#include "alerts/webhook/request.h"

#include "alerts/webhook/mailing.h"
#include "alerts/webhook/retry.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define USER_AGENT "Bellwether-Webhooks/1.0"
#define CONNECT_TIMEOUT_MS 10000L
/* An answer longer than this is cut off; its status still counts. */
#define ANSWER_MAX (64 << 10)

struct request {
	CURL *easy;
	struct curl_slist *headers;
	struct mailing *mailing; /* NULL = HTTP */
	char *body;
	size_t answered;
	char error[CURL_ERROR_SIZE];
};

static size_t discard(char *data, size_t size, size_t count, void *context)
{
	(void)data;
	struct request *r = context;
	r->answered += size * count;
	return r->answered > ANSWER_MAX ? CURL_WRITEFUNC_ERROR : size * count;
}

/* Header lines are made of it, so it may hold nothing that ends or splits one. */
static int check_id(const char *id, struct err *e)
{
	for (const char *c = id; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return err_set(e, "the alert's id holds a character that no header can");
	return strlen(id) <= 256 ? 0 : err_set(e, "the alert's id is too long");
}

static void set_common(struct request *r, const struct settings *s, const char *protocols)
{
	long timeout_ms = (long)(s->spec.timeout_us / 1000);
	CURL *easy = r->easy;
	CURLcode code = curl_easy_setopt(easy, CURLOPT_URL, s->spec.url);
	CHECK(code == CURLE_OK);
	code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
	CHECK(code == CURLE_OK);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, r->error);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* who gives up on a name does not wait for the name server all the same */
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS);
	if (s->spec.ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, s->spec.ca_file);
}

/* ---- HTTP ---- */

static void add_header(struct request *r, const char *line)
{
	struct curl_slist *list = curl_slist_append(r->headers, line);
	CHECK(list != NULL);
	r->headers = list;
}

static int add_headers(struct request *r, const struct settings *s, const char *id, int64_t now_us, struct err *e)
{
	char line[2048], signature[1900];
	int64_t now_s = now_us / SECOND_US;
	add_header(r, "Content-Type: application/json");
	add_header(r, "Accept: */*");
	add_header(r, "Expect:"); /* no waiting for "100 Continue" */
	snprintf(line, sizeof line, "webhook-id: %s", id);
	add_header(r, line);
	snprintf(line, sizeof line, "webhook-timestamp: %" PRId64, now_s);
	add_header(r, line);
	if (s->spec.secret == NULL || s->format->secret != SECRET_SIGNS)
		return 0;
	if (webhook_sign(s->spec.secret, id, now_s, r->body, strlen(r->body), signature, sizeof signature, e) != 0)
		return -1;
	snprintf(line, sizeof line, "webhook-signature: %s", signature);
	add_header(r, line);
	return 0;
}

static int prepare_http(struct request *r, const struct settings *s, const char *id, int64_t now_us, struct err *e)
{
	CURL *easy = r->easy;
	if (add_headers(r, s, id, now_us, e) != 0)
		return -1;
	set_common(r, s, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r->body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(r->body));
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, r->headers);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, USER_AGENT);
	return 0;
}

/* Seconds or an HTTP date: curl reads both. */
static int64_t retry_after_us(const struct request *r)
{
	curl_off_t seconds = 0;
	curl_easy_getinfo(r->easy, CURLINFO_RETRY_AFTER, &seconds);
	if (seconds <= 0)
		return 0;
	return seconds < RETRY_AFTER_MAX_US / SECOND_US ? seconds * SECOND_US : RETRY_AFTER_MAX_US;
}

static void judge_status(const struct request *r, struct outcome *out)
{
	long status = 0;
	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300) {
		out->kind = OUTCOME_TAKEN;
		return;
	}
	bool redirect = status >= 300 && status < 400;
	snprintf(out->error, sizeof out->error, "HTTP %ld%s", status, redirect ? ": redirects are not followed" : "");
	if (status == 410)
		out->kind = OUTCOME_GONE;
	else if (status == 429 || status == 503)
		out->retry_after_us = retry_after_us(r);
}

/* ---- both ---- */

struct request *request_create(const struct settings *settings, const char *webhook_id, char *body, int64_t now_us,
			       struct err *e)
{
	struct request *r = xcalloc(1, sizeof *r);
	r->body = body;
	if (check_id(webhook_id, e) != 0)
		goto fail;
	r->easy = curl_easy_init();
	CHECK(r->easy != NULL);
	if (settings->format->transport == TRANSPORT_SMTP) {
		set_common(r, settings, "smtp,smtps");
		r->mailing = mailing_create(r->easy, settings, r->body);
	} else if (prepare_http(r, settings, webhook_id, now_us, e) != 0) {
		goto fail;
	}
	return r;
fail:
	request_free(r);
	return NULL;
}

void request_free(struct request *r)
{
	if (r == NULL)
		return;
	curl_easy_cleanup(r->easy);
	curl_slist_free_all(r->headers);
	mailing_free(r->mailing);
	free(r->body);
	free(r);
}

CURL *request_handle(struct request *r)
{
	return r->easy;
}

void request_outcome(const struct request *r, CURLcode code, struct outcome *out)
{
	bool answered = code == CURLE_OK || (code == CURLE_WRITE_ERROR && r->answered > ANSWER_MAX);
	const char *error = r->error[0] != '\0' ? r->error : curl_easy_strerror(code);
	*out = (struct outcome){.kind = OUTCOME_FAILED};
	if (r->mailing != NULL)
		mailing_outcome(r->mailing, code == CURLE_OK, error, out);
	else if (answered)
		judge_status(r, out);
	else
		snprintf(out->error, sizeof out->error, "%s", error);
}
