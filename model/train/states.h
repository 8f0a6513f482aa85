#ifndef MODEL_TRAIN_STATES_H
#define MODEL_TRAIN_STATES_H

#include "model/train/pass.h"

/*
 * A teacher's hidden states as something to learn: what its embeddings and
 * layers give for each token.  Jiao et al., "TinyBERT", arXiv:1909.10351,
 * equations 8 and 9.  State i of a student of L layers is compared with state
 * floor(i T / L) of a teacher of T, so embeddings meet embeddings and the last
 * layer the last:
 *
 *	loss = weight / ((L + 1) N) sum over states and the text's N tokens of |s W + b - t|^2 / |t|^2
 *
 * The division, which TinyBERT does not have, makes it the share of the
 * teacher's state that the student misses: 1 where it gives nothing, whatever
 * the size of the states and their width, so that a weight near 1 suits.
 *
 * W and b are the layout's projection, one for all layers, learnt beside the
 * student and never written with it.  There is none where the widths are
 * equal: a student made of a teacher's layers speaks its language already, and
 * a map between them would only let it drift away.
 *
 * Where only first tokens have the last layer's state (net_is_narrow, of
 * either), theirs alone are compared.
 */
struct states {
	const struct tape *teacher; /* after its way forward over the same texts */
	double weight;              /* of a text's loss */
};

/* With the gradient of a state in the room's slope, before the way back through what gave it: adds its own, and leaves that of
 * the projection's result on the tape.  Returns the weighted loss. */
double states_backward(const struct pass *pass, const struct states *states, size_t state);

#endif
