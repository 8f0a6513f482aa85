#ifndef DAEMON_CONFIG_READ_H
#define DAEMON_CONFIG_READ_H

#include "daemon/config.h"
#include "daemon/config_keys.h"

/* More are counted, not told: a wrong file may have millions. */
#define CONFIG_PROBLEMS_MAX 50

/* Everything that one reading allocates; freed together. */
struct pool;
struct pool *pool_create(void);
void pool_free(struct pool *pool);
void *pool_alloc(struct pool *pool, size_t size); /* zeroed */
char *pool_strdup(struct pool *pool, const char *text);

/* Walk `text` along config_section into `config` (zeroed by the caller), defaults included.  Returns how many problems
 * were reported; each message starts with "name:line:column: path: ". */
size_t config_read(const char *text, size_t length, const char *name, struct config *config, struct pool *pool,
		   config_problem *problem, void *context);

#endif
