#include "daemon/base/metric.h"

#include <inttypes.h>
#include <stdatomic.h>

static const struct {
	const char *name, *help;
} counter_texts[] = {
#define X(id, name, help) {name, help},
	METRIC_COUNTERS(X)
#undef X
}, histogram_texts[] = {
#define X(id, name, help) {name, help},
	METRIC_HISTOGRAMS(X)
#undef X
};

/* Upper bounds in microseconds: 100 us to 100 s, about three a decade. */
static const int64_t bounds_us[] = {100,    250,    500,     1000,	  2500,	  5000,	   10000,    25000,    50000,
				    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000, 100000000};
#define BOUNDS (sizeof bounds_us / sizeof *bounds_us)

static _Atomic uint64_t counters[METRIC_COUNTER_COUNT];
static struct {
	_Atomic uint64_t buckets[BOUNDS + 1];
	_Atomic uint64_t sum_us;
} histograms[METRIC_HISTOGRAM_COUNT];

void metric_add(enum metric_counter counter, uint64_t amount)
{
	atomic_fetch_add_explicit(&counters[counter], amount, memory_order_relaxed);
}

void metric_observe(enum metric_histogram histogram, int64_t duration_us)
{
	if (duration_us < 0)
		duration_us = 0;
	size_t i = 0;
	while (i < BOUNDS && duration_us > bounds_us[i])
		i++;
	atomic_fetch_add_explicit(&histograms[histogram].buckets[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&histograms[histogram].sum_us, (uint64_t)duration_us, memory_order_relaxed);
}

static void print_histogram(FILE *out, size_t h)
{
	const char *name = histogram_texts[h].name;
	fprintf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, histogram_texts[h].help, name);
	uint64_t total = 0;
	for (size_t i = 0; i < BOUNDS; i++) {
		total += atomic_load_explicit(&histograms[h].buckets[i], memory_order_relaxed);
		fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, (double)bounds_us[i] / 1e6, total);
	}
	total += atomic_load_explicit(&histograms[h].buckets[BOUNDS], memory_order_relaxed);
	fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, total);
	fprintf(out, "%s_sum %.6f\n", name,
		(double)atomic_load_explicit(&histograms[h].sum_us, memory_order_relaxed) / 1e6);
	fprintf(out, "%s_count %" PRIu64 "\n", name, total);
}

void metric_print(FILE *out)
{
	for (size_t i = 0; i < METRIC_COUNTER_COUNT; i++)
		fprintf(out, "# HELP %s %s\n# TYPE %s counter\n%s %" PRIu64 "\n", counter_texts[i].name,
			counter_texts[i].help, counter_texts[i].name, counter_texts[i].name,
			atomic_load_explicit(&counters[i], memory_order_relaxed));
	for (size_t h = 0; h < METRIC_HISTOGRAM_COUNT; h++)
		print_histogram(out, h);
}
