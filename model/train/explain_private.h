#ifndef MODEL_TRAIN_EXPLAIN_PRIVATE_H
#define MODEL_TRAIN_EXPLAIN_PRIVATE_H

#include "model/config.h"
#include "model/script.h"
#include "model/train/explain.h"
#include "model/train/pass.h"
#include "model/train/spans.h"
#include "model/workers.h"

/* What the explainer's files share.  A worker explains a text at a time, in its seat. */
struct seat {
	struct tape tape;
	struct pass_room room;
	struct spans spans;
	float *small;     /* gradients of the small parameters, which nobody reads */
	float *words;     /* [tokens of the tape, H]: embeddings along the path */
	double *odds;     /* [texts of the tape] */
	double *weights;  /* [longest]: of the tokens */
	float *attention; /* [longest, longest]: a head's */
	double *mean;     /* [longest, longest]: of a layer's heads */
	double *flow;     /* [2, longest] */
};

struct explainer {
	struct explain_options options;
	struct explainer_info info;
	struct model_config config;
	struct tokenizer *tokenizer;
	struct script_set scripts;
	char version[64];
	struct net net;
	float *values;
	const float *baseline; /* [H] of a word; NULL: zero */
	float *zeros;          /* [H] */
	size_t tokens;         /* that a seat's tape holds */
	double *places, *shares; /* of the path's points: the first is the baseline, without a share */
	size_t points;
	struct seat *seats;
	size_t seat_count;
	struct workers *workers;
};

/* The rows of the logits that are a head's, and the class's among them. */
struct target {
	size_t first, count, row;
};

/* The tape's texts forward, from seat->words where `words`, else from the ids. */
void seat_forward(const struct explainer *explainer, struct seat *seat, bool words);

/* Then each text's log-odds to seat->odds and, where `back`, their gradients by the embeddings to tape.embedded_hat. */
void seat_odds(const struct explainer *explainer, struct seat *seat, struct target target, bool back);

/* Weights of seat->spans' tokens to seat->weights, and the baseline's log-odds. */
void seat_follow_path(const struct explainer *explainer, struct seat *seat, struct target target, double *base);

/* A weight for each word: `odds` less what is left of them without it. */
void seat_leave_out(const struct explainer *explainer, struct seat *seat, struct target target, double odds,
		    struct explained_word *words);

/* From the text that was run forward alone: words' shares of the roll-out, and of the last layer to their weights where that
 * is the method; and the picture where there is room for one. */
void seat_look(const struct explainer *explainer, struct seat *seat, struct explanation *explanation);

/* Nodes and weights of Gauss and Legendre's quadrature on [0, 1], in ascending order. */
void explain_nodes(size_t count, double *places, double *shares);

#endif
