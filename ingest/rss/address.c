/*
 * Public or not, from the IANA special-purpose address registries (RFC 6890 and
 * its updates).  IPv4 is a list of what is refused.  IPv6 is the other way
 * round: only global unicast (2000::/3) passes, less its special blocks, and
 * what carries an IPv4 address is judged by that.
 */
#include "ingest/rss/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct block4 {
	uint32_t network;
	int bits;
	const char *kind;
};

#define V4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const struct block4 refused4[] = {
	{V4(0, 0, 0, 0), 8, "unspecified"},
	{V4(10, 0, 0, 0), 8, "private"},
	{V4(100, 64, 0, 0), 10, "carrier NAT"},
	{V4(127, 0, 0, 0), 8, "loopback"},
	{V4(169, 254, 0, 0), 16, "link-local"},
	{V4(172, 16, 0, 0), 12, "private"},
	{V4(192, 0, 0, 0), 24, "reserved"},
	{V4(192, 0, 2, 0), 24, "documentation"},
	{V4(192, 88, 99, 0), 24, "6to4 relay"},
	{V4(192, 168, 0, 0), 16, "private"},
	{V4(198, 18, 0, 0), 15, "benchmarking"},
	{V4(198, 51, 100, 0), 24, "documentation"},
	{V4(203, 0, 113, 0), 24, "documentation"},
	{V4(224, 0, 0, 0), 4, "multicast"},
	{V4(240, 0, 0, 0), 4, "reserved"},
};

struct block6 {
	unsigned char network[16];
	int bits;
	int embedded; /* offset of the IPv4 address inside; -1 = refused */
	const char *kind;
};

/* First match counts; what matches nothing and is outside 2000::/3 is refused as reserved. */
static const struct block6 special6[] = {
	{{0}, 128, -1, "unspecified"},
	{{[15] = 1}, 128, -1, "loopback"},
	{{[10] = 0xff, [11] = 0xff}, 96, 12, "IPv4-mapped"},          /* RFC 4291 */
	{{0x00, 0x64, 0xff, 0x9b}, 96, 12, "NAT64"},                  /* RFC 6052 */
	{{0x20, 0x02}, 16, 2, "6to4"},                                /* RFC 3056 */
	{{0x20, 0x01}, 23, -1, "reserved"},                           /* RFC 2928: Teredo, ORCHID and others */
	{{0x20, 0x01, 0x0d, 0xb8}, 32, -1, "documentation"},
	{{0x3f, 0xff}, 20, -1, "documentation"},
	{{0xfc}, 7, -1, "private"},
	{{0xfe, 0x80}, 10, -1, "link-local"},
	{{0xfe, 0xc0}, 10, -1, "private"},
	{{0xff}, 8, -1, "multicast"},
};

static const char *refusal4(uint32_t address)
{
	for (size_t i = 0; i < sizeof(refused4) / sizeof(*refused4); i++)
		if ((address ^ refused4[i].network) >> (32 - refused4[i].bits) == 0)
			return refused4[i].kind;
	return NULL;
}

static bool prefix_equal(const unsigned char *a, const unsigned char *b, int bits)
{
	int bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, (size_t)bytes) != 0)
		return false;
	return rest == 0 || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0;
}

static const char *refusal6(const unsigned char *address)
{
	for (size_t i = 0; i < sizeof(special6) / sizeof(*special6); i++) {
		const struct block6 *block = &special6[i];
		const unsigned char *inner;

		if (!prefix_equal(address, block->network, block->bits))
			continue;
		if (block->embedded < 0)
			return block->kind;
		inner = address + block->embedded;
		return refusal4(V4(inner[0], inner[1], inner[2], inner[3]));
	}
	return address[0] >> 5 == 1 ? NULL : "reserved";
}

const char *address_refusal(const struct sockaddr *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	switch (address->sa_family) {
	case AF_INET:
		memcpy(&v4, address, sizeof(v4));
		return refusal4(ntohl(v4.sin_addr.s_addr));
	case AF_INET6:
		memcpy(&v6, address, sizeof(v6));
		return refusal6(v6.sin6_addr.s6_addr);
	default:
		return "not an internet";
	}
}

char *address_format(const struct sockaddr *address, char *out, size_t size)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	const char *text = NULL;

	if (address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		text = inet_ntop(AF_INET, &v4.sin_addr, out, (socklen_t)size);
	} else if (address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		text = inet_ntop(AF_INET6, &v6.sin6_addr, out, (socklen_t)size);
	}
	if (!text)
		snprintf(out, size, "?");
	return out;
}
