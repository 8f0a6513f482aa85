#ifndef DAEMON_EVAL_NOISE_H
#define DAEMON_EVAL_NOISE_H

#include "daemon/eval_rows.h"
#include "model/train/compare.h"
#include "model/train/noise.h"

/*
 * What noise costs a model: every row is scored again with each kind of it.
 * Two more kinds are an adversary's: of all swaps of a word for a synonym, and
 * of all words lost to one that nobody knows, the one that hurts the most.
 * The second is no noise that a model should stand, since the word may be the
 * one that said it; it is the worst case.
 */
enum { EVAL_NOISES = NOISE_KINDS + 2 };

struct eval_noise {
	const char *name;
	size_t touched; /* texts that it changed */
	struct comparison comparison; /* first: as they are; second: with the noise */
};

/* Sentences about the same thing, one of which denies it. */
struct eval_negation {
	size_t pairs;
	size_t plain_right;   /* the sentence gets its label */
	size_t negated_right; /* its denial does not */
};

struct eval_noises {
	struct eval_noise of[EVAL_NOISES];
	bool has_negation;    /* of polarity alone */
	struct eval_negation negation;
};

int eval_noises_run(struct eval_noises *noises, const struct eval_rows *rows, struct err *e);

/* The two parts that lie in files of their own. */
int eval_adversary_run(struct eval_noise *noise, bool synonyms, const struct eval_rows *rows, struct err *e);
int eval_negation_run(struct eval_negation *negation, const struct eval_model *model, struct err *e);

#endif
