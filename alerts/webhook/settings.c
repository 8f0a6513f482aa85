#include "alerts/webhook/settings.h"

#include "daemon/base/check.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_US (15 * SECOND_US)

static char *copy_or_null(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static int check_url(const char *text, struct err *e)
{
	char *scheme = NULL;
	CURLU *url = curl_url();
	CHECK(url != NULL);
	CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_SCHEME, &scheme, 0);
	int result = 0;
	if (code != CURLUE_OK)
		result = err_set(e, "url \"%s\": %s", text, curl_url_strerror(code));
	else if (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)
		result = err_set(e, "url \"%s\": expected http:// or https://", text);
	curl_free(scheme);
	curl_url_cleanup(url);
	return result;
}

static int check_secret(const struct format *format, const char *secret, struct err *e)
{
	char signature[2048];
	if (format->key_in_body)
		return secret != NULL && secret[0] != '\0'
			       ? 0
			       : err_set(e, "format %s needs its integration key as the secret", format->name);
	return secret != NULL ? webhook_sign(secret, "check", 0, "", 0, signature, sizeof signature, e) : 0;
}

int webhook_check_secret(const char *format, const char *secret, struct err *e)
{
	const struct format *found = format_find(format, e);
	return found != NULL ? check_secret(found, secret, e) : -1;
}

struct settings *settings_create(const struct receiver_spec *spec, struct err *e)
{
	struct settings *s = xcalloc(1, sizeof *s);
	s->name = xstrdup(spec->name);
	s->url = xstrdup(spec->url);
	s->secret = copy_or_null(spec->secret);
	s->ca_file = copy_or_null(spec->ca_file);
	s->timeout_us = spec->timeout_us > 0 ? spec->timeout_us : DEFAULT_TIMEOUT_US;
	s->format = format_find(spec->format != NULL ? spec->format : "standard", e);
	if (s->format != NULL && check_url(s->url, e) == 0 && check_secret(s->format, s->secret, e) == 0)
		return s;
	err_prefix(e, "receiver \"%s\"", spec->name);
	settings_free(s);
	return NULL;
}

void settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	free(s->name);
	free(s->url);
	free(s->secret);
	free(s->ca_file);
	free(s);
}

struct settings_list *settings_list_create(const struct receiver_spec *specs, size_t count, struct err *e)
{
	struct settings_list *list = xcalloc(1, sizeof *list);
	list->each = xcalloc(count + 1, sizeof *list->each);
	for (; list->count < count; list->count++) {
		list->each[list->count] = settings_create(&specs[list->count], e);
		if (list->each[list->count] == NULL) {
			settings_list_free(list);
			return NULL;
		}
	}
	return list;
}

void settings_list_free(struct settings_list *list)
{
	if (list == NULL)
		return;
	for (size_t i = 0; i < list->count; i++)
		settings_free(list->each[i]);
	free(list->each);
	free(list);
}
