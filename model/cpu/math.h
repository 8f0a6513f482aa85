#ifndef MODEL_CPU_MATH_H
#define MODEL_CPU_MATH_H

#include "model/cpu/level.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/*
 * Branch-free float functions that a compiler vectorises inside a loop, which
 * libm's are not.
 */

/* e^x with a relative error of about 1e-7: x = n ln 2 + r, |r| <= ln 2 / 2; Taylor's series of e^r to r^7, times 2^n.
 * Saturates at e^-87 and e^88. */
CPU_INLINE float math_exp(float x)
{
	x = x > -87.0f ? x : -87.0f; /* a NaN too */
	x = x < 88.0f ? x : 88.0f;
	const float magic = 0x1.8p23f; /* adding it rounds to an integer */
	float n = (x * 0x1.715476p0f + magic) - magic;
	float r = x - n * 0x1.62e4p-1f; /* ln 2 in two parts: the first has few bits, so that the product is exact */
	r = r - n * 0x1.7f7d1cp-20f;
	float p = 1.0f / 5040;
	p = p * r + 1.0f / 720;
	p = p * r + 1.0f / 120;
	p = p * r + 1.0f / 24;
	p = p * r + 1.0f / 6;
	p = p * r + 0.5f;
	p = p * r + 1.0f;
	p = p * r + 1.0f;
	int32_t bits = ((int32_t)n + 127) << 23;
	float scale;
	memcpy(&scale, &bits, sizeof scale);
	return p * scale;
}

/* Absolute error 1.5e-7: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26. */
CPU_INLINE float math_erf(float x)
{
	float a = fabsf(x);
	float t = 1.0f / (1.0f + 0.3275911f * a);
	float p = 1.061405429f;
	p = p * t - 1.453152027f;
	p = p * t + 1.421413741f;
	p = p * t - 0.284496736f;
	p = p * t + 0.254829592f;
	return copysignf(1.0f - p * t * math_exp(-a * a), x);
}

CPU_INLINE float math_tanh(float x)
{
	return 1.0f - 2.0f / (math_exp(2.0f * x) + 1.0f);
}

/* Gaussian error linear units: Hendrycks and Gimpel, arXiv:1606.08415; the exact form and section 2's approximation. */
CPU_INLINE float math_gelu(float x)
{
	return 0.5f * x * (1.0f + math_erf(x * 0.70710678f));
}

CPU_INLINE float math_gelu_tanh(float x)
{
	return 0.5f * x * (1.0f + math_tanh(0.79788456f * (x + 0.044715f * x * x * x)));
}

CPU_INLINE float math_relu(float x)
{
	return x > 0.0f ? x : 0.0f;
}

#endif
