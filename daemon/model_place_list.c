/* What stands in the directories of a place. */
#include "daemon/model_place_private.h"

#include "daemon/base/check.h"

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void text_take(const json_t *json, const char *key, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(json, key));
	snprintf(out, size, "%s", text != NULL ? text : "");
}

static long long count_take(const json_t *json, const char *key)
{
	const json_t *value = json_object_get(json, key);
	return json_is_integer(value) ? (long long)json_integer_value(value) : -1;
}

/* False where there is none, or nothing in it that can be read. */
static bool promotion_read(const char *directory, struct model_promotion *out)
{
	char path[4000];
	*out = (struct model_promotion){.cases = -1, .right = -1};
	snprintf(path, sizeof path, "%s/" PLACE_PROMOTED, directory);
	json_t *json = json_load_file(path, 0, NULL);
	bool there = json_is_object(json);
	if (there) {
		text_take(json, "version", out->version, sizeof out->version);
		text_take(json, "promoted", out->promoted, sizeof out->promoted);
		text_take(json, "from", out->from, sizeof out->from);
		text_take(json, "previous", out->previous, sizeof out->previous);
		out->cases = count_take(json_object_get(json, "corrections"), "cases");
		out->right = count_take(json_object_get(json, "corrections"), "right");
	}
	json_decref(json);
	return there;
}

int model_place_previous(const struct model_place *place, char *out, size_t size, struct err *e)
{
	enum place_kind kind;
	struct model_promotion promotion;
	char text[3800], target[3900];
	if (place_look(place, &kind, text, e) < 0)
		return -1;
	place_link_target(place, text, target, sizeof target);
	if (kind != PLACE_LINK || !promotion_read(target, &promotion))
		return err_set(e, "%s: nothing was promoted there that could be taken back", place->path);
	snprintf(out, size, "%s", promotion.previous);
	return 0;
}

static int by_path_backwards(const void *a, const void *b)
{
	return strcmp(((const struct model_kept *)b)->path, ((const struct model_kept *)a)->path);
}

static struct model_kept *kept_add(struct model_kept **kept, size_t *count, const char *path)
{
	*kept = xrealloc(*kept, (*count + 1) * sizeof **kept);
	struct model_kept *one = &(*kept)[(*count)++];
	*one = (struct model_kept){0};
	snprintf(one->path, sizeof one->path, "%s", path);
	promotion_read(path, &one->promotion);
	return one;
}

int model_place_list(const struct model_place *place, struct model_kept **kept, size_t *count, struct err *e)
{
	enum place_kind kind;
	char text[3800], target[3900] = "", path[3900];
	bool listed = false;
	*kept = NULL;
	*count = 0;
	if (place_look(place, &kind, text, e) < 0)
		return -1;
	if (kind == PLACE_LINK)
		place_link_target(place, text, target, sizeof target);
	else if (kind == PLACE_DIRECTORY)
		snprintf(target, sizeof target, "%s", place->path);
	DIR *directory = opendir(place->versions);
	for (const struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
		place_version_path(place, entry->d_name, path);
		struct stat status;
		if (place_number_of(entry->d_name) == 0 || lstat(path, &status) < 0 || !S_ISDIR(status.st_mode))
			continue;
		struct model_kept *one = kept_add(kept, count, path);
		one->in_place = place_is_same(path, target);
		listed |= one->in_place;
	}
	if (directory != NULL)
		closedir(directory);
	if (!listed && *target != '\0')
		kept_add(kept, count, target)->in_place = true;
	if (*count > 1)
		qsort(*kept, listed || *target == '\0' ? *count : *count - 1, sizeof **kept, by_path_backwards);
	return 0;
}
