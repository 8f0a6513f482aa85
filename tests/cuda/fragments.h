#ifndef TESTS_CUDA_FRAGMENTS_H
#define TESTS_CUDA_FRAGMENTS_H

/*
 * mma.m16n8k16 for 16-bit types: which lane has which element, after the PTX
 * ISA, "Matrix Fragments for mma.m16n8k16 with floating point type": lane l is
 * number l % 4 of group l / 4.  Registers hold two values each, the first in the lower half.
 */
struct fragment_place {
	int lane, value;
};

struct fragment_element {
	int row, column;
};

/* a[16, 16]: values 0 and 1 at the group's row; 2 and 3 eight rows below; 4 to 7 the same eight columns on. */
static inline struct fragment_place fragment_a(int row, int k)
{
	struct fragment_place place = {row % 8 * 4 + k % 8 / 2, k % 2 + row / 8 * 2 + k / 8 * 4};
	return place;
}

/* b[16, 8]: values 0 and 1 at the group's column; 2 and 3 eight rows below. */
static inline struct fragment_place fragment_b(int k, int column)
{
	struct fragment_place place = {column * 4 + k % 8 / 2, k % 2 + k / 8 * 2};
	return place;
}

/* c and d[16, 8]: values 0 and 1 at the group's row, 2 and 3 eight rows below. */
static inline struct fragment_element fragment_c(int lane, int value)
{
	struct fragment_element element = {lane / 4 + value / 2 * 8, lane % 4 * 2 + value % 2};
	return element;
}

#endif
