/*
 * A rule's state for one topic as one short line of text, so that the database
 * can keep it without knowing what it means.  The source's name comes last: it
 * may hold anything but a line's end.
 */
#include "alerts/watch/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Older versions are still read.  2 had no `since`; 1 had the first nine and the
 * source's name, with 0 or 1 for whether it was told.
 */
#define FIRST "%c %16s %" SCNu32 " %" SCNd32 " %" SCNd32 " %" SCNd32 " %" SCNd32 " %" SCNu32 " %u %n"
#define REST "%" SCNu32 " %" SCNd32 " %" SCNu32 " %16s %n"
#define SINCE "%" SCNd32 " %n"

void state_print(const struct watch *watch, const struct rule_state *state, char out[STATE_TEXT_SIZE])
{
	static const char letters[] = {[ALERT_OK] = 'o', [ALERT_PENDING] = 'p', [ALERT_FIRING] = 'f'};

	snprintf(out, STATE_TEXT_SIZE,
		 "3 %c %s %" PRIu32 " %" PRId32 " %" PRId32 " %" PRId32 " %" PRId32 " %" PRIu32 " %u %" PRIu32 " %" PRId32
		 " %" PRIu32 " %s %" PRId32 " %s",
		 letters[state->state], state->id, state->event, state->changed, state->began, state->fired, state->hot,
		 state->peak, (unsigned)state->told, state->said, state->said_cell, state->joined, state->group, state->since,
		 watch->sources[state->source].name);
}

static bool is_id(const char *text)
{
	return strlen(text) == ID_SIZE - 1 && strspn(text, "0123456789abcdef") == ID_SIZE - 1;
}

static int parse_letter(char letter, enum alert_state *state)
{
	switch (letter) {
	case 'o': *state = ALERT_OK; return 0;
	case 'p': *state = ALERT_PENDING; return 0;
	case 'f': *state = ALERT_FIRING; return 0;
	default: return -1;
	}
}

/* What version 1 did not know: it was told once, of the peak that it had, and alone. */
static void assume_rest(struct rule_state *state)
{
	state->said = state->peak;
	state->said_cell = state->changed;
	state->joined = 0;
	memcpy(state->group, state->id, ID_SIZE);
}

/* These three move on behind what they read; -1 where it is none of ours. */
static int parse_first(const char **text, struct rule_state *state)
{
	unsigned told;
	int length = 0;
	char letter;

	if (sscanf(*text, FIRST, &letter, state->id, &state->event, &state->changed, &state->began, &state->fired, &state->hot,
		   &state->peak, &told, &length) != 9 ||
	    !length || !is_id(state->id) || parse_letter(letter, &state->state) < 0 || told > TOLD_ALONE)
		return -1;
	state->told = (enum told)told;
	*text += length;
	return 0;
}

static int parse_rest(const char **text, struct rule_state *state)
{
	int length = 0;

	if (sscanf(*text, REST, &state->said, &state->said_cell, &state->joined, state->group, &length) != 4 || !length ||
	    !is_id(state->group))
		return -1;
	*text += length;
	return 0;
}

static int parse_since(const char **text, struct rule_state *state)
{
	int length = 0;

	if (sscanf(*text, SINCE, &state->since, &length) != 1 || !length)
		return -1;
	*text += length;
	return 0;
}

int state_parse(struct watch *watch, const char *text, struct rule_state *state)
{
	char version = text[0];

	if (version < '1' || version > '3' || text[1] != ' ')
		return -1;
	text += 2;
	if (parse_first(&text, state) < 0)
		return -1;
	assume_rest(state);
	state->since = state->state == ALERT_OK && state->fired ? state->hot : RULE_EVER;
	if (version > '1' && parse_rest(&text, state) < 0)
		return -1;
	if (version > '2' && parse_since(&text, state) < 0)
		return -1;
	state->source = source_find(watch, text);
	return 0;
}
