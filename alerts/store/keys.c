/*
 * Known documents.
 *
 * Feeds trickle, and an entry must be known as long as it is stored: an index
 * in the database on the hash of its identity.
 *
 * Messages come in floods, and what is repeated there is repeated soon (a
 * producer's retry).  Their keys live in memory, for the last STORE_RECALL
 * documents exactly, so that the answer is the same after a restart: a ring
 * by document id, and an open-addressing table that points into it.  It is
 * read back from the index that the documents have anyway.
 *
 * Either way a hit is a hash; the row decides.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/hash.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define RING_MASK ((uint64_t)STORE_RECALL - 1)
#define SLOTS (2 * (size_t)STORE_RECALL)

/* How much of the stream's name is part of the identity: all of a feed's address, "news" of "news/3". */
static size_t scope_length(const char *stream, unsigned flags)
{
	size_t length = strlen(stream);
	if (flags & ITEM_UNIQUE)
		return length;
	size_t end = length;
	while (end > 0 && isdigit((unsigned char)stream[end - 1]))
		end--;
	return end < length && end > 1 && stream[end - 1] == '/' ? end - 1 : length;
}

uint64_t store_item_key(const struct item *item)
{
	if (item->external_id[0] == '\0')
		return 0;
	const char *stream = item->position.stream;
	uint64_t hash = hash_text(0, item->source);
	hash = hash_bytes(hash, stream, scope_length(stream, item->flags));
	hash = hash_text(hash, item->external_id);
	return hash != 0 ? hash : 1;
}

static bool same_identity(const struct item *item, const char *source, const char *stream, const char *external_id,
			  unsigned flags)
{
	if ((item->flags & ITEM_UNIQUE) != (flags & ITEM_UNIQUE))
		return false;
	size_t scope = scope_length(item->position.stream, item->flags);
	return strcmp(item->external_id, external_id) == 0 && strcmp(item->source, source) == 0 &&
	       scope == scope_length(stream, flags) && memcmp(item->position.stream, stream, scope) == 0;
}

bool store_same_document(const struct item *a, const struct item *b)
{
	return a->external_id[0] != '\0' && same_identity(a, b->source, b->position.stream, b->external_id, b->flags);
}

/* ---- the ring and its table ---- */

static size_t home(uint64_t key)
{
	return (size_t)(key >> 20) % SLOTS;
}

/* Take `place` of the ring out of the table, and close the hole that it leaves in its run (D. Knuth, The Art of
 * Computer Programming 6.4, algorithm R). */
static void forget(struct recall *recall, uint64_t place)
{
	uint64_t key = recall->keys[place];
	if (key == 0)
		return;
	recall->keys[place] = 0;
	size_t hole = home(key);
	while (recall->slots[hole] != place + 1)
		hole = (hole + 1) % SLOTS;
	for (size_t i = (hole + 1) % SLOTS; recall->slots[i] != 0; i = (i + 1) % SLOTS) {
		size_t start = home(recall->keys[recall->slots[i] - 1]);
		bool stays = hole <= i ? hole < start && start <= i : hole < start || start <= i;
		if (stays)
			continue;
		recall->slots[hole] = recall->slots[i];
		hole = i;
	}
	recall->slots[hole] = 0;
}

void recall_note(struct recall *recall, int64_t id, uint64_t key)
{
	if (recall->keys == NULL) {
		recall->keys = xcalloc(STORE_RECALL, sizeof *recall->keys);
		recall->slots = xcalloc(SLOTS, sizeof *recall->slots);
	}
	CHECK(id > recall->last);
	if (id - recall->last > STORE_RECALL)
		recall->last = id - STORE_RECALL;
	while (recall->last < id)
		forget(recall, (uint64_t)++recall->last & RING_MASK);
	if (key == 0)
		return;
	uint64_t place = (uint64_t)id & RING_MASK;
	recall->keys[place] = key;
	size_t i = home(key);
	while (recall->slots[i] != 0)
		i = (i + 1) % SLOTS;
	recall->slots[i] = (uint32_t)place + 1;
}

