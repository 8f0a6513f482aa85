#ifndef INGEST_RSS_ADDRESS_H
#define INGEST_RSS_ADDRESS_H

#include <stddef.h>
#include <sys/socket.h>

/*
 * Which addresses a feed may be fetched from.  A feed's URL, its redirects and
 * its DNS are the outside's: without this check any of them could make the
 * daemon read from the machine's own network.
 *
 * NULL where the address is a public unicast one, else the kind of address it
 * is, for a message ("loopback", "private").  IPv4 addresses inside IPv6 ones
 * (mapped, NAT64, 6to4) are judged as the IPv4 address that the packet ends up
 * at.  Any family but IPv4 and IPv6 is refused.
 */
const char *address_refusal(const struct sockaddr *address);

/* "192.0.2.1" or "2001:db8::1"; `size` >= 46. */
char *address_format(const struct sockaddr *address, char *out, size_t size);

#endif
