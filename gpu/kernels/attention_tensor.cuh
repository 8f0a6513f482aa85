#include "gpu/kernels/tensor.cuh"

/*
 * Attention on the tensor cores, for heads of 32 and 64 values.
 *
 * A headline has some 30 tokens: one block takes a head of a text, a warp 16
 * queries, and scores, softmax and weights never leave the registers.  Keys and
 * values of up to 64 tokens lie in shared memory; a longer text comes in tiles
 * of as many, and the softmax is kept as it goes (Dao et al.,
 * arXiv:2205.14135; the rescaling is Milakov and Gimelshein's, arXiv:1805.02867), so
 * that the same code serves every length.
 *
 * How a product's result lies in the registers is how the next one's left side
 * must lie there: lane l has rows l / 4 and l / 4 + 8, and columns 2 (l % 4) and
 * the next of every eight (PTX ISA, "Matrix Fragments for mma.m16n8k16").
 */
template <int SIZE> struct tensor_shape {
	static const int PITCH = SIZE + TENSOR_PAD; /* of a row in shared memory: an odd number of 16 bytes */
	static const int COLUMNS = SIZE / 8, STEPS = SIZE / 16, KEYS = TENSOR_KEYS / 8;
};

/* One warp's 16 queries as they are summed up; index 0 is row lane / 4, index 1 the row eight below. */
template <int SIZE> struct tensor_state {
	uint32_t query[SIZE / 16][4];
	float out[SIZE / 8][4];
	float top[2], sum[2];
};

/* The left side of the first product, straight from memory: every value is used by one lane alone. */
template <int SIZE> DEVICE void tensor_queries(const attention_args &a, int first, int left, tensor_state<SIZE> &s)
{
	int lane = threadIdx.x % WARP, row = lane / 4, column = blockIdx.x * SIZE + 2 * (lane % 4);
	const bf16 *queries = (const bf16 *)a.queries + (size_t)first * a.query_stride + column;
#pragma unroll
	for (int step = 0; step < tensor_shape<SIZE>::STEPS; step++) {
#pragma unroll
		for (int i = 0; i < 4; i++) {
			int r = row + 8 * (i % 2), c = 16 * step + 8 * (i / 2);
			s.query[step][i] = 0;
			if (r < left)
				s.query[step][i] = *(const uint32_t *)(queries + (size_t)r * a.query_stride + c);
		}
	}
}

/* Keys and values of `count` tokens into shared memory; zeros up to a multiple of 16. */
template <int SIZE, int THREADS>
DEVICE void tensor_fill(const attention_args &a, int first, int count, bf16 *key, bf16 *value)
{
	const int PIECES = SIZE / 8, PITCH = tensor_shape<SIZE>::PITCH; /* of 16 bytes */
	int padded = (count + 15) / 16 * 16;
	for (int i = threadIdx.x; i < padded * PIECES; i += THREADS) {
		int row = i / PIECES, column = i % PIECES * 8;
		size_t place = (size_t)(first + row) * a.key_stride + blockIdx.x * SIZE + column;
		if (row < count) {
			copy_start(key + row * PITCH + column, (const bf16 *)a.keys + place);
			copy_start(value + row * PITCH + column, (const bf16 *)a.values + place);
		} else {
			*(uint4 *)(key + row * PITCH + column) = make_uint4(0, 0, 0, 0);
			*(uint4 *)(value + row * PITCH + column) = make_uint4(0, 0, 0, 0);
		}
	}
	copy_wait();
}

/* score[16 queries, keys] = queries keys^T */
template <int SIZE>
DEVICE void tensor_scores(const tensor_state<SIZE> &s, const bf16 *key, int count, float (&score)[TENSOR_KEYS / 8][4])
{
	const int PITCH = tensor_shape<SIZE>::PITCH;
	int lane = threadIdx.x % WARP;
	/* Matrices 0 and 1 are one tile of keys, 2 and 3 the next. */
	const bf16 *row = key + (lane % 8 + lane / 16 * 8) * PITCH + lane / 8 % 2 * 8;
#pragma unroll
	for (int tile = 0; tile < tensor_shape<SIZE>::KEYS; tile += 2) {
		if (8 * tile >= count)
			break;
#pragma unroll
		for (int step = 0; step < tensor_shape<SIZE>::STEPS; step++) {
			uint32_t b[4];
			tensor_load(b, row + 8 * tile * PITCH + 16 * step);
			tensor_multiply(score[tile], s.query[step], b[0], b[1]);
			tensor_multiply(score[tile + 1], s.query[step], b[2], b[3]);
		}
	}
}

/* Scores to weights, in place, for one of the lane's two rows; what was summed before fades. */
template <int SIZE>
DEVICE void tensor_softmax(tensor_state<SIZE> &s, float scale, int count, int half, float (&score)[TENSOR_KEYS / 8][4])
{
	int column = 2 * (threadIdx.x % 4);
	float top = s.top[half], sum = 0.0f;
#pragma unroll
	for (int i = 0; i < TENSOR_KEYS / 4; i++) {
		float &value = score[i / 2][2 * half + i % 2];
		value = 8 * (i / 2) + column + i % 2 < count ? value * scale : -INFINITY;
		top = fmaxf(top, value);
	}
	for (int step = 1; step < 4; step *= 2) /* the four lanes of a row */
		top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, step));
