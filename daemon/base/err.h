#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

/*
 * How functions say what went wrong.
 *
 * A function that can fail returns 0 / -1 (or a pointer / NULL) and takes a
 * `struct err *` as its last argument.  On failure it leaves one line there,
 * without a newline, that names the thing, what is wrong and, where there is
 * one, the remedy.  Callers add context by err_prefix on the way up; only
 * daemon/ and the outermost loop of a thread log it, once.
 *
 * `e` may be NULL everywhere: the caller does not want the text.
 */
struct err {
	bool busy; /* somebody else has it now: the same call may succeed later */
	char text[1024];
};

/* Set the message.  Always returns -1, so `return err_set(e, ...)` reads well. */
int err_set(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As err_set, with ": " and the text of the C library's error `number` after it. */
int err_sys(struct err *e, int number, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The message that is there stands for something that may pass: sets `busy`.  Always returns -1. */
int err_busy(struct err *e);

/* Put "context: " before the message that is there.  Always returns -1. */
int err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
