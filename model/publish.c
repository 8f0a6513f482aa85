#include "model/publish.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Is it there, and not an empty directory? */
static int target_check(const char *target, struct err *e)
{
	struct stat status;
	if (lstat(target, &status) < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "%s", target);
	DIR *directory = S_ISDIR(status.st_mode) ? opendir(target) : NULL;
	if (directory == NULL)
		return err_set(e, "%s exists already", target);
	size_t entries = 0;
	while (readdir(directory) != NULL)
		entries++;
	closedir(directory);
	return entries > 2 ? err_set(e, "%s exists already and is not empty", target) : 0;
}

int publish_begin(struct publish *publish, const char *target, struct err *e)
{
	*publish = (struct publish){0};
	size_t length = strlen(target);
	while (length > 1 && target[length - 1] == '/')
		length--;
	if (length == 0 || length >= sizeof publish->target)
		return err_set(e, "\"%s\" is no usable path", target);
	memcpy(publish->target, target, length);
	if (target_check(publish->target, e) < 0)
		return -1;
	snprintf(publish->path, sizeof publish->path, "%s.partial-XXXXXX", publish->target);
	if (mkdtemp(publish->path) == NULL) {
		publish->path[0] = '\0';
		return err_sys(e, errno, "cannot make a directory beside %s", publish->target);
	}
	/* mkdtemp's is the owner's alone; this one is to be as mkdir would make it. */
	mode_t mask = umask(0);
	umask(mask);
	if (chmod(publish->path, 0777 & ~mask) < 0)
		return err_sys(e, errno, "%s", publish->path);
	return 0;
}

static int file_copy(FILE *from, FILE *to)
{
	char chunk[16384];
	size_t size;
	while ((size = fread(chunk, 1, sizeof chunk, from)) > 0)
		if (fwrite(chunk, 1, size, to) < size)
			return -1;
	return ferror(from) ? -1 : 0;
}

int publish_copy(const struct publish *publish, const char *directory, const char *name, struct err *e)
{
	char from_path[4096], to_path[4096];
	snprintf(from_path, sizeof from_path, "%s/%s", directory, name);
	snprintf(to_path, sizeof to_path, "%s/%s", publish->path, name);
	struct stat status;
	int fd = open(from_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not hang */
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "%s", from_path);
	FILE *from = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? fdopen(fd, "r") : NULL;
	if (from == NULL) {
		close(fd);
		return err_set(e, "%s: not a regular file", from_path);
	}
	FILE *to = fopen(to_path, "wxe");
	int failure = to == NULL || file_copy(from, to) < 0 ? errno : 0;
	fclose(from);
	if (to != NULL && fclose(to) != 0 && failure == 0)
		failure = errno;
	return failure != 0 ? err_sys(e, failure, "cannot copy %s to %s", from_path, to_path) : 0;
}

int publish_sync(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int failure = fd < 0 || (fsync(fd) < 0 && errno != EINVAL) ? errno : 0; /* EINVAL: there is nothing to bring */
	if (fd >= 0)
		close(fd);
	return failure != 0 ? err_sys(e, failure, "cannot bring %s to the disk", path) : 0;
}

/* Does `act` for every file inside, until one fails. */
static int for_each_file(const char *path, int (*act)(const char *file, struct err *e), struct err *e)
{
	DIR *directory = opendir(path);
	if (directory == NULL)
		return err_sys(e, errno, "%s", path);
	int result = 0;
	for (const struct dirent *entry; result == 0 && (entry = readdir(directory)) != NULL;) {
		char file[4400];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
		result = act(file, e);
	}
	closedir(directory);
	return result;
}

/* The directory that the target stands in. */
static void parent_path(const char *target, char out[4000])
{
	snprintf(out, 4000, "%s", target);
	char *slash = strrchr(out, '/');
	if (slash == NULL)
		strcpy(out, ".");
	else
		slash[slash == out] = '\0';
}

int publish_finish(struct publish *publish, struct err *e)
{
	char parent[4000];
	if (for_each_file(publish->path, publish_sync, e) < 0 || publish_sync(publish->path, e) < 0)
		return -1;
	if (rename(publish->path, publish->target) < 0) /* which an empty directory gives way to, and nothing else */
		return err_sys(e, errno, "cannot rename %s to %s", publish->path, publish->target);
	publish->path[0] = '\0';
	parent_path(publish->target, parent);
	return publish_sync(parent, e);
}

static int remove_file(const char *file, struct err *e)
{
	(void)e;
	unlink(file);
	return 0;
}

void publish_abandon(struct publish *publish)
{
	if (publish->path[0] == '\0')
		return;
	for_each_file(publish->path, remove_file, NULL);
	rmdir(publish->path);
	publish->path[0] = '\0';
}
