#include "model/cpu/hadamard.h"
#include "model/cpu/level.h"
#include "model/cpu/operand.h"
#include "model/half.h"

#include <math.h>
#include <string.h>

/*
 * Packing is most of what the program does before its first answer.  So an
 * output's weights become words in a loop that the compiler vectorises, and
 * words are turned into the panel's order a block at a time.  As for rows,
 * every step is one that all instruction sets round alike.
 */
CPU_INLINE void weights_top_body(const float *weight, size_t inputs, float *top)
{
	float highest = 0;
#pragma omp simd reduction(max : highest)
	for (size_t i = 0; i < inputs; i++) {
		float magnitude = fabsf(weight[i]);
		highest = magnitude > highest ? magnitude : highest;
	}
	*top = highest;
}
CPU_LEVELS(weights_top, (const float *weight, size_t inputs, float *top), (weight, inputs, top))

CPU_INLINE void weights_to_bf16_body(const float *weight, size_t count, uint16_t *out)
{
#pragma omp simd
	for (size_t i = 0; i < count; i++)
		out[i] = bfloat_narrow(weight[i]);
}
CPU_LEVELS(weights_to_bf16, (const float *weight, size_t count, uint16_t *out), (weight, count, out))

/* |weight| <= top > 0, to -127 ... 127.  Not by the scale: one that is subnormal has few bits. */
CPU_INLINE int weight_quantize(float weight, float top)
{
	float value = weight / top * 127;
	value = value < 127 ? value : 127; /* it is; between them the product and the sum are not fused */
	value += 0x1.8p23f;                /* rounds to an integer, in the low bits */
	return (int8_t)float_to_bits(value);
}

CPU_INLINE void weights_to_int8_body(const float *weight, size_t count, float top, int8_t *out, int32_t *sum)
{
	int32_t total = 0;
#pragma omp simd reduction(+ : total)
	for (size_t i = 0; i < count; i++) {
		int q = weight_quantize(weight[i], top);
		out[i] = (int8_t)q;
		total += q;
	}
	*sum += total;
}
CPU_LEVELS(weights_to_int8, (const float *weight, size_t count, float top, int8_t *out, int32_t *sum),
	   (weight, count, top, out, sum))

CPU_INLINE void weights_to_int16_body(const float *weight, size_t count, float top, int16_t *out, int32_t *sum)
{
	int32_t total = 0;
#pragma omp simd reduction(+ : total)
	for (size_t i = 0; i < count; i++) {
		int q = weight_quantize(weight[i], top);
		out[i] = (int16_t)q;
		total += q;
	}
	*sum += total;
}
CPU_LEVELS(weights_to_int16, (const float *weight, size_t count, float top, int16_t *out, int32_t *sum),
	   (weight, count, top, out, sum))

void operand_rotate_weights(float *weight, size_t outputs, size_t inputs)
{
	operand_unrotate_weights(weight, outputs, inputs);
	float scale = 1.0f / (float)hadamard_size(inputs); /* a power of two: nothing is rounded */
	for (size_t i = 0; i < outputs * inputs; i++)
		weight[i] *= scale;
}

/* The transform is its own inverse but for its size, which rotating has divided by. */
void operand_unrotate_weights(float *weight, size_t outputs, size_t inputs)
{
	for (size_t output = 0; output < outputs; output++)
		hadamard_row(weight + output * inputs, inputs, weight + output * inputs);
}

void operand_quantize_weights(const float *weight, size_t inputs, int8_t *out, float *scale)
{
	float top;
	int32_t sum = 0;
	weights_top(weight, inputs, &top);
	*scale = top / 127;
	if (top > 0)
		weights_to_int8(weight, inputs, top, out, &sum);
	else
		memset(out, 0, inputs);
}

/* Outputs, and words of each, that are turned at a time: they stay in the first cache level. */
enum { LANES = 16, SEGMENT = 64 };

/* Words [first, first + count) of an output's weights; top = 0 where all of them are. */
static void segment_fill(const struct gemm_weights *out, const float *weight, float top, size_t first, size_t count,
			 gemm_word *words, int32_t *sum)
{
	size_t per_word = out->form == GEMM_FP32 ? 1 : out->form == GEMM_INT8 ? 4 : 2;
	size_t begin = first * per_word, values = count * per_word;
	if (values > out->inputs - begin)
		values = out->inputs - begin;
	words[count - 1] = 0; /* what the values do not fill */
	if (out->form == GEMM_FP32)
		memcpy(words, weight + begin, values * sizeof *weight);
	else if (!gemm_is_integer(out->form))
		weights_to_bf16(weight + begin, values, (uint16_t *)(void *)words);
	else if (!(top > 0))
		memset(words, 0, count * sizeof *words);
	else if (out->form == GEMM_INT8)
		weights_to_int8(weight + begin, values, top, (int8_t *)(void *)words, sum);
	else
		weights_to_int16(weight + begin, values, top, (int16_t *)(void *)words, sum);
}

/* `count` outputs from weight[count, inputs] on; the first of them starts at `column` of the panel. */
static void lanes_pack(const struct gemm_weights *out, const float *weight, size_t count, gemm_word *column,
		       float *scale, float *sum)
{
	gemm_word turned[LANES][SEGMENT];
	float tops[LANES] = {0};
	int32_t totals[LANES] = {0};
	for (size_t lane = 0; lane < count && gemm_is_integer(out->form); lane++)
		weights_top(weight + lane * out->inputs, out->inputs, &tops[lane]);
	for (size_t first = 0; first < out->words; first += SEGMENT) {
		size_t words = out->words - first < SEGMENT ? out->words - first : SEGMENT;
		for (size_t lane = 0; lane < count; lane++)
			segment_fill(out, weight + lane * out->inputs, tops[lane], first, words, turned[lane],
				     &totals[lane]);
		for (size_t word = 0; word < words; word++, column += out->panel)
			for (size_t lane = 0; lane < count; lane++)
				column[lane] = turned[lane][word];
	}
	for (size_t lane = 0; lane < count && gemm_is_integer(out->form); lane++) {
		scale[lane] = tops[lane] / 127;
		sum[lane] = scale[lane] * (float)totals[lane];
	}
}

void operand_pack_weights(const struct gemm_weights *out, const float *weight, gemm_word *panels, float *scale,
			  float *sum)
{
	bool integer = gemm_is_integer(out->form);
	size_t whole = out->outputs / out->panel * out->panel;
	if (whole < out->outputs) /* what the outputs do not fill */
		memset(panels + whole * out->words, 0, out->panel * out->words * sizeof *panels);
	for (size_t output = 0, count; output < out->outputs; output += count) {
		size_t lane = output % out->panel;
		count = out->panel - lane < LANES ? out->panel - lane : LANES;
		if (count > out->outputs - output)
			count = out->outputs - output;
		lanes_pack(out, weight + output * out->inputs, count, panels + (output - lane) * out->words + lane,
			   integer ? scale + output : NULL, integer ? sum + output : NULL);
	}
}
