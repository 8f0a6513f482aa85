/*
 * What goes over values one by one: the activation after a product of
 * cuBLASLt's (whose own GELU is the form by tanh), pooling, and float32 to
 * bfloat16 for the weights.  All of it is bound by memory.
 */

/* A block for BLOCK_THREADS pairs of a row. */
template <typename T> DEVICE void activate_pair(const activate_args &a)
{
	int column = 2 * (int)(blockIdx.x * BLOCK_THREADS + threadIdx.x);
	if (column >= a.width)
		return;
	T *y = (T *)a.y + (size_t)blockIdx.y * a.width + column;
	float2 value = load_pair(y), bias = load_pair(a.bias + column);
	store_pair(y, make_float2(finish_one(value.x + bias.x, a.finish), finish_one(value.y + bias.y, a.finish)));
}

/* A block for BLOCK_THREADS pairs of a text's row. */
template <typename T> DEVICE void gather_first_pair(const pool_args &a)
{
	int column = 2 * (int)(blockIdx.x * BLOCK_THREADS + threadIdx.x);
	if (column >= a.width)
		return;
	const T *x = (const T *)a.x + (size_t)a.starts[blockIdx.y] * a.width + column;
	store_pair((T *)a.out + (size_t)blockIdx.y * a.width + column, load_pair(x));
}

template <typename T> DEVICE void mean_pool_pair(const pool_args &a)
{
	int column = 2 * (int)(blockIdx.x * BLOCK_THREADS + threadIdx.x);
	if (column >= a.width)
		return;
	int first = a.starts[blockIdx.y], end = a.starts[blockIdx.y + 1];
	float2 sum = make_float2(0.0f, 0.0f);
	for (int row = first; row < end; row++) {
		float2 value = load_pair((const T *)a.x + (size_t)row * a.width + column);
		sum.x += value.x;
		sum.y += value.y;
	}
	float count = (float)(end - first);
	store_pair((T *)a.out + (size_t)blockIdx.y * a.width + column, make_float2(sum.x / count, sum.y / count));
}

#define ELEMENT_KERNELS(type, T)                                                                                      \
	KERNEL(activate_##type, BLOCK_THREADS, activate_args)                                                         \
	{                                                                                                             \
		activate_pair<T>(a);                                                                                  \
	}                                                                                                             \
	KERNEL(gather_first_##type, BLOCK_THREADS, pool_args)                                                         \
	{                                                                                                             \
		gather_first_pair<T>(a);                                                                              \
	}                                                                                                             \
	KERNEL(mean_pool_##type, BLOCK_THREADS, pool_args)                                                            \
	{                                                                                                             \
		mean_pool_pair<T>(a);                                                                                 \
	}

ELEMENT_KERNELS(f32, float)
ELEMENT_KERNELS(bf16, bf16)

KERNEL(narrow, BLOCK_THREADS, narrow_args)
{
	int64_t i = (int64_t)blockIdx.x * BLOCK_THREADS + threadIdx.x;
	if (i < a.count)
		store((bf16 *)a.out + i, a.values[i]);
}
