#ifndef GPU_GPU_H
#define GPU_GPU_H

#include "daemon/base/err.h"
#include "model/ops.h"

/*
 * The room's door: the tables of operations for NVIDIA's GPUs, the fastest
 * first; NULL after the last, which in a build without CUDA (none.c) is at once.
 * model/ops.c lists them before those of the CPU.
 */
const struct ops *gpu_table(size_t index);

/* 0 where a GPU can be used; else -1 and the reason in one line. */
int gpu_check(struct err *e);

#endif
