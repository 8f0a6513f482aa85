/* The two days up to a change, hour by hour, against what is usual: what a message shows beside its numbers. */
#include "alerts/watch/state.h"

#include "daemon/base/clock.h"

#include <math.h>

static double value_of(enum rule_metric metric, const struct tally *tally)
{
	switch (metric) {
	case RULE_VOLUME: return tally->stories;
	case RULE_MEAN_SCORE: return tally->judged ? (double)tally->score / 1e6 / tally->judged : NAN;
	default: return tally->negative;
	}
}

struct watch_chart chart_of(struct watch *watch, uint32_t rule, uint32_t index, int32_t cell)
{
	const struct rule_spec *spec = &watch->rules[rule];
	struct topic *topic = &watch->topics[index];
	const struct rule_baseline *baseline = baseline_of(topic, spec->metric, cell);
	int32_t last = hour_of(cell_time(cell)), first = last - WATCH_CHART_POINTS + 1;
	struct watch_chart chart = {.step_s = 3600};

	if (window_size(&topic->hours) && window_oldest(&topic->hours) > first)
		first = window_oldest(&topic->hours) < last ? window_oldest(&topic->hours) : last;
	chart.start_s = (int64_t)first * 3600;
	for (int32_t hour = first; hour <= last; hour++) {
		struct tally tally = window_sum(&topic->hours, hour - 1, hour);
		struct rule_band band = rule_expect(spec, baseline, hour * CELLS_AN_HOUR + CELLS_AN_HOUR - 1, CELLS_AN_HOUR);

		chart.counts[chart.count] = (float)value_of(spec->metric, &tally);
		chart.expected[chart.count] = (float)band.expected;
		chart.limit[chart.count++] = (float)band.limit;
	}
	return chart;
}
