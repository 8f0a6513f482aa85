#ifndef ALERTS_CHART_AXIS_H
#define ALERTS_CHART_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHART_LABEL_SIZE = 24, CHART_TICKS_MAX = 24 };

struct chart_tick {
	double at;   /* a value, or seconds since 1970 */
	bool strong; /* a day among hours, a year among months */
	char label[CHART_LABEL_SIZE];
};

/* Round values in [low, high], about `wanted` of them; whole numbers only where `whole`.  low < high, both finite. */
size_t chart_value_ticks(double low, double high, size_t wanted, bool whole, struct chart_tick ticks[CHART_TICKS_MAX]);

/* Round times in [start_s, end_s), `max` (at least 1) at most, as UTC calendars have them; years 1 to 9999. */
size_t chart_time_ticks(int64_t start_s, int64_t end_s, size_t max, struct chart_tick ticks[CHART_TICKS_MAX]);

/* "2026-01-05 09:30" */
void chart_format_time(int64_t time_s, char out[CHART_LABEL_SIZE]);

#endif
