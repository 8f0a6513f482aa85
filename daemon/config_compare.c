/*
 * Two configurations side by side, along the table of keys: a key that is added
 * there is compared here, so that no reload overlooks it.
 */
#include "daemon/config.h"

#include "daemon/config_keys.h"

#include <string.h>

static bool same_section(const struct section *section, const char *a, const char *b);

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_texts(const char *const *a, const char *const *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!same_text(a[i], b[i]))
			return false;
	return true;
}

static bool same_properties(const struct kafka_property *a, const struct kafka_property *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!same_text(a[i].name, b[i].name) || !same_text(a[i].value, b[i].value))
			return false;
	return true;
}

static bool same_sections(const struct section *section, const char *a, const char *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!same_section(section, a + i * section->size, b + i * section->size))
			return false;
	return true;
}

struct list {
	const void *first;
	size_t count;
};

static struct list list_at(const struct key *key, const char *base)
{
	struct list list;
	memcpy(&list.first, base + key->offset, sizeof list.first);
	memcpy(&list.count, base + key->count_offset, sizeof list.count);
	return list;
}

static bool same_list(const struct key *key, struct list a, struct list b)
{
	if (a.count != b.count)
		return false;
	switch (key->type) {
	case KEY_PROPERTIES: return same_properties(a.first, b.first, a.count);
	case KEY_LIST: return same_sections(key->section, a.first, b.first, a.count);
	default: return same_texts(a.first, b.first, a.count);
	}
}

/* `a` and `b` are the structs that hold the key's values. */
static bool same_key(const struct key *key, const char *a, const char *b)
{
	const void *value_a = a + key->offset, *value_b = b + key->offset;
	switch (key->type) {
	case KEY_STRING:
	case KEY_DEVICES:
	case KEY_WORD: return same_text(*(const char *const *)value_a, *(const char *const *)value_b);
	case KEY_BOOL: return *(const bool *)value_a == *(const bool *)value_b;
	case KEY_COUNT: return *(const uint32_t *)value_a == *(const uint32_t *)value_b;
	case KEY_SIZE: return *(const size_t *)value_a == *(const size_t *)value_b;
	case KEY_CHOICE: return *(const int *)value_a == *(const int *)value_b;
	case KEY_INTEGER:
	case KEY_DURATION:
	case KEY_BYTES: return *(const int64_t *)value_a == *(const int64_t *)value_b;
	case KEY_NUMBER:
	case KEY_BUDGET: return *(const double *)value_a == *(const double *)value_b;
	case KEY_SECTION: return same_section(key->section, value_a, value_b);
	case KEY_STRINGS:
	case KEY_NAMES:
	case KEY_PROPERTIES:
	case KEY_LIST: break;
	}
	return same_list(key, list_at(key, a), list_at(key, b));
}

static bool same_section(const struct section *section, const char *a, const char *b)
{
	for (size_t i = 0; i < section->key_count; i++)
		if (!same_key(&section->keys[i], a, b))
			return false;
	return true;
}

bool config_same_source(const struct config_source *a, const struct config_source *b)
{
	return same_section(&config_source_section, (const char *)a, (const char *)b);
}

static bool find_restart(const struct section *section, const char *old, const char *new, const char *prefix, char *path,
			 size_t size)
{
	for (size_t i = 0; i < section->key_count; i++) {
		const struct key *key = &section->keys[i];
		if (key->restart && !same_key(key, old, new)) {
			snprintf(path, size, "%s%s", prefix, key->name);
			return true;
		}
		char below[128];
		snprintf(below, sizeof below, "%s%s.", prefix, key->name);
		if (key->type == KEY_SECTION &&
		    find_restart(key->section, old + key->offset, new + key->offset, below, path, size))
			return true;
	}
	return false;
}

bool config_needs_restart(const struct config *old, const struct config *new, char *path, size_t size)
{
	return find_restart(&config_section, (const char *)old, (const char *)new, "", path, size);
}
