#include "model/version.h"

#include "daemon/base/hash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int file_hash(const char *directory, const char *name, uint64_t *hash, struct err *e)
{
	char path[4096], buffer[65536];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return err_sys(e, errno, "%s", path);
	size_t size;
	while ((size = fread(buffer, 1, sizeof buffer, file)) > 0)
		*hash = hash_bytes(*hash, buffer, size);
	int failed = ferror(file);
	fclose(file);
	return failed ? err_set(e, "%s: cannot read", path) : 0;
}

int model_version(const char *directory, const struct weights *weights, char out[MODEL_VERSION_SIZE], struct err *e)
{
	uint64_t hash;
	if (weights_hash(weights, 0, &hash, e) < 0 || file_hash(directory, "config.json", &hash, e) < 0 ||
	    file_hash(directory, "vocab.txt", &hash, e) < 0)
		return -1;
	snprintf(out, MODEL_VERSION_SIZE, "%08" PRIx32, (uint32_t)(hash ^ hash >> 32));
	return 0;
}
