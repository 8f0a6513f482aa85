#ifndef MODEL_CPU_EMBED_H
#define MODEL_CPU_EMBED_H

#include "model/cpu/device.h"

#include <stddef.h>

/* out[width] = word + position + type, all of width values */
void embed_row(const struct embedding *embedding, size_t word, const float *position, float *out);

#endif
