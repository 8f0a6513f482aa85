/*
 * Embedding and residual, each with the LayerNorm that follows it.  They move
 * bytes and compute next to nothing, so that they read and write every value
 * once: a warp holds a row in registers, lane l the pairs l, l + 32, ..., and a
 * read of the whole warp is one run of memory.  Rows are independent: no shared
 * memory, no barrier.
 *
 * Ba, Kiros and Hinton, "Layer Normalization", arXiv:1607.06450; the variance is
 * taken about the mean, as the CPU's tables do.
 */

/* The place of the lane's pair number `j` in its row; past the end where the row is short. */
DEVICE int pair_column(int j)
{
	return 2 * ((int)(threadIdx.x % WARP) + j * WARP);
}

/* The warp's row; those of the last block may lie past the end. */
DEVICE int warp_row()
{
	return (int)(blockIdx.x * BLOCK_WARPS + threadIdx.x / WARP);
}

/* Values past the row's end are 0 on entry. */
template <typename T, int PAIRS>
DEVICE void norm_store(float2 (&value)[PAIRS], int width, const norm_args &norm, T *out)
{
	float sum = 0.0f, squares = 0.0f;
#pragma unroll
	for (int j = 0; j < PAIRS; j++)
		sum += value[j].x + value[j].y;
	float mean = warp_sum(sum) / (float)width;
#pragma unroll
	for (int j = 0; j < PAIRS; j++) {
		if (pair_column(j) < width) {
			value[j].x -= mean;
			value[j].y -= mean;
			squares += value[j].x * value[j].x + value[j].y * value[j].y;
		}
	}
	float scale = 1.0f / sqrtf(warp_sum(squares) / (float)width + norm.epsilon);
#pragma unroll
	for (int j = 0; j < PAIRS; j++) {
		int column = pair_column(j);
		if (column < width) {
			float2 gamma = load_pair(norm.gamma + column), beta = load_pair(norm.beta + column);
			store_pair(out + column, make_float2(value[j].x * scale * gamma.x + beta.x,
							     value[j].y * scale * gamma.y + beta.y));
		}
	}
}

/* The text that token `row` belongs to: the last that does not begin after it. */
DEVICE int text_of(const int32_t *starts, int texts, int row)
{
	int low = 0, high = texts;
	while (high - low > 1) {
		int middle = (low + high) / 2;
		if (starts[middle] <= row)
			low = middle;
		else
			high = middle;
	}
	return low;
}

DEVICE float2 word_pair(const void *words, enum word_type type, size_t index)
{
	switch (type) {
	case WORD_F32:
		return load_pair((const float *)words + index);
	case WORD_F16:
		return __half22float2(*reinterpret_cast<const __half2 *>((const __half *)words + index));
	case WORD_BF16:
		return load_pair((const bf16 *)words + index);
	}
	return make_float2(0.0f, 0.0f);
}

template <typename T, int PAIRS> DEVICE void embed_row(const embed_args &a)
{
	int row = warp_row();
	if (row >= a.tokens)
		return;
	int place = row - a.starts[text_of(a.starts, a.texts, row)];
	const float *position = a.positions + (size_t)place * a.width;
	size_t word = (size_t)a.ids[row] * a.width;
	float2 value[PAIRS];
#pragma unroll
	for (int j = 0; j < PAIRS; j++) {
		int column = pair_column(j);
		value[j] = make_float2(0.0f, 0.0f);
		if (column < a.width) {
			float2 w = word_pair(a.words, a.word_type, word + column);
			float2 p = load_pair(position + column), t = load_pair(a.type + column);
			value[j] = make_float2(w.x + p.x + t.x, w.y + p.y + t.y);
		}
	}
	norm_store(value, a.width, a.norm, (T *)a.out + (size_t)row * a.width);
}

template <typename T, int PAIRS> DEVICE void residual_norm_row(const residual_norm_args &a)
{
	int row = warp_row();
	if (row >= a.rows)
		return;
	T *y = (T *)a.y + (size_t)row * a.width;
	const float *product = a.product + (size_t)row * a.width;
	float2 value[PAIRS];
#pragma unroll
	for (int j = 0; j < PAIRS; j++) {
		int column = pair_column(j);
		value[j] = make_float2(0.0f, 0.0f);
		if (column < a.width) {
			float2 p = load_pair(product + column), b = load_pair(a.bias + column);
			float2 r = load_pair(y + column);
			value[j] = make_float2(p.x + b.x + r.x, p.y + b.y + r.y);
		}
	}
	norm_store(value, a.width, a.norm, y);
}

#define ROW_KERNELS(type, T, pairs)                                                                                   \
	KERNEL(embed_##type##_##pairs, BLOCK_THREADS, embed_args)                                                     \
	{                                                                                                             \
		embed_row<T, pairs>(a);                                                                               \
	}                                                                                                             \
	KERNEL(residual_norm_##type##_##pairs, BLOCK_THREADS, residual_norm_args)                                     \
	{                                                                                                             \
		residual_norm_row<T, pairs>(a);                                                                       \
	}

ROW_KERNELS(f32, float, 6)
ROW_KERNELS(f32, float, 12)
ROW_KERNELS(f32, float, 16)
ROW_KERNELS(bf16, bf16, 6)
ROW_KERNELS(bf16, bf16, 12)
ROW_KERNELS(bf16, bf16, 16)
