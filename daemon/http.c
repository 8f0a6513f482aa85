/*
 * A thread for each connection, so that a long POST /score holds up nobody who
 * asks for health; such a request is scored in pieces, so that it does not hold
 * up the end of the daemon either.
 */
#include "daemon/http.h"

#include "daemon/base/check.h"
#include "daemon/score_lines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BODY (8u << 20)
#define MAX_LINES 200000 /* an empty line is a byte of the request, and hundreds of the answer, which lies in memory */
#define MAX_CONNECTIONS 64
#define PIECE (16u << 10) /* seconds of scoring at most */
#define TIMEOUT_S 30

struct http {
	struct MHD_Daemon *daemon;
	struct service *service;
	atomic_bool stopping;
};

/* One request: its body as it comes in, where it has a use. */
struct request {
	bool takes_body;
	char *body;
	size_t length, size;
	bool too_large;
};

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *type, char *body,
			       size_t length)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(length, body, MHD_RESPMEM_MUST_FREE);
	if (response == NULL) {
		free(body);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	enum MHD_Result result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result respond_not_allowed(struct MHD_Connection *connection, const char *allowed)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allowed);
	enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_METHOD_NOT_ALLOWED, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result respond_text(struct MHD_Connection *connection, unsigned status, const char *text)
{
	size_t length = strlen(text);
	char *body = xmalloc(length + 2);
	memcpy(body, text, length);
	body[length] = '\n';
	body[length + 1] = '\0';
	return respond(connection, status, "text/plain; charset=utf-8", body, length + 1);
}

static enum MHD_Result get_health(struct http *http, struct MHD_Connection *connection,
				  bool (*is_well)(struct service *, char *, size_t))
{
	char why[512] = "ok";
	bool well = is_well(http->service, why, sizeof why);
	return respond_text(connection, well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, well ? "ok" : why);
}

static enum MHD_Result get_metrics(struct http *http, struct MHD_Connection *connection)
{
	char *body = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&body, &length);
	if (out == NULL)
		return MHD_NO;
	service_print_metrics(http->service, out);
	fclose(out);
	return respond(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", body, length);
}

/* Whole lines from `at`: at most PIECE bytes, or one line that is longer. */
static size_t piece_length(const char *at, size_t left)
{
	if (left <= PIECE)
		return left;
	const char *newline = memrchr(at, '\n', PIECE);
	if (newline == NULL)
		newline = memchr(at + PIECE, '\n', left - PIECE);
	return newline != NULL ? (size_t)(newline - at) + 1 : left;
}

