#ifndef DAEMON_DRIFT_PROFILE_H
#define DAEMON_DRIFT_PROFILE_H

#include "daemon/base/err.h"
#include "daemon/drift_measure.h"
#include "daemon/drift_words.h"
#include "model/tokenizer.h"

/*
 * What a body of text looks like to a model: how long texts are, which word
 * pieces they are made of, which words there are, and what the model makes of
 * them.  Training leaves one beside the model (drift.json), and live text is
 * held against it.
 */
enum {
	DRIFT_LENGTHS = 12,
	DRIFT_CONFIDENCES = 9,
	DRIFT_POLARITIES = 4,     /* negative, neutral, positive; the model cannot judge */
	DRIFT_PIECES = 4096,      /* those that are kept by name, the most frequent */
};

struct drift_profile {
	const struct vocab *vocab; /* borrowed */
	int32_t unknown_id;        /* of [UNK] */
	size_t longest;            /* ids of a text at most */
	double texts, tokens, unknown, judged;
	double once;               /* pieces that occur a single time, once it is sealed */
	double lengths[DRIFT_LENGTHS];
	double polarity[DRIFT_POLARITIES];
	double confidence[DRIFT_CONFIDENCES]; /* of the polarity */
	double *topics;            /* [topic_count] */
	size_t topic_count;
	double *pieces;            /* [vocab_size] */
	struct drift_filter words;
};

/* The tokenizer outlives the profile. */
void drift_profile_open(struct drift_profile *profile, const struct tokenizer *tokenizer, size_t longest, size_t topic_count);
void drift_profile_close(struct drift_profile *profile);

/* One text by its ids, [CLS] and [SEP] among them; and what the model makes of one: its labels (-1: none), and the
 * probability of its polarity. */
void drift_profile_add(struct drift_profile *profile, const int32_t *ids, size_t length);
void drift_profile_judge(struct drift_profile *profile, int polarity, int topic, double confidence);

/* What others are to be held against: only the most frequent pieces stay by name, and the words become a filter. */
void drift_profile_seal(struct drift_profile *profile);

/* JSON.  Reading fails where it is no profile for this vocabulary and these topics; the profile is sealed. */
int drift_profile_write(const struct drift_profile *profile, const char *path, struct err *e);
int drift_profile_read(struct drift_profile *profile, const char *path, const struct tokenizer *tokenizer, size_t topic_count,
		       struct err *e);

enum drift_measure { DRIFT_LENGTH, DRIFT_PIECE, DRIFT_POLARITY, DRIFT_TOPIC, DRIFT_CONFIDENCE, DRIFT_MEASURES };
extern const char *const drift_measure_names[DRIFT_MEASURES];

struct drift_comparison {
	struct drift_difference {
		double stability, distance, chance;
		enum drift_verdict verdict;
	} of[DRIFT_MEASURES];
	enum drift_verdict verdict; /* the worst */
};

/* `now` against `before`, which is sealed. */
void drift_compare(const struct drift_profile *before, const struct drift_profile *now, struct drift_comparison *out);

#endif
