#include "model/classifier.h"

#include "model/config.h"
#include "model/engine.h"
#include "model/ops.h"
#include "model/script.h"
#include "model/tokenizer.h"
#include "model/version.h"
#include "model/workers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A call's texts are cut into pieces of about one batch of tokens, judged by
 * their bytes; workers take the pieces, tokenise them and run the encoder over
 * what came out, in as many batches as it takes.  So tokenising is parallel
 * too, long and short texts mix, and nothing is padded.
 */
enum { MAX_THREADS = 256, BYTES_PER_TOKEN = 4 };

/* What one thread writes to.  B = batch_tokens, M = max_tokens */
struct seat {
	int32_t *ids;    /* [B + M]: room for the text that is one too many */
	int32_t *starts; /* [B / 2 + 2] */
	float *logits;   /* [B / 2, outputs] */
};

struct classifier {
	struct model_config config;
	char *path; /* the options' */
	struct engine *engine;
	struct tokenizer *tokenizer;
	struct script_set scripts;
	struct workers *workers;
	struct seat *seats;
	size_t seat_count;
	size_t batch_tokens; /* the engine's */
	char version[sizeof((struct model_config *)0)->model_type + MODEL_VERSION_SIZE];
	struct classifier_info info;
};

/* Opening */

static int threads_count(int asked, size_t *count, struct err *e)
{
	if (asked < 0 || asked > MAX_THREADS)
		return err_set(e, "threads must be 0 (one per CPU) to %d", MAX_THREADS);
	*count = asked > 0 ? (size_t)asked : workers_default();
	if (*count > MAX_THREADS)
		*count = MAX_THREADS;
	return 0;
}

static int tokenizer_load(struct classifier *classifier, const char *directory, struct err *e)
{
	classifier->tokenizer = tokenizer_open_model(directory, e);
	if (classifier->tokenizer == NULL)
		return -1;
	size_t words = tokenizer_vocab_size(classifier->tokenizer);
	if (words > classifier->config.vocab_size)
		return err_set(e, "%s: vocab.txt has %zu words and config.json's vocab_size is %zu", directory, words,
			       classifier->config.vocab_size);
	classifier->scripts = script_set_from_vocab(tokenizer_vocab(classifier->tokenizer));
	return 0;
}

static int engine_load(struct classifier *classifier, const struct classifier_options *options, size_t workers,
		       struct err *e)
{
	struct engine_options wanted = {
		.directory = classifier->path,
		.device = options->device != NULL ? options->device : "auto",
		.precision = options->precision != NULL ? options->precision : "auto",
		.config = &classifier->config,
		.workers = workers,
	};
	classifier->engine = engine_open(&wanted, e);
	if (classifier->engine == NULL)
		return -1;
	classifier->batch_tokens = engine_batch_tokens(classifier->engine);
	snprintf(classifier->version, sizeof classifier->version, "%s-%s", classifier->config.model_type,
		 engine_version(classifier->engine));
	return 0;
}

static int seat_open(struct classifier *classifier, struct seat *seat, struct err *e)
{
	size_t tokens = classifier->batch_tokens, texts = tokens / 2;
	seat->ids = calloc(tokens + classifier->config.max_tokens, sizeof *seat->ids);
	seat->starts = calloc(texts + 2, sizeof *seat->starts);
	seat->logits = calloc(texts * engine_outputs(classifier->engine), sizeof *seat->logits);
	if (seat->ids == NULL || seat->starts == NULL || seat->logits == NULL)
		return err_set(e, "out of memory");
	return 0;
}

static int seats_open(struct classifier *classifier, size_t count, struct err *e)
{
	classifier->seats = calloc(count, sizeof *classifier->seats);
	if (classifier->seats == NULL)
		return err_set(e, "out of memory");
	for (; classifier->seat_count < count; classifier->seat_count++)
		if (seat_open(classifier, &classifier->seats[classifier->seat_count], e) < 0) {
			classifier->seat_count++; /* half open: closed with the others */
			return -1;
		}
	classifier->workers = workers_start(count, e);
	return classifier->workers != NULL ? 0 : -1;
}

struct classifier *classifier_open(const struct classifier_options *options, struct err *e)
{
	size_t threads = 0;
	struct classifier *classifier = calloc(1, sizeof *classifier);
	if (classifier == NULL) {
		err_set(e, "out of memory");
		return NULL;
	}
	if (threads_count(options->threads, &threads, e) < 0)
		goto fail;
	classifier->path = strdup(options->path);
	if (classifier->path == NULL) {
		err_set(e, "out of memory");
		goto fail;
	}
	if (model_config_read(&classifier->config, options->path, e) < 0 ||
	    tokenizer_load(classifier, options->path, e) < 0 || engine_load(classifier, options, threads, e) < 0 ||
	    seats_open(classifier, threads, e) < 0)
		goto fail;
	classifier->info = (struct classifier_info){
		.version = classifier->version,
		.device = engine_ops(classifier->engine)->device,
		.precision = engine_ops(classifier->engine)->precision,
		.kernels = engine_kernels(classifier->engine),
		.why_cpu = engine_why_cpu(classifier->engine),
		.topics = (const char *const *)classifier->config.topics,
		.topic_count = classifier->config.topic_count,
		.max_tokens = classifier->config.max_tokens,
	};
	return classifier;

fail:
	classifier_close(classifier);
	return NULL;
}

