/*
 * The body of attention on vectors, included once for each (no guard).  The
 * including file defines
 *
 *   ATTENTION(name)           puts its own prefix before `name`
 *   ATTENTION_TARGET          the attribute that allows its instructions
 *   ATTENTION_LANES           floats of a vector
 *   ATTENTION_QUERIES         queries whose sums of two vectors of values are in registers at once
 *   ATTENTION_MAX(a, b)       the larger of each pair of lanes
 *   ATTENTION_COLUMNS(rows, column, out)
 *                             out[i] = the four columns from `column` on of const float *rows[LANES], one a vector
 *
 * and gets ATTENTION(head); all are undefined again.
 */
#define VECTOR ATTENTION(vector)
#define LANES ATTENTION_LANES

typedef float VECTOR __attribute__((vector_size(LANES * 4)));
typedef float ATTENTION(unaligned) __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

CPU_INLINE ATTENTION_TARGET VECTOR ATTENTION(load)(const float *values)
{
	return *(const ATTENTION(unaligned) *)values;
}

CPU_INLINE ATTENTION_TARGET void ATTENTION(store)(float *values, VECTOR vector)
{
	*(ATTENTION(unaligned) *)values = vector;
}

/* `count` queries to out[size, LANES], scaled.  Lanes past the last query repeat it. */
CPU_INLINE ATTENTION_TARGET void ATTENTION(queries)(const struct attention_head *head, size_t first, size_t count,
						    float *out)
{
	const float *rows[LANES];
	for (size_t i = 0; i < LANES; i++)
		rows[i] = head->queries + (first + (i < count ? i : count - 1)) * head->query_stride;
	float scale = 1.0f / sqrtf((float)head->size);
	size_t column = 0;
	for (; column + 4 <= head->size; column += 4, out += 4 * LANES) {
		VECTOR columns[4];
		ATTENTION_COLUMNS(rows, column, columns);
		for (size_t i = 0; i < 4; i++)
			ATTENTION(store)(out + i * LANES, columns[i] * scale);
	}
	for (; column < head->size; column++, out += LANES)
		for (size_t i = 0; i < LANES; i++)
			out[i] = rows[i][column] * scale;
}

/* Scores of `count` keys, a constant; returns each lane's highest, `top` included. */
CPU_INLINE ATTENTION_TARGET VECTOR ATTENTION(scores)(const float *queries, size_t size, const float *keys,
						     size_t stride, size_t count, float *out, VECTOR top)
{
	VECTOR sum[KEYS] = {0};
	for (size_t c = 0; c < size; c++) {
		VECTOR query = ATTENTION(load)(queries + c * LANES);
		ATTENTION_UNROLL
		for (size_t i = 0; i < count; i++)
			sum[i] += keys[i * stride + c] * query;
	}
	ATTENTION_UNROLL
	for (size_t i = 0; i < count; i++) {
		ATTENTION(store)(out + i * LANES, sum[i]);
		top = ATTENTION_MAX(top, sum[i]);
	}
	return top;
}

/* scores[length, LANES] to what e^x makes of their distance from `top`; returns each lane's sum. */
CPU_INLINE ATTENTION_TARGET VECTOR ATTENTION(weights)(float *scores, size_t length, VECTOR highest)
{
	float top[LANES];
	ATTENTION(store)(top, highest);
	VECTOR sum = {0};
	for (size_t i = 0; i < length; i++, scores += LANES) {
#pragma omp simd
		for (size_t lane = 0; lane < LANES; lane++)
			scores[lane] = math_exp(scores[lane] - top[lane]);
		sum += ATTENTION(load)(scores);
	}
	return sum;
}

/*
 * The sums of values for `count` queries and `vectors` of columns, both
 * constants, times the queries' scales; the first `wanted` are stored.
 */
