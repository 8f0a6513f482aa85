#include "model/engine.h"

#include "model/ops.h"
#include "model/version.h"
#include "model/weights.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The spare side is made when it is needed: a GPU is left seldom, and a model
 * in memory twice would be paid for always.  So its files are read again then, and
 * must be what they were: a batch's scores are stored under one version.
 */
struct side {
	const struct ops *ops;
	struct device *device;
	struct encoder *encoder;
	struct encoder_context **contexts; /* one for each worker */
};

struct engine {
	struct engine_options options;
	struct side side, spare;
	size_t batch_tokens;
	char version[MODEL_VERSION_SIZE];
	struct err why_cpu;
	pthread_mutex_t lock; /* of leaving */
	atomic_bool left;     /* the spare side is there, and `trouble` is written */
	struct err trouble;
};

static void side_close(struct side *side, size_t workers)
{
	for (size_t i = 0; side->contexts != NULL && i < workers; i++)
		encoder_context_close(side->contexts[i]);
	free(side->contexts);
	encoder_close(side->encoder);
	if (side->device != NULL)
		side->ops->device_close(side->device);
	*side = (struct side){0};
}

/* Weights that are stored as integers were converted for int8: then that is what "auto" takes. */
static bool has_integers(const struct weights *weights)
{
	for (size_t i = 0; weights_tensor(weights, i) != NULL; i++)
		if (weights_tensor(weights, i)->type == WEIGHT_I8)
			return true;
	return false;
}

static int ops_choose(struct side *side, const char *device, const char *precision, const struct weights *weights,
		      struct err *e)
{
	if (strcmp(precision, "auto") == 0 && has_integers(weights))
		side->ops = ops_open(device, "int8", &side->device, NULL);
	if (side->ops == NULL)
		side->ops = ops_open(device, precision, &side->device, e);
	return side->ops != NULL ? 0 : -1;
}

/* The first side says how large batches are. */
static int contexts_open(struct engine *engine, struct side *side, struct err *e)
{
	size_t workers = engine->options.workers, longest = engine->options.config->max_tokens;
	if (engine->batch_tokens == 0)
		engine->batch_tokens = side->ops->batch_tokens > longest ? side->ops->batch_tokens : longest;
	side->contexts = calloc(workers, sizeof *side->contexts);
	if (side->contexts == NULL)
		return err_set(e, "out of memory");
	for (size_t i = 0; i < workers; i++) {
		side->contexts[i] =
			encoder_context_open(side->encoder, engine->batch_tokens, engine->batch_tokens / 2, e);
		if (side->contexts[i] == NULL)
			return -1;
	}
	return 0;
}

static int side_open(struct engine *engine, struct side *side, const char *device, const char *precision,
		     const struct weights *weights, struct err *e)
{
	if (ops_choose(side, device, precision, weights, e) < 0)
		return -1;
	side->encoder = encoder_open(side->ops, side->device, engine->options.config, weights, e);
	if (side->encoder != NULL && contexts_open(engine, side, e) == 0)
		return 0;
	side_close(side, engine->options.workers);
	if (side == &engine->side)
		engine->batch_tokens = 0;
	return -1;
}

/* "auto": a GPU that is there, and that the model fits; else the CPU, with the reason. */
static int side_open_auto(struct engine *engine, const struct weights *weights, struct err *e)
{
	const char *precision = engine->options.precision;
	if (side_open(engine, &engine->side, "auto", precision, weights, &engine->why_cpu) < 0)
		return side_open(engine, &engine->side, "cpu", precision, weights, e);
	engine->why_cpu.text[0] = '\0';
	ops_why_not_cuda(engine->side.ops, &engine->why_cpu);
	return 0;
}

static struct weights *files_open(const struct engine *engine, char version[MODEL_VERSION_SIZE], struct err *e)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/model.safetensors", engine->options.directory);
	struct weights *weights = weights_open(path, e);
	if (weights == NULL)
		return NULL;
	if (model_version(engine->options.directory, weights, version, e) == 0)
		return weights;
	weights_close(weights);
	return NULL;
}

struct engine *engine_open(const struct engine_options *options, struct err *e)
{
	struct engine *engine = calloc(1, sizeof *engine);
	if (engine == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	engine->options = *options;
	pthread_mutex_init(&engine->lock, NULL);
	struct weights *weights = files_open(engine, engine->version, e);
	int result = -1;
	if (weights != NULL && strcmp(options->device, "auto") == 0)
		result = side_open_auto(engine, weights, e);
	else if (weights != NULL)
		result = side_open(engine, &engine->side, options->device, options->precision, weights, e);
	weights_close(weights);
	if (result == 0)
		return engine;
	engine_close(engine);
	return NULL;
}

void engine_close(struct engine *engine)
{
	if (engine == NULL)
		return;
	side_close(&engine->side, engine->options.workers);
	side_close(&engine->spare, engine->options.workers);
	pthread_mutex_destroy(&engine->lock);
	free(engine);
}

const struct ops *engine_ops(const struct engine *engine)
{
	return engine->side.ops;
}

const char *engine_kernels(const struct engine *engine)
{
	return engine->side.ops->kernels(engine->side.device);
}

const char *engine_version(const struct engine *engine)
{
	return engine->version;
}

size_t engine_outputs(const struct engine *engine)
{
	return encoder_outputs(engine->side.encoder);
}

size_t engine_batch_tokens(const struct engine *engine)
{
	return engine->batch_tokens;
}

const char *engine_why_cpu(const struct engine *engine)
{
	return engine->why_cpu.text[0] != '\0' ? engine->why_cpu.text : NULL;
}

const char *engine_trouble(const struct engine *engine)
{
	return atomic_load(&engine->left) ? engine->trouble.text : NULL;
}

/* Makes the spare side, in what the CPU likes best, and leaves the device that said `why`. */
static int engine_leave(struct engine *engine, const struct err *why, struct err *e)
{
	char version[MODEL_VERSION_SIZE];
	struct weights *weights = files_open(engine, version, e);
	if (weights == NULL)
		return -1;
	int result = -1;
	if (strcmp(version, engine->version) != 0)
		err_set(e, "%s has changed since it was opened", engine->options.directory);
	else
		result = side_open(engine, &engine->spare, "cpu", "auto", weights, e);
	weights_close(weights);
	if (result < 0)
		return err_prefix(e, "%s; the CPU cannot take over", why->text);
	err_set(&engine->trouble, "the CPU has taken over from %s: %s", engine_kernels(engine), why->text);
	atomic_store(&engine->left, true);
	return 0;
}

int engine_run(struct engine *engine, size_t worker, const struct token_batch *batch, float *logits, struct err *e)
{
	struct err why = {0};
	if (!atomic_load(&engine->left)) {
		if (encoder_run(engine->side.contexts[worker], batch, logits, &why) == 0)
			return 0;
		if (strcmp(engine->side.ops->device, "cpu") == 0)
			return err_set(e, "%s", why.text);
		pthread_mutex_lock(&engine->lock);
		int result = atomic_load(&engine->left) ? 0 : engine_leave(engine, &why, e);
		pthread_mutex_unlock(&engine->lock);
		if (result < 0)
			return -1;
	}
	return encoder_run(engine->spare.contexts[worker], batch, logits, e);
}
