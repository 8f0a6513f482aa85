#include "model/train/mask.h"

#include <stdlib.h>
#include <string.h>

int mask_open(struct mask *mask, const struct vocab *vocab, double share, size_t longest, struct err *e)
{
	*mask = (struct mask){.words = vocab_size(vocab), .token = vocab_find(vocab, "[MASK]", 6), .share = share};
	if (mask->token < 0)
		return err_set(e, "the vocabulary has no [MASK]: words cannot be masked");
	mask->continues = calloc(mask->words, sizeof *mask->continues);
	mask->starts = calloc(longest, sizeof *mask->starts);
	if (mask->continues == NULL || mask->starts == NULL) {
		mask_close(mask);
		return err_set(e, "out of memory");
	}
	for (size_t i = 0; i < mask->words; i++) {
		struct vocab_word word = vocab_word(vocab, i);
		mask->continues[i] = word.length > 2 && memcmp(word.text, "##", 2) == 0;
	}
	return 0;
}

void mask_close(struct mask *mask)
{
	free(mask->continues);
	free(mask->starts);
	*mask = (struct mask){0};
}

static bool is_inside(const struct mask *mask, int32_t id)
{
	return (size_t)id < mask->words && mask->continues[id];
}

static int32_t token_change(const struct mask *mask, struct random_stream *stream, int32_t id)
{
	size_t chance = random_below(stream, 10);
	if (chance < 8)
		return mask->token;
	return chance == 8 ? (int32_t)random_below(stream, mask->words) : id;
}

void mask_text(const struct mask *mask, struct random_stream *stream, const int32_t *ids, size_t length, int32_t *in,
	       int32_t *out)
{
	size_t words = 0, chosen = 0, wanted = (size_t)((double)(length - 2) * mask->share + 0.5);
	wanted = wanted > 0 ? wanted : 1;
	memcpy(in, ids, length * sizeof *in);
	for (size_t i = 0; i < length; i++)
		out[i] = -1;
	for (uint32_t i = 1; i + 1 < length; i++)
		if (i == 1 || !is_inside(mask, ids[i]))
			mask->starts[words++] = i;
	random_shuffle(stream, mask->starts, words);
	for (size_t word = 0; word < words && chosen < wanted; word++) {
		size_t first = mask->starts[word], end = first + 1;
		while (end + 1 < length && is_inside(mask, ids[end]))
			end++;
		/* A long word must not be more than was wanted, unless there is no other. */
		if (chosen + end - first > wanted && (chosen > 0 || word + 1 < words))
			continue;
		for (size_t i = first; i < end; i++) {
			out[i] = ids[i];
			in[i] = token_change(mask, stream, ids[i]);
		}
		chosen += end - first;
	}
}
