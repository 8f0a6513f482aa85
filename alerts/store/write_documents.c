/*
 * The rows of a batch that came from sources: documents, rejects, positions.
 *
 * Documents go in eight a statement: starting and ending one costs SQLite as
 * much as the row does.
 */
#include "alerts/store/private.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOGETHER 8    /* documents in one statement */
#define RAW_MAX 65536 /* of an unreadable value, for a person to look at */

/* "3,17": ids of topics by their index, in the store's scratch; NULL where there are none. */
static const char *write_topic_list(struct store *store, const uint32_t *topics, size_t count)
{
	if (count == 0)
		return NULL;
	if (store->scratch_size < count * 21 + 1) {
		store->scratch_size = count * 42 + 1;
		store->scratch = xrealloc(store->scratch, store->scratch_size);
	}
	char *at = store->scratch;
	for (size_t i = 0; i < count; i++) {
		char digits[20];
		size_t length = 0;
		CHECK(topics[i] < store->topics.count);
		for (int64_t id = store->topics.ids[topics[i]]; id > 0; id /= 10)
			digits[length++] = (char)('0' + id % 10);
		if (i > 0)
			*at++ = ',';
		while (length > 0)
			*at++ = digits[--length];
	}
	*at = '\0';
	return store->scratch;
}

/* An optional name: NULL in SQL where there is none. */
static int bind_name(struct store *store, struct bound *bound, enum name_kind kind, const char *name)
{
	int64_t id = 0;
	if (name == NULL) {
		bind_null(bound);
		return SQLITE_OK;
	}
	int rc = names_find(store, kind, 0, name, true, &id);
	bind_integer(bound, id);
	return rc;
}

static int bind_judgement(struct store *store, struct bound *insert, const struct store_document *document)
{
	bool judged = document->polarity != POLARITY_NONE, labelled = document->label != NULL;
	judged ? bind_integer(insert, document->polarity) : bind_null(insert);
	judged ? bind_real(insert, (double)document->score) : bind_null(insert);
	int rc = bind_name(store, insert, NAME_LABEL, document->label);
	labelled ? bind_real(insert, (double)document->label_p) : bind_null(insert);
	return rc == SQLITE_OK ? bind_name(store, insert, NAME_MODEL, document->model) : rc;
}

static void bind_strings(struct bound *insert, const struct item *item)
{
	bind_text(insert, item->external_id);
	bind_text(insert, item->coordinates);
	bind_text(insert, item->publisher);
	bind_text(insert, item->lang);
	bind_text(insert, item->url);
	if (insert->rc == SQLITE_OK) /* "" stays "" */
		insert->rc = sqlite3_bind_text(insert->statement, insert->at++, item->title, -1, SQLITE_STATIC);
	bind_text(insert, item->body);
}

/* The list lives in the store's scratch, which is the next document's too. */
static void bind_topics(struct store *store, struct bound *insert, const struct store_document *document)
{
	const char *list = write_topic_list(store, document->topics, document->topic_count);
	if (list == NULL)
		bind_null(insert);
	else if (insert->rc == SQLITE_OK)
		insert->rc = sqlite3_bind_text(insert->statement, insert->at++, list, -1, SQLITE_TRANSIENT);
}

static int bind_document(struct store *store, struct bound *insert, const struct store_document *document, uint64_t key,
			 int64_t applied_us)
{
	const struct item *item = document->item;
	int64_t stream;
	int rc = names_find_stream(store, item->source, item->position.stream, &stream);
	if (rc != SQLITE_OK)
		return rc;
	bind_integer(insert, document->id);
	bind_integer(insert, stream);
	bind_integer(insert, (int64_t)(document->counted << DOCUMENT_FLAG_BITS | item->flags));
	bind_integer(insert, document->published_us);
	bind_integer(insert, item->received_us);
	bind_integer(insert, applied_us);
	rc = bind_judgement(store, insert, document);
	if (rc != SQLITE_OK)
		return rc;
	bind_integer(insert, document->story);
	bind_topics(store, insert, document);
	key != 0 ? bind_integer(insert, (int64_t)key) : bind_null(insert);
	bind_strings(insert, item);
	return insert->rc;
}

/* `count` documents from `first` on by one statement. */
static int insert_documents(struct store *store, const struct store_batch *batch, size_t first, size_t count)
{
	struct bound insert = store_bind(store, count == TOGETHER ? STMT_INSERT_EIGHT_DOCUMENTS : STMT_INSERT_DOCUMENT);
	for (size_t i = first; i < first + count; i++) {
		const struct store_document *document = &batch->documents[i];
		uint64_t key = document->key != 0 ? document->key : store_item_key(document->item);
		store->batch_keys[i] = document->item->flags & ITEM_UNIQUE ? 0 : key;
		int rc = bind_document(store, &insert, document, key, batch->applied_us);
		if (rc != SQLITE_OK)
			return rc;
	}
	return store_run(&insert);
}

