/*
 * Attention in float32 for heads and texts of any length: the reference, what
 * the last layer runs for one query a text, and what runs where the tensor
 * cores' kernel has no such head.
 *
 * A block takes a head of a text and PLAIN_QUERIES of its queries, four a warp,
 * and goes over the keys 32 at a time, which lie in shared memory with their
 * values: a lane has a key while scores are made and every 32nd column while values are
 * added up.  The softmax is kept as it goes (Milakov and Gimelshein,
 * arXiv:1805.02867): a larger score scales down what was summed before.  So
 * shared memory does not grow with the text.
 */
enum { WARP_QUERIES = PLAIN_QUERIES / BLOCK_WARPS, LANE_COLUMNS = PLAIN_MOST_SIZE / WARP };

struct running {
	float top, sum, out[LANE_COLUMNS];
};

/* Keys and values `first` to `first + count`, a constant place for each: key[i * (size + 1) + c], value[i * size + c]. */
template <typename T>
DEVICE void attention_load(const attention_args &a, size_t row, int head, int count, float *key, float *value)
{
	for (int i = threadIdx.x; i < count * a.size; i += BLOCK_THREADS) {
		int r = i / a.size, c = i % a.size;
		size_t place = (row + r) * a.key_stride + head * a.size + c;
		key[r * (a.size + 1) + c] = load((const T *)a.keys + place);
		value[r * a.size + c] = load((const T *)a.values + place);
	}
}

/* One query, scaled, over `count` keys. */
DEVICE void attention_step(const float *query, const float *key, const float *value, int size, int count, running *r)
{
	int lane = threadIdx.x % WARP;
	float score = -INFINITY;
	if (lane < count) {
		score = 0.0f;
		for (int c = 0; c < size; c++)
			score += query[c] * key[lane * (size + 1) + c];
	}
	float top = fmaxf(r->top, warp_max(score));
	float weight = exp2f(score - top), fade = exp2f(r->top - top);
	r->top = top;
	r->sum = r->sum * fade + warp_sum(weight);
#pragma unroll
	for (int j = 0; j < LANE_COLUMNS; j++)
		r->out[j] *= fade;
	for (int k = 0; k < count; k++) {
		float w = __shfl_sync(0xffffffffu, weight, k);
#pragma unroll
		for (int j = 0; j < LANE_COLUMNS; j++)
			if (lane + j * WARP < size)
				r->out[j] += w * value[k * size + lane + j * WARP];
	}
}

template <typename T> DEVICE void attention_store(const attention_args &a, size_t row, int head, const running *r)
{
	int lane = threadIdx.x % WARP;
#pragma unroll
	for (int j = 0; j < LANE_COLUMNS; j++)
		if (lane + j * WARP < a.size)
			store((T *)a.out + row * a.out_stride + head * a.size + lane + j * WARP, r->out[j] / r->sum);
}

template <typename T> DEVICE void attention_block(const attention_args &a)
{
	int head = blockIdx.x, text = blockIdx.y, first = a.starts[text], length = a.starts[text + 1] - first;
	int queries = a.first_only ? 1 : length, block_query = blockIdx.z * PLAIN_QUERIES;
	if (block_query >= queries)
		return;
	float *query = (float *)shared_memory(), *key = query + PLAIN_QUERIES * a.size;
	float *value = key + PLAIN_KEYS * (a.size + 1);
	size_t row = a.first_only ? text : first + block_query;
	int held = min(queries - block_query, (int)PLAIN_QUERIES), warp = threadIdx.x / WARP;
	for (int i = threadIdx.x; i < held * a.size; i += BLOCK_THREADS)
		query[i] = a.scale * load((const T *)a.queries + (row + i / a.size) * a.query_stride + head * a.size +
					  i % a.size);
	running state[WARP_QUERIES];
#pragma unroll
	for (int i = 0; i < WARP_QUERIES; i++)
		state[i] = {-INFINITY, 0.0f, {0.0f}};
	for (int at = 0; at < length; at += PLAIN_KEYS) {
		int count = min(length - at, (int)PLAIN_KEYS);
		attention_load<T>(a, first + at, head, count, key, value);
		__syncthreads();
#pragma unroll
		for (int i = 0; i < WARP_QUERIES; i++) {
			int q = warp + i * BLOCK_WARPS;
			if (q < held)
				attention_step(query + q * a.size, key, value, a.size, count, &state[i]);
		}
		__syncthreads(); /* before the next keys */
	}
#pragma unroll
	for (int i = 0; i < WARP_QUERIES; i++)
		if (warp + i * BLOCK_WARPS < held)
			attention_store<T>(a, row + warp + i * BLOCK_WARPS, head, &state[i]);
}

KERNEL(attention_f32, BLOCK_THREADS, attention_args)
{
	attention_block<float>(a);
}

KERNEL(attention_bf16, BLOCK_THREADS, attention_args)
{
	attention_block<bf16>(a);
}
