#ifndef MODEL_TRAIN_CHECKPOINT_H
#define MODEL_TRAIN_CHECKPOINT_H

#include "daemon/base/err.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Blocks of memory in one file, which is replaced as a whole: after a crash at
 * any moment the file holds the last state that was written completely, and a
 * file that was damaged since is refused.
 */
struct checkpoint_block {
	void *data;
	size_t size;
};

/* `fingerprint` says what the blocks belong to.  Writes PATH.new, brings it to the disk and renames it. */
int checkpoint_write(const char *path, uint64_t fingerprint, const struct checkpoint_block *blocks, size_t count,
		     struct err *e);

/* Into blocks of the same sizes.  1: read; 0: there is no such file, and nothing was changed.  Fails at a file of another
 * fingerprint, and at one that is damaged: the blocks hold nothing then. */
int checkpoint_read(const char *path, uint64_t fingerprint, const struct checkpoint_block *blocks, size_t count,
		    struct err *e);

#endif
