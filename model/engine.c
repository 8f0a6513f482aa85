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
 * A side is a device with the model on it.  The spare one, the CPU's, is made
 * when it is needed: a GPU is left seldom, and a model in memory once more would be
 * paid for always.  So its files are read again then, and must be what they
 * were: a batch's scores are stored under one version.
 *
 * A worker finds out by itself that its device is to be left, moves, and nobody else
 * touches its place: so a failure needs no word between workers but the flag.
 */
struct side {
	const struct ops *ops;
	struct device *device;
	struct encoder *encoder;
	char name[160];
	struct err trouble; /* written before `left` is set, once */
	atomic_bool left;
};

struct place {
	struct side *side;
	struct encoder_context *context;
};

struct engine {
	struct engine_options options;
	struct side sides[DEVICES_MOST], spare;
	size_t side_count;
	struct place *places; /* one for each worker */
	size_t batch_tokens;
	char version[MODEL_VERSION_SIZE];
	char kernels[1024];
	struct err why_cpu;
	pthread_mutex_t lock; /* of leaving: the spare side, and who leaves a side first */
	_Atomic(const struct err *) trouble;
};

static void side_close(struct side *side)
{
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

static int side_open(const struct engine *engine, struct side *side, const char *kind, int number,
		     const char *precision, const struct weights *weights, struct err *e)
{
	if (strcmp(precision, "auto") == 0 && has_integers(weights))
		side->ops = ops_open(kind, number, "int8", &side->device, NULL);
	if (side->ops == NULL)
		side->ops = ops_open(kind, number, precision, &side->device, e);
	if (side->ops == NULL)
		return -1;
	side->encoder = encoder_open(side->ops, side->device, engine->options.config, weights, e);
	if (side->encoder == NULL) {
		side_close(side);
		return -1;
	}
	const char *kernels = side->ops->kernels(side->device);
	if (number == DEVICE_ANY)
		snprintf(side->name, sizeof side->name, "%s", kernels);
	else
		snprintf(side->name, sizeof side->name, "%s:%d %s", kind, number, kernels);
	return 0;
}

static int place_open(const struct engine *engine, struct place *place, struct side *side, struct err *e)
{
	place->side = side;
	place->context = encoder_context_open(side->encoder, engine->batch_tokens, engine->batch_tokens / 2, e);
	return place->context != NULL ? 0 : -1;
}

/* Of a list's devices the message must say which. */
static int device_prefix(const struct devices *devices, size_t index, struct err *e)
{
	if (devices->numbers[index] != DEVICE_ANY)
		err_prefix(e, "device %s:%d", devices->kind, devices->numbers[index]);
	return -1;
}

/* The first side says how large batches are.  Workers take the sides in turn. */
static int places_open(struct engine *engine, const struct devices *devices, struct err *e)
{
	size_t workers = engine->options.workers, longest = engine->options.config->max_tokens;
	size_t liked = engine->sides[0].ops->batch_tokens;
	engine->batch_tokens = liked > longest ? liked : longest;
	engine->places = calloc(workers, sizeof *engine->places);
	if (engine->places == NULL)
		return err_set(e, "out of memory");
	for (size_t i = 0; i < workers; i++) {
		size_t side = i % devices->count;
		if (place_open(engine, &engine->places[i], &engine->sides[side], e) < 0)
			return device_prefix(devices, side, e);
	}
	return 0;
}

static void sides_close(struct engine *engine)
{
	for (size_t i = 0; engine->places != NULL && i < engine->options.workers; i++)
		encoder_context_close(engine->places[i].context);
	free(engine->places);
	engine->places = NULL;
	for (size_t i = 0; i < engine->side_count; i++)
		side_close(&engine->sides[i]);
	engine->side_count = 0;
	side_close(&engine->spare);
}

/* A list's devices run in the precision that the first took; nothing is open where it fails. */
static int sides_open(struct engine *engine, const struct devices *devices, const struct weights *weights,
		      struct err *e)
{
	size_t used = 0;
	if (devices->count > engine->options.workers)
		return err_set(e, "for %zu GPUs threads must be %zu or more; it is %zu", devices->count, devices->count,
			       engine->options.workers);
	for (size_t i = 0; i < devices->count; i++) {
		struct side *side = &engine->sides[i];
		const char *precision = i == 0 ? engine->options.precision : engine->sides[0].ops->precision;
		if (side_open(engine, side, devices->kind, devices->numbers[i], precision, weights, e) < 0) {
			device_prefix(devices, i, e);
			goto fail;
		}
		engine->side_count++;
		if (used < sizeof engine->kernels)
			used += (size_t)snprintf(engine->kernels + used, sizeof engine->kernels - used, "%s%s",
						 i > 0 ? ", " : "", side->name);
	}
	if (places_open(engine, devices, e) == 0)
		return 0;
fail:
	sides_close(engine);
	return -1;
}

/* "auto": the first kind of GPU that is there, where the model fits it; else the CPU, with the reason. */
static int sides_open_auto(struct engine *engine, const struct devices *devices, const struct weights *weights,
			   struct err *e)
{
	static const struct devices cpu = {.kind = "cpu", .numbers = {DEVICE_ANY}, .count = 1};
	if (strcmp(devices->kind, "auto") != 0)
		return sides_open(engine, devices, weights, e);
	if (sides_open(engine, devices, weights, &engine->why_cpu) < 0)
		return sides_open(engine, &cpu, weights, e);
	engine->why_cpu.text[0] = '\0';
	ops_why_not_cuda(engine->sides[0].ops, &engine->why_cpu);
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
	struct devices devices;
	if (devices_parse(options->device, &devices, e) < 0)
		return NULL;
	struct engine *engine = calloc(1, sizeof *engine);
	if (engine == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	engine->options = *options;
	pthread_mutex_init(&engine->lock, NULL);
	struct weights *weights = files_open(engine, engine->version, e);
	int result = weights != NULL ? sides_open_auto(engine, &devices, weights, e) : -1;
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
	sides_close(engine);
	pthread_mutex_destroy(&engine->lock);
	free(engine);
}

const struct ops *engine_ops(const struct engine *engine)
{
	return engine->sides[0].ops;
}

const char *engine_kernels(const struct engine *engine)
{
	return engine->kernels;
}

const char *engine_version(const struct engine *engine)
{
	return engine->version;
}

size_t engine_outputs(const struct engine *engine)
{
	return encoder_outputs(engine->sides[0].encoder);
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
	const struct err *trouble = atomic_load(&engine->trouble);
	return trouble != NULL ? trouble->text : NULL;
}

/* Makes the spare side, in what the CPU likes best.  The lock is held. */
static int spare_open(struct engine *engine, struct err *e)
{
	char version[MODEL_VERSION_SIZE];
	if (engine->spare.encoder != NULL)
		return 0;
	struct weights *weights = files_open(engine, version, e);
	if (weights == NULL)
		return -1;
	int result = -1;
	if (strcmp(version, engine->version) != 0)
		err_set(e, "%s has changed since it was opened", engine->options.directory);
	else
		result = side_open(engine, &engine->spare, "cpu", DEVICE_ANY, "auto", weights, e);
	weights_close(weights);
	return result;
}

/*
 * A place on a side that nobody has left, else on the spare one.  Workers of one side begin to look at different ones, so
 * that they do not all go to the same.  The lock is held.
 */
static int place_find(struct engine *engine, size_t worker, struct place *place, struct err *e)
{
	size_t count = engine->side_count, first = worker + 1 + worker / count;
	for (size_t i = 0; i < count; i++) {
		struct side *side = &engine->sides[(first + i) % count];
		if (side != engine->places[worker].side && !atomic_load(&side->left) &&
		    place_open(engine, place, side, NULL) == 0)
			return 0;
	}
	return spare_open(engine, e) == 0 ? place_open(engine, place, &engine->spare, e) : -1;
}

/* Brings the worker to another side; `why` is what its own said.  Where there is none its place stays, to be tried again. */
static int worker_move(struct engine *engine, size_t worker, const struct err *why, struct err *e)
{
	struct place *place = &engine->places[worker], next = {0};
	struct side *from = place->side;
	pthread_mutex_lock(&engine->lock);
	int result = place_find(engine, worker, &next, e);
	if (result < 0)
		err_prefix(e, "%s; the CPU cannot take over", why->text);
	else if (!atomic_load(&from->left)) {
		err_set(&from->trouble, "%s taken over from %s: %s",
			next.side == &engine->spare ? "the CPU has" : "other GPUs have", from->name, why->text);
		atomic_store(&from->left, true);
		atomic_store(&engine->trouble, &from->trouble);
	}
	pthread_mutex_unlock(&engine->lock);
	if (result < 0)
		return -1;
	encoder_context_close(place->context);
	*place = next;
	return 0;
}

/* Each turn ends it or moves the worker to a side that nobody has left; the last of them is the CPU. */
int engine_run(struct engine *engine, size_t worker, const struct token_batch *batch, float *logits, struct err *e)
{
	struct place *place = &engine->places[worker];
	for (;;) {
		struct err why = {0};
		if (atomic_load(&place->side->left))
			why = place->side->trouble;
		else if (encoder_run(place->context, batch, logits, &why) == 0)
			return 0;
		if (strcmp(place->side->ops->device, "cpu") == 0)
			return err_set(e, "%s", why.text);
		if (worker_move(engine, worker, &why, e) < 0)
			return -1;
	}
}
