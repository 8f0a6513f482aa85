#ifndef MODEL_ENGINE_H
#define MODEL_ENGINE_H

#include "daemon/base/err.h"
#include "model/config.h"
#include "model/encoder.h"

/*
 * A model's encoder on the devices that were asked for, with a place on one of
 * them for each worker.
 *
 * "auto" takes a GPU where there is one that the model fits, else the CPU, and
 * says why.  Of several GPUs each has the weights, and every so many-th worker.  A device that
 * fails in the middle of its work, whatever was asked for, is left: its workers go
 * to the other GPUs, or to the CPU where none is left, and do their batches
 * again.  So nothing is lost, and engine_trouble says so from then on.
 */
struct engine;

/* All of it is the caller's and outlives the engine. */
struct engine_options {
	const char *directory;
	const char *device;    /* as devices_parse takes it */
	const char *precision; /* as ops_open takes it */
	const struct model_config *config;
	size_t workers; /* at least as many as GPUs are named */
};

struct engine *engine_open(const struct engine_options *options, struct err *e);
void engine_close(struct engine *engine);

/* What it runs on; the table that was chosen at open. */
const struct ops *engine_ops(const struct engine *engine);

/* One line; of several devices each with its number.  As opened: one that was left stays in it. */
const char *engine_kernels(const struct engine *engine);

/* Of the model's files, as model_version makes it. */
const char *engine_version(const struct engine *engine);

size_t engine_outputs(const struct engine *engine);

/* Tokens of the batches that it takes, at least the model's longest text; and half as many texts. */
size_t engine_batch_tokens(const struct engine *engine);

/* One line: why "auto" did not take a GPU; NULL where it did, or was not asked to. */
const char *engine_why_cpu(const struct engine *engine);

/* One line: which device was left last and what it said; NULL as long as none was.  Any thread; as long as the engine. */
const char *engine_trouble(const struct engine *engine);

/* encoder_run in the place of `worker`; one thread at a time for each.  Where a device is left for the CPU, the first to come reads
 * the model anew and the others wait.  Fails only where that fails too; the next call tries again. */
int engine_run(struct engine *engine, size_t worker, const struct token_batch *batch, float *logits, struct err *e);

#endif
