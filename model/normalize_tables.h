#ifndef MODEL_NORMALIZE_TABLES_H
#define MODEL_NORMALIZE_TABLES_H

#include <stddef.h>
#include <stdint.h>

/*
 * The data behind model/normalize.c, written by
 * tests/lib/make_normalize_tables.py.  Ranges are in ascending order and
 * inclusive at both ends.
 */
struct code_range {
	uint32_t first, last;
};

struct order_range {
	uint32_t first, last;
	uint8_t order; /* canonical combining class */
};

/* Every stride-th code point from first to last has its lower case delta away. */
struct lower_run {
	uint32_t first, last, stride;
	int32_t delta;
};

extern const struct code_range normalize_dropped[], normalize_spaces[], normalize_ideographs[];
extern const size_t normalize_dropped_count, normalize_spaces_count, normalize_ideographs_count;

extern const struct code_range normalize_punctuation[], normalize_marks[], normalize_starter_marks[];
extern const size_t normalize_punctuation_count, normalize_marks_count, normalize_starter_marks_count;

extern const struct code_range normalize_decomposed[];
extern const size_t normalize_decomposed_count;

extern const struct order_range normalize_orders[];
extern const size_t normalize_orders_count;

extern const struct lower_run normalize_lower[];
extern const size_t normalize_lower_count;

#endif
