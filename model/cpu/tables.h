#ifndef MODEL_CPU_TABLES_H
#define MODEL_CPU_TABLES_H

#include "model/ops.h"

/* The CPU's tables, the fastest first; NULL after the last. */
const struct ops *cpu_table(size_t index);

#endif
