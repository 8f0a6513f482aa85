#include "gpu/product.h"

#include <stdlib.h>
#include <string.h>

/*
 * cuBLASLt thinks in columns: what lies here as y[rows, outputs] by rows is to
 * it a matrix of outputs by rows, and it makes that as
 * weight^T (stored inputs by outputs) times x (stored inputs by rows).
 *
 * Which of its algorithms is best it says after some microseconds of thought.
 * So a stream keeps its plans: by the layer's shape, the number of rows in steps of ROWS_STEP and
 * what the result is.  A model has five shapes; a full table forgets one.
 */
struct plan_key {
	size_t outputs, inputs, rows;
	bool biased, wide;
};

struct plan {
	struct plan_key key;
	struct cublas_description *description;
	struct cublas_layout *weight, *x, *y;
	struct cublas_algorithm algorithm;
};

static void plan_free(const struct cublas *cublas, struct plan *plan)
{
	if (plan == NULL)
		return;
	if (plan->y != NULL)
		cublas->layout_destroy(plan->y);
	if (plan->x != NULL)
		cublas->layout_destroy(plan->x);
	if (plan->weight != NULL)
		cublas->layout_destroy(plan->weight);
	if (plan->description != NULL)
		cublas->description_destroy(plan->description);
	free(plan);
}

void product_plans_free(struct stream *stream)
{
	for (size_t i = 0; i < PLAN_SLOTS; i++) {
		plan_free(stream->device->cublas, stream->plans[i]);
		stream->plans[i] = NULL;
	}
}

static int plan_describe(const struct stream *stream, struct plan *plan)
{
	const struct cublas *cublas = stream->device->cublas;
	const struct plan_key *key = &plan->key;
	const int like = stream->device->table->narrow ? CUBLAS_BFLOAT16 : CUBLAS_FLOAT32;
	const int32_t transpose = CUBLAS_TRANSPOSE;
	const uint32_t epilogue = CUBLAS_EPILOGUE_BIAS;
	int status = cublas->description_create(&plan->description, CUBLAS_SUMS_FLOAT32, CUBLAS_FLOAT32);
	if (status == 0)
		status = cublas->description_set(plan->description, CUBLAS_TRANSPOSE_A, &transpose, sizeof transpose);
	if (status == 0 && key->biased)
		status = cublas->description_set(plan->description, CUBLAS_EPILOGUE, &epilogue, sizeof epilogue);
	if (status == 0)
		status = cublas->layout_create(&plan->weight, like, key->inputs, key->outputs, (int64_t)key->inputs);
	if (status == 0)
		status = cublas->layout_create(&plan->x, like, key->inputs, key->rows, (int64_t)key->inputs);
	if (status == 0)
		status = cublas->layout_create(&plan->y, key->wide ? CUBLAS_FLOAT32 : like, key->outputs, key->rows,
					       (int64_t)key->outputs);
	return status;
}

/* Places in the caller's block are multiples of 64: an algorithm must not need more, which is what it assumes. */
static int plan_choose(const struct stream *stream, struct plan *plan)
{
	const struct cublas *cublas = stream->device->cublas;
	const uint64_t workspace = WORKSPACE_SIZE;
	const uint32_t alignment = 64;
	struct cublas_preference *preference = NULL;
	struct cublas_choice choice = {0};
	int found = 0, status = cublas->preference_create(&preference);
	if (status != 0)
		return status;
	status = cublas->preference_set(preference, CUBLAS_WORKSPACE_BYTES, &workspace, sizeof workspace);
	for (int i = 0; i < 4 && status == 0; i++)
		status = cublas->preference_set(preference, CUBLAS_ALIGNMENT_A + i, &alignment, sizeof alignment);
	if (status == 0)
		status = cublas->choose(stream->device->handle, plan->description, plan->weight, plan->x, plan->y,
					plan->y, preference, 1, &choice, &found);
	cublas->preference_destroy(preference);
	plan->algorithm = choice.algorithm;
	return status != 0 ? status : found > 0 ? choice.state : -1;
}

static void stream_note_status(struct stream *stream, int status, const char *what, const struct plan_key *key)
{
	if (status == 0 || stream->failed)
		return;
	stream->failed = true;
	err_set(&stream->failure, "cuBLASLt %s a product of %zu by %zu values and %zu rows (status %d)", what,
		key->outputs, key->inputs, key->rows, status);
}

static bool key_equal(const struct plan_key *a, const struct plan_key *b)
{
	return a->outputs == b->outputs && a->inputs == b->inputs && a->rows == b->rows && a->biased == b->biased &&
	       a->wide == b->wide;
}

/* The plan for such a product, made where there is none; NULL where the stream has failed. */
static struct plan *plan_find(struct stream *stream, const struct plan_key *key)
{
	size_t hash = key->outputs * 31 + key->inputs * 7 + key->rows / ROWS_STEP * 2 + key->biased;
	struct plan **slot = &stream->plans[hash % PLAN_SLOTS];
	if (*slot != NULL && key_equal(&(*slot)->key, key))
		return *slot;
	plan_free(stream->device->cublas, *slot);
	*slot = NULL;
	struct plan *plan = calloc(1, sizeof *plan);
	if (plan == NULL) {
		stream->failed = true;
		err_set(&stream->failure, "out of memory");
		return NULL;
	}
	plan->key = *key;
	int status = plan_describe(stream, plan);
	if (status == 0)
		status = plan_choose(stream, plan);
	stream_note_status(stream, status, "has no algorithm for", key);
	if (status != 0) {
		plan_free(stream->device->cublas, plan);
		return NULL;
	}
	return *slot = plan;
}

static void *pointer(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

void product_run(struct stream *stream, const struct product *product)
{
	const struct cublas *cublas = stream->device->cublas;
	const struct linear *linear = product->linear;
	const struct plan_key key = {.outputs = linear->outputs, .inputs = linear->inputs,
				     .rows = rows_padded(product->rows), .biased = product->biased,
				     .wide = product->wide};
	const float one = 1, zero = 0;
	if (stream->failed)
		return;
	stream_note(stream, stream->device->cuda->context_use(stream->device->context), "the GPU's context");
	struct plan *plan = stream->failed ? NULL : plan_find(stream, &key);
	if (plan == NULL)
		return;
	void *bias = pointer(linear->bias_like), *y = pointer(product->y);
	int status = 0;
	if (key.biased)
		status = cublas->description_set(plan->description, CUBLAS_BIAS_POINTER, &bias, sizeof bias);
	if (status == 0)
		status = cublas->multiply(stream->device->handle, plan->description, &one, pointer(linear->weight),
					  plan->weight, pointer(product->x), plan->x, &zero, y, plan->y, y, plan->y,
					  &plan->algorithm, pointer(stream->workspace), WORKSPACE_SIZE, stream->queue);
	stream_note_status(stream, status, "fails in", &key);
}
