/*
 * All kernels in one unit, so that the program carries one image of them.  No
 * launch syntax: the host finds them by name through the driver.  The tests compile
 * the same text as C++ and run it on the CPU (tests/cuda/).
 */
#include "gpu/kernels/device.cuh"

#include "gpu/kernels/rows.cuh"

#include "gpu/kernels/elements.cuh"

#include "gpu/kernels/exact.cuh"

#include "gpu/kernels/attention.cuh"

#include "gpu/kernels/attention_tensor.cuh"
