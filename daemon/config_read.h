#ifndef DAEMON_CONFIG_READ_H
#define DAEMON_CONFIG_READ_H

#include "daemon/config.h"
#include "daemon/config_keys.h"

/* Everything that one reading allocates; freed together. */
struct arena;
struct arena *arena_create(void);
void arena_free(struct arena *arena);
void *arena_alloc(struct arena *arena, size_t size); /* zeroed */
char *arena_strdup(struct arena *arena, const char *text);

/* Walk `text` along config_section into `config` (zeroed by the caller), defaults included.  Returns how many problems
 * were reported; each message starts with "name:line:column: path: ". */
size_t config_read(const char *text, size_t length, const char *name, struct config *config, struct arena *arena,
		   config_problem *problem, void *context);

#endif
