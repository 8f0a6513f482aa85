#include "daemon/base/hash.h"

#include <string.h>

/*
 * A 64 by 64 bit product folded to 64 bits mixes two words at a time, in four
 * independent lanes (the construction of wyhash and its kin).
 */
enum { LANES = 4, STRIPE = LANES * 16 };

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t load64(const unsigned char *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof word);
	return word;
}

/* Odd numbers of random bits (digits of pi). */
static const uint64_t keys[LANES] = {UINT64_C(0x243F6A8885A308D3), UINT64_C(0x13198A2E03707345),
				     UINT64_C(0xA4093822299F31D1), UINT64_C(0x082EFA98EC4E6C89)};

static void stripe_mix(uint64_t lanes[LANES], const unsigned char *at)
{
	for (size_t i = 0; i < LANES; i++)
		lanes[i] = fold(load64(at + 16 * i) ^ keys[i], load64(at + 16 * i + 8) ^ lanes[i]) + keys[i];
}

uint64_t hash_bytes(uint64_t seed, const void *data, size_t size)
{
	const unsigned char *bytes = data;
	uint64_t lanes[LANES];
	for (size_t i = 0; i < LANES; i++)
		lanes[i] = seed ^ keys[LANES - 1 - i];
	size_t at = 0;
	for (; at + STRIPE <= size; at += STRIPE)
		stripe_mix(lanes, bytes + at);
	unsigned char rest[STRIPE] = {0};
	if (at < size)
		memcpy(rest, bytes + at, size - at);
	stripe_mix(lanes, rest);

	uint64_t hash = size;
	for (size_t i = 0; i < LANES; i++)
		hash = fold(hash ^ keys[i], lanes[i] ^ keys[LANES - 1 - i]) + lanes[i];
	return hash;
}

uint64_t hash_text(uint64_t seed, const char *text)
{
	return hash_bytes(seed, text, strlen(text));
}