#pragma unroll
	for (int i = 0; i < TENSOR_KEYS / 4; i++) {
		float &value = score[i / 2][2 * half + i % 2];
		value = exp2f(value - top);
		sum += value;
	}
	for (int step = 1; step < 4; step *= 2)
		sum += __shfl_xor_sync(0xffffffffu, sum, step);
	float fade = exp2f(s.top[half] - top);
	s.top[half] = top;
	s.sum[half] = s.sum[half] * fade + sum;
#pragma unroll
	for (int i = 0; i < SIZE / 4; i++)
		s.out[i / 2][2 * half + i % 2] *= fade;
}

/* out[16 queries, SIZE] += weights values */
template <int SIZE>
DEVICE void tensor_values(tensor_state<SIZE> &s, const bf16 *value, int count,
			  const float (&weight)[TENSOR_KEYS / 8][4])
{
	const int PITCH = tensor_shape<SIZE>::PITCH;
	int lane = threadIdx.x % WARP;
	/* Matrices 0 and 1 are 16 keys by eight columns, 2 and 3 the next columns. */
	const bf16 *row = value + lane % 16 * PITCH + lane / 16 * 8;
#pragma unroll
	for (int tile = 0; tile < tensor_shape<SIZE>::KEYS; tile += 2) {
		if (8 * tile >= count)
			break;
		const uint32_t w[4] = {tensor_pack(weight[tile][0], weight[tile][1]),
				       tensor_pack(weight[tile][2], weight[tile][3]),
				       tensor_pack(weight[tile + 1][0], weight[tile + 1][1]),
				       tensor_pack(weight[tile + 1][2], weight[tile + 1][3])};
#pragma unroll
		for (int column = 0; column < tensor_shape<SIZE>::COLUMNS; column += 2) {
			uint32_t b[4];
			tensor_load_transposed(b, row + 8 * tile * PITCH + 8 * column);
			tensor_multiply(s.out[column], w, b[0], b[1]);
			tensor_multiply(s.out[column + 1], w, b[2], b[3]);
		}
	}
}

template <int SIZE> DEVICE void tensor_store(const attention_args &a, int first, int left, const tensor_state<SIZE> &s)
{
	int lane = threadIdx.x % WARP, column = blockIdx.x * SIZE + 2 * (lane % 4);
#pragma unroll
	for (int half = 0; half < 2; half++) {
		int row = lane / 4 + 8 * half;
		if (row >= left)
			break;
		bf16 *out = (bf16 *)a.out + (size_t)(first + row) * a.out_stride + column;
#pragma unroll
		for (int tile = 0; tile < tensor_shape<SIZE>::COLUMNS; tile++)
			store_pair(out + 8 * tile, make_float2(s.out[tile][2 * half] / s.sum[half],
							       s.out[tile][2 * half + 1] / s.sum[half]));
	}
}

template <int SIZE, int WARPS> DEVICE void tensor_block(const attention_args &a)
{
	int text = blockIdx.y, first = a.starts[text], length = a.starts[text + 1] - first;
	int block_query = blockIdx.z * WARPS * TENSOR_QUERIES;
	if (block_query >= length)
		return;
	bf16 *key = (bf16 *)shared_memory(), *value = key + TENSOR_KEYS * tensor_shape<SIZE>::PITCH;
	int query = block_query + (int)threadIdx.x / WARP * TENSOR_QUERIES, left = length - query;
	tensor_state<SIZE> s = {{{0}}, {{0.0f}}, {-INFINITY, -INFINITY}, {0.0f, 0.0f}};
	if (left > 0)
		tensor_queries<SIZE>(a, first + query, left, s);
	for (int at = 0; at < length; at += TENSOR_KEYS) {
		int count = min(length - at, (int)TENSOR_KEYS);
		if (at > 0)
			__syncthreads(); /* everybody is done with the keys before */
		tensor_fill<SIZE, WARPS * WARP>(a, first + at, count, key, value);
		__syncthreads();
		if (left <= 0)
			continue; /* a warp without a query helps to load */
		float score[TENSOR_KEYS / 8][4] = {{0.0f}};
		tensor_scores<SIZE>(s, key, count, score);
		tensor_softmax<SIZE>(s, a.scale, count, 0, score);
		tensor_softmax<SIZE>(s, a.scale, count, 1, score);
		tensor_values<SIZE>(s, value, count, score);
	}
	if (left > 0)
		tensor_store<SIZE>(a, first + query, left, s);
}

#define ATTENTION_TENSOR(size, warps)                                                                                 \
	KERNEL(attention_tensor_##size##_##warps, (warps) * WARP, attention_args)                                     \
	{                                                                                                             \
		tensor_block<size, warps>(a);                                                                         \
	}

ATTENTION_TENSOR(32, 1)
ATTENTION_TENSOR(32, 2)
ATTENTION_TENSOR(32, 4)
ATTENTION_TENSOR(64, 1)
ATTENTION_TENSOR(64, 2)
ATTENTION_TENSOR(64, 4)
