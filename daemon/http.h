#ifndef DAEMON_HTTP_H
#define DAEMON_HTTP_H

#include "daemon/base/err.h"
#include "daemon/service.h"

/*
 * GET /healthz, /readyz, /metrics and POST /score on a local port, on threads
 * of libmicrohttpd.  Requests are bounded in size, time and number.
 */
struct http;

/* `listen` is "ADDRESS:PORT", IPv6 in brackets. */
struct http *http_start(const char *listen, struct service *service, struct err *e);
void http_stop(struct http *http);

#endif
