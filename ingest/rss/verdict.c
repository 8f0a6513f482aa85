/*
 * How a fetch ended, in words that say what to do: these lines are what people
 * see in `check`, in the log and in the source_health view.
 */
#include "ingest/rss/verdict.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

static const char *status_remedy(long status)
{
	switch (status) {
	case 401:
		return "it wants a user and password: put them into the URL (https://user:password@host/...)";
	case 403:
		return "refused; some sites refuse unknown programs: try another user_agent";
	case 404:
		return "no such page: check the URL";
	case 410:
		return "gone for good: remove the feed from the configuration";
	case 429:
		return "too many requests: it will be asked less often";
	default:
		if (status >= 500)
			return "the server failed: it will be asked again later";
		if (status >= 300 && status < 400)
			return "a redirect that leads nowhere";
		return "not an answer that holds a feed";
	}
}

static void judge_error(struct transfer *transfer, CURLcode code)
{
	struct err *error = &transfer->result->error;
	const char *detail = transfer->wrong[0] ? transfer->wrong : curl_easy_strerror(code);

	if (transfer->too_big)
		err_set(error, "larger than %zu bytes: raise max_bytes if that is right", transfer->limits->max_bytes);
	else if (transfer->no_memory)
		err_set(error, "not enough memory");
	else if (code == CURLE_COULDNT_CONNECT && transfer->refused[0])
		err_set(error, "%s, which is not fetched from: set allow_private to do so", transfer->refused);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		err_set(error, "timed out (%s)", detail);
	else if (code == CURLE_COULDNT_RESOLVE_HOST)
		err_set(error, "%s: check the host's name and the DNS", detail);
	else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		err_set(error, "%s: if the certificate is of an authority of your own, name it in ca_file", detail);
	else if (code == CURLE_PARTIAL_FILE)
		err_set(error, "the answer broke off (%s)", detail);
	else
		err_set(error, "%s", detail);
}

void verdict_reach(struct transfer *transfer, CURLcode code)
{
	struct fetch_result *result = transfer->result;
	bool asked = *transfer->request.etag || *transfer->request.modified;
	char *type = NULL;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &result->status);
	if (curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_TYPE, &type) == CURLE_OK && type) {
		free(result->content_type);
		result->content_type = xstrdup(type);
	}
	result->end = FETCH_FAILED;
	/* An error's status counts even where its body could not be read to the end. */
	if (code != CURLE_OK && result->status < 400) {
		result->bad_compression = code == CURLE_BAD_CONTENT_ENCODING;
		judge_error(transfer, code);
	} else if (result->status == 200) {
		result->end = FETCH_OK;
	} else if (result->status == 304 && asked) {
		result->end = FETCH_NOT_MODIFIED;
	} else {
		if (result->status == 410)
			result->end = FETCH_GONE;
		err_set(&result->error, "HTTP %ld: %s", result->status, status_remedy(result->status));
	}
}
