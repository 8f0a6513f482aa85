#ifndef MODEL_CPU_MATH_H
#define MODEL_CPU_MATH_H

#include "model/cpu/level.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/*
 * Branch-free float functions that a compiler vectorises inside a loop, which
 * libm's are not.  tests/lib/fit_math.py finds the coefficients and says why
 * GELU has this form.
 */

/* e^x with a relative error of about 1e-7: x = n ln 2 + r, |r| <= ln 2 / 2, and n goes into the exponent of e^r.
 * Saturates at e^-87 and e^88. */
CPU_INLINE float math_exp(float x)
{
	x = x > -87.0f ? x : -87.0f; /* a NaN too */
	x = x < 88.0f ? x : 88.0f;
	const float magic = 0x1.8p23f; /* adding it rounds to an integer, in the low bits */
	float shifted = x * 0x1.715476p0f + magic;
	float n = shifted - magic;
	float r = x - n * 0x1.62e4p-1f; /* ln 2 in two parts: the first has few bits, so that the product is exact */
	r = r - n * 0x1.7f7d1cp-20f;
	float p = 0x1.6a3d04p-10f;
	p = p * r + 0x1.123856p-7f;
	p = p * r + 0x1.5558bep-5f;
	p = p * r + 0x1.555494p-3f;
	p = p * r + 0x1.fffffcp-2f;
	p = p * r + 1.0f;
	p = p * r + 1.0f;
	uint32_t bits, power;
	memcpy(&bits, &p, sizeof bits);
	memcpy(&power, &shifted, sizeof power);
	bits += power << 23;
	memcpy(&p, &bits, sizeof p);
	return p;
}

CPU_INLINE float math_tanh(float x)
{
	return 1.0f - 2.0f / (math_exp(2.0f * x) + 1.0f);
}

/* max(x, 0) less the hump a p^8, a = min(|x|, 5.75).  A NaN stays one. */
CPU_INLINE float math_gelu_join(float x, float a, float p)
{
	p = p * p;
	p = p * p;
	p = p * p;
	return 0.5f * (x + fabsf(x)) - a * p;
}

CPU_INLINE float math_gelu_inside(float x)
{
	float a = fabsf(x);
	return a < 5.75f ? a : 5.75f;
}

/*
 * Gaussian error linear units: Hendrycks and Gimpel, arXiv:1606.08415; the
 * exact form, with an absolute error of 1.5e-7 where |x| < 4, and section 2's
 * approximation by tanh, with one of 2.2e-7.
 */
CPU_INLINE float math_gelu(float x)
{
	float a = math_gelu_inside(x);
	float p = -0x1.45cb62p-22f;
	p = p * a + 0x1.fccc28p-18f;
	p = p * a - 0x1.fe2ba2p-15f;
	p = p * a + 0x1.2d1bc4p-15f;
	p = p * a + 0x1.89af5ap-10f;
	p = p * a - 0x1.5f12f8p-11f;
	p = p * a - 0x1.059068p-5f;
	p = p * a - 0x1.769bc8p-4f;
	p = p * a + 0x1.d5818cp-1f;
	return math_gelu_join(x, a, p);
}

CPU_INLINE float math_gelu_tanh(float x)
{
	float a = math_gelu_inside(x);
	float p = 0x1.42fc4ep-21f;
	p = p * a - 0x1.b80e2ep-17f;
	p = p * a + 0x1.c94b6ap-14f;
	p = p * a - 0x1.be50eap-12f;
	p = p * a + 0x1.4d97aep-11f;
	p = p * a + 0x1.e6485p-11f;
	p = p * a - 0x1.cd1ebap-13f;
	p = p * a - 0x1.06925ep-5f;
	p = p * a - 0x1.76878cp-4f;
	p = p * a + 0x1.d5816ap-1f;
	return math_gelu_join(x, a, p);
}

CPU_INLINE float math_relu(float x)
{
	return x > 0.0f ? x : 0.0f;
}

#endif
