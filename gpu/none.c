#include "gpu/gpu.h"

/* A build without CUDA: nothing to offer, and a reason to give. */
const struct ops *gpu_table(size_t index)
{
	(void)index;
	return NULL;
}

int gpu_check(struct err *e)
{
	return err_set(e, "this build is without CUDA");
}
