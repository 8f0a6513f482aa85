#ifndef DAEMON_REPLAY_SCORE_H
#define DAEMON_REPLAY_SCORE_H

#include "daemon/base/item.h"
#include "daemon/config.h"
#include "model/classifier.h"

/* The model of a replay, opened when it is first needed. */
struct replay_scorer;

/* The configurations outlive it; of several, all must name one model. */
struct replay_scorer *replay_scorer_create(const struct config *const *configs, size_t count);
void replay_scorer_free(struct replay_scorer *scorer);

struct replay_score {
	enum polarity polarity; /* POLARITY_NONE = it cannot judge, and knows no label */
	float score;
	const char *label;      /* the most probable of the model's topics; NULL = it has none */
};

int replay_scorer_run(struct replay_scorer *scorer, const struct text *texts, size_t count, struct replay_score *scores,
		      struct err *e);

#endif
