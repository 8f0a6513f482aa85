#ifndef ALERTS_WRITER_STREAMS_H
#define ALERTS_WRITER_STREAMS_H

#include "alerts/store.h"

/*
 * How far each stream was read, as the writer sees it: the chain of positions
 * that items carry.  Positions are opaque; what is known of two of them is
 * whether they are equal, and whether one was passed before.
 */
struct streams;

enum stream_step {
	STREAM_MOVED,  /* the next link of the chain, or an item that moves nothing */
	STREAM_PASSED, /* it starts where the stream was before: the item is in the database already */
	STREAM_BROKEN, /* it starts somewhere else: something between was not seen */
};

struct streams *streams_create(void);
void streams_free(struct streams *streams);

/* A stored position, at start. */
void streams_load(struct streams *streams, const char *source, const char *stream, const char *next);

/* Take the step of an item, which must live until streams_settle. */
enum stream_step streams_step(struct streams *streams, const struct item *item);

/* One move for each stream that stepped since the last settling; valid until then. */
const struct store_move *streams_moves(struct streams *streams, size_t *count);

/* The moves are stored. */
void streams_settle(struct streams *streams);

#endif
