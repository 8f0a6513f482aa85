/*
 * Names are stored once and known by number.  A cache in memory holds those
 * met so far; what was added by a transaction that failed is forgotten with
 * it (names_forget), or a number would point nowhere.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/hash.h"

#include <stdlib.h>
#include <string.h>

struct cached_name {
	char *text; /* NULL = free */
	uint64_t hash;
	int64_t parent, id;
	enum name_kind kind;
};

static const char *const find_sql[NAME_KINDS] = {
	[NAME_SOURCE] = "SELECT id FROM sources WHERE name = ?2 AND ?1 = 0",
	[NAME_TOPIC] = "SELECT id FROM topics WHERE name = ?2 AND ?1 = 0",
	[NAME_RULE] = "SELECT id FROM rules WHERE name = ?2 AND ?1 = 0",
	[NAME_RECEIVER] = "SELECT id FROM receivers WHERE name = ?2 AND ?1 = 0",
	[NAME_LABEL] = "SELECT id FROM labels WHERE name = ?2 AND ?1 = 0",
	[NAME_MODEL] = "SELECT id FROM models WHERE name = ?2 AND ?1 = 0",
	[NAME_STREAM] = "SELECT id FROM streams WHERE source = ?1 AND name = ?2",
};

static const char *const add_sql[NAME_KINDS] = {
	[NAME_SOURCE] = "INSERT INTO sources(name) SELECT ?2 WHERE ?1 = 0",
	[NAME_TOPIC] = "INSERT INTO topics(name) SELECT ?2 WHERE ?1 = 0",
	[NAME_RULE] = "INSERT INTO rules(name) SELECT ?2 WHERE ?1 = 0",
	[NAME_RECEIVER] = "INSERT INTO receivers(name) SELECT ?2 WHERE ?1 = 0",
	[NAME_LABEL] = "INSERT INTO labels(name) SELECT ?2 WHERE ?1 = 0",
	[NAME_MODEL] = "INSERT INTO models(name) SELECT ?2 WHERE ?1 = 0",
	[NAME_STREAM] = "INSERT INTO streams(source, name) VALUES (?1, ?2)",
};

static uint64_t name_hash(enum name_kind kind, int64_t parent, const char *text)
{
	return hash_text((uint64_t)kind ^ (uint64_t)parent << 8, text);
}

static struct cached_name *cache_slot(struct name_cache *cache, enum name_kind kind, int64_t parent, const char *text,
				      uint64_t hash)
{
	size_t mask = cache->capacity - 1;
	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		struct cached_name *slot = &cache->slots[i];
		if (slot->text == NULL || (slot->hash == hash && slot->kind == kind && slot->parent == parent &&
					   strcmp(slot->text, text) == 0))
			return slot;
	}
}

static void cache_grow(struct name_cache *cache)
{
	struct name_cache old = *cache;
	cache->capacity = old.capacity > 0 ? old.capacity * 2 : 256;
	cache->slots = xcalloc(cache->capacity, sizeof *cache->slots);
	for (size_t i = 0; i < old.capacity; i++) {
		struct cached_name *from = &old.slots[i];
		if (from->text != NULL)
			*cache_slot(cache, from->kind, from->parent, from->text, from->hash) = *from;
	}
	free(old.slots);
}

