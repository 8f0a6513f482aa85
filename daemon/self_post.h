#ifndef DAEMON_SELF_POST_H
#define DAEMON_SELF_POST_H

#include "alerts/self.h"
#include "alerts/webhook.h"
#include "alerts/writer.h"
#include "daemon/config.h"

/*
 * What is to be told of the daemon itself, on its way to the writer, which
 * stores it and puts it into the outbox.  While the database cannot be written
 * it waits here, and may be sent past it: to each receiver once, which is noted
 * for the writer.
 */
struct self_post;

struct self_post *self_post_create(void);
void self_post_free(struct self_post *post);

/* A change, for those whom the configuration names.  Copies. */
void self_post_add(struct self_post *post, const struct self_change *change, const struct config *config);

/* All that waits goes to the writer. */
void self_post_hand_over(struct self_post *post, struct writer *writer);

/* All that waits is sent, by deliveries with ids below 0; what was sent before is not. */
void self_post_send(struct self_post *post, struct webhook *webhook);

/* What became of one of them.  Any thread. */
void self_post_result(struct self_post *post, const struct webhook_result *result);

#endif