CPU_INLINE ATTENTION_TARGET void ATTENTION(sums)(const float *weights, const float *scale, size_t count, size_t wanted,
						 size_t length, const float *values, size_t stride, size_t vectors,
						 float *out, size_t out_stride)
{
	VECTOR sum[ATTENTION_QUERIES][2] = {{{0}}};
	for (size_t i = 0; i < length; i++, weights += LANES, values += stride) {
		ATTENTION_UNROLL
		for (size_t j = 0; j < vectors; j++) {
			VECTOR value = ATTENTION(load)(values + j * LANES);
			ATTENTION_UNROLL
			for (size_t query = 0; query < count; query++)
				sum[query][j] += weights[query] * value;
		}
	}
	ATTENTION_UNROLL
	for (size_t query = 0; query < count; query++) {
		if (query < wanted)
			ATTENTION_UNROLL
			for (size_t j = 0; j < vectors; j++)
				ATTENTION(store)(out + query * out_stride + j * LANES, sum[query][j] * scale[query]);
	}
}

/* All columns for `count` queries, a constant, of which the first `wanted` are stored. */
CPU_INLINE ATTENTION_TARGET void ATTENTION(rows)(const struct attention_head *head, const float *weights,
						 const float *scale, size_t count, size_t wanted, float *out)
{
	const float *values = head->values;
	size_t length = head->length, stride = head->key_stride, column = 0;
	for (; column + 2 * LANES <= head->size; column += 2 * LANES)
		ATTENTION(sums)(weights, scale, count, wanted, length, values + column, stride, 2, out + column,
				head->out_stride);
	for (; column + LANES <= head->size; column += LANES)
		ATTENTION(sums)(weights, scale, count, wanted, length, values + column, stride, 1, out + column,
				head->out_stride);
	for (; column < head->size; column++) {
		for (size_t query = 0; query < count && query < wanted; query++) {
			float sum = 0;
			for (size_t i = 0; i < length; i++)
				sum += weights[i * LANES + query] * values[i * stride + column];
			out[query * head->out_stride + column] = sum * scale[query];
		}
	}
}

/* Scores of all keys for a vector of queries; returns each lane's highest. */
CPU_INLINE ATTENTION_TARGET VECTOR ATTENTION(all_scores)(const struct attention_head *head, const float *queries,
							 float *out)
{
	size_t size = head->size, length = head->length, stride = head->key_stride, key = 0;
	VECTOR top = {0};
	top -= INFINITY;
	for (; key + KEYS <= length; key += KEYS)
		top = ATTENTION(scores)(queries, size, head->keys + key * stride, stride, KEYS, out + key * LANES, top);
	/* A last tile computes some scores of the one before again, the same: that is less than key by key. */
	if (key < length && length > KEYS) {
		key = length - KEYS;
		return ATTENTION(scores)(queries, size, head->keys + key * stride, stride, KEYS, out + key * LANES, top);
	}
	for (; key < length; key++)
		top = ATTENTION(scores)(queries, size, head->keys + key * stride, stride, 1, out + key * LANES, top);
	return top;
}

/* The queries of one vector. */
CPU_INLINE ATTENTION_TARGET void ATTENTION(block)(const struct attention_head *head, size_t first, size_t count)
{
	float *queries = head->scratch, *scores = queries + head->size * LANES, scale[LANES];
	ATTENTION(queries)(head, first, count, queries);
	VECTOR top = ATTENTION(all_scores)(head, queries, scores);
	ATTENTION(store)(scale, 1.0f / ATTENTION(weights)(scores, head->length, top));
	float *out = head->out + first * head->out_stride;
	size_t query = 0;
	for (; query + 1 < count; query += ATTENTION_QUERIES)
		ATTENTION(rows)(head, scores + query, scale + query, ATTENTION_QUERIES, count - query,
				out + query * head->out_stride);
	if (query < count)
		ATTENTION(rows)(head, scores + query, scale + query, 1, 1, out + query * head->out_stride);
}

ATTENTION_TARGET static void ATTENTION(head)(const struct attention_head *head)
{
	for (size_t first = 0; first < head->query_count; first += LANES) {
		size_t left = head->query_count - first;
		ATTENTION(block)(head, first, left < LANES ? left : LANES);
	}
}

#undef VECTOR
#undef LANES
#undef ATTENTION
#undef ATTENTION_TARGET
#undef ATTENTION_LANES
#undef ATTENTION_QUERIES
#undef ATTENTION_MAX
#undef ATTENTION_COLUMNS
