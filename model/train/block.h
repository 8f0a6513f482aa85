#ifndef MODEL_TRAIN_BLOCK_H
#define MODEL_TRAIN_BLOCK_H

#include <stddef.h>

/* Memory for arrays of training: at least `size` bytes, 64-byte aligned, for free(); NULL when there is none.  What is not
 * touched takes none. */
void *block_make(size_t size);

/* The same of `count` float32 of zero. */
float *block_zeros(size_t count);

#endif
