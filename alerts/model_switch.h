#ifndef ALERTS_MODEL_SWITCH_H
#define ALERTS_MODEL_SWITCH_H

#include "alerts/window.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * What counts of the past would be, had another model judged the documents.
 *
 * Recent documents that both models have judged give the chances that a
 * negative one stays negative, that another one becomes negative, and so on,
 * for each topic and overall.  Every story that was counted is then drawn anew
 * by those chances, by numbers that depend on the switch, the topic and the
 * time of the count alone: the same history always becomes the same history,
 * and it scatters as the new model's own would, which a factor's does not.
 */
enum judgement { JUDGED_NEGATIVE, JUDGED_OTHER, NOT_JUDGED, JUDGEMENTS };

/* How often the old model said the first and the new one the second. */
struct switch_pairs {
	uint32_t counts[JUDGEMENTS][JUDGEMENTS];
	double score_shift; /* sum of new minus old score over what both judged */
};

void switch_pairs_add(struct switch_pairs *pairs, enum judgement old, enum judgement new, double score_shift);

/* Adds the pairs of the switch the other way round: back to a model that was left. */
void switch_pairs_add_reverse(struct switch_pairs *pairs, const struct switch_pairs *there);

/* What follows: chances by row, and how the mean score moves. */
struct switch_chances {
	double become[JUDGEMENTS][JUDGEMENTS]; /* each row sums to 1 */
	double score_shift;
};

/* All topics together; without pairs nothing changes. */
struct switch_chances switch_chances_overall(const struct switch_pairs *all);

/* One topic's own, believed as far as it has pairs, else as all topics together. */
struct switch_chances switch_chances_topic(const struct switch_pairs *topic, const struct switch_chances *overall);

/* A count of the past as the new model would have made it.  `seed` names the switch, the topic and the time. */
void switch_redraw(const struct switch_chances *chances, uint64_t seed, struct tally *tally);

/* True with this chance, by the seed. */
bool switch_draw(uint64_t seed, double chance);

#endif
