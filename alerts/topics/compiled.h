#ifndef ALERTS_TOPICS_COMPILED_H
#define ALERTS_TOPICS_COMPILED_H

#include "alerts/topics/literals.h"
#include "alerts/topics/phrases.h"
#include "alerts/topics/regex.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What topics_create (topics.c) builds and topics_match (match.c) reads. */

enum entry_kind {
	ENTRY_WORD, /* brings the topic */
	ENTRY_MASK, /* an exclusion that holds a word of the topic: hides what it overlaps */
	ENTRY_VETO, /* an exclusion that holds none: takes the document out */
};

struct topics {
	size_t count;
	struct topic {
		struct regex *regex; /* NULL = none */
		bool has_none;
	} *list;

	struct phrases *phrases;
	uint32_t longest;      /* tokens of the longest phrase */
	uint32_t *entry_start; /* [phrases + 1]: the entries of phrase p are entry_start[p] to before entry_start[p + 1] */
	struct entry {
		uint32_t topic;
		enum entry_kind kind;
	} *entries;
	bool *settled_once;    /* [phrases]: every occurrence says the same, so the first is enough */

	struct literals *literals; /* those that regexes need; value = topic */
	bool has_literals;
	uint32_t *always;          /* topics whose regex has to be tried on every text */
	size_t always_count;

	atomic_uint_fast64_t limit_hits;
};

#endif
