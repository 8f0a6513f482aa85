#include "daemon/drift_measure.h"

#include <math.h>

#define WATCH_FROM 0.1
#define SHIFTED_FROM 0.25
#define PSEUDO_COUNT 0.5

struct sums {
	double before, now;
	size_t bins; /* that are not empty */
};

static struct sums sums_of(const double *before, const double *now, size_t bins)
{
	struct sums sums = {0};
	for (size_t i = 0; i < bins; i++) {
		sums.before += before[i];
		sums.now += now[i];
		sums.bins += before[i] > 0 || now[i] > 0;
	}
	return sums;
}

double drift_stability(const double *before, const double *now, size_t bins)
{
	struct sums sums = sums_of(before, now, bins);
	double all_before = sums.before + PSEUDO_COUNT * (double)sums.bins, all_now = sums.now + PSEUDO_COUNT * (double)sums.bins;
	double sum = 0;
	for (size_t i = 0; i < bins; i++) {
		if (before[i] <= 0 && now[i] <= 0)
			continue;
		double a = (now[i] + PSEUDO_COUNT) / all_now, b = (before[i] + PSEUDO_COUNT) / all_before;
		sum += (a - b) * log(a / b);
	}
	return sum;
}

/* p log2(p / middle), 0 where p is. */
static double part(double p, double middle)
{
	return p > 0 ? p * log2(p / middle) : 0;
}

double drift_distance(const double *before, const double *now, size_t bins)
{
	struct sums sums = sums_of(before, now, bins);
	double divergence = 0;
	if (sums.before <= 0 || sums.now <= 0)
		return sums.before > 0 || sums.now > 0;
	for (size_t i = 0; i < bins; i++) {
		double a = now[i] / sums.now, b = before[i] / sums.before, middle = (a + b) / 2;
		divergence += (part(a, middle) + part(b, middle)) / 2;
	}
	return divergence > 0 ? sqrt(divergence) : 0;
}

/* The 95 % quantile of chi-squared, by Wilson and Hilferty's cube (1931): within 1 % from two degrees of freedom on. */
static double chi_squared(double degrees)
{
	double spread = 2 / (9 * degrees), root = 1 - spread + 1.6448536269514722 * sqrt(spread);
	return degrees * root * root * root;
}

double drift_chance(const double *before, const double *now, size_t bins, double n_before, double n_now)
{
	size_t used = sums_of(before, now, bins).bins;
	if (n_before <= 0 || n_now <= 0)
		return INFINITY;
	if (used < 2)
		return 0;
	return (1 / n_before + 1 / n_now) * chi_squared((double)(used - 1));
}

enum drift_verdict drift_judge(double stability, double chance)
{
	if (isinf(chance))
		return DRIFT_UNKNOWN;
	if (stability < WATCH_FROM || stability <= chance)
		return DRIFT_STABLE;
	return stability < SHIFTED_FROM ? DRIFT_WATCH : DRIFT_SHIFTED;
}

const char *drift_verdict_name(enum drift_verdict verdict)
{
	static const char *const names[] = {"too few", "stable", "watch", "shifted"};
	return names[verdict];
}
