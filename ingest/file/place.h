#ifndef INGEST_FILE_PLACE_H
#define INGEST_FILE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How far a file was read, and its text in the store (a position's `next`).
 *
 * Whether a file is still the one that was read is judged by its content: the
 * first bytes of the file and of the line read last.  So a file that was
 * replaced starts anew, and one that was copied, moved or appended to goes on.
 */
#define PLACE_TEXT_MAX 192

struct file_place {
	uint64_t offset; /* where to go on */
	uint64_t line;   /* lines before it */
	uint64_t last_offset, last_hash; /* the start of the line read last */
	uint64_t head_hash;
	unsigned last_bytes, head_bytes; /* how much was hashed */
};

/* "" or a text that is no place: false, and `place` is the start of a file. */
bool file_place_parse(struct file_place *place, const char *text);
char *file_place_format(const struct file_place *place, char out[static PLACE_TEXT_MAX]);

/* The file's first bytes, as they are now. */
void file_place_set_head(struct file_place *place, int fd);

/* A line of that start was read; the place is behind it. */
void file_place_pass(struct file_place *place, const char *text, size_t length, uint64_t start, uint64_t end);

/* Is `fd` (seekable) the file that the place is in? */
bool file_place_fits(const struct file_place *place, int fd);

#endif
