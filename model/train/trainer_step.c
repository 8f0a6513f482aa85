#include "model/train/trainer_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is done with a batch's gradients: they are handed out, they say which heads matter, or a step follows them. */
int trainer_gradients(struct trainer *trainer, const struct trainer_text *texts, size_t count, float *gradients,
		      struct trainer_result *result, struct err *e)
{
	if (trainer_differentiate(trainer, texts, count, result, e) < 0 || trainer_norm(trainer, &result->norm, e) < 0)
		return -1;
	memcpy(gradients, trainer->gradients, trainer->state.count * sizeof *gradients);
	trainer_forget(trainer);
	return 0;
}

int trainer_importance(struct trainer *trainer, const struct trainer_text *texts, size_t count, double *importance,
		       struct err *e)
{
	size_t heads = trainer->net.layout.layers * trainer->net.layout.heads;
	struct trainer_result result;
	trainer->importance = calloc(trainer->shard_capacity * heads, sizeof *trainer->importance);
	if (trainer->importance == NULL)
		return err_set(e, "out of memory");
	int done = trainer_differentiate(trainer, texts, count, &result, e);
	memset(importance, 0, heads * sizeof *importance);
	for (size_t i = 0; i < trainer->shard_capacity * heads; i++)
		importance[i % heads] += trainer->importance[i];
	trainer_forget(trainer);
	free(trainer->importance);
	trainer->importance = NULL;
	return done;
}

int trainer_step(struct trainer *trainer, const struct trainer_text *texts, size_t count, double rate,
		 struct trainer_result *result, struct err *e)
{
	int done = -1;
	if (trainer_differentiate(trainer, texts, count, result, e) < 0)
		return -1;
	if (trainer_norm(trainer, &result->norm, e) < 0)
		goto done;
	if (!isfinite(result->loss) || !isfinite(result->norm)) {
		err_set(e, "step %zu: the %s is not a number", trainer->state.steps + 1,
			isfinite(result->loss) ? "gradient" : "loss");
		goto done;
	}
	double clip = trainer->options.clip > 0 ? trainer->options.clip / (result->norm + 1e-6) : 1;
	done = trainer_update(trainer, rate, clip < 1 ? clip : 1, e);
done:
	trainer_forget(trainer);
	return done;
}
