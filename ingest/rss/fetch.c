/*
 * A curl multi handle drives all fetches on one thread.  Redirects are followed
 * here and not by libcurl, because each hop is judged: its scheme, whether the
 * credentials may go there, and whether it is one to remember.
 */
#include "ingest/rss/fetch.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "ingest/rss/fetch_url.h"
#include "ingest/rss/transfer.h"
#include "ingest/rss/verdict.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_DEFAULT_US (30 * SECOND_US)
#define BYTES_DEFAULT ((size_t)16 << 20)
#define USER_AGENT "Bellwether/0.1 (feed reader)"

struct fetcher {
	CURLM *multi;
	struct transfer_limits limits;
	struct transfer *transfers; /* all that were not handed out */
	int under_way;              /* of them, in the multi handle */
	int running;                /* of those, not finished at the last pump */
};

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
	CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

struct fetcher *fetcher_create(const struct rss_options *options, struct err *e)
{
	struct fetcher *fetcher = xcalloc(1, sizeof(*fetcher));

	pthread_once(&curl_once, start_curl);
	fetcher->limits.timeout_us = options->timeout_us ? options->timeout_us : TIMEOUT_DEFAULT_US;
	fetcher->limits.max_bytes = options->max_bytes ? options->max_bytes : BYTES_DEFAULT;
	fetcher->limits.allow_private = options->allow_private;
	fetcher->limits.user_agent = xstrdup(options->user_agent ? options->user_agent : USER_AGENT);
	fetcher->limits.ca_file = options->ca_file ? xstrdup(options->ca_file) : NULL;
	fetcher->multi = curl_multi_init();
	if (!fetcher->multi) {
		err_set(e, "libcurl cannot be started");
		fetcher_free(fetcher);
		return NULL;
	}
	return fetcher;
}

static void unlink_transfer(struct transfer *transfer)
{
	*transfer->link = transfer->next;
	if (transfer->next)
		transfer->next->link = transfer->link;
}

void fetcher_free(struct fetcher *fetcher)
{
	if (!fetcher)
		return;
	while (fetcher->transfers) {
		struct transfer *transfer = fetcher->transfers;

		curl_multi_remove_handle(fetcher->multi, transfer->easy);
		unlink_transfer(transfer);
		transfer_free(transfer);
	}
	curl_multi_cleanup(fetcher->multi);
	free(fetcher->limits.user_agent);
	free(fetcher->limits.ca_file);
	free(fetcher);
}

/* Send the transfer off to result->url. */
static void dispatch(struct fetcher *fetcher, struct transfer *transfer)
{
	transfer_prepare(transfer);
	CHECK(curl_multi_add_handle(fetcher->multi, transfer->easy) == CURLM_OK);
	fetcher->under_way++;
}

void fetcher_start(struct fetcher *fetcher, const struct fetch_request *request, void *tag)
{
	struct transfer *transfer = transfer_create(&fetcher->limits, request, tag);

	transfer->next = fetcher->transfers;
	transfer->link = &fetcher->transfers;
	if (transfer->next)
		transfer->next->link = &transfer->next;
	fetcher->transfers = transfer;
	dispatch(fetcher, transfer);
}

void fetcher_pump(struct fetcher *fetcher)
{
	CHECK(curl_multi_perform(fetcher->multi, &fetcher->running) == CURLM_OK);
}

void fetcher_wait(struct fetcher *fetcher, int stop_fd, int64_t timeout_us)
{
	struct curl_waitfd stop = {.fd = stop_fd, .events = CURL_WAIT_POLLIN};
	int64_t timeout_ms = (timeout_us + 999) / 1000;

	fetcher_pump(fetcher);
	/* What has just finished makes no descriptor ready any more. */
	if (timeout_ms > 0 && fetcher->running == fetcher->under_way)
		curl_multi_poll(fetcher->multi, &stop, stop_fd >= 0, (int)timeout_ms, NULL);
	fetcher_pump(fetcher);
}

static bool is_redirect(const struct transfer *transfer)
{
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	switch (status) {
	case 301:
	case 302:
	case 303:
	case 307:
	case 308:
		return transfer->location != NULL;
	default:
		return false;
	}
}

/* Whether the hop from `from` to `to` may be remembered: permanent, and not one that gives up TLS. */
static bool is_lasting(const struct transfer *transfer, const char *from, const char *to)
{
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (strncmp(from, "https:", 6) == 0 && strncmp(to, "https:", 6) != 0)
		return false;
	return status == 301 || status == 308;
}

/* Sends the transfer on its way again; -1 with the result's error where it must not. */
static int follow(struct fetcher *fetcher, struct transfer *transfer)
{
	struct fetch_result *result = transfer->result;
	char *to;

	if (transfer->hops++ == FETCH_REDIRECTS_MAX)
		return err_set(&result->error, "more than %d redirects, the last to %.200s", FETCH_REDIRECTS_MAX,
			       transfer->location);
	to = fetch_resolve_url(result->url, transfer->location, &result->error);
	if (!to)
		return -1;
	transfer->permanent = transfer->permanent && is_lasting(transfer, result->url, to);
	if (transfer->permanent) {
		free(result->moved);
		result->moved = xstrdup(to);
	}
	free(result->url);
	result->url = to;
	dispatch(fetcher, transfer);
	return 0;
}

struct fetch_result *fetcher_next(struct fetcher *fetcher)
{
	struct CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(fetcher->multi, &left))) {
		struct transfer *transfer;
		struct fetch_result *result;
		CURLcode code = message->data.result;
		char *tag = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &tag);
		transfer = (struct transfer *)(void *)tag;
		curl_multi_remove_handle(fetcher->multi, transfer->easy);
		fetcher->under_way--;
		if (is_redirect(transfer)) {
			if (follow(fetcher, transfer) == 0)
				continue;
			transfer->result->end = FETCH_FAILED;
		} else {
			verdict_reach(transfer, code);
		}
		result = transfer->result;
		transfer->result = NULL;
		unlink_transfer(transfer);
		transfer_free(transfer);
		return result;
	}
	return NULL;
}

void fetch_result_free(struct fetch_result *result)
{
	if (!result)
		return;
	free(result->body);
	free(result->content_type);
	free(result->etag);
	free(result->modified);
	free(result->url);
	free(result->moved);
	free(result);
}
