#ifndef MODEL_SCRIPT_H
#define MODEL_SCRIPT_H

#include "model/vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which writing systems a model can judge.  A model that never learnt a
 * script still returns scores for it, and they mean nothing; the caller asks
 * here first.
 *
 * A set is a plain value; {0} covers no script.
 */
struct script_set {
	uint64_t bits;
};

/* What a vocabulary was evidently trained on: the scripts that it holds whole words of, not only an alphabet of single
 * characters. */
struct script_set script_set_from_vocab(const struct vocab *vocab);

/* Are most of the text's letters of the set's scripts?  A text without letters is covered.  Invalid UTF-8 is skipped. */
bool script_is_covered(struct script_set set, const char *text, size_t length);

#endif
