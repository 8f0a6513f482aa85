/*
 * The tail of the negative binomial is the regularised incomplete beta
 * function (Abramowitz & Stegun 26.5.26), by Lentz's continued fraction (26.5.8):
 * accurate far out in the tail, and as quick for a count of a million as for
 * three.
 *
 * Most counts are small.  Theirs is the product of a few factors, and a tail
 * that is not rare is what the smaller counts leave of one: the same to a dozen
 * digits, at a tenth of the cost.
 */
#include "alerts/rule/tail.h"

#include <math.h>
#include <stdbool.h>

/* The variance may not fall to the mean: that is the Poisson limit, where the size parameter is infinite. */
#define LEAST_DISPERSION 1.01

static double log_gamma(double x)
{
	int sign;

	return lgamma_r(x, &sign);
}

static double away_from_zero(double x)
{
	return fabs(x) < 1e-300 ? 1e-300 : x;
}

static double beta_fraction(double a, double b, double x)
{
	double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1)), h = d;

	for (int m = 1; m <= 10000; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));

		d = 1 / away_from_zero(1 + even * d);
		c = away_from_zero(1 + even / c);
		h *= d * c;
		d = 1 / away_from_zero(1 + odd * d);
		c = away_from_zero(1 + odd / c);
		h *= d * c;
		if (fabs(d * c - 1) < 1e-12)
			break;
	}
	return h;
}

static double incomplete_beta(double a, double b, double x)
{
	double front;

	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

/* Whole counts up to so many, where that few are expected too, are worked out factor by factor. */
enum { FEW = 32 };

static bool is_few(double count, double mean)
{
	return count <= FEW && mean <= FEW && count == (int)count;
}

double negative_binomial_mass(double count, double mean, double variance)
{
	double dispersion = fmax(variance / mean, LEAST_DISPERSION), size = mean / (dispersion - 1);
	double odds = (dispersion - 1) / dispersion, mass, over = 1;

	if (!is_few(count, mean))
		return exp(log_gamma(count + size) - log_gamma(count + 1) - log_gamma(size) - size * log(dispersion) +
			   count * log(odds));
	mass = exp(-size * log(dispersion));
	for (int k = 0; k < (int)count; k++) {
		mass *= (size + k) * odds;
		over *= k + 1;
	}
	return mass / over;
}

double negative_binomial_tail(double count, double mean, double variance)
{
	double dispersion = fmax(variance / mean, LEAST_DISPERSION), size = mean / (dispersion - 1);
	double odds = (dispersion - 1) / dispersion;

	if (count <= 0)
		return 1;
	if (is_few(count, mean)) {
		double mass = exp(-size * log(dispersion)), below = 0;

		for (int k = 0; k < (int)count; k++) {
			below += mass;
			mass *= (size + k) * odds / (k + 1);
		}
		if (below < 0.99)
			return 1 - below;
	}
	return incomplete_beta(count, size, odds);
}

static double log_beta(double a, double b)
{
	return log_gamma(a) + log_gamma(b) - log_gamma(a + b);
}

double beta_binomial_mass(double count, double trials, double share, double spread)
{
	/* Share and spread to the beta's two parameters, by its first two moments. */
	double strength = fmax(share * (1 - share) / spread - 1, 0.1);
	double a = share * strength, b = (1 - share) * strength;

	return exp(log_gamma(trials + 1) - log_gamma(count + 1) - log_gamma(trials - count + 1) +
		   log_beta(count + a, trials - count + b) - log_beta(a, b));
}

/* By the sum of the terms, each from the one before: they fall off geometrically beyond the mean. */
double beta_binomial_tail(double count, double trials, double share, double spread)
{
	double strength = fmax(share * (1 - share) / spread - 1, 0.1);
	double a = share * strength, b = (1 - share) * strength;
	double term = beta_binomial_mass(count, trials, share, spread), sum = 0;

	for (double k = count; k <= trials && term > sum * 1e-12; k++) {
		sum += term;
		term *= (trials - k) / (k + 1) * (k + a) / (trials - k - 1 + b);
	}
	return fmin(sum, 1);
}

double normal_tail(double z)
{
	return 0.5 * erfc(z * M_SQRT1_2);
}

/* Wilson and Hilferty 1931: the cube root is nearly normal. */
double gamma_tail(double value, double mean, double variance)
{
	double shape = mean * mean / variance;

	return value <= 0 ? 1 : normal_tail((cbrt(value / mean) - 1 + 1 / (9 * shape)) * 3 * sqrt(shape));
}

/* Abramowitz & Stegun 26.7.1 and 26.5.27. */
double student_tail(double t, double freedom)
{
	double both = incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t));

	return t > 0 ? both / 2 : 1 - both / 2;
}
