#include "daemon/self_lag.h"

#define LAG_LEAST 1000 /* messages: fewer may come and go as they like */

/* Does the least lag of a period grow from period to period? */
static void watch_growth(struct self_lag *lag, int64_t behind, int64_t period_us, int64_t now_us)
{
	if (lag->period_us == 0 || lag->period_us > now_us) {
		lag->period_us = now_us;
		lag->least[0] = lag->least[1] = lag->least[2] = behind;
	}
	if (behind < lag->least[2])
		lag->least[2] = behind;
	if (now_us - lag->period_us < period_us)
		return;
	lag->growing = lag->least[0] < lag->least[1] && lag->least[1] < lag->least[2] && lag->least[2] >= LAG_LEAST &&
		       lag->least[2] > 2 * lag->least[0];
	lag->period_us = now_us;
	lag->least[0] = lag->least[1];
	lag->least[1] = lag->least[2];
	lag->least[2] = behind;
}

/*
 * How old the oldest message is that was not read, from counts alone: of those
 * that were there when the anchor was cast, some are still unread.  Markers of
 * transactions are counted in the lag and not among what was read, which makes
 * it look older, by as many as they are.
 */
enum self_verdict self_lag_judge(struct self_lag *lag, const struct source_health *health, int64_t limit_us, int64_t now_us)
{
	if (health->lag < 0)
		return SELF_UNSURE;
	watch_growth(lag, health->lag, limit_us, now_us);
	uint64_t read = health->documents + health->rejects;
	bool cast = lag->anchor_us != 0 && lag->anchor_us <= now_us && read >= lag->anchor_read;
	int64_t age_us = cast ? now_us - lag->anchor_us : 0;
	if (health->lag == 0) {
		lag->anchor_us = 0;
		return lag->growing ? SELF_UNSURE : SELF_GOOD;
	}
	if (cast && read < lag->target)
		return age_us > limit_us || lag->growing ? SELF_BAD : SELF_UNSURE;
	lag->anchor_us = now_us;
	lag->anchor_read = read;
	lag->target = read + (uint64_t)health->lag;
	if (lag->growing)
		return SELF_BAD;
	return cast && age_us < limit_us / 2 ? SELF_GOOD : SELF_UNSURE;
}
