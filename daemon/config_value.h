#ifndef DAEMON_CONFIG_VALUE_H
#define DAEMON_CONFIG_VALUE_H

#include "daemon/config_keys.h"
#include "daemon/config_read.h"

/* What should have stood there, for a message. */
struct expectation {
	char text[256];
};

/* Text into the slot of a key that holds one value.  False where the text is not one; then `expected` says what is. */
bool config_put_value(struct pool *pool, const struct key *key, const char *text, void *slot, struct expectation *expected);

/* The same without a text at hand: "a duration such as 30m, 1h, 7d". */
const char *config_expected_words(enum key_type type);

#endif
