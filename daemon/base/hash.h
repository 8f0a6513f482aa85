#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * A 64-bit hash of bytes at the speed of memory (some gigabytes a second), well
 * mixed in every bit.  The same value on every machine of one byte order: it
 * may be stored.  No protection against somebody who makes collisions.
 */
uint64_t hash_bytes(uint64_t seed, const void *data, size_t size);

/* The same of a string.  Chains: hash_text(hash_text(0, a), b) differs from that of a and b run together. */
uint64_t hash_text(uint64_t seed, const char *text);

#endif
