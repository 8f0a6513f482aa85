/*
 * The address check sits in the open-socket callback: libcurl hands over the
 * very sockaddr that it will connect to, after the resolver and for every
 * attempt, so that neither DNS answers that change nor redirects get past it.
 * Connections that are used again passed it when they were opened.
 */
#include "ingest/rss/transfer.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "ingest/rss/address.h"
#include "ingest/rss/fetch_url.h"
#include "ingest/rss/http_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define HEADER_BYTES_MAX ((size_t)256 << 10)
#define DISCARDED_BYTES_MAX ((size_t)64 << 10)
#define CONNECT_TIMEOUT_US (10 * SECOND_US)
/* Slower than this for so long is a server that holds the line, not one that sends a feed. */
#define LOW_SPEED_BYTES 32L
#define LOW_SPEED_SECONDS 15L

#define ACCEPT                                                                                              \
	"Accept: application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, " \
	"application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"

#define setopt(easy, option, value) CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK)

static void set_text(char **field, const char *text, size_t length)
{
	char *copy = xmalloc(length + 1);

	memcpy(copy, text, length);
	copy[length] = '\0';
	free(*field);
	*field = copy;
}

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = context;
	const char *kind = address_refusal(&address->addr);
	char text[64];

	(void)purpose;
	if (kind && !transfer->limits->allow_private) {
		snprintf(transfer->refused, sizeof(transfer->refused), "%s is a %s address",
			 address_format(&address->addr, text, sizeof(text)), kind);
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A new answer begins: what an earlier one (100, 103, 401) said does not count. */
static void forget_headers(struct transfer *transfer)
{
	struct fetch_result *result = transfer->result;

	set_text(&result->etag, "", 0);
	set_text(&result->modified, "", 0);
	free(transfer->location);
	transfer->location = NULL;
	result->retry_after_us = -1;
	result->max_age_us = 0;
}

static void read_header(struct transfer *transfer, const char *name, size_t name_length, const char *value,
			size_t length)
{
	struct fetch_result *result = transfer->result;
	char *text = NULL;

	set_text(&text, value, length);
#define IS(known) (name_length == sizeof(known) - 1 && strncasecmp(name, known, name_length) == 0)
	if (IS("etag"))
		set_text(&result->etag, value, length);
	else if (IS("last-modified"))
		set_text(&result->modified, value, length);
	else if (IS("location") && !transfer->location)
		set_text(&transfer->location, value, length);
	else if (IS("retry-after"))
		result->retry_after_us = http_retry_after(text, clock_now_us(&wall_clock));
	else if (IS("cache-control"))
		result->max_age_us = http_max_age(text);
#undef IS
	free(text);
}

static size_t on_header(char *line, size_t one, size_t length, void *context)
{
	struct transfer *transfer = context;
	const char *end = line + length, *colon, *value;

	(void)one;
	transfer->header_bytes += length;
	if (transfer->header_bytes > HEADER_BYTES_MAX)
		return 0;
	if (length >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		forget_headers(transfer);
		return length;
	}
	colon = memchr(line, ':', length);
	if (!colon)
		return length;
	value = colon + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && strchr(" \t\r\n", end[-1]))
		end--;
	read_header(transfer, line, (size_t)(colon - line), value, (size_t)(end - value));
	return length;
}

static size_t on_body(char *data, size_t one, size_t length, void *context)
{
	struct transfer *transfer = context;
	struct fetch_result *result = transfer->result;
	long status = 0;

	(void)one;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200) {
		transfer->discarded_bytes += length;
		return transfer->discarded_bytes > DISCARDED_BYTES_MAX ? 0 : length;
	}
	if (length > transfer->limits->max_bytes - result->size) {
		transfer->too_big = true;
		return 0;
	}
	if (result->size + length + 1 > transfer->room) {
		size_t room = transfer->room ? 2 * transfer->room : 32768;
		char *body;

		while (room < result->size + length + 1)
			room *= 2;
		body = realloc(result->body, room);
		if (!body) {
			transfer->no_memory = true;
			return 0;
		}
		result->body = body;
		transfer->room = room;
	}
	memcpy(result->body + result->size, data, length);
	result->size += length;
	result->body[result->size] = '\0';
	return length;
}

