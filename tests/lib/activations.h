#ifndef TESTS_ACTIVATIONS_H
#define TESTS_ACTIVATIONS_H

#include <math.h>

/* What a linear layer's output goes through, in double precision; gelu: Hendrycks and Gimpel, arXiv:1606.08415. */

static inline double same(double x)
{
	return x;
}

static inline double gelu(double x)
{
	return 0.5 * x * (1 + erf(x / sqrt(2)));
}

static inline double gelu_tanh(double x)
{
	return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static inline double relu(double x)
{
	return x > 0 ? x : 0;
}

#endif
