/* A new model in service: a copy that nobody sees, and one step that shows it. */
#include "daemon/model_place_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEXT ".next" /* the link, before it is renamed to PLACE */

enum { MOST_VERSIONS = 9999 };

static int sync_parent(const struct model_place *place, struct err *e)
{
	char parent[3700];
	place_link_target(place, ".", parent, sizeof parent);
	return publish_sync(parent, e);
}

static unsigned highest_number(const struct model_place *place)
{
	unsigned highest = 0;
	DIR *directory = opendir(place->versions);
	for (const struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
		unsigned number = place_number_of(entry->d_name);
		if (number > highest)
			highest = number;
	}
	if (directory != NULL)
		closedir(directory);
	return highest;
}

/* ---- a copy ---- */

static int files_copy(const char *directory, const struct publish *publish, struct err *e)
{
	DIR *files = opendir(directory);
	if (files == NULL)
		return err_sys(e, errno, "%s", directory);
	int result = 0;
	for (const struct dirent *entry; result == 0 && (entry = readdir(files)) != NULL;) {
		char path[4000];
		struct stat status;
		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, PLACE_PROMOTED) == 0 || stat(path, &status) < 0 ||
		    !S_ISREG(status.st_mode))
			continue;
		result = publish_copy(publish, directory, entry->d_name, e);
	}
	closedir(files);
	return result;
}

static int candidate_check(const char *directory, struct err *e)
{
	static const char *const needed[] = {"config.json", "model.safetensors", "vocab.txt"};
	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
		char path[4000];
		snprintf(path, sizeof path, "%s/%s", directory, needed[i]);
		if (access(path, R_OK) < 0)
			return err_sys(e, errno, "%s", path);
	}
	return 0;
}

int model_place_copy(const struct model_place *place, const char *directory, struct publish *publish,
		     struct model_promotion *promotion, struct err *e)
{
	enum place_kind kind;
	char name[16], path[3900];
	if (candidate_check(directory, e) < 0 || place_look(place, &kind, promotion->previous, e) < 0)
		return -1;
	unsigned number = highest_number(place) + 1;
	if (kind == PLACE_DIRECTORY)
		place_link_text(place, number++, promotion->previous, sizeof promotion->previous);
	if (number > MOST_VERSIONS)
		return err_set(e, "%s: there is no number left", place->versions);
	snprintf(name, sizeof name, "%04u", number);
	place_version_path(place, name, path);
	return publish_begin(publish, path, e) < 0 ? -1 : files_copy(directory, publish, e);
}

/* ---- the switch ---- */

static int promotion_write(const struct model_promotion *promotion, const char *directory, struct err *e)
{
	char path[4100];
	json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "version", promotion->version, "promoted", promotion->promoted, "from",
				 promotion->from, "previous", promotion->previous);
	if (json == NULL)
		return err_set(e, "a path that is not UTF-8 cannot be noted");
	if (promotion->cases >= 0)
		json_object_set_new(json, "corrections",
				    json_pack("{s:I, s:I}", "cases", (json_int_t)promotion->cases, "right",
					      (json_int_t)promotion->right));
	snprintf(path, sizeof path, "%s/" PLACE_PROMOTED, directory);
	FILE *out = fopen(path, "wxe");
	int failure = out == NULL || json_dumpf(json, out, JSON_INDENT(2)) < 0 || fputc('\n', out) == EOF ? errno : 0;
	if (out != NULL && fclose(out) != 0 && failure == 0)
		failure = errno;
	json_decref(json);
	return failure != 0 ? err_sys(e, failure, "cannot write %s", path) : 0;
}

static int link_switch(const struct model_place *place, const char *text, struct err *e)
{
	char next[3900];
	place_version_path(place, NEXT, next);
	unlink(next);
	if (symlink(text, next) < 0)
		return err_sys(e, errno, "%s", next);
	if (rename(next, place->path) < 0) {
		int failure = errno;
		unlink(next);
		return err_sys(e, failure, "cannot put the model in place at %s", place->path);
	}
	return 0;
}

/* The directory and the link change places in one step: no moment is without a model. */
static int directory_switch(const struct model_place *place, const char *previous, const char *text, struct err *e)
{
	char aside[3900];
	place_version_path(place, place_last_part(previous), aside);
	if (symlink(text, aside) < 0)
		return err_sys(e, errno, "%s", aside);
	if (renameat2(AT_FDCWD, aside, AT_FDCWD, place->path, RENAME_EXCHANGE) < 0) {
		int failure = errno;
		unlink(aside);
		return err_sys(e, failure, "%s is a directory that this file system cannot exchange in one step: name another "
					   "place by --to, or make it a symbolic link to the directory once",
			       place->path);
	}
	return 0;
}

int model_place_switch(const struct model_place *place, struct publish *publish, const struct model_promotion *promotion,
		       bool *durable, struct err *e)
{
	enum place_kind kind;
	char text[3800], now[3800];
	place_link_text(place, place_number_of(place_last_part(publish->target)), text, sizeof text);
	if (promotion_write(promotion, publish->path, e) < 0 || place_look(place, &kind, now, e) < 0 ||
	    publish_finish(publish, e) < 0)
		return -1;
	int result = kind == PLACE_DIRECTORY ? directory_switch(place, promotion->previous, text, e)
					     : link_switch(place, text, e);
	if (result < 0) { /* for publish_abandon: a version that never was in place is none */
		memcpy(publish->path, publish->target, sizeof publish->target);
		return -1;
	}
	/* It is in place: that the disk may not have it yet is no failure to tell of as one. */
	*durable = publish_sync(place->versions, e) == 0 && sync_parent(place, e) == 0;
	if (!*durable)
		fprintf(stderr, "bellwether model: warning: %s\n", e != NULL ? e->text : "the disk may not have it yet");
	return 0;
}

int model_place_return(const struct model_place *place, const char *previous, struct err *e)
{
	if (*previous != '\0' && link_switch(place, previous, e) < 0)
		return -1;
	if (*previous == '\0' && unlink(place->path) < 0)
		return err_sys(e, errno, "%s", place->path);
	return sync_parent(place, e);
}
