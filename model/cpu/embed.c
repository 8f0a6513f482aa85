#include "model/cpu/embed.h"

#include "model/cpu/level.h"
#include "model/half.h"

/* A row is gathered in the form that the table has, and widened on the way. */
#define ADD_ROW(value)                                                                                    \
	for (size_t i = 0; i < width; i++)                                                                \
		out[i] = value + position[i] + type[i];

CPU_INLINE void embed_row_body(const struct embedding *embedding, size_t word, const float *position, float *out)
{
	size_t width = embedding->width;
	const float *type = embedding->type;
	const float *full = (const float *)embedding->words + word * width;
	const uint16_t *half = (const uint16_t *)embedding->words + word * width;
	switch (embedding->word_type) {
	case TABLE_F32:
		ADD_ROW(full[i])
		break;
	case TABLE_F16:
		ADD_ROW(half_widen(half[i]))
		break;
	case TABLE_BF16:
		ADD_ROW(bfloat_widen(half[i]))
		break;
	}
}
CPU_LEVELS(embed_row, (const struct embedding *embedding, size_t word, const float *position, float *out),
	   (embedding, word, position, out))
