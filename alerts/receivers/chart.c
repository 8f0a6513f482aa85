/* The window of an alert against its baseline, from the payload's own numbers. */
#include "alerts/chart.h"

#include "alerts/receivers/format.h"
#include "alerts/receivers/text.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <math.h>
#include <stdlib.h>

/* The watch gives two days by the hour; what else comes is cut. */
#define POINTS_MAX 500

static bool read_points(const json_t *chart, const char *key, size_t count, float *out)
{
	const json_t *array = json_object_get(chart, key);
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_array_get(array, i);
		out[i] = json_is_number(value) ? (float)json_number_value(value) : NAN;
	}
	return json_array_size(array) > 0;
}

static int64_t time_of(const json_t *alert, const char *key, int64_t otherwise_s)
{
	int64_t time_us;
	return time_parse_iso(alert_text(alert, key), &time_us) ? time_us / SECOND_US : otherwise_s;
}

char *alert_chart(const json_t *alert)
{
	const json_t *data = json_object_get(alert, "chart");
	float counts[POINTS_MAX], expected[POINTS_MAX], limit[POINTS_MAX];
	size_t count = json_array_size(json_object_get(data, "counts"));
	struct chart chart = {.size = CHART_SMALL, .counts = counts, .count = count < POINTS_MAX ? count : POINTS_MAX};
	double step_s = json_number_value(json_object_get(data, "step_s"));
	if (count == 0 || !(step_s >= 1 && step_s < 1e9))
		return NULL;
	chart.start_s = time_of(data, "start", 0);
	chart.step_s = (int64_t)step_s;
	read_points(data, "counts", chart.count, counts);
	chart.expected = read_points(data, "expected", chart.count, expected) ? expected : NULL;
	chart.limit = read_points(data, "limit", chart.count, limit) ? limit : NULL;
	struct chart_alert span = {time_of(alert, "fired", time_of(alert, "at", 0)), time_of(alert, "resolved", INT64_MAX),
				   ALERT_FIRING};
	chart.alerts = &span;
	chart.alert_count = 1;
	char *title = text_format("%s on %s", alert_text(alert, "rule"), alert_text(alert, "topic"));
	chart.title = title;
	char *svg = chart_write_svg(&chart);
	free(title);
	return svg;
}
