#include "daemon/http.h"

#include "daemon/base/check.h"
#include "daemon/score_lines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BODY (8u << 20)
#define MAX_CONNECTIONS 64
#define TIMEOUT_S 30

struct http {
	struct MHD_Daemon *daemon;
	struct service *service;
};

/* One request: its body as it comes in. */
struct request {
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

/* One text a line in, one JSON object a line out, as `bellwether score`. */
static enum MHD_Result post_score(struct http *http, struct MHD_Connection *connection, const struct request *request)
{
	char *body = NULL;
	size_t length = 0;
	struct err e;
	FILE *out = open_memstream(&body, &length);
	if (out == NULL)
		return MHD_NO;
	int rc = score_lines(service_classifier(http->service), request->body, request->length, out, &e);
	fclose(out);
	if (rc == 0)
		return respond(connection, MHD_HTTP_OK, "application/x-ndjson; charset=utf-8", body, length);
	free(body);
	return respond_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, e.text);
}

static enum MHD_Result route(struct http *http, struct MHD_Connection *connection, const char *path, const char *method,
			     const struct request *request)
{
	bool get = strcmp(method, "GET") == 0, post = strcmp(method, "POST") == 0;
	bool score = strcmp(path, "/score") == 0;
	bool known = score || strcmp(path, "/healthz") == 0 || strcmp(path, "/readyz") == 0 || strcmp(path, "/metrics") == 0;
	if (!known)
		return respond_text(connection, MHD_HTTP_NOT_FOUND, "there are /healthz, /readyz, /metrics and POST /score");
	if (score ? !post : !get)
		return respond_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, score ? "POST one text a line" : "GET it");
	if (score)
		return post_score(http, connection, request);
	if (strcmp(path, "/metrics") == 0)
		return get_metrics(http, connection);
	return get_health(http, connection, path[1] == 'h' ? service_is_alive : service_is_ready);
}

static void take_body(struct request *request, const char *data, size_t size)
{
	if (request->too_large || request->length + size > MAX_BODY) {
		request->too_large = true;
		return;
	}
	if (request->length + size > request->size) {
		request->size = (request->length + size) * 2;
		request->body = xrealloc(request->body, request->size);
	}
	memcpy(request->body + request->length, data, size);
	request->length += size;
}

/* libmicrohttpd calls this once for the head, once for each piece of the body, once at its end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *path, const char *method,
				  const char *version, const char *data, size_t *size, void **state)
{
	(void)version;
	struct request *request = *state;
	if (request == NULL) {
		*state = xcalloc(1, sizeof *request);
		return MHD_YES;
	}
	if (*size > 0) {
		take_body(request, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (request->too_large)
		return respond_text(connection, MHD_HTTP_CONTENT_TOO_LARGE, "at most 8 MiB");
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
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_AUTO;
	if (address->ai_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, address->ai_addr,
					MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_CONNECTION_LIMIT,
					(unsigned)MAX_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
					MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_END);
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
	MHD_stop_daemon(http->daemon);
	free(http);
}
