/*
 * A position is rewritten with every poll that changed something, so its text
 * is dense: all ids as one string of 16 hexadecimal digits each.
 */
#include "ingest/rss/state.h"

#include "daemon/base/check.h"
#include "daemon/base/hash.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_DIGITS 16
#define VALUE_MAX 1024

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Takes `ids`. */
static void set_ids(struct id_set *set, uint64_t *ids, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(ids, count, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || ids[i] != ids[kept - 1])
			ids[kept++] = ids[i];
	free(set->ids);
	set->ids = ids;
	set->count = kept;
}

static bool set_has(const struct id_set *set, uint64_t id)
{
	return set->count && bsearch(&id, set->ids, set->count, sizeof(id), compare_ids);
}

static int parse_ids(struct id_set *set, const char *text, struct err *e)
{
	size_t length = strlen(text), count = length / ID_DIGITS;
	uint64_t *ids;

	if (length % ID_DIGITS || strspn(text, "0123456789abcdef") != length)
		return err_set(e, "a feed's position holds ids that are none");
	ids = xcalloc(count + 1, sizeof(*ids));
	for (size_t i = 0; i < count; i++) {
		char digits[ID_DIGITS + 1] = "";

		memcpy(digits, text + i * ID_DIGITS, ID_DIGITS);
		ids[i] = strtoull(digits, NULL, 16);
	}
	set_ids(set, ids, count);
	return 0;
}

struct feed_state *feed_state_parse(const char *text, struct err *e)
{
	struct feed_state *state = xcalloc(1, sizeof(*state));
	const char *etag = "", *modified = "", *moved = "", *listed = "", *vanished = "";
	json_t *json = NULL;
	json_error_t wrong;

	if (text && *text) {
		json = json_loads(text, 0, &wrong);
		if (!json || json_unpack_ex(json, &wrong, 0, "{s?s,s?s,s?s,s?s,s?s}", "etag", &etag, "modified",
					    &modified, "moved", &moved, "ids", &listed, "gone", &vanished) != 0) {
			err_set(e, "a feed's position is damaged: %s", wrong.text);
			goto fail;
		}
	}
	feed_state_set(&state->etag, etag);
	feed_state_set(&state->modified, modified);
	feed_state_set(&state->moved, moved);
	if (parse_ids(&state->listed, listed, e) || parse_ids(&state->vanished, vanished, e))
		goto fail;
	json_decref(json);
	return state;
fail:
	json_decref(json);
	feed_state_free(state);
	return NULL;
}

void feed_state_free(struct feed_state *state)
{
	if (!state)
		return;
	free(state->etag);
	free(state->modified);
	free(state->moved);
	free(state->listed.ids);
	free(state->vanished.ids);
	free(state);
}

static void put_ids(json_t *json, const char *key, const struct id_set *set)
{
	char *text;

	if (set->count == 0)
		return;
	text = xmalloc(set->count * ID_DIGITS + 1);
	for (size_t i = 0; i < set->count; i++)
		snprintf(text + i * ID_DIGITS, ID_DIGITS + 1, "%016" PRIx64, set->ids[i]);
	CHECK(json_object_set_new(json, key, json_string(text)) == 0);
	free(text);
}

static void put_value(json_t *json, const char *key, const char *value)
{
	if (*value)
		CHECK(json_object_set_new(json, key, json_string(value)) == 0);
}

char *feed_state_text(const struct feed_state *state)
{
	json_t *json = json_object();
	char *text;

	put_value(json, "etag", state->etag);
	put_value(json, "modified", state->modified);
	put_value(json, "moved", state->moved);
	put_ids(json, "ids", &state->listed);
	put_ids(json, "gone", &state->vanished);
	text = json_dumps(json, JSON_COMPACT | JSON_PRESERVE_ORDER);
	CHECK(text);
	json_decref(json);
	return text;
}

void feed_state_set(char **field, const char *value)
{
	size_t length = strlen(value);
	bool kept = length <= VALUE_MAX;

	for (size_t i = 0; kept && i < length; i++)
		kept = value[i] >= 0x20 && value[i] < 0x7f;
	free(*field);
	*field = xstrdup(kept ? value : "");
}

uint64_t feed_state_hash(const char *id)
{
	return hash_text(0, id);
}

bool feed_state_knows(const struct feed_state *state, uint64_t id)
{
	return set_has(&state->listed, id) || set_has(&state->vanished, id);
}

void feed_state_list(struct feed_state *state, const uint64_t *ids, size_t count)
{
	uint64_t *now = xcalloc(count + 1, sizeof(*now));
	uint64_t *gone = xcalloc(state->listed.count + 1, sizeof(*gone));
	struct id_set listed = {0};
	size_t gone_count = 0;

	if (count)
		memcpy(now, ids, count * sizeof(*now));
	set_ids(&listed, now, count);
	for (size_t i = 0; i < state->listed.count; i++)
		if (!set_has(&listed, state->listed.ids[i]))
			gone[gone_count++] = state->listed.ids[i];
	set_ids(&state->vanished, gone, gone_count);
	free(state->listed.ids);
	state->listed = listed;
}
