#ifndef INGEST_RSS_TRANSFER_H
#define INGEST_RSS_TRANSFER_H

#include "ingest/rss/fetch.h"

#include <curl/curl.h>

/*
 * One fetch under way: a curl handle, its options and callbacks, and what they
 * gathered.  The inside of rss/fetch.c.
 */
struct transfer_limits {
	int64_t timeout_us;
	size_t max_bytes;
	bool allow_private;
	char *user_agent;
	char *ca_file; /* NULL = the system's */
};

struct transfer {
	CURL *easy;
	struct curl_slist *headers;
	const struct transfer_limits *limits; /* the fetcher's */
	struct fetch_request request;         /* copies */
	struct fetch_result *result;          /* of the present hop, but for url, moved and tag */
	int64_t end_us;                       /* monotonic: all hops together */
	int hops;
	bool permanent; /* every hop so far was a 301 or 308 */

	/* Of the present hop. */
	char *location;
	size_t header_bytes;
	size_t discarded_bytes; /* of a body that nobody reads */
	size_t room;            /* of result->body */
	bool too_big, no_memory;
	char refused[128]; /* the last address that was refused: "10.0.0.1 is a private address" */
	char wrong[CURL_ERROR_SIZE];

	struct transfer *next, **link; /* the fetcher's list */
};

struct transfer *transfer_create(const struct transfer_limits *limits, const struct fetch_request *request, void *tag);
void transfer_free(struct transfer *transfer);

/* Make ready for the hop to result->url: forget the hop before, set URL, headers and the time that is left. */
void transfer_prepare(struct transfer *transfer);

#endif
