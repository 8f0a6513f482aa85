#ifndef ALERTS_RECEIVERS_ADDRESS_H
#define ALERTS_RECEIVERS_ADDRESS_H

#include "daemon/base/err.h"

/*
 * A mailbox as people write it: "desk@example.com" or "Risk desk <desk@example.com>", the name in quotes or not.
 *
 * The address is a dot-atom of ASCII at a host name (RFC 5321); the name any text without control characters.
 */
struct address {
	char name[256];     /* "" = none */
	char mailbox[324];  /* 64, the @, 255 */
};

int address_parse(const char *text, struct address *out, struct err *e);

#endif
