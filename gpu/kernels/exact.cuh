/*
 * The pooler and the heads, in float32: a few rows a text, which cost little
 * and decide everything.  A block makes a square of EXACT_TILE rows and outputs
 * from squares of x and of the weights in shared memory; a thread has one output
 * of every eighth row.  Rows of the squares are one longer than they are wide,
 * so that a column lies in 32 banks.
 */
enum { EXACT_PITCH = EXACT_TILE + 1, EXACT_STEP = EXACT_THREADS / EXACT_TILE, EXACT_SUMS = EXACT_TILE / EXACT_STEP };

/* A square of values[rows, inputs], zero past its edges. */
template <typename T>
DEVICE void exact_load(const T *values, int rows, int inputs, int first_row, int first_column, float *square)
{
	int column = threadIdx.x % EXACT_TILE;
	for (int row = threadIdx.x / EXACT_TILE; row < EXACT_TILE; row += EXACT_STEP) {
		bool inside = first_row + row < rows && first_column + column < inputs;
		square[row * EXACT_PITCH + column] =
			inside ? load(values + (size_t)(first_row + row) * inputs + first_column + column) : 0.0f;
	}
}

template <typename T> DEVICE void exact_block(const exact_args &a)
{
	float *x = (float *)shared_memory(), *weight = x + EXACT_TILE * EXACT_PITCH;
	int first_output = blockIdx.x * EXACT_TILE, first_row = blockIdx.y * EXACT_TILE;
	int output = threadIdx.x % EXACT_TILE, row = threadIdx.x / EXACT_TILE;
	float sum[EXACT_SUMS] = {0.0f};
	for (int first = 0; first < a.inputs; first += EXACT_TILE) {
		exact_load((const T *)a.x, a.rows, a.inputs, first_row, first, x);
		exact_load(a.weight, a.outputs, a.inputs, first_output, first, weight);
		__syncthreads();
		for (int k = 0; k < EXACT_TILE; k++) {
#pragma unroll
			for (int i = 0; i < EXACT_SUMS; i++)
				sum[i] += x[(row + i * EXACT_STEP) * EXACT_PITCH + k] * weight[output * EXACT_PITCH + k];
		}
		__syncthreads(); /* before the squares are filled anew */
	}
	if (first_output + output >= a.outputs)
		return;
	float bias = a.bias[first_output + output];
#pragma unroll
	for (int i = 0; i < EXACT_SUMS; i++) {
		int at = first_row + row + i * EXACT_STEP;
		if (at >= a.rows)
			break;
		size_t place = (size_t)at * a.outputs + first_output + output;
		float value = finish_one(sum[i] + bias, a.finish);
		if (a.widen)
			((float *)a.y)[place] = value;
		else
			store((T *)a.y + place, value);
	}
}

KERNEL(exact_f32, EXACT_THREADS, exact_args)
{
	exact_block<float>(a);
}

KERNEL(exact_bf16, EXACT_THREADS, exact_args)
{
	exact_block<bf16>(a);
}