/* Returns the status to answer with; `e` says why where that is not 200. */
static unsigned score_body(struct http *http, const struct request *request, FILE *out, struct err *e)
{
	struct classifier *classifier = service_classifier(http->service);
	for (size_t at = 0, length; at < request->length; at += length) {
		if (atomic_load(&http->stopping)) {
			err_set(e, "the daemon is stopping");
			return MHD_HTTP_SERVICE_UNAVAILABLE;
		}
		length = piece_length(request->body + at, request->length - at);
		if (score_lines(classifier, request->body + at, length, out, e) != 0)
			return MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
	return MHD_HTTP_OK;
}

static bool has_too_many_lines(const struct request *request)
{
	size_t lines = 0;
	for (size_t i = 0; i < request->length; i++)
		lines += request->body[i] == '\n';
	return lines > MAX_LINES;
}

/* One text a line in, one JSON object a line out, as `bellwether score`. */
static enum MHD_Result post_score(struct http *http, struct MHD_Connection *connection, const struct request *request)
{
	char *body = NULL;
	size_t length = 0;
	struct err e;
	FILE *out = open_memstream(&body, &length);
	if (out == NULL)
		return MHD_NO;
	unsigned status = score_body(http, request, out, &e);
	fclose(out);
	if (status == MHD_HTTP_OK)
		return respond(connection, status, "application/x-ndjson; charset=utf-8", body, length);
	free(body);
	return respond_text(connection, status, e.text);
}

static enum MHD_Result route(struct http *http, struct MHD_Connection *connection, const char *path, const char *method,
			     const struct request *request)
{
	/* libmicrohttpd leaves the body of an answer to HEAD out. */
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0, post = strcmp(method, "POST") == 0;
	bool score = strcmp(path, "/score") == 0;
	bool known = score || strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 || strcmp(path, "/metrics") == 0;
	if (!known)
		return respond_text(connection, MHD_HTTP_NOT_FOUND, "there are /healthz, /readyz, /metrics and POST /score");
	if (score ? !post : !get)
		return respond_not_allowed(connection, score ? "POST" : "GET, HEAD");
	if (score)
		return post_score(http, connection, request);
	if (strcmp(path, "/metrics") == 0)
		return get_metrics(http, connection);
	return get_health(http, connection, path[1] == 'h' ? service_is_alive : service_is_ready);
}

static void take_body(struct request *request, const char *data, size_t size)
{
	if (!request->takes_body)
		return;
	if (request->too_large || request->length + size > MAX_BODY) {
		request->too_large = true;
		return;
	}
	if (request->length + size > request->size) {
		request->size = request->length + size < MAX_BODY / 2 ? (request->length + size) * 2 : MAX_BODY;
		request->body = xrealloc(request->body, request->size);
	}
	memcpy(request->body + request->length, data, size);
	request->length += size;
}

static enum MHD_Result respond_too_large(struct MHD_Connection *connection)
{
	return respond_text(connection, MHD_HTTP_CONTENT_TOO_LARGE, "at most 8 MiB and 200,000 lines");
}

/* Better said before the upload than after it. */
static bool is_announced_too_large(struct MHD_Connection *connection)
{
	const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	return length != NULL && strtoull(length, NULL, 10) > MAX_BODY;
}

/* libmicrohttpd calls this once for the head, once for each piece of the body, once at its end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path, const char *method,
				  const char *version, const char *data, size_t *size, void **state)
{
	(void)version;
	struct request *request = *state;
	if (request == NULL) {
		*state = request = xcalloc(1, sizeof *request);
		request->takes_body = strcmp(path, "/score") == 0;
		return is_announced_too_large(connection) ? respond_too_large(connection) : MHD_YES;
	}
	if (*size > 0) {
		take_body(request, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (request->too_large || has_too_many_lines(request))
		return respond_too_large(connection);
	return route(context, connection, path, method, request);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode code)
{
	(void)context, (void)connection, (void)code;
	struct request *request = *state;
	if (request != NULL)
		free(request->body);
	free(request);
}

/* "127.0.0.1:9610", "[::1]:9610", "localhost:9610". */
static struct addrinfo *resolve(const char *listen, struct err *e)
{
	char host[256];
	const char *colon = strrchr(listen, ':');
	size_t length = (size_t)(colon - listen);
	if (length >= 2 && listen[0] == '[' && listen[length - 1] == ']') {
		listen++;
		length -= 2;
	}
	snprintf(host, sizeof host, "%.*s", (int)length, listen);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
	int rc = getaddrinfo(host, colon + 1, &hints, &found);
	if (rc != 0)
		err_set(e, "%s: %s", listen, gai_strerror(rc));
	return found;
}

struct http *http_start(const char *listen, struct service *service, struct err *e)
{
	struct addrinfo *address = resolve(listen, e);
	if (address == NULL)
		return NULL;
	struct http *http = xcalloc(1, sizeof *http);
	http->service = service;
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_AUTO;
	if (address->ai_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, address->ai_addr,
					MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
					(unsigned)MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
					MHD_OPTION_END);
	freeaddrinfo(address);
	if (http->daemon == NULL) {
		err_sys(e, errno, "%s: cannot listen", listen);
		free(http);
		return NULL;
	}
	return http;
}

void http_stop(struct http *http)
{
	if (http == NULL)
		return;
	atomic_store(&http->stopping, true);
	MHD_stop_daemon(http->daemon);
	free(http);
}
