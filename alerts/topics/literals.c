/*
 * An Aho-Corasick automaton over bytes, with every transition computed: one
 * load a byte.  Bytes that no literal holds share one column, and both cases of
 * a letter do, so that a row is as wide as the alphabet in use.
 *
 * Regular expressions alone need it: words and phrases are found by their
 * tokens (phrases.c).
 */
#include "alerts/topics/literals.h"

#include "daemon/base/check.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ROOT 0
#define NONE UINT32_MAX
#define REPORTS UINT32_C(0x80000000) /* on a transition: something ends where it leads */

struct literal {
	char *bytes;
	size_t length;
	uint32_t value;
};

struct state {
	uint32_t fail;
	uint32_t first;  /* first value that ends here, an index into `values`; NONE */
	uint32_t report; /* this state or the next on its fails where one ends; ROOT = none */
};

struct literals {
	struct literal *list;
	size_t count, capacity;

	uint8_t columns[256]; /* of a byte; 0 = in no literal */
	uint32_t width;
	uint32_t *next;       /* [states][width], each a state | REPORTS */
	struct state *states;
	uint32_t state_count;
	struct value {
		uint32_t value, next;
	} *values;
};

struct literals *literals_create(void)
{
	return xcalloc(1, sizeof(struct literals));
}

void literals_free(struct literals *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->count; i++)
		free(l->list[i].bytes);
	free(l->list);
	free(l->next);
	free(l->states);
	free(l->values);
	free(l);
}

void literals_add(struct literals *l, const char *bytes, size_t length, uint32_t value)
{
	CHECK(length > 0);
	if (l->count == l->capacity) {
		l->capacity = l->capacity ? l->capacity * 2 : 16;
		l->list = xrealloc(l->list, l->capacity * sizeof *l->list);
	}
	char *copy = xmalloc(length);
	memcpy(copy, bytes, length);
	l->list[l->count++] = (struct literal){copy, length, value};
}

/* Returns the sum of all lengths. */
static size_t assign_columns(struct literals *l)
{
	size_t total = 0;
	l->width = 1;
	for (size_t i = 0; i < l->count; i++) {
		total += l->list[i].length;
		for (size_t j = 0; j < l->list[i].length; j++) {
			unsigned char c = (unsigned char)tolower((unsigned char)l->list[i].bytes[j]);
			if (l->columns[c] == 0)
				l->columns[c] = l->columns[toupper(c)] = (uint8_t)l->width++;
		}
	}
	return total;
}

static void add_path(struct literals *l, size_t index)
{
	const struct literal *literal = &l->list[index];
	uint32_t at = ROOT;
	for (size_t i = 0; i < literal->length; i++) {
		uint32_t *next = &l->next[at * (size_t)l->width + l->columns[(unsigned char)literal->bytes[i]]];
		if (*next == ROOT) {
			l->states[l->state_count] = (struct state){.first = NONE};
			*next = l->state_count++;
		}
		at = *next;
	}
	l->values[index] = (struct value){literal->value, l->states[at].first};
	l->states[at].first = (uint32_t)index;
}

/* Breadth first: a state's fail has its row complete before the state's own is filled in. */
static void complete(struct literals *l)
{
	uint32_t *queue = xmalloc(l->state_count * sizeof *queue);
	uint32_t head = 0, tail = 0;
	queue[tail++] = ROOT;
	while (head < tail) {
		uint32_t at = queue[head++];
		struct state *state = &l->states[at];
		uint32_t *row = l->next + at * (size_t)l->width;
		const uint32_t *other = l->next + state->fail * (size_t)l->width;
		state->report = state->first != NONE ? at : l->states[state->fail].report;
		for (uint32_t c = 0; c < l->width; c++) {
			if (row[c] == ROOT) {
				row[c] = at == ROOT ? ROOT : other[c];
				continue;
			}
			l->states[row[c]].fail = at == ROOT ? ROOT : other[c];
			queue[tail++] = row[c];
		}
	}
	free(queue);
	for (size_t i = 0; i < l->state_count * (size_t)l->width; i++) {
		if (l->states[l->next[i]].report != ROOT)
			l->next[i] |= REPORTS;
	}
}

void literals_compile(struct literals *l)
{
	size_t states = assign_columns(l) + 1;
	CHECK(states < REPORTS);
	l->next = xcalloc(states * l->width, sizeof *l->next);
	l->states = xmalloc(states * sizeof *l->states);
	l->values = xmalloc(l->count * sizeof *l->values);
	l->states[ROOT] = (struct state){.first = NONE};
	l->state_count = 1;
	for (size_t i = 0; i < l->count; i++)
		add_path(l, i);
	complete(l);
}

static void report(const struct literals *l, uint32_t at, literal_found *found, void *context)
{
	for (uint32_t r = l->states[at].report; r != ROOT; r = l->states[l->states[r].fail].report) {
		for (uint32_t v = l->states[r].first; v != NONE; v = l->values[v].next)
			found(context, l->values[v].value);
	}
}

void literals_scan(const struct literals *l, const char *text, size_t length, literal_found *found, void *context)
{
	uint32_t at = ROOT;
	for (size_t i = 0; i < length; i++) {
		at = l->next[(at & ~REPORTS) * (size_t)l->width + l->columns[(unsigned char)text[i]]];
		if (at & REPORTS)
			report(l, at & ~REPORTS, found, context);
	}
}
