#include "daemon/model_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef BELLWETHER_MODEL_DIR
#define BELLWETHER_MODEL_DIR "/usr/share/bellwether/model"
#endif

static int path_take(const char *path, char *out, size_t size, struct err *e)
{
	struct stat status;
	char bare[4096];
	size_t end = strlen(path);
	while (end > 1 && path[end - 1] == '/') /* "link/" is not the link */
		end--;
	if (end < sizeof bare) {
		memcpy(bare, path, end);
		bare[end] = '\0';
		path = bare;
	}
	char *real = lstat(path, &status) == 0 && S_ISLNK(status.st_mode) ? realpath(path, NULL) : NULL;
	size_t length = (size_t)snprintf(out, size, "%s", real != NULL ? real : path);
	free(real);
	return length < size ? 0 : err_set(e, "the model's path is longer than %zu bytes", size - 1);
}

int model_path_find(const char *configured, char *out, size_t size, struct err *e)
{
	static const char *const places[] = {MODEL_PLACE, BELLWETHER_MODEL_DIR, BELLWETHER_SOURCE_DIR "/model/weights"};
	const char *environment = getenv("BELLWETHER_MODEL");
	if (configured != NULL)
		return path_take(configured, out, size, e);
	if (environment != NULL && *environment != '\0')
		return path_take(environment, out, size, e);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char file[4096];
		struct stat status;
		snprintf(file, sizeof file, "%s/config.json", places[i]);
		/* What was promoted is used, or the error of opening it is told; who may not look there has none. */
		if (access(file, R_OK) == 0 || (i == 0 && lstat(places[i], &status) == 0))
			return path_take(places[i], out, size, e);
	}
	return err_set(e, "no model in %s or %s: name one by --model or BELLWETHER_MODEL", places[1], places[2]);
}
