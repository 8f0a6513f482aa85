#include "gpu/cuda.h"
#include "tests/cuda/emulation.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * cuBLASLt in plain loops, as strict about what it is given as its
 * documentation allows.  Matrices are by columns.
 */
enum { NOT_INITIALIZED = 1, INVALID_VALUE = 7, NOT_SUPPORTED = 15 };

struct cublas_description {
	int32_t transpose_a;
	uint32_t epilogue;
	const void *bias;
};

struct cublas_layout {
	int type;
	size_t rows, columns, leading;
};

struct cublas_preference {
	uint64_t workspace;
	uint32_t alignment[4];
};

#define FAULT() FAULT_OF(emulation_current())

/* One for each device; a handle works on the device that was current when it was made. */
static char handles[EMULATED_MOST];

static bool handle_fits(const struct cublasLtContext *handle)
{
	return emulation_current() != NO_DEVICE && (const void *)handle == (const void *)&handles[emulation_current()];
}

static int create(struct cublasLtContext **handle)
{
	FAULT();
	if (emulation_current() == NO_DEVICE)
		return NOT_INITIALIZED;
	*handle = (struct cublasLtContext *)(void *)&handles[emulation_current()];
	emulation_count(1);
	return 0;
}

static int destroy(struct cublasLtContext *handle)
{
	(void)handle;
	emulation_count(-1);
	return emulation_fault(emulation_current());
}

/* A zero thing of the library's. */
#define MAKE(out)                                                                                                     \
	do {                                                                                                          \
		FAULT();                                                                                              \
		*(out) = calloc(1, sizeof **(out));                                                                   \
		emulation_count(1);                                                                                   \
	} while (0)

static int end(void *thing)
{
	free(thing);
	emulation_count(-1);
	return emulation_fault(emulation_current());
}

static int description_create(struct cublas_description **out, int sums, int scale_type)
{
	if (sums != CUBLAS_SUMS_FLOAT32 || scale_type != CUBLAS_FLOAT32)
		return NOT_SUPPORTED;
	MAKE(out);
	(*out)->epilogue = 1; /* CUBLASLT_EPILOGUE_DEFAULT */
	return 0;
}

static int description_destroy(struct cublas_description *description)
{
	return end(description);
}

static int description_set(struct cublas_description *description, int attribute, const void *value, size_t size)
{
	FAULT();
	if (attribute == CUBLAS_TRANSPOSE_A && size == sizeof description->transpose_a)
		memcpy(&description->transpose_a, value, size);
	else if (attribute == CUBLAS_EPILOGUE && size == sizeof description->epilogue)
		memcpy(&description->epilogue, value, size);
	else if (attribute == CUBLAS_BIAS_POINTER && size == sizeof description->bias)
		memcpy(&description->bias, value, size);
	else
		return INVALID_VALUE;
	return 0;
}

static int layout_create(struct cublas_layout **out, int type, uint64_t rows, uint64_t columns, int64_t leading)
{
	MAKE(out);
	**out = (struct cublas_layout){.type = type, .rows = rows, .columns = columns, .leading = (size_t)leading};
	return 0;
}

static int layout_destroy(struct cublas_layout *layout)
{
	return end(layout);
}

static int preference_create(struct cublas_preference **out)
{
	MAKE(out);
	for (size_t i = 0; i < 4; i++)
		(*out)->alignment[i] = 256;
	return 0;
}

static int preference_destroy(struct cublas_preference *preference)
{
	return end(preference);
}

static int preference_set(struct cublas_preference *preference, int attribute, const void *value, size_t size)
{
	FAULT();
	if (attribute == CUBLAS_WORKSPACE_BYTES && size == sizeof preference->workspace)
		memcpy(&preference->workspace, value, size);
	else if (attribute >= CUBLAS_ALIGNMENT_A && attribute < CUBLAS_ALIGNMENT_A + 4 && size == sizeof(uint32_t))
		memcpy(&preference->alignment[attribute - CUBLAS_ALIGNMENT_A], value, size);
	else
		return INVALID_VALUE;
	return 0;
}

static bool known(int type)
{
	return type == CUBLAS_FLOAT32 || type == CUBLAS_BFLOAT16;
}

/* a is stored inputs by outputs and transposed, b inputs by rows, d outputs by rows. */
static bool fits(const struct cublas_description *description, const struct cublas_layout *a,
		 const struct cublas_layout *b, const struct cublas_layout *d)
{
	size_t leading = a->leading | b->leading | d->leading;
	return description->transpose_a == CUBLAS_TRANSPOSE && a->rows == b->rows && d->rows == a->columns &&
	       d->columns == b->columns && a->leading >= a->rows && b->leading >= b->rows && d->leading >= d->rows &&
	       leading % 8 == 0 && a->type == b->type && known(a->type) && known(d->type) &&
	       (a->type == d->type || d->type == CUBLAS_FLOAT32) &&
	       (description->epilogue == 1 || description->epilogue == CUBLAS_EPILOGUE_BIAS);
}