void classifier_close(struct classifier *classifier)
{
	if (classifier == NULL)
		return;
	workers_stop(classifier->workers);
	for (size_t i = 0; i < classifier->seat_count; i++) {
		struct seat *seat = &classifier->seats[i];
		free(seat->ids);
		free(seat->starts);
		free(seat->logits);
	}
	free(classifier->seats);
	engine_close(classifier->engine);
	tokenizer_free(classifier->tokenizer);
	model_config_clear(&classifier->config);
	free(classifier->path);
	free(classifier);
}

const struct classifier_info *classifier_get_info(const struct classifier *classifier)
{
	return &classifier->info;
}

const char *classifier_trouble(const struct classifier *classifier)
{
	return engine_trouble(classifier->engine);
}

/* Running */

struct call {
	struct work work; /* first, so that the pool's pointer is ours */
	struct classifier *classifier;
	const struct text *texts;
	struct score *scores;
	float *topic_logits;
	size_t share; /* texts for each worker, were they equal */
};

/* Texts from `first` on that make about one batch, and no more than leaves work for every worker. */
static size_t call_piece(const struct work *work, size_t first)
{
	const struct call *call = (const struct call *)work;
	size_t budget = call->classifier->batch_tokens, most = call->classifier->config.max_tokens;
	size_t tokens = 0, count = 0;
	while (count < call->share && first + count < work->count) {
		size_t guess = 2 + call->texts[first + count].length / BYTES_PER_TOKEN;
		tokens += guess < most ? guess : most;
		if (tokens > budget && count > 0)
			break;
		count++;
	}
	return count;
}

static bool all_finite(const float *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isfinite(values[i]))
			return false;
	return true;
}

/* `logits` is what the encoder gave for the text, in the model's own order. */
static void text_score(const struct call *call, size_t index, float *logits)
{
	const struct classifier *classifier = call->classifier;
	size_t topics = classifier->config.topic_count;
	struct score *score = &call->scores[index];
	const struct text *text = &call->texts[index];
	score->can_judge = script_is_covered(classifier->scripts, text->data, text->length);
	/* Weights that are finite, yet so large that a sum is not, say nothing. */
	if (!all_finite(logits, 3 + topics)) {
		score->can_judge = false;
		memset(logits, 0, (3 + topics) * sizeof *logits);
	}
	for (int i = 0; i < 3; i++)
		score->polarity_logits[i] = logits[classifier->config.polarity_row[i]];
	memcpy(score->polarity, score->polarity_logits, sizeof score->polarity);
	softmax_row(score->polarity, 3);
	if (call->topic_logits != NULL && topics > 0)
		memcpy(call->topic_logits + index * topics, logits + 3, topics * sizeof *logits);
}

/* Encode the `count` texts whose tokens are in the seat, the first of them number `first` of the call. */
static int batch_run(const struct call *call, const struct seat *seat, size_t first, size_t count, struct err *e)
{
	const struct token_batch batch = {.ids = seat->ids, .starts = seat->starts, .texts = count};
	size_t worker = (size_t)(seat - call->classifier->seats);
	if (engine_run(call->classifier->engine, worker, &batch, seat->logits, e) < 0)
		return -1;
	size_t outputs = engine_outputs(call->classifier->engine);
	for (size_t i = 0; i < count; i++)
		text_score(call, first + i, seat->logits + i * outputs);
	return 0;
}

static int call_run(struct work *work, size_t worker, size_t first, size_t count, struct err *e)
{
	const struct call *call = (const struct call *)work;
	const struct classifier *classifier = call->classifier;
	struct seat *seat = &classifier->seats[worker];
	size_t batch_texts = 0, used = 0;
	for (size_t i = 0; i < count; i++) {
		const struct text *text = &call->texts[first + i];
		int32_t *ids = seat->ids + used;
		size_t length = tokenizer_encode(classifier->tokenizer, text->data, text->length, ids,
						 classifier->config.max_tokens);
		if (used + length > classifier->batch_tokens) {
			if (batch_run(call, seat, first + i - batch_texts, batch_texts, e) < 0)
				return -1;
			memmove(seat->ids, ids, length * sizeof *ids);
			batch_texts = used = 0;
		}
		used += length;
		seat->starts[++batch_texts] = (int32_t)used;
	}
	return batch_run(call, seat, first + count - batch_texts, batch_texts, e);
}

int classifier_run(struct classifier *classifier, const struct text *texts, size_t count, struct score *scores,
		   float *topic_logits, struct err *e)
{
	struct call call = {
		.work = {.count = count, .piece = call_piece, .run = call_run},
		.classifier = classifier,
		.texts = texts,
		.scores = scores,
		.topic_logits = topic_logits,
		.share = (count + classifier->seat_count - 1) / classifier->seat_count,
	};
	return workers_run(classifier->workers, &call.work, e);
}

void softmax_row(float *row, size_t count)
{
	float top = -INFINITY, sum = 0;
	for (size_t i = 0; i < count; i++)
		top = row[i] > top ? row[i] : top;
	for (size_t i = 0; i < count; i++)
		sum += row[i] = expf(row[i] - top);
	for (size_t i = 0; i < count; i++)
		row[i] /= sum;
}

int score_polarity(const struct score *score)
{
	int best = 0;
	for (int i = 1; i < 3; i++)
		if (score->polarity[i] > score->polarity[best])
			best = i;
	return best;
}
