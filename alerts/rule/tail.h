#ifndef ALERTS_RULE_TAIL_H
#define ALERTS_RULE_TAIL_H

/* Chances.  All functions are pure and give finite values for finite, sensible arguments (mean > 0, variance > mean). */

/* Negative binomial with this mean and variance: the chance of exactly `count`, and of `count` or more. */
double negative_binomial_mass(double count, double mean, double variance);
double negative_binomial_tail(double count, double mean, double variance);

/* Gamma with this mean and variance, to about one in a hundred: quick, and near the negative binomial where counts are large. */
double gamma_tail(double value, double mean, double variance);

/* Beta-binomial of `trials` with mean share `share`, and variance `spread` of the share itself. */
double beta_binomial_mass(double count, double trials, double share, double spread);
double beta_binomial_tail(double count, double trials, double share, double spread);

/* Standard normal: the chance of `z` or more. */
double normal_tail(double z);

/* Student's t with so many degrees of freedom: the chance of `t` or more. */
double student_tail(double t, double freedom);

#endif
