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

#define VERSION "1"

void state_print(const struct watch *watch, const struct rule_state *state, char out[STATE_TEXT_SIZE])
{
	static const char letters[] = {[ALERT_OK] = 'o', [ALERT_PENDING] = 'p', [ALERT_FIRING] = 'f'};

	snprintf(out, STATE_TEXT_SIZE,
		 VERSION " %c %s %" PRIu32 " %" PRId32 " %" PRId32 " %" PRId32 " %" PRId32 " %" PRIu32 " %d %s",
		 letters[state->state], state->id, state->event, state->changed, state->began, state->fired, state->hot,
		 state->peak, state->notified, watch->sources[state->source].name);
}

static bool is_id(const char *text)
{
	return strlen(text) == ID_SIZE - 1 && strspn(text, "0123456789abcdef") == ID_SIZE - 1;
}

int state_parse(struct watch *watch, const char *text, struct rule_state *state)
{
	int notified, name = 0;
	char letter;

	if (sscanf(text,
		   VERSION " %c %16s %" SCNu32 " %" SCNd32 " %" SCNd32 " %" SCNd32 " %" SCNd32 " %" SCNu32 " %d %n",
		   &letter, state->id, &state->event, &state->changed, &state->began, &state->fired, &state->hot,
		   &state->peak, &notified, &name) != 9 ||
	    !name || !is_id(state->id) || (notified & ~1))
		return -1;
	switch (letter) {
	case 'o': state->state = ALERT_OK; break;
	case 'p': state->state = ALERT_PENDING; break;
	case 'f': state->state = ALERT_FIRING; break;
	default: return -1;
	}
	state->notified = notified;
	state->source = source_find(watch, text + name);
	return 0;
}
