/*
 * One line of numbers: it is written for every document, so it has to be cheap.
 */
#include "ingest/file/place.h"

#include "daemon/base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HASHED_MAX 4096

bool file_place_parse(struct file_place *place, const char *text)
{
	int used = 0;

	memset(place, 0, sizeof(*place));
	if (sscanf(text, "1 %" SCNu64 " %" SCNu64 " %" SCNu64 " %u %" SCNx64 " %u %" SCNx64 "%n", &place->offset,
		   &place->line, &place->last_offset, &place->last_bytes, &place->last_hash, &place->head_bytes,
		   &place->head_hash, &used) == 7 &&
	    text[used] == '\0' && place->last_bytes <= HASHED_MAX && place->head_bytes <= HASHED_MAX)
		return true;
	memset(place, 0, sizeof(*place));
	return false;
}

char *file_place_format(const struct file_place *place, char out[static PLACE_TEXT_MAX])
{
	snprintf(out, PLACE_TEXT_MAX, "1 %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %" PRIx64 " %u %" PRIx64, place->offset,
		 place->line, place->last_offset, place->last_bytes, place->last_hash, place->head_bytes,
		 place->head_hash);
	return out;
}

void file_place_set_head(struct file_place *place, int fd)
{
	char bytes[HASHED_MAX];
	ssize_t got = pread(fd, bytes, sizeof(bytes), 0);

	place->head_bytes = got > 0 ? (unsigned)got : 0;
	place->head_hash = hash_bytes(0, bytes, place->head_bytes);
}

void file_place_pass(struct file_place *place, const char *text, size_t length, uint64_t start, uint64_t end)
{
	place->offset = end;
	place->last_offset = start;
	place->last_bytes = (unsigned)(length < HASHED_MAX ? length : HASHED_MAX);
	place->last_hash = hash_bytes(0, text, place->last_bytes);
}

static bool bytes_fit(int fd, uint64_t offset, unsigned length, uint64_t hash)
{
	char bytes[HASHED_MAX];

	return pread(fd, bytes, length, (off_t)offset) == (ssize_t)length && hash_bytes(0, bytes, length) == hash;
}

bool file_place_fits(const struct file_place *place, int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);

	return size >= 0 && (uint64_t)size >= place->offset &&
	       bytes_fit(fd, 0, place->head_bytes, place->head_hash) &&
	       bytes_fit(fd, place->last_offset, place->last_bytes, place->last_hash);
}
