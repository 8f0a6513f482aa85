/* At the start: is the model another one than before?  And while the daemon runs: the words of an alert's evidence. */
#include "daemon/service_private.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/rescore.h"

#include <systemd/sd-daemon.h>

/* systemd waits for as long as a start says that it goes on. */
#define MORE_US (30 * SECOND_US)

static void go_on(void *context)
{
	(void)context;
	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%lld\nSTATUS=comparing the new model with the one before", (long long)MORE_US);
}

int service_compare_models(struct service *s, struct store *store, struct err *e)
{
	struct rescore_options options = {
		.store = store,
		.classifier = s->classifier,
		.config = s->config,
		.now_us = clock_now_us(&wall_clock),
		.progress = go_on,
	};
	struct rescore_result result;
	if (rescore_history(&options, &result, e) != 0)
		return -1;
	if (result.switched)
		log_info("model %s follows %s: of %zu documents that both have judged, %.1f %% were negative and %.1f %% are; "
			 "rules go on from a history as the new model would have judged it (%lld ms)",
			 classifier_get_info(s->classifier)->version, result.old_model, result.texts,
			 100 * result.negative_before, 100 * result.negative_after, (long long)(result.took_us / 1000));
	return 0;
}

void service_explain(void *context, const char *const *titles, const enum polarity *polarities, size_t count,
		     struct watch_words *words, int64_t wait_us)
{
	struct service *s = context;
	words_find(s->words, titles, polarities, count, words, wait_us);
}
