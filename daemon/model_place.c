#include "daemon/model_place_private.h"

#include "daemon/model_path.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char *place_last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash != NULL ? slash + 1 : path;
}

void place_link_text(const struct model_place *place, unsigned number, char *out, size_t size)
{
	snprintf(out, size, "%s/%04u", place_last_part(place->versions), number);
}

void place_version_path(const struct model_place *place, const char *name, char out[3900])
{
	snprintf(out, 3900, "%s/%s", place->versions, name);
}

void place_link_target(const struct model_place *place, const char *text, char *out, size_t size)
{
	int directory = (int)(place_last_part(place->path) - place->path);
	if (*text == '/')
		snprintf(out, size, "%s", text);
	else
		snprintf(out, size, "%.*s%s", directory, place->path, text);
}

bool place_is_same(const char *a, const char *b)
{
	struct stat one, other;
	return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

unsigned place_number_of(const char *name)
{
	char *end;
	if (strlen(name) != 4 || !isdigit((unsigned char)name[0]))
		return 0;
	unsigned long number = strtoul(name, &end, 10);
	return *end == '\0' ? (unsigned)number : 0;
}

/* ---- opening ---- */

/* A link that was to be renamed leads to a version here; an administrator's, to where a version was moved, does not. */
static bool is_own_link(const struct model_place *place, const char *path)
{
	char text[3800];
	const char *versions = place_last_part(place->versions);
	size_t length = strlen(versions);
	ssize_t size = readlink(path, text, sizeof text - 1);
	return size > (ssize_t)length && memcmp(text, versions, length) == 0 && text[length] == '/';
}

/* Half a copy, or a link that was not renamed: of somebody who was killed, since the lock is ours. */
static void leftover_remove(const struct model_place *place, const char *name)
{
	char path[3900];
	struct stat status;
	place_version_path(place, name, path);
	if (lstat(path, &status) == 0 && S_ISLNK(status.st_mode)) {
		if (is_own_link(place, path))
			unlink(path);
	} else if (strstr(name, ".partial-") != NULL) {
		struct publish left = {0};
		memcpy(left.path, path, strlen(path) + 1);
		publish_abandon(&left);
	}
}

static void leftovers_remove(const struct model_place *place)
{
	DIR *directory = opendir(place->versions);
	if (directory == NULL)
		return;
	for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
		leftover_remove(place, entry->d_name);
	closedir(directory);
}

static int versions_lock(struct model_place *place, struct err *e)
{
	if (mkdir(place->versions, 0777) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s (--to names another place)", place->versions);
	place->lock = open(place->versions, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->lock < 0)
		return err_sys(e, errno, "%s", place->versions);
	if (flock(place->lock, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, "%s: somebody else changes the model there just now", place->path);
	if (access(place->versions, W_OK) < 0)
		return err_sys(e, errno, "%s", place->versions);
	leftovers_remove(place);
	return 0;
}

int model_place_open(struct model_place *place, const char *path, bool change, struct err *e)
{
	const char *environment = getenv("BELLWETHER_MODEL");
	*place = (struct model_place){.lock = -1};
	if (path == NULL)
		path = environment != NULL && *environment != '\0' ? environment : MODEL_PLACE;
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	if (length == 0 || length >= sizeof place->path)
		return err_set(e, "\"%s\" is no usable place", path);
	memcpy(place->path, path, length);
	const char *name = place_last_part(place->path);
	if (*name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(e, "\"%s\": the place of a model needs a name of its own", path);
	snprintf(place->versions, sizeof place->versions, "%s.versions", place->path);
	return change ? versions_lock(place, e) : 0;
}

void model_place_close(struct model_place *place)
{
	if (place->lock < 0)
		return;
	rmdir(place->versions); /* where nothing came of it */
	close(place->lock);
	place->lock = -1;
}

/* ---- what is there ---- */

int place_look(const struct model_place *place, enum place_kind *kind, char text[3800], struct err *e)
{
	struct stat status;
	text[0] = '\0';
	*kind = PLACE_NOTHING;
	if (lstat(place->path, &status) < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "%s", place->path);
	if (S_ISDIR(status.st_mode)) {
		*kind = PLACE_DIRECTORY;
		return 0;
	}
	ssize_t length = S_ISLNK(status.st_mode) ? readlink(place->path, text, 3799) : -1;
	if (length < 0 || length == 3799)
		return err_set(e, "%s is neither a directory nor a link to one", place->path);
	text[length] = '\0';
	*kind = PLACE_LINK;
	return 0;
}
