#ifndef DAEMON_INTERRUPT_H
#define DAEMON_INTERRUPT_H

#include "model/publish.h"

/*
 * For a command that fills a directory: what SIGINT, SIGTERM or SIGHUP cuts
 * short leaves no half of one behind.  The process ends by the signal then, as
 * it would without this.  One publication a process.
 */

/* Blocks the signals; before any thread is started, since all inherit it. */
void interrupt_block(void);

/* From now on a signal removes `publish`, which has begun, and ends the process.  `publish` stays valid until
 * interrupt_forget. */
void interrupt_guard(struct publish *publish);

/* A signal waits from hold to release: around whatever changes the publication. */
void interrupt_hold(void);
void interrupt_release(void);

/* While held: there is nothing to remove any more. */
void interrupt_forget(void);

#endif
