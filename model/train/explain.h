#ifndef MODEL_TRAIN_EXPLAIN_H
#define MODEL_TRAIN_EXPLAIN_H

#include "daemon/base/err.h"
#include "model/classifier.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How much each word of a text speaks for a class that the model answers.
 *
 * What is explained are the class's log-odds, its logit against all others of
 * its head together, log(p / (1 - p)): a word of weight 0.7 doubles the odds.
 * (Of a head with one class: its logit.)
 * Everything is computed in fp32, whatever precision scores have.
 *
 * One thread uses an explainer at a time; its texts are shared out to workers,
 * and the figures do not depend on how many.
 */
enum explain_method {
	EXPLAIN_AUTO,       /* the next; of a text with more than EXPLAIN_LEAVE_OUT_WORDS, where that takes longer, integrated */
	EXPLAIN_LEAVE_OUT,  /* what is lost without a word, for each word */
	EXPLAIN_INTEGRATED, /* integrated gradients: weights add up to what the words change together */
	EXPLAIN_GRADIENT,   /* gradient times the embeddings' distance from the baseline */
	EXPLAIN_ROLLOUT,    /* attention through all layers: which words are read, not what for */
	EXPLAIN_ATTENTION,  /* attention in the last layer alone, the mean of its heads */
	EXPLAIN_METHODS,
};
extern const char *const explain_methods[EXPLAIN_METHODS]; /* "auto" */
enum { EXPLAIN_LEAVE_OUT_WORDS = 100 };

/* What words are compared with, in their places; [CLS] and [SEP] stay. */
enum explain_baseline {
	EXPLAIN_PAD,  /* the embedding of [PAD]; zero where the vocabulary has none */
	EXPLAIN_MASK, /* of [MASK]; of [PAD] where the vocabulary has none */
	EXPLAIN_ZERO,
	EXPLAIN_BASELINES,
};
extern const char *const explain_baselines[EXPLAIN_BASELINES]; /* "pad" */

struct explain_options {
	const char *path; /* the model's directory, as a classifier's */
	size_t threads;   /* 0 = one */
	enum explain_method method;
	enum explain_baseline baseline;
	size_t steps;     /* of the integral, 1 to EXPLAIN_STEPS_MOST */
};
enum { EXPLAIN_STEPS = 32, EXPLAIN_STEPS_MOST = 512 };

struct explained_word {
	size_t start, length; /* bytes of the text */
	float weight;         /* for the class (above zero) or against it; of both attentions: a share of 1 */
	float attention;      /* its share of the roll-out; [CLS] and [SEP] have the rest */
};

struct explanation {
	bool can_judge;      /* false: there are no words and no class, as for a classifier's score */
	bool cut;            /* the text is longer than the model reads */
	float polarity[3];   /* probabilities: negative, neutral, positive */
	float *topics;       /* probabilities, in config.json's order */
	size_t class;        /* that was explained */
	enum explain_method method; /* by which */
	double odds;         /* its log-odds */
	double base;         /* EXPLAIN_INTEGRATED: those of the baseline, so that odds - base is the weights' sum, nearly */
	struct explained_word *words;
	size_t word_count;
	/* How each head of each layer looks from one unit to another, [layers, heads, side, side]: [CLS], the first words,
	 * [SEP].  NULL where it was not asked for. */
	float *attention;
	size_t side;
};
enum { EXPLAIN_PICTURE_WORDS = 46 };

/* What to explain of a text: a class of a head, or the head's most probable one. */
struct explain_question {
	bool topic;
	int class;   /* negative, neutral, positive, or a topic of config.json; -1: the most probable */
	bool picture;
};

struct explainer;

struct explainer *explainer_open(const struct explain_options *options, struct err *e);
void explainer_close(struct explainer *explainer);

struct explainer_info {
	const char *version;       /* as a classifier's */
	const char *const *topics; /* NULL without a topic head */
	size_t topic_count, layers, heads, hidden, max_tokens;
};
const struct explainer_info *explainer_get_info(const struct explainer *explainer);

/* Fills explanations[count], each to be cleared by explanation_clear, also after a failure. */
int explainer_run(struct explainer *explainer, const struct explain_question *question, const struct text *texts,
		  size_t count, struct explanation *explanations, struct err *e);
void explanation_clear(struct explanation *explanation);

/* The embeddings of a text's ids: words[length, hidden]. */
void explainer_words(const struct explainer *explainer, const int32_t *ids, size_t length, float *words);

/* A class's log-odds where a text's words have the embeddings words[length, hidden], and their gradient by these;
 * length is at most max_tokens. */
double explainer_gradient(struct explainer *explainer, bool topic, size_t class, const float *words, size_t length,
			  float *gradient);

#endif
