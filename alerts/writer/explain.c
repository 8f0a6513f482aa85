/*
 * The words of an alert's evidence, found while the alert waits to be written:
 * once an alert, and never for long.  What comes too late is left out.
 */
#include "alerts/writer/private.h"

#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

/* Everything of `found` in one block: the lists, their words, the texts. */
static struct watch_words *copy_words(const struct watch_words *found, size_t count)
{
	size_t word_count = 0, bytes = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t w = 0; w < found[i].count; w++, word_count++)
			bytes += strlen(found[i].each[w].text) + 1;
	struct watch_words *copy = xcalloc(1, count * sizeof *copy + word_count * sizeof(struct watch_word) + bytes);
	struct watch_word *word = (struct watch_word *)(copy + count);
	char *text = (char *)(word + word_count);
	for (size_t i = 0; i < count; i++) {
		copy[i] = (struct watch_words){word, found[i].count};
		for (size_t w = 0; w < found[i].count; w++, word++) {
			size_t size = strlen(found[i].each[w].text) + 1;
			*word = (struct watch_word){memcpy(text, found[i].each[w].text, size), found[i].each[w].weight};
			text += size;
		}
	}
	return copy;
}

static void explain(struct writer *writer, struct watch_alert *alert, int64_t wait_us)
{
	const char *titles[WRITER_EXPLAINED];
	enum polarity polarities[WRITER_EXPLAINED];
	struct watch_words found[WRITER_EXPLAINED] = {0};
	size_t count = alert->evidence_count < WRITER_EXPLAINED ? alert->evidence_count : WRITER_EXPLAINED;
	for (size_t i = 0; i < count; i++) {
		titles[i] = alert->evidence[i].title;
		polarities[i] = alert->evidence[i].polarity;
	}
	writer->callbacks.explain(writer->callbacks.context, titles, polarities, count, found, wait_us);
	alert->words = copy_words(found, count);
	alert->explained = count;
}

void explain_alerts(struct writer *writer)
{
	struct watch_effects *effects = writer->effects;
	int64_t until = monotonic_us() + WRITER_EXPLAIN_US;
	for (size_t i = 0; writer->callbacks.explain != NULL && i < effects->alert_count; i++) {
		struct watch_alert *alert = &effects->alerts[i];
		int64_t left = until - monotonic_us();
		if (left > 0 && alert->notify && alert->state == ALERT_FIRING && alert->evidence_count > 0)
			explain(writer, alert, left);
	}
}

void explain_free(struct watch_effects *effects)
{
	for (size_t i = 0; i < effects->alert_count; i++) {
		free((void *)effects->alerts[i].words);
		effects->alerts[i].words = NULL;
		effects->alerts[i].explained = 0;
	}
}
