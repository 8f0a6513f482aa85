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

static int names_check(const char *device_name, const char *precision, struct err *e)
{
	static const char *const precisions[] = {"auto", "fp32", "bf16", "int8"};
	if (strcmp(device_name, "auto") != 0 && strcmp(device_name, "cpu") != 0 && strcmp(device_name, "cuda") != 0)
		return err_set(e, "device \"%s\" is not known: auto, cpu or cuda", device_name);
	for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++)
		if (strcmp(precision, precisions[i]) == 0)
			return 0;
	return err_set(e, "precision \"%s\" is not known: auto, fp32, bf16 or int8", precision);
}

const struct ops *ops_open(const char *device_name, const char *precision, struct device **device, struct err *e)
{
	if (names_check(device_name, precision, e) < 0 || cpu_level_check(e) < 0)
		return NULL;
	bool device_known = false, tried = false;
	const struct ops *ops;
	for (size_t i = 0; (ops = ops_table(i)) != NULL; i++) {
		device_known |= selects(device_name, ops->device);
		if (!selects(device_name, ops->device) || !selects(precision, ops->precision))
			continue;
		tried = true;
		*device = ops->device_open(ops, e);
		if (*device != NULL)
			return ops;
	}
	if (!device_known)
		err_set(e, "device %s is not available in this build: use cpu, or build with -DBELLWETHER_CUDA=ON", device_name);
	else if (!tried)
		err_set(e, "precision %s is not available in this build: use fp32", precision);
	return NULL;
}
