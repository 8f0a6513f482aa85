/*
 * URLs are taken apart by libcurl's own parser: a second opinion on where the
 * host ends is how such checks are got around.
 */
#include "ingest/rss/fetch_url.h"

#include "daemon/base/check.h"
#include "ingest/rss/fetch.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *get_part(CURLU *url, CURLUPart part, unsigned flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(url, part, &text, flags) != CURLUE_OK)
		return NULL;
	copy = xstrdup(text);
	curl_free(text);
	return copy;
}

static bool is_web(CURLU *url)
{
	char *scheme = get_part(url, CURLUPART_SCHEME, 0);
	bool web = scheme && (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);

	free(scheme);
	return web;
}

static char *join_userinfo(CURLU *url)
{
	char *user = get_part(url, CURLUPART_USER, CURLU_URLDECODE);
	char *password = get_part(url, CURLUPART_PASSWORD, CURLU_URLDECODE);
	size_t size = (user ? strlen(user) : 0) + (password ? strlen(password) : 0) + 2;
	char *joined = xcalloc(size, 1);

	if (user) {
		strcpy(joined, user);
		strcat(joined, ":");
		strcat(joined, password ? password : "");
	}
	free(user);
	free(password);
	return joined;
}

/* Secrets and the part that servers never see. */
static void strip(CURLU *url)
{
	curl_url_set(url, CURLUPART_USER, NULL, 0);
	curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
	curl_url_set(url, CURLUPART_OPTIONS, NULL, 0);
	curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
}

int fetch_split_url(const char *text, char **clean, char **userinfo, char **host, struct err *e)
{
	CURLU *url = curl_url();
	CURLUcode wrong;

	CHECK(url);
	*clean = *userinfo = *host = NULL;
	wrong = curl_url_set(url, CURLUPART_URL, text, CURLU_URLENCODE);
	if (wrong != CURLUE_OK) {
		err_set(e, "\"%s\" is not an absolute URL (%s)", text, curl_url_strerror(wrong));
		goto fail;
	}
	if (!is_web(url)) {
		err_set(e, "\"%s\": only http and https are fetched", text);
		goto fail;
	}
	*userinfo = join_userinfo(url);
	*host = get_part(url, CURLUPART_HOST, 0);
	strip(url);
	*clean = get_part(url, CURLUPART_URL, 0);
	if (!*host || !*clean) {
		err_set(e, "\"%s\" names no host", text);
		goto fail;
	}
	curl_url_cleanup(url);
	return 0;
fail:
	curl_url_cleanup(url);
	free(*clean);
	free(*userinfo);
	free(*host);
	return -1;
}

char *fetch_resolve_url(const char *base, const char *location, struct err *e)
{
	CURLU *url = curl_url();
	char *resolved = NULL;

	CHECK(url);
	if (curl_url_set(url, CURLUPART_URL, base, 0) != CURLUE_OK ||
	    curl_url_set(url, CURLUPART_URL, location, CURLU_URLENCODE) != CURLUE_OK || !is_web(url)) {
		err_set(e, "redirects to \"%.200s\": only http and https are followed", location);
	} else {
		strip(url);
		resolved = get_part(url, CURLUPART_URL, 0);
	}
	curl_url_cleanup(url);
	return resolved;
}

bool fetch_same_origin(const char *a, const char *b)
{
	static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
	CURLU *left = curl_url(), *right = curl_url();
	bool same = left && right && curl_url_set(left, CURLUPART_URL, a, 0) == CURLUE_OK &&
		    curl_url_set(right, CURLUPART_URL, b, 0) == CURLUE_OK;

	for (size_t i = 0; same && i < sizeof(parts) / sizeof(*parts); i++) {
		char *x = get_part(left, parts[i], CURLU_DEFAULT_PORT), *y = get_part(right, parts[i], CURLU_DEFAULT_PORT);

		same = x && y && strcasecmp(x, y) == 0;
		free(x);
		free(y);
	}
	curl_url_cleanup(left);
	curl_url_cleanup(right);
	return same;
}
