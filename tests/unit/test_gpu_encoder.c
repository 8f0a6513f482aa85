/*
 * The encoder's tests, for the tables of CUDA over the emulation: the same
 * models, cases and tolerances as for those of the CPU.
 */
#define TEST_DEVICE "cuda"
#include "tests/unit/test_encoder.c"
