#ifndef DAEMON_SERVICE_SELF_H
#define DAEMON_SERVICE_SELF_H

#include "alerts/store.h"
#include "alerts/webhook.h"
#include "daemon/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct service;

/*
 * The alerts on the daemon itself, in the running service: measures, asks
 * daemon/self_check, and hands what is to be told to the writer, which stores
 * it and puts it into the outbox.
 *
 * While the database cannot be written nothing can be stored, so the webhook
 * thread is given the messages directly; they are stored as soon as that is
 * possible, as sent for whoever has taken one.  Should the process end before,
 * they are sent again under the ids of then: told twice rather than not at all.
 */
struct service_self;

/* Loads what is open, while the store is still the caller's. */
struct service_self *service_self_create(struct store *store, int64_t now_us, struct err *e);
void service_self_free(struct service_self *own);

/* Driving thread, once a second. */
void service_self_tick(struct service *service);

/* What waits is handed to the writer, whatever its state: the service stops. */
void service_self_hand_over(struct service *service);

/* Any thread.  A gap that is durable now; what became of a delivery that was made here (ids below 0). */
void service_self_gap(struct service_self *own, const char *source, const char *reason, int64_t at_us);
void service_self_result(struct service_self *own, const struct webhook_result *result);

/* Any thread: the subjects that are open, each on the heap; the caller frees them and the array. */
char **service_self_open(struct service_self *own, size_t *count);
/* Room beside the database as of the last look; -1 = not known. */
int64_t service_self_free_bytes(struct service_self *own);

#endif