void recall_free(struct recall *recall)
{
	free(recall->keys);
	free(recall->slots);
	*recall = (struct recall){0};
}

/* The id behind a place of the ring: the last one that fell there. */
static int64_t id_at(const struct recall *recall, uint64_t place)
{
	return recall->last - (int64_t)(((uint64_t)recall->last - place) & RING_MASK);
}

static int recall_load(struct store *store)
{
	recall_free(&store->recall);
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store,
			       "SELECT id, key FROM documents INDEXED BY documents_applied"
			       " WHERE applied >= (SELECT applied FROM documents WHERE id >"
			       " (SELECT document FROM marks) - ?1 ORDER BY id LIMIT 1)"
			       " AND id > (SELECT document FROM marks) - ?1 AND key IS NOT NULL ORDER BY applied, id",
			       &select);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(select, 1, STORE_RECALL);
	while ((rc = sqlite3_step(select)) == SQLITE_ROW) {
		int64_t id = sqlite3_column_int64(select, 0);
		if (id <= store->recall.last) { /* the writer's stamps ascend with the ids: somebody else's hand */
			rc = SQLITE_CORRUPT;
			break;
		}
		recall_note(&store->recall, id, (uint64_t)sqlite3_column_int64(select, 1));
	}
	sqlite3_finalize(select);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- looking up ---- */

/* Is the row of `id` this item's document?  0 in `*id` where it is another one. */
static int verify(struct store *store, const struct item *item, int64_t *id)
{
	struct bound select = store_bind(store, STMT_GET_IDENTITY_OF);
	bind_integer(&select, *id);
	int rc = store_next(&select);
	if (rc != SQLITE_ROW) {
		*id = 0; /* retention was faster */
		return rc == SQLITE_DONE ? SQLITE_OK : rc;
	}
	sqlite3_stmt *row = select.statement;
	if (!same_identity(item, column_text(row, 0), column_text(row, 1), column_text(row, 2),
			   (unsigned)sqlite3_column_int64(row, 3)))
		*id = 0;
	store_reset(&select);
	return SQLITE_OK;
}

static int find_recent(struct store *store, const struct item *item, uint64_t key, int64_t *id)
{
	const struct recall *recall = &store->recall;
	if (recall->slots == NULL)
		return SQLITE_OK;
	int rc = SQLITE_OK;
	for (size_t i = home(key); rc == SQLITE_OK && *id == 0 && recall->slots[i] != 0; i = (i + 1) % SLOTS) {
		uint64_t place = recall->slots[i] - 1;
		if (recall->keys[place] != key)
			continue;
		*id = id_at(recall, place);
		rc = verify(store, item, id);
	}
	return rc;
}

static int find_unique(struct store *store, const struct item *item, uint64_t key, int64_t *id)
{
	struct bound select = store_bind(store, STMT_FIND_UNIQUE);
	bind_integer(&select, (int64_t)key);
	int rc;
	while ((rc = store_next(&select)) == SQLITE_ROW) {
		*id = sqlite3_column_int64(select.statement, 0);
		rc = verify(store, item, id);
		if (rc != SQLITE_OK || *id != 0) {
			store_reset(&select);
			return rc;
		}
	}
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int find(struct store *store, const struct item *item, uint64_t key, int64_t *id)
{
	if (item->flags & ITEM_UNIQUE)
		return find_unique(store, item, key, id);
	if (!store->recall_loaded) {
		int rc = recall_load(store);
		if (rc != SQLITE_OK)
			return rc;
		store->recall_loaded = true;
	}
	return find_recent(store, item, key, id);
}

enum store_result store_find_document(struct store *store, const struct item *item, int64_t *id, struct err *e)
{
	uint64_t key = store_item_key(item);
	*id = 0;
	return key == 0 ? STORE_DONE : store_result_of(store, find(store, item, key, id), e);
}
