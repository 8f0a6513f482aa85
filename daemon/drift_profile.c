#include "daemon/drift_profile.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

/*
 * Word pieces are compared in twenty groups of about equal weight, from the
 * most frequent to those that are not known by name: single rare pieces would
 * be all chance.
 */
enum { PIECE_GROUPS = 20 };

/* Pieces of a text up to and with; the last bin is open. */
static const size_t length_edges[DRIFT_LENGTHS - 1] = {4, 8, 12, 16, 20, 24, 32, 48, 64, 96, 128};
static const double confidence_edges[DRIFT_CONFIDENCES - 1] = {0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99};

const char *const drift_measure_names[DRIFT_MEASURES] = {"lengths", "pieces", "polarity", "topic", "confidence"};

void drift_profile_open(struct drift_profile *profile, const struct tokenizer *tokenizer, size_t longest, size_t topic_count)
{
	const struct vocab *vocab = tokenizer_vocab(tokenizer);
	*profile = (struct drift_profile){
		.vocab = vocab,
		.unknown_id = vocab_find(vocab, "[UNK]", 5),
		.longest = longest,
		.topics = xcalloc(topic_count + 1, sizeof(double)),
		.topic_count = topic_count,
		.pieces = xcalloc(vocab_size(vocab), sizeof(double)),
	};
}

void drift_profile_close(struct drift_profile *profile)
{
	free(profile->topics);
	free(profile->pieces);
	drift_filter_clear(&profile->words);
	*profile = (struct drift_profile){0};
}

static void take_word(void *context, const struct drift_word *word)
{
	drift_filter_add(context, word->hash);
}

void drift_profile_add(struct drift_profile *profile, const int32_t *ids, size_t length)
{
	size_t pieces = length > 2 ? length - 2 : 0, bin = 0;
	while (bin < DRIFT_LENGTHS - 1 && pieces > length_edges[bin])
		bin++;
	profile->texts++;
	profile->lengths[bin]++;
	profile->tokens += (double)pieces;
	for (size_t i = 1; i <= pieces; i++) {
		profile->pieces[ids[i]]++;
		profile->unknown += ids[i] == profile->unknown_id;
	}
	drift_words_each(profile->vocab, ids, length, profile->unknown_id, take_word, &profile->words);
}

void drift_profile_judge(struct drift_profile *profile, int polarity, int topic, double confidence)
{
	size_t bin = 0;
	profile->judged++;
	profile->polarity[polarity >= 0 ? polarity : DRIFT_POLARITIES - 1]++;
	if (polarity < 0)
		return;
	while (bin < DRIFT_CONFIDENCES - 1 && confidence > confidence_edges[bin])
		bin++;
	profile->confidence[bin]++;
	if (topic >= 0 && (size_t)topic < profile->topic_count)
		profile->topics[topic]++;
}

/* ---- the pieces that are known by name ---- */

struct ranked {
	double count;
	size_t id;
};

static int by_count(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

/* Those that occur, the most frequent first; the caller frees. */
static struct ranked *rank_pieces(const struct drift_profile *profile, size_t *count)
{
	size_t size = vocab_size(profile->vocab);
	struct ranked *ranked = xcalloc(size, sizeof *ranked);
	*count = 0;
	for (size_t id = 0; id < size; id++)
		if (profile->pieces[id] > 0)
			ranked[(*count)++] = (struct ranked){profile->pieces[id], id};
	qsort(ranked, *count, sizeof *ranked, by_count);
	return ranked;
}

void drift_profile_seal(struct drift_profile *profile)
{
	size_t count;
	struct ranked *ranked = rank_pieces(profile, &count);
	profile->once = 0;
	for (size_t i = 0; i < count; i++) {
		profile->once += ranked[i].count <= 1;
		if (i >= DRIFT_PIECES)
			profile->pieces[ranked[i].id] = 0;
	}
	free(ranked);
	drift_filter_seal(&profile->words);
}

/* ---- comparison ---- */

static struct drift_difference difference_of(const double *before, const double *now, size_t bins, double n_before,
					     double n_now)
{
	double stability = drift_stability(before, now, bins), chance = drift_chance(before, now, bins, n_before, n_now);
	return (struct drift_difference){
		.stability = stability,
		.distance = drift_distance(before, now, bins),
		.chance = chance,
		.verdict = drift_judge(stability, chance),
	};
}

/*
 * What is not known by name is one bin.  More of the same text would have new
 * pieces too, about as many as occur once in this one (Good, 1953; Turing), and
 * they are expected there.  A text's pieces hang together, so it is texts that
 * chance draws.
 */
static struct drift_difference compare_pieces(const struct drift_profile *before, const struct drift_profile *now)
{
	size_t count;
	struct ranked *ranked = rank_pieces(before, &count);
	double *a = xcalloc(count + 1, sizeof *a), *b = xcalloc(count + 1, sizeof *b);
	double was[PIECE_GROUPS] = {0}, is[PIECE_GROUPS] = {0}, passed = 0;
	a[count] = before->tokens;
	b[count] = now->tokens;
	for (size_t i = 0; i < count; i++) {
		a[i] = ranked[i].count;
		b[i] = now->pieces[ranked[i].id];
		size_t group = (size_t)(passed / before->tokens * (PIECE_GROUPS - 1));
		was[group] += a[i];
		is[group] += b[i];
		passed += a[i];
		a[count] -= a[i];
		b[count] -= b[i];
	}
	a[count] += before->once;
	was[PIECE_GROUPS - 1] = a[count];
	is[PIECE_GROUPS - 1] = b[count];
	struct drift_difference difference = difference_of(was, is, PIECE_GROUPS, before->texts, now->texts);
	difference.distance = drift_distance(a, b, count + 1);
	free(ranked);
	free(a);
	free(b);
	return difference;
}

void drift_compare(const struct drift_profile *before, const struct drift_profile *now, struct drift_comparison *out)
{
	out->of[DRIFT_LENGTH] = difference_of(before->lengths, now->lengths, DRIFT_LENGTHS, before->texts, now->texts);
	out->of[DRIFT_PIECE] = compare_pieces(before, now);
	out->of[DRIFT_POLARITY] = difference_of(before->polarity, now->polarity, DRIFT_POLARITIES, before->judged, now->judged);
	out->of[DRIFT_TOPIC] = difference_of(before->topics, now->topics, before->topic_count, before->judged, now->judged);
	out->of[DRIFT_CONFIDENCE] =
		difference_of(before->confidence, now->confidence, DRIFT_CONFIDENCES, before->judged, now->judged);
	out->verdict = DRIFT_UNKNOWN;
	for (int i = 0; i < DRIFT_MEASURES; i++)
		if (out->of[i].verdict > out->verdict)
			out->verdict = out->of[i].verdict;
}
