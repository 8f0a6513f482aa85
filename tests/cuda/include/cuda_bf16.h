#include "tests/cuda/include/vocabulary.h"
