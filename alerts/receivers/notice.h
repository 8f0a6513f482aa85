#ifndef ALERTS_RECEIVERS_NOTICE_H
#define ALERTS_RECEIVERS_NOTICE_H

#include "alerts/receivers/format.h"

#include <stddef.h>

/*
 * A message in words: what chat programs, mails and pagers show.  Formats only
 * lay it out.  Every text is one line, valid UTF-8, bounded, and fit to be read
 * (alerts/receivers/text.h); what a format's own syntax makes special is still
 * in it.
 */
enum notice_tone {
	TONE_ALARM,   /* an alert fires, or keeps growing */
	TONE_WARNING, /* Bellwether itself is not well; an alert came late */
	TONE_GOOD,    /* it is over */
	TONE_PLAIN,
};

struct notice_fact {
	const char *label;
	char *value;
};

/* A story that made the alert, an alert of a digest, a source of a heartbeat. */
struct notice_item {
	char *title;
	const char *url; /* NULL = none that can be linked */
	char *detail;    /* who, when, how often; "" = nothing to add */
};

#define NOTICE_SUMMARY_MAX 400 /* characters */
#define NOTICE_TITLE_MAX 300
#define NOTICE_FACTS_MAX 12

struct notice {
	enum notice_tone tone;
	const char *state; /* "Firing", "Update", "Resolved", ... */
	char *summary;     /* "negative-spike on zorvex: 14 in 60 min, 2.1 expected, 5 publishers" */
	struct notice_fact facts[NOTICE_FACTS_MAX];
	size_t fact_count;
	struct notice_item *items;
	size_t item_count;
	size_t more;       /* items that are left out */
};

/* At most `items_max` items; the strings that are not the message's own live as long as the message does. */
struct notice *notice_create(const struct message *message, size_t items_max);
void notice_free(struct notice *notice);

/* "and 7 more"; NULL where nothing is left out.  The caller frees it. */
char *notice_more(const struct notice *notice);

/* ---- its parts, for notice.c ---- */

/* The line that says it all, of a message of this kind; the caller frees it. */
char *notice_summary(enum message_kind kind, const json_t *alert);
void notice_add_facts(struct notice *notice, enum message_kind kind, const json_t *alert);
void notice_add_items(struct notice *notice, enum message_kind kind, const json_t *alert, size_t max);

/* "2026-01-05 09:15 UTC"; what is no time stays as it is, NULL where there is none.  The caller frees it. */
char *notice_time(const json_t *alert, const char *key);

#endif