int write_documents(struct store *store, const struct store_batch *batch)
{
	if (store->batch_keys_capacity < batch->document_count) {
		store->batch_keys_capacity = batch->document_count * 2;
		store->batch_keys = xrealloc(store->batch_keys, store->batch_keys_capacity * sizeof *store->batch_keys);
	}
	for (size_t at = 0, count; at < batch->document_count; at += count) {
		count = batch->document_count - at >= TOGETHER ? TOGETHER : 1;
		int rc = insert_documents(store, batch, at, count);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

/* Cut to RAW_MAX at a character's start. */
static int bind_raw(struct bound *bound, const char *raw)
{
	size_t length = strnlen(raw, RAW_MAX);
	if (raw[length] != '\0')
		while (length > 0 && ((unsigned char)raw[length] & 0xc0) == 0x80)
			length--;
	if (length == 0)
		bind_null(bound);
	else if (bound->rc == SQLITE_OK)
		bound->rc = sqlite3_bind_text(bound->statement, bound->at++, raw, (int)length, SQLITE_STATIC);
	return bound->rc;
}

int write_rejects(struct store *store, const struct store_batch *batch)
{
	for (size_t i = 0; i < batch->reject_count; i++) {
		const struct store_reject *reject = &batch->rejects[i];
		const struct item *item = reject->item;
		char repeat[64];
		snprintf(repeat, sizeof repeat, "repeat of document %lld", (long long)reject->first);
		const char *why = reject->kind == REJECT_REPEAT ? repeat : item->reason[0] != '\0' ? item->reason : "unknown";

		int64_t stream;
		int rc = names_find_stream(store, item->source, item->position.stream, &stream);
		if (rc != SQLITE_OK)
			return rc;
		struct bound insert = store_bind(store, STMT_INSERT_REJECT);
		bind_integer(&insert, stream);
		bind_integer(&insert, reject->kind);
		bind_integer(&insert, item->received_us);
		bind_integer(&insert, batch->applied_us);
		bind_text(&insert, item->coordinates);
		bind_text(&insert, item->external_id);
		bind_text(&insert, why);
		bind_raw(&insert, reject->kind == REJECT_REPEAT ? item->title : item->body);
		rc = store_run(&insert);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

/* The fence: somebody else who moved the position makes this change no row. */
int write_positions(struct store *store, const struct store_batch *batch)
{
	for (size_t i = 0; i < batch->move_count; i++) {
		const struct store_move *move = &batch->moves[i];
		bool first = move->previous[0] == '\0';
		int64_t stream;
		int rc = names_find_stream(store, move->source, move->stream, &stream);
		if (rc != SQLITE_OK)
			return rc;
		struct bound change = store_bind(store, first ? STMT_INSERT_POSITION : STMT_MOVE_POSITION);
		bind_integer(&change, stream);
		bind_text(&change, move->next);
		bind_time(&change, batch->applied_us);
		if (!first)
			bind_text(&change, move->previous);
		rc = store_run(&change);
		if (rc != SQLITE_OK)
			return rc;
		if (sqlite3_changes(store->db) != 1)
			return STEP_FENCED;
	}
	return SQLITE_OK;
}

/* What a source said before: its partitions and feeds may be others now. */
static int clear_health(struct store *store, const struct store_batch *batch, size_t i)
{
	const char *source = batch->health[i].source;
	if (i > 0 && strcmp(batch->health[i - 1].source, source) == 0)
		return SQLITE_OK;
	int64_t id;
	int rc = names_find(store, NAME_SOURCE, 0, source, true, &id);
	if (rc != SQLITE_OK)
		return rc;
	struct bound delete = store_bind(store, STMT_CLEAR_HEALTH);
	bind_integer(&delete, id);
	return store_run(&delete);
}

static int write_one_health(struct store *store, const struct store_source_health *health, int64_t applied_us)
{
	int64_t stream;
	int rc = names_find_stream(store, health->source, health->stream, &stream);
	if (rc != SQLITE_OK)
		return rc;
	struct bound replace = store_bind(store, STMT_SET_HEALTH);
	bind_integer(&replace, stream);
	bind_text(&replace, health->state);
	bind_text(&replace, health->message);
	bind_time(&replace, health->last_progress_us);
	bind_integer(&replace, health->lag);
	bind_time(&replace, applied_us);
	return store_run(&replace);
}

int write_health(struct store *store, const struct store_batch *batch)
{
	int rc = batch->forget_health ? store_execute(store, "DELETE FROM health") : SQLITE_OK;
	for (size_t i = 0; rc == SQLITE_OK && i < batch->health_count; i++) {
		rc = clear_health(store, batch, i);
		if (rc == SQLITE_OK)
			rc = write_one_health(store, &batch->health[i], batch->applied_us);
	}
	return rc;
}
