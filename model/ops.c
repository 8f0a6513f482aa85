#include "model/ops.h"

#include "gpu/gpu.h"
#include "model/cpu/level.h"
#include "model/cpu/tables.h"

#include <stdbool.h>
#include <string.h>

const struct ops *ops_table(size_t index)
{
	size_t gpus = 0;
	for (const struct ops *ops; (ops = gpu_table(gpus)) != NULL; gpus++)
		if (gpus == index)
			return ops;
	return cpu_table(index - gpus);
}

int ops_why_not_cuda(const struct ops *chosen, struct err *e)
{
	if (strcmp(chosen->device, "cpu") != 0)
		return 0;
	return gpu_check(e) < 0 ? -1 : err_set(e, "CUDA has no kernels for %s", chosen->precision);
}

static bool selects(const char *asked, const char *has)
{
	return strcmp(asked, "auto") == 0 || strcmp(asked, has) == 0;
}

static int precision_check(const char *precision, struct err *e)
{
	static const char *const precisions[] = {"auto", "fp32", "bf16", "int8"};
	for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++)
		if (strcmp(precision, precisions[i]) == 0)
			return 0;
	return err_set(e, "precision \"%s\" is not known: auto, fp32, bf16 or int8", precision);
}

const struct ops *ops_open(const char *kind, int number, const char *precision, struct device **device,
			   struct err *e)
{
	if (precision_check(precision, e) < 0 || cpu_level_check(e) < 0)
		return NULL;
	bool device_known = false, tried = false;
	const struct ops *ops;
	for (size_t i = 0; (ops = ops_table(i)) != NULL; i++) {
		device_known |= selects(kind, ops->device);
		if (!selects(kind, ops->device) || !selects(precision, ops->precision))
			continue;
		tried = true;
		*device = ops->device_open(ops, number, e);
		if (*device != NULL)
			return ops;
	}
	if (!device_known)
		err_set(e, "device %s is not available in this build: use cpu, or build with -DBELLWETHER_CUDA=ON", kind);
	else if (!tried)
		err_set(e, "precision %s is not available in this build: use fp32", precision);
	return NULL;
}
