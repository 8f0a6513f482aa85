#include "model/train/checkpoint.h"

#include "daemon/base/hash.h"
#include "model/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A header, the blocks, and a hash of all that stands before it. */
struct header {
	char magic[8];
	uint64_t fingerprint, size; /* size: bytes of all blocks */
};

static const char magic[8] = "bwtrain1";

static struct header header_make(uint64_t fingerprint, const struct checkpoint_block *blocks, size_t count)
{
	struct header header = {.fingerprint = fingerprint};
	memcpy(header.magic, magic, sizeof magic);
	for (size_t i = 0; i < count; i++)
		header.size += blocks[i].size;
	return header;
}

static uint64_t hash_all(const struct header *header, const struct checkpoint_block *blocks, size_t count)
{
	uint64_t hash = hash_bytes(0, header, sizeof *header);
	for (size_t i = 0; i < count; i++)
		hash = hash_bytes(hash, blocks[i].data, blocks[i].size);
	return hash;
}

static int write_all(int fd, const void *data, size_t size)
{
	const char *at = data;
	while (size > 0) {
		ssize_t done = write(fd, at, size < (1u << 30) ? size : 1u << 30);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		at += done;
		size -= (size_t)done;
	}
	return 0;
}

/* Renaming is durable once the directory is. */
static int directory_sync(const char *path)
{
	char directory[4200];
	snprintf(directory, sizeof directory, "%s", path);
	char *slash = strrchr(directory, '/');
	if (slash == NULL)
		strcpy(directory, ".");
	else
		slash[slash == directory] = '\0';
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd < 0 ? -1 : fsync(fd);
	int failure = errno;
	if (fd >= 0)
		close(fd);
	errno = failure;
	return result;
}

int checkpoint_write(const char *path, uint64_t fingerprint, const struct checkpoint_block *blocks, size_t count,
		     struct err *e)
{
	char partial[4200];
	struct header header = header_make(fingerprint, blocks, count);
	uint64_t hash = hash_all(&header, blocks, count);
	snprintf(partial, sizeof partial, "%s.new", path);
	int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_sys(e, errno, "%s", partial);
	int failed = write_all(fd, &header, sizeof header);
	for (size_t i = 0; i < count && failed == 0; i++)
		failed = write_all(fd, blocks[i].data, blocks[i].size);
	if (failed == 0)
		failed = write_all(fd, &hash, sizeof hash) < 0 || fsync(fd) < 0 ? -1 : 0;
	int failure = errno;
	if (close(fd) < 0 && failed == 0) {
		failed = -1;
		failure = errno;
	}
	if (failed == 0 && (rename(partial, path) < 0 || directory_sync(path) < 0)) {
		failed = -1;
		failure = errno;
	}
	if (failed == 0)
		return 0;
	unlink(partial);
	return err_sys(e, failure, "cannot write %s", path);
}

static int read_all(int fd, void *out, size_t size)
{
	char *at = out;
	while (size > 0) {
		ssize_t got = read(fd, at, size < (1u << 30) ? size : 1u << 30);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		at += got;
		size -= (size_t)got;
	}
	return 0;
}

static int blocks_read(int fd, const char *path, const struct header *wanted, const struct checkpoint_block *blocks,
		       size_t count, struct err *e)
{
	struct header header;
	uint64_t hash;
	if (read_all(fd, &header, sizeof header) < 0 || memcmp(header.magic, magic, sizeof magic) != 0)
		return err_set(e, "%s is no checkpoint of this program", path);
	if (header.fingerprint != wanted->fingerprint || header.size != wanted->size)
		return err_set(e, "%s is of a run with another base, other rows or other options", path);
	int failed = 0;
	for (size_t i = 0; i < count && failed == 0; i++)
		failed = read_all(fd, blocks[i].data, blocks[i].size);
	if (failed < 0 || read_all(fd, &hash, sizeof hash) < 0 || hash != hash_all(&header, blocks, count))
		return err_set(e, "%s is damaged", path);
	return 1;
}

int checkpoint_read(const char *path, uint64_t fingerprint, const struct checkpoint_block *blocks, size_t count,
		    struct err *e)
{
	struct header wanted = header_make(fingerprint, blocks, count);
	uint64_t size;
	errno = 0;
	int fd = regular_file_open(path, &size, e);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_prefix(e, "%s", path);
	int result = blocks_read(fd, path, &wanted, blocks, count, e);
	close(fd);
	return result;
}