static int choose(struct cublasLtContext *handle, struct cublas_description *description, struct cublas_layout *a,
		  struct cublas_layout *b, struct cublas_layout *c, struct cublas_layout *d,
		  struct cublas_preference *preference, int wanted, struct cublas_choice *choices, int *found)
{
	FAULT();
	(void)c;
	*found = 0;
	if (!handle_fits(handle))
		return NOT_INITIALIZED;
	if (!fits(description, a, b, d) || wanted < 1)
		return NOT_SUPPORTED;
	memset(choices, 0, sizeof *choices);
	choices->algorithm.data[0] = preference->alignment[0]; /* what it will insist on */
	*found = 1;
	return 0;
}

struct job {
	struct cublas_description description;
	struct cublas_layout a, b, d;
	const void *a_values, *b_values;
	void *d_values;
};

static float value_at(const void *values, int type, size_t index)
{
	if (type == CUBLAS_FLOAT32)
		return ((const float *)values)[index];
	uint32_t bits = (uint32_t)((const uint16_t *)values)[index] << 16;
	float value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static void value_set(void *values, int type, size_t index, float value)
{
	if (type == CUBLAS_FLOAT32) {
		((float *)values)[index] = value;
		return;
	}
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	bool nan = (bits & 0x7fffffff) > 0x7f800000;
	((uint16_t *)values)[index] = nan ? 0x7fff : (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* One row of x at a time, its sums side by side, so that the compiler makes vectors of them. */
static void job_run(void *data)
{
	const struct job *job = data;
	size_t inputs = job->a.rows, outputs = job->a.columns;
	float *weight = malloc(inputs * outputs * sizeof *weight), *sum = malloc(outputs * sizeof *sum);
	for (size_t k = 0; k < inputs; k++)
		for (size_t i = 0; i < outputs; i++)
			weight[k * outputs + i] = value_at(job->a_values, job->a.type, i * job->a.leading + k);
	for (size_t row = 0; row < job->b.columns; row++) {
		for (size_t i = 0; i < outputs; i++)
			sum[i] = 0;
		for (size_t k = 0; k < inputs; k++) {
			float x = value_at(job->b_values, job->b.type, row * job->b.leading + k);
			for (size_t i = 0; i < outputs; i++)
				sum[i] += x * weight[k * outputs + i];
		}
		for (size_t i = 0; i < outputs; i++) {
			float bias = job->description.bias != NULL ? value_at(job->description.bias, job->d.type, i) : 0;
			value_set(job->d_values, job->d.type, row * job->d.leading + i, sum[i] + bias);
		}
	}
	free(weight);
	free(sum);
}

static size_t bytes(const struct cublas_layout *layout)
{
	return layout->leading * layout->columns * (layout->type == CUBLAS_FLOAT32 ? 4 : 2);
}

static int multiply(struct cublasLtContext *handle, struct cublas_description *description, const void *alpha,
		    const void *a, struct cublas_layout *a_layout, const void *b, struct cublas_layout *b_layout,
		    const void *beta, const void *c, struct cublas_layout *c_layout, void *d,
		    struct cublas_layout *d_layout, const struct cublas_algorithm *algorithm, void *workspace,
		    size_t workspace_size, struct CUstream_st *stream)
{
	FAULT();
	(void)c;
	(void)c_layout;
	float factor, kept;
	memcpy(&factor, alpha, sizeof factor);
	memcpy(&kept, beta, sizeof kept);
	uintptr_t places = (uintptr_t)a | (uintptr_t)b | (uintptr_t)d;
	if (!handle_fits(handle) || !fits(description, a_layout, b_layout, d_layout) || factor != 1 ||
	    kept != 0 || algorithm->data[0] == 0 || places % algorithm->data[0] != 0)
		return INVALID_VALUE;
	emulation_check_memory(a, bytes(a_layout), "cuBLASLt: the weights are not all there");
	emulation_check_memory(b, bytes(b_layout), "cuBLASLt: the rows are not all there");
	emulation_check_memory(d, bytes(d_layout), "cuBLASLt: the result has no place");
	emulation_check_memory(workspace, workspace_size, "cuBLASLt: the workspace is not there");
	struct job *job = malloc(sizeof *job);
	*job = (struct job){.description = *description, .a = *a_layout, .b = *b_layout, .d = *d_layout, .a_values = a,
			    .b_values = b, .d_values = d};
	if (description->epilogue != CUBLAS_EPILOGUE_BIAS)
		job->description.bias = NULL;
	else if (description->bias == NULL)
		return free(job), INVALID_VALUE;
	emulation_enqueue(stream, job_run, job);
	return 0;
}

const struct cublas emulated_cublas = {
	.create = create, .destroy = destroy, .description_create = description_create,
	.description_destroy = description_destroy, .description_set = description_set,
	.layout_create = layout_create, .layout_destroy = layout_destroy, .preference_create = preference_create,
	.preference_destroy = preference_destroy, .preference_set = preference_set, .choose = choose,
	.multiply = multiply,
};
