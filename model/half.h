#ifndef MODEL_HALF_H
#define MODEL_HALF_H

#include <stdint.h>
#include <string.h>

/*
 * The two 16-bit formats of weights as their bits, to and from float32:
 * float16 (IEEE 754 binary16) and bfloat16 (the upper half of a float32).
 * Without branches, so that loops over them become vectors on any machine.
 */
static inline uint32_t float_to_bits(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits;
}

static inline float float_from_bits(uint32_t bits)
{
	float value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static inline float bfloat_widen(uint16_t bits)
{
	return float_from_bits((uint32_t)bits << 16);
}

/* To the nearest, ties to even; `value` is finite.  What rounds beyond the largest stays the largest. */
static inline uint16_t bfloat_narrow(float value)
{
	uint32_t bits = float_to_bits(value), magnitude = bits & 0x7FFFFFFF;
	uint32_t rounded = (magnitude + 0x7FFF + (magnitude >> 16 & 1)) >> 16;
	rounded = rounded < 0x7F7F ? rounded : 0x7F7F;
	return (uint16_t)((bits >> 16 & 0x8000) | rounded);
}

/* The ten bits of fraction and five of exponent are moved to their place in a float32; the difference of the exponents'
 * biases (127 - 15) is a factor, which sets subnormal values right too.  Infinities and NaNs become large numbers. */
static inline float half_widen(uint16_t half)
{
	float magnitude = float_from_bits((half & 0x7FFFu) << 13) * 0x1p112f;
	return float_from_bits(float_to_bits(magnitude) | (half & 0x8000u) << 16);
}

/* To the nearest, ties to even; `value` is finite.  What is beyond the largest (65504) becomes the largest. */
static inline uint16_t half_narrow(float value)
{
	const uint32_t largest = 0x477FE000, least_normal = 0x38800000;
	uint32_t bits = float_to_bits(value), magnitude = bits & 0x7FFFFFFF;
	magnitude = magnitude < largest ? magnitude : largest;
	uint32_t normal = (magnitude - (UINT32_C(112) << 23) + 0xFFF + (magnitude >> 13 & 1)) >> 13;
	/* A subnormal is a multiple of 2^-24, which is the last bit of a float32 at one half: adding rounds. */
	uint32_t small = float_to_bits(float_from_bits(magnitude) + 0.5f) - float_to_bits(0.5f);
	return (uint16_t)((bits >> 16 & 0x8000) | (magnitude < least_normal ? small : normal));
}

#endif
