#ifndef ALERTS_TOPICS_LITERALS_H
#define ALERTS_TOPICS_LITERALS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Which of many literals does a text hold, anywhere in its words?  ASCII
 * letters are compared without case, other bytes as they are.
 *
 * Build with literals_add, then literals_compile; from then on it is immutable.
 */
struct literals;

struct literals *literals_create(void);
void literals_free(struct literals *literals);

/* Adds a literal of 1 byte or more, found under `value`; many may share a value, one may have many. */
void literals_add(struct literals *literals, const char *bytes, size_t length, uint32_t value);

void literals_compile(struct literals *literals);

/* Calls `found` with the value of every literal in the text, as often as it occurs. */
typedef void literal_found(void *context, uint32_t value);
void literals_scan(const struct literals *literals, const char *text, size_t length, literal_found *found, void *context);

#endif
