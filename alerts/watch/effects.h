#ifndef ALERTS_WATCH_EFFECTS_H
#define ALERTS_WATCH_EFFECTS_H

#include "alerts/watch.h"

/* How the core writes down what is to be persisted.  Everything is copied. */

/* The increment for this bucket, zero when first asked for; valid until the next call. */
struct watch_bucket *effects_bucket(struct watch_effects *effects, uint32_t topic, int32_t width_s, int64_t start_s);

void effects_put_rule_state(struct watch_effects *effects, uint32_t rule, uint32_t topic, const char *state);
void effects_put_source(struct watch_effects *effects, const struct watch_source_state *source);
void effects_put_silence(struct watch_effects *effects, const struct watch_silence_state *silence);
void effects_add_alert(struct watch_effects *effects, const struct watch_alert *alert);
void effects_add_topic_source(struct watch_effects *effects, const struct watch_topic_source *source);
void effects_add_late(struct watch_effects *effects, const struct watch_late *late);
void effects_put_backlog(struct watch_effects *effects, const struct watch_backlog_state *backlog);

#endif
