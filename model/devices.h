#ifndef MODEL_DEVICES_H
#define MODEL_DEVICES_H

#include "daemon/base/err.h"

#include <stddef.h>

/*
 * What a model is asked to run on: "auto", "cpu", "cuda" (the first GPU that
 * can), or GPUs by their numbers, "cuda:1" or "cuda:0,1".
 */
enum { DEVICE_ANY = -1, DEVICES_MOST = 16 };

struct devices {
	const char *kind; /* "auto", "cpu" or "cuda" */
	int numbers[DEVICES_MOST]; /* from 0 on, each once; or DEVICE_ANY alone */
	size_t count; /* at least 1 */
};

/* -1, with the remedy, where `text` is none of these. */
int devices_parse(const char *text, struct devices *out, struct err *e);

#endif