struct transfer *transfer_create(const struct transfer_limits *limits, const struct fetch_request *request, void *tag)
{
	struct transfer *transfer = xcalloc(1, sizeof(*transfer));
	struct fetch_result *result = xcalloc(1, sizeof(*result));

	transfer->limits = limits;
	transfer->request.url = xstrdup(request->url);
	transfer->request.userinfo = xstrdup(request->userinfo ? request->userinfo : "");
	transfer->request.etag = xstrdup(request->etag ? request->etag : "");
	transfer->request.modified = xstrdup(request->modified ? request->modified : "");
	transfer->request.plain = request->plain;
	transfer->end_us = monotonic_us() + limits->timeout_us;
	transfer->permanent = true;
	transfer->result = result;
	result->tag = tag;
	result->url = xstrdup(request->url);
	result->moved = xstrdup("");
	result->content_type = xstrdup("");
	result->body = xstrdup("");
	transfer->easy = curl_easy_init();
	CHECK(transfer->easy);
	return transfer;
}

void transfer_free(struct transfer *transfer)
{
	if (!transfer)
		return;
	curl_easy_cleanup(transfer->easy);
	curl_slist_free_all(transfer->headers);
	free((char *)transfer->request.url);
	free((char *)transfer->request.userinfo);
	free((char *)transfer->request.etag);
	free((char *)transfer->request.modified);
	free(transfer->location);
	fetch_result_free(transfer->result);
	free(transfer);
}

static void add_header(struct transfer *transfer, const char *name, const char *value)
{
	size_t size = strlen(name) + strlen(value) + 1;
	char *line = xmalloc(size);
	struct curl_slist *headers;

	snprintf(line, size, "%s%s", name, value);
	headers = curl_slist_append(transfer->headers, line);
	CHECK(headers);
	transfer->headers = headers;
	free(line);
}

static void set_headers(struct transfer *transfer)
{
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
	add_header(transfer, ACCEPT, "");
	if (*transfer->request.etag)
		add_header(transfer, "If-None-Match: ", transfer->request.etag);
	if (*transfer->request.modified)
		add_header(transfer, "If-Modified-Since: ", transfer->request.modified);
	setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

static void set_safety(struct transfer *transfer)
{
	CURL *easy = transfer->easy;

	setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	setopt(easy, CURLOPT_FOLLOWLOCATION, 0L); /* fetch.c follows, and judges each hop */
	setopt(easy, CURLOPT_PROXY, "");
	setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	setopt(easy, CURLOPT_NOSIGNAL, 1L);
	setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a resolver that hangs */
	setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES);
	setopt(easy, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_SECONDS);
	if (transfer->limits->ca_file)
		setopt(easy, CURLOPT_CAINFO, transfer->limits->ca_file);
}

static void set_times(struct transfer *transfer)
{
	int64_t left_ms = (transfer->end_us - monotonic_us()) / 1000;
	int64_t connect_ms = CONNECT_TIMEOUT_US / 1000;

	if (left_ms < 1)
		left_ms = 1;
	setopt(transfer->easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	setopt(transfer->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(left_ms < connect_ms ? left_ms : connect_ms));
}

void transfer_prepare(struct transfer *transfer)
{
	CURL *easy = transfer->easy;
	struct fetch_result *result = transfer->result;

	curl_easy_reset(easy);
	forget_headers(transfer);
	transfer->header_bytes = transfer->discarded_bytes = 0;
	transfer->refused[0] = transfer->wrong[0] = '\0';
	set_safety(transfer);
	set_times(transfer);
	set_headers(transfer);
	setopt(easy, CURLOPT_URL, result->url);
	setopt(easy, CURLOPT_USERAGENT, transfer->limits->user_agent);
	setopt(easy, CURLOPT_ACCEPT_ENCODING, transfer->request.plain ? "identity" : "");
	if (*transfer->request.userinfo && fetch_same_origin(transfer->request.url, result->url)) {
		setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		setopt(easy, CURLOPT_USERPWD, transfer->request.userinfo);
	}
	setopt(easy, CURLOPT_PRIVATE, transfer);
	setopt(easy, CURLOPT_ERRORBUFFER, transfer->wrong);
	setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	setopt(easy, CURLOPT_HEADERDATA, transfer);
	setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	setopt(easy, CURLOPT_WRITEDATA, transfer);
}
