#ifndef TESTS_LIB_DRAW_VALUES_H
#define TESTS_LIB_DRAW_VALUES_H

#include "model/train/random.h"
#include "model/train/trainer.h"

/* A model by chance: matrices around 0, the small parameters around 0.4, so that norms neither vanish nor turn signs. */
static inline void draw_values(struct trainer *trainer, uint64_t seed, float deviation)
{
	struct trainer_state state = trainer_state(trainer);
	struct random_stream stream = random_stream(seed, 0, 0);
	for (size_t i = 0; i < state.count; i++)
		state.values[i] = deviation * random_normal(&stream) + (i >= trainer_layout(trainer)->small ? 0.4f : 0.0f);
	trainer_restart(trainer);
}

#endif
