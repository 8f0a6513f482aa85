/* Versions that nobody goes back to any more. */
#include "daemon/model_place_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Neither what PLACE leads to, nor what a rollback would put there, nor somebody's own directory that gave way. */
static bool may_go(const struct model_kept *kept, const char *before)
{
	return !kept->in_place && !place_is_same(kept->path, before) && *kept->promotion.version != '\0';
}

/* Under the name of half a copy, which who changes the place next removes where this is killed. */
static int version_remove(const char *path, struct err *e)
{
	struct publish left = {0};
	snprintf(left.path, sizeof left.path, "%s.partial-old", path);
	if (rename(path, left.path) < 0)
		return err_sys(e, errno, "cannot remove %s", path);
	publish_abandon(&left);
	return 0;
}

int model_place_prune(const struct model_place *place, size_t keep, struct err *e)
{
	struct model_kept *kept;
	size_t count;
	char previous[3800], before[3900];
	if (model_place_previous(place, previous, sizeof previous, e) < 0 || model_place_list(place, &kept, &count, e) < 0)
		return -1;
	int result = 0;
	place_link_target(place, previous, before, sizeof before);
	bool known = *previous == '\0' || access(before, F_OK) == 0;
	for (size_t i = keep; i < count && result == 0 && known; i++)
		if (may_go(&kept[i], before))
			result = version_remove(kept[i].path, e);
	free(kept);
	return result;
}