static int look_up(struct store *store, enum name_kind kind, int64_t parent, const char *text, int64_t *id)
{
	sqlite3_stmt **find = &store->find_name[kind];
	int rc = *find != NULL ? SQLITE_OK : store_prepare(store, find_sql[kind], find);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(*find, 1, parent);
	sqlite3_bind_text(*find, 2, text, -1, SQLITE_STATIC);
	rc = sqlite3_step(*find);
	if (rc == SQLITE_ROW)
		*id = sqlite3_column_int64(*find, 0);
	sqlite3_reset(*find);
	return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

static int add(struct store *store, enum name_kind kind, int64_t parent, const char *text, int64_t *id)
{
	sqlite3_stmt **insert = &store->add_name[kind];
	int rc = *insert != NULL ? SQLITE_OK : store_prepare(store, add_sql[kind], insert);
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_bind_int64(*insert, 1, parent);
	sqlite3_bind_text(*insert, 2, text, -1, SQLITE_STATIC);
	rc = sqlite3_step(*insert);
	sqlite3_reset(*insert);
	*id = sqlite3_last_insert_rowid(store->db);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int read_name(struct store *store, enum name_kind kind, int64_t parent, const char *text, bool may_add, int64_t *id)
{
	int rc = look_up(store, kind, parent, text, id);
	return rc == SQLITE_NOTFOUND && may_add ? add(store, kind, parent, text, id) : rc;
}

int names_find(struct store *store, enum name_kind kind, int64_t parent, const char *text, bool may_add, int64_t *id)
{
	struct name_cache *cache = &store->cache;
	if (cache->last[kind].text != NULL && cache->last[kind].parent == parent &&
	    strcmp(cache->last[kind].text, text) == 0) {
		*id = cache->last[kind].id;
		return SQLITE_OK;
	}
	if (cache->count * 2 >= cache->capacity)
		cache_grow(cache);
	uint64_t hash = name_hash(kind, parent, text);
	struct cached_name *slot = cache_slot(cache, kind, parent, text, hash);
	if (slot->text == NULL) {
		int rc = read_name(store, kind, parent, text, may_add, id);
		if (rc != SQLITE_OK)
			return rc;
		*slot = (struct cached_name){xstrdup(text), hash, parent, *id, kind};
		cache->count++;
	}
	*id = slot->id;
	cache->last[kind].text = slot->text;
	cache->last[kind].parent = parent;
	cache->last[kind].id = slot->id;
	return SQLITE_OK;
}

int names_find_stream(struct store *store, const char *source, const char *stream, int64_t *id)
{
	int64_t parent;
	int rc = names_find(store, NAME_SOURCE, 0, source, true, &parent);
	return rc == SQLITE_OK ? names_find(store, NAME_STREAM, parent, stream, true, id) : rc;
}

void names_forget(struct store *store)
{
	struct name_cache *cache = &store->cache;
	for (size_t i = 0; i < cache->capacity; i++)
		free(cache->slots[i].text);
	free(cache->slots);
	*cache = (struct name_cache){0};
}

static void name_ids_free(struct name_ids *ids)
{
	for (size_t i = 0; i < ids->count; i++)
		free(ids->names[i]);
	free(ids->names);
	free(ids->ids);
	free(ids->places);
	*ids = (struct name_ids){0};
}

void names_close(struct store *store)
{
	names_forget(store);
	for (int i = 0; i < NAME_KINDS; i++) {
		sqlite3_finalize(store->find_name[i]);
		sqlite3_finalize(store->add_name[i]);
	}
	name_ids_free(&store->topics);
	name_ids_free(&store->rules);
	name_ids_free(&store->receivers);
}

/* Ids are handed out from 1, so the way back is an array. */
static void place(struct name_ids *ids)
{
	for (size_t i = 0; i < ids->count; i++)
		if (ids->ids[i] > ids->highest)
			ids->highest = ids->ids[i];
	ids->places = xcalloc((size_t)ids->highest + 1, sizeof *ids->places);
	for (size_t i = 0; i < ids->count; i++)
		if (ids->ids[i] > 0)
			ids->places[ids->ids[i]] = (uint32_t)i + 1;
}

bool name_ids_index(const struct name_ids *ids, int64_t id, uint32_t *index)
{
	if (id < 1 || id > ids->highest || ids->places[id] == 0)
		return false;
	*index = ids->places[id] - 1;
	return true;
}

static int fill(struct store *store, struct name_ids *ids, enum name_kind kind, const char *const *names, size_t count,
		bool may_add)
{
	ids->ids = xcalloc(count, sizeof *ids->ids);
	ids->names = xcalloc(count, sizeof *ids->names);
	for (; ids->count < count; ids->count++) {
		int64_t *id = &ids->ids[ids->count];
		int rc = names_find(store, kind, 0, names[ids->count], may_add, id);
		if (rc == SQLITE_NOTFOUND && !may_add)
			*id = 0;
		else if (rc != SQLITE_OK)
			return rc;
		ids->names[ids->count] = xstrdup(names[ids->count]);
	}
	place(ids);
	return SQLITE_OK;
}

static int fill_all(struct store *store, struct name_ids ids[3], const struct store_names *names, bool may_add)
{
	int rc = fill(store, &ids[0], NAME_TOPIC, names->topics, names->topic_count, may_add);
	if (rc == SQLITE_OK)
		rc = fill(store, &ids[1], NAME_RULE, names->rules, names->rule_count, may_add);
	if (rc == SQLITE_OK)
		rc = fill(store, &ids[2], NAME_RECEIVER, names->receivers, names->receiver_count, may_add);
	return rc;
}

static int mark_active(struct store *store, const char *sql, const struct name_ids *ids)
{
	sqlite3_stmt *update = NULL;
	int rc = store_prepare(store, sql, &update);
	for (size_t i = 0; rc == SQLITE_OK && i < ids->count; i++) {
		sqlite3_bind_int64(update, 1, ids->ids[i]);
		rc = sqlite3_step(update) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(store->db);
		sqlite3_reset(update);
	}
	sqlite3_finalize(update);
	return rc;
}

static int add_and_mark(struct store *store, struct name_ids ids[3], const struct store_names *names)
{
	int rc = store_execute(store, "UPDATE topics SET active = 0 WHERE active; UPDATE rules SET active = 0 WHERE active;"
				      "UPDATE receivers SET active = 0 WHERE active");
	if (rc == SQLITE_OK)
		rc = fill_all(store, ids, names, true);
	if (rc == SQLITE_OK)
		rc = mark_active(store, "UPDATE topics SET active = 1 WHERE id = ?", &ids[0]);
	if (rc == SQLITE_OK)
		rc = mark_active(store, "UPDATE rules SET active = 1 WHERE id = ?", &ids[1]);
	if (rc == SQLITE_OK)
		rc = mark_active(store, "UPDATE receivers SET active = 1 WHERE id = ?", &ids[2]);
	return rc;
}

static void use(struct store *store, struct name_ids ids[3], bool good)
{
	struct name_ids *places[3] = {&store->topics, &store->rules, &store->receivers};
	for (int i = 0; i < 3; i++) {
		name_ids_free(good ? places[i] : &ids[i]);
		if (good)
			*places[i] = ids[i];
	}
}

enum store_result store_set_names(struct store *store, const struct store_names *names, struct err *e)
{
	struct name_ids ids[3] = {0};
	int rc = store_begin(store);
	if (rc == SQLITE_OK) {
		rc = add_and_mark(store, ids, names);
		if (rc == SQLITE_OK)
			rc = store_commit(store);
	}
	enum store_result result = store_result_of(store, rc, e);
	if (rc != SQLITE_OK)
		store_rollback(store);
	use(store, ids, rc == SQLITE_OK);
	return result;
}

int store_use_names(struct store *store, const struct store_names *names, struct err *e)
{
	struct name_ids ids[3] = {0};
	int rc = fill_all(store, ids, names, false);
	use(store, ids, rc == SQLITE_OK);
	return rc == SQLITE_OK ? 0 : store_fail(store, rc, e);
}
