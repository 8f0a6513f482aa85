#include <stdio.h>
#include <stdlib.h>

/* In place of the emulation where there is no C++ compiler: the tests that need it say so. */
__attribute__((constructor)) static void skip(void)
{
	puts("no C++ compiler is found, which the emulation of CUDA needs");
	fflush(stdout);
	_Exit(77);
}
