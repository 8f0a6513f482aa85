#ifndef DAEMON_MODEL_PLACE_PRIVATE_H
#define DAEMON_MODEL_PLACE_PRIVATE_H

#include "daemon/model_place.h"

/* The inside of daemon/model_place.h. */
#define PLACE_PROMOTED "promoted.json"

enum place_kind { PLACE_NOTHING, PLACE_LINK, PLACE_DIRECTORY };

/* What PLACE is; `text`: the link's, else "". */
int place_look(const struct model_place *place, enum place_kind *kind, char text[3800], struct err *e);

/* The last part of a path without slashes at its end. */
const char *place_last_part(const char *path);

/* A version's link text: relative, so that a tree which is moved whole stays whole. */
void place_link_text(const struct model_place *place, unsigned number, char *out, size_t size);

/* What a link's text means, seen from PLACE's own directory. */
void place_link_target(const struct model_place *place, const char *text, char *out, size_t size);

/* Do both paths lead to one directory, however they are written? */
bool place_is_same(const char *a, const char *b);

/* An entry of the versions' directory. */
void place_version_path(const struct model_place *place, const char *name, char out[3900]);

/* "0007": 7; 0 where the name is no version's. */
unsigned place_number_of(const char *name);

#endif
