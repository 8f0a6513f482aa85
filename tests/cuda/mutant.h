#ifndef TESTS_CUDA_MUTANT_H
#define TESTS_CUDA_MUTANT_H

#include <cstdlib>

/*
 * The changes of mutate.py: one build has them all, and the environment's
 * MUTANT is the number of the one that is in force.
 */
static const int mutant_in_force = getenv("MUTANT") != nullptr ? atoi(getenv("MUTANT")) : -1;

static inline bool mutant(int number)
{
	return number == mutant_in_force;
}

/*
 * A comparison that can be changed: a <below{n}> b is a < b, but a <= b where n is
 * in force, and a < b - 1 where n + 1 is.  C++ reads it as (a < below(n)) > b, which binds as
 * the comparison did.
 */
struct below {
	int number;
	template <typename T, typename U> bool compare(T a, U b) const
	{
		return mutant(number) ? a <= b : mutant(number + 1) ? a < -1 + b : a < b;
	}
};

/* a > b; a >= b; a > b + 1 */
struct above {
	int number;
	template <typename T, typename U> bool compare(T a, U b) const
	{
		return mutant(number) ? a >= b : mutant(number + 1) ? a > 1 + b : a > b;
	}
};

/* a >= b; a > b; a >= b - 1 */
struct not_below {
	int number;
	template <typename T, typename U> bool compare(T a, U b) const
	{
		return mutant(number) ? a > b : mutant(number + 1) ? a >= -1 + b : a >= b;
	}
};

/* a <= b; a <= b + 1; a < b */
struct not_above {
	int number;
	template <typename T, typename U> bool compare(T a, U b) const
	{
		return mutant(number) ? a <= 1 + b : mutant(number + 1) ? a < b : a <= b;
	}
};

template <typename T, typename C> struct left_side {
	T value;
	C comparison;
};

#define LEFT_SIDE(C)                                                                                                  \
	template <typename T> static inline left_side<T, C> operator<(T value, C comparison)                          \
	{                                                                                                             \
		return {value, comparison};                                                                           \
	}
LEFT_SIDE(below)
LEFT_SIDE(above)
LEFT_SIDE(not_below)
LEFT_SIDE(not_above)

template <typename T, typename C, typename U> static inline bool operator>(left_side<T, C> left, U right)
{
	return left.comparison.compare(left.value, right);
}

#endif
