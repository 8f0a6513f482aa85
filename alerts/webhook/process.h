#ifndef ALERTS_WEBHOOK_PROCESS_H
#define ALERTS_WEBHOOK_PROCESS_H

#include "alerts/webhook/outcome.h"
#include "daemon/base/err.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A message to a command: run without a shell, in a process group of its own,
 * with the message on its standard input (a file: it may be read at leisure,
 * more than once, or not at all) and nothing open but the three standard
 * files.  Exit status 0 takes the message; of what it prints, the end is kept
 * for people to read where it fails.  Belongs to one thread; nothing blocks.
 */
struct process;

struct process_options {
	const char *const *command; /* NULL at the end; the first is an absolute path */
	const char *const *environment; /* all of it, NULL at the end */
	const char *input;
	int64_t timeout_us;             /* then the whole group is killed */
};

/* NULL where it cannot be started. */
struct process *process_start(const struct process_options *options, struct err *e);

/* Kills what still runs. */
void process_free(struct process *process);

/* Takes what it has printed, looks whether it has ended.  True once it has; then `out` says how. */
bool process_is_over(struct process *process, struct outcome *out);

/* What to wait for until process_is_over is worth a call; returns how many, at most PROCESS_WAITS. */
#define PROCESS_WAITS 2
size_t process_waits(const struct process *process, struct curl_waitfd *out);

/* By when it is worth a call in any case (monotonic). */
int64_t process_deadline_us(const struct process *process);

#endif
