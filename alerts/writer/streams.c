/*
 * A source in this process may go back: a partition that was taken away and
 * given back starts again at the last committed position, while later items
 * are still in the queue.  Such items come a second time and are dropped.  To
 * tell them from a gap, hashes of the positions that a stream has passed are
 * remembered: at least the last PASSED_MAX, more than queues hold.  What is
 * neither next nor passed ends the daemon, and a restart reads from the
 * database.
 */
#include "alerts/writer/streams.h"

#include "daemon/base/check.h"
#include "daemon/base/hash.h"

#include <stdlib.h>
#include <string.h>

#define PASSED_MAX (1u << 17)

struct stream {
	char *source, *name;
	char *stored;       /* in the database; "" = nothing yet */
	const char *now;    /* `stored`, or the next of the last item that stepped */
	uint64_t now_hash;
	uint64_t hash;
	bool moved;         /* since the last settling */
};

/* Hashes of passed positions in two generations: a full one makes way for a new. */
struct passed {
	uint64_t *slots; /* 2 * PASSED_MAX, 0 = free */
	size_t count;
};

struct streams {
	struct stream **slots; /* open addressing */
	size_t capacity, count;
	struct stream *last;   /* of the last item: mostly the next one's too */
	struct stream **moved;
	struct store_move *moves;
	size_t moved_count;
	struct passed passed[2];
};

static uint64_t stream_hash(const char *source, const char *name)
{
	return hash_text(hash_text(0, source), name);
}

struct streams *streams_create(void)
{
	struct streams *streams = xcalloc(1, sizeof *streams);
	for (int i = 0; i < 2; i++)
		streams->passed[i].slots = xcalloc(2 * PASSED_MAX, sizeof *streams->passed[i].slots);
	return streams;
}

void streams_free(struct streams *streams)
{
	if (streams == NULL)
		return;
	for (size_t i = 0; i < streams->capacity; i++) {
		struct stream *stream = streams->slots[i];
		if (stream == NULL)
			continue;
		free(stream->source);
		free(stream->name);
		free(stream->stored);
		free(stream);
	}
	free(streams->slots);
	free(streams->moved);
	free(streams->moves);
	free(streams->passed[0].slots);
	free(streams->passed[1].slots);
	free(streams);
}

/* ---- positions passed ---- */

static size_t passed_home(uint64_t hash)
{
	return (size_t)(hash >> 7) % (2 * PASSED_MAX);
}

static uint64_t *passed_slot(const struct passed *passed, uint64_t hash)
{
	size_t i = passed_home(hash);
	while (passed->slots[i] != 0 && passed->slots[i] != hash)
		i = (i + 1) % (2 * PASSED_MAX);
	return &passed->slots[i];
}

static void remember(struct streams *streams, uint64_t hash)
{
	if (streams->passed[0].count == PASSED_MAX) {
		struct passed old = streams->passed[1];
		memset(old.slots, 0, 2 * PASSED_MAX * sizeof *old.slots);
		old.count = 0;
		streams->passed[1] = streams->passed[0];
		streams->passed[0] = old;
	}
	uint64_t *slot = passed_slot(&streams->passed[0], hash);
	if (*slot != 0)
		return;
	*slot = hash;
	streams->passed[0].count++;
}

static bool was_passed(const struct streams *streams, uint64_t hash)
{
	return *passed_slot(&streams->passed[0], hash) != 0 || *passed_slot(&streams->passed[1], hash) != 0;
}

static uint64_t position_hash(const struct stream *stream, const char *position)
{
	uint64_t hash = hash_text(stream->hash, position);
	return hash != 0 ? hash : 1;
}

/* Where the stream is now.  The next item passes this position: its place is asked for meanwhile, since no cache holds it. */
static void stand_at(struct streams *streams, struct stream *stream, const char *position)
{
	stream->now = position;
	stream->now_hash = position_hash(stream, position);
	__builtin_prefetch(&streams->passed[0].slots[passed_home(stream->now_hash)], 1);
}

/* ---- streams ---- */

static struct stream **stream_slot(const struct streams *streams, uint64_t hash, const char *source, const char *name)
{
	size_t mask = streams->capacity - 1;
	for (size_t i = (hash ^ hash >> 32) & mask;; i = (i + 1) & mask) {
		struct stream *stream = streams->slots[i];
		if (stream == NULL || (stream->hash == hash && strcmp(stream->source, source) == 0 &&
				       strcmp(stream->name, name) == 0))
			return &streams->slots[i];
	}
}

static void grow(struct streams *streams)
{
	struct streams old = *streams;
	streams->capacity = old.capacity > 0 ? old.capacity * 2 : 64;
	streams->slots = xcalloc(streams->capacity, sizeof(struct stream *));
	for (size_t i = 0; i < old.capacity; i++) {
		struct stream *stream = old.slots[i];
		if (stream != NULL)
			*stream_slot(streams, stream->hash, stream->source, stream->name) = stream;
	}
	free(old.slots);
	streams->moved = xrealloc(streams->moved, streams->capacity * sizeof *streams->moved);
	streams->moves = xrealloc(streams->moves, streams->capacity * sizeof *streams->moves);
}

static struct stream *find_stream(struct streams *streams, const char *source, const char *name)
{
	struct stream *last = streams->last;
	if (last != NULL && strcmp(last->name, name) == 0 && strcmp(last->source, source) == 0)
		return last;
	if (streams->count * 2 >= streams->capacity)
		grow(streams);
	uint64_t hash = stream_hash(source, name);
	struct stream **slot = stream_slot(streams, hash, source, name);
	if (*slot == NULL) {
		struct stream *stream = *slot = xcalloc(1, sizeof **slot);
		stream->source = xstrdup(source);
		stream->name = xstrdup(name);
		stream->stored = xstrdup("");
		stream->hash = hash;
		stand_at(streams, stream, stream->stored);
		streams->count++;
	}
	return streams->last = *slot;
}

void streams_load(struct streams *streams, const char *source, const char *stream, const char *next)
{
	struct stream *found = find_stream(streams, source, stream);
	free(found->stored);
	found->stored = xstrdup(next);
	stand_at(streams, found, found->stored);
}

enum stream_step streams_step(struct streams *streams, const struct item *item)
{
	const struct position *position = &item->position;
	if (position->stream[0] == '\0' || position->next[0] == '\0')
		return STREAM_MOVED;
	struct stream *stream = find_stream(streams, item->source, position->stream);
	if (strcmp(position->previous, stream->now) != 0)
		return was_passed(streams, position_hash(stream, position->previous)) ? STREAM_PASSED : STREAM_BROKEN;
	remember(streams, stream->now_hash);
	stand_at(streams, stream, position->next);
	if (!stream->moved) {
		stream->moved = true;
		streams->moved[streams->moved_count++] = stream;
	}
	return STREAM_MOVED;
}

const struct store_move *streams_moves(struct streams *streams, size_t *count)
{
	for (size_t i = 0; i < streams->moved_count; i++) {
		const struct stream *stream = streams->moved[i];
		streams->moves[i] = (struct store_move){stream->source, stream->name, stream->stored, stream->now};
	}
	*count = streams->moved_count;
	return streams->moves;
}

void streams_settle(struct streams *streams)
{
	for (size_t i = 0; i < streams->moved_count; i++) {
		struct stream *stream = streams->moved[i];
		char *stored = xstrdup(stream->now);
		free(stream->stored);
		stream->stored = stored;
		stream->now = stored; /* the same position: the item that it was in goes */
		stream->moved = false;
	}
	streams->moved_count = 0;
}
