/*
 * The detector of `bellwether detect` with constants of one's choice, for tests/bench/nab.py:
 *
 *     bench_series HOURS HOURS HOURS DAYS PRIOR_DEVIATION PRIOR_DAYS TOLD_AGAIN < VALUES > SCORES
 *
 * A value a line, five minutes apart.
 */
#include "alerts/series.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct series_constants constants;
	struct series_options options = {12, 288, 1.0 / 14, &constants};
	struct series *series;
	double value;

	if (argc != 8) {
		fprintf(stderr, "usage: bench_series HOURS HOURS HOURS DAYS PRIOR_DEVIATION PRIOR_DAYS TOLD_AGAIN\n");
		return 2;
	}
	for (int i = 0; i < SERIES_SPANS; i++)
		constants.hours[i] = atof(argv[1 + i]);
	constants.days = (size_t)atol(argv[4]);
	constants.prior_deviation = atof(argv[5]);
	constants.prior_days = atof(argv[6]);
	constants.told_again = atof(argv[7]);
	series = series_create(&options);
	while (scanf("%lf", &value) == 1)
		printf("%.9f\n", series_add(series, value).score);
	series_free(series);
	return 0;
}
