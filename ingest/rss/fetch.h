#ifndef INGEST_RSS_FETCH_H
#define INGEST_RSS_FETCH_H

#include "daemon/base/err.h"
#include "ingest/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Fetching feeds over HTTP, several at a time, all on the caller's thread.
 *
 * What is safe about it: only http and https at every hop of a redirect; the
 * address that is connected to is checked (rss/address.h), not the name;
 * proxies of the environment are ignored, since behind one that check would
 * see the proxy; no cookies; a URL's user and password go to its own origin
 * only; time, decompressed bytes, headers and redirects are limited.
 */
#define FETCH_REDIRECTS_MAX 8

struct fetcher;

struct fetch_request {
	const char *url;
	const char *userinfo; /* "user:password" for the URL's origin; NULL or "" = none */
	const char *etag;     /* validators of the last answer; "" = none */
	const char *modified;
	bool plain;           /* ask for no compression */
};

enum fetch_end {
	FETCH_OK,           /* a document: body */
	FETCH_NOT_MODIFIED, /* 304 */
	FETCH_GONE,         /* 410 */
	FETCH_FAILED,
};

/* Strings are never NULL. */
struct fetch_result {
	void *tag; /* the request's */
	enum fetch_end end;
	long status; /* of the last answer; 0 = there was none */
	char *body;
	size_t size;
	char *content_type;
	char *etag;
	char *modified;
	char *url;              /* where the body came from */
	char *moved;            /* where the feed lives from now on (only 301 and 308 led there); "" = where it was */
	int64_t retry_after_us; /* -1 = not asked */
	int64_t max_age_us;     /* 0 = not said */
	bool bad_compression;   /* failed because the body was not what its Content-Encoding says */
	struct err error;       /* FETCH_GONE and FETCH_FAILED: what is wrong, and the remedy if there is one */
};

/* Reads timeout_us, max_bytes, allow_private, user_agent and ca_file. */
struct fetcher *fetcher_create(const struct rss_options *options, struct err *e);

/* Gives up what is still under way.  Does not wait for the network. */
void fetcher_free(struct fetcher *fetcher);

/* Start a fetch; `tag` comes back with its result.  Everything is copied. */
void fetcher_start(struct fetcher *fetcher, const struct fetch_request *request, void *tag);

/* Move data without waiting. */
void fetcher_pump(struct fetcher *fetcher);

/* Wait until the network moves, `stop_fd` (-1 = none) is readable, or the time is over. */
void fetcher_wait(struct fetcher *fetcher, int stop_fd, int64_t timeout_us);

/* One that is finished, or NULL.  The caller frees it. */
struct fetch_result *fetcher_next(struct fetcher *fetcher);
void fetch_result_free(struct fetch_result *result);

/* Is `url` an absolute http or https URL?  Then `clean` is it without user, password and fragment, `userinfo` those ("" =
 * none, else "user:password"), `host` its host; the caller frees all three.  Else -1 with `e`. */
int fetch_split_url(const char *url, char **clean, char **userinfo, char **host, struct err *e);

#endif
