/*
 * TZ is set once before any thread runs, to what the C library assumes without
 * it: later changes then replace a string of the environment and never grow it
 * under the eyes of another thread's getenv.
 */
#include "daemon/timezone.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define ZONES "/usr/share/zoneinfo"
#define LOCAL ":/etc/localtime"

static char *before;

__attribute__((constructor)) static void set_once(void)
{
	CHECK(setenv("TZ", LOCAL, 0) == 0);
}

static bool is_zone_name(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
	size_t length = strlen(name);
	return length > 0 && length < 64 && name[0] != '/' && strspn(name, letters) == length;
}

/* The C library takes a name that it does not know for UTC. */
static bool has_zone(const char *name)
{
	char path[256];
	struct stat st;
	const char *directory = getenv("TZDIR");
	if (!is_zone_name(name))
		return false;
	if (strcmp(name, "UTC") == 0)
		return true;
	snprintf(path, sizeof path, "%s/%s", directory != NULL ? directory : ZONES, name);
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int zone_enter(const char *name, struct err *e)
{
	if (!has_zone(name))
		return err_set(e, "\"%s\": expected the name of a time zone such as Europe/Berlin (is tzdata installed?)", name);
	const char *now = getenv("TZ");
	before = xstrdup(now != NULL ? now : LOCAL);
	CHECK(setenv("TZ", name, 1) == 0);
	tzset();
	return 0;
}

void zone_leave(void)
{
	CHECK(setenv("TZ", before, 1) == 0);
	tzset();
	free(before);
	before = NULL;
}

static bool shows(time_t at, const struct tm *local)
{
	struct tm tm;
	return localtime_r(&at, &tm) != NULL && tm.tm_mday == local->tm_mday && tm.tm_hour == local->tm_hour &&
	       tm.tm_min == local->tm_min;
}

int64_t zone_instant(int64_t day, int minute, enum zone_side side)
{
	/* As if it had been UTC: that gives the calendar's numbers. */
	time_t plain = (time_t)(day * 86400 + (int64_t)minute * 60);
	struct tm wanted, local;
	gmtime_r(&plain, &wanted);
	local = wanted;
	local.tm_isdst = -1;
	time_t at = mktime(&local);
	time_t other = side == ZONE_EARLIER ? at - 3600 : at + 3600;
	if (shows(other, &wanted) && shows(at, &wanted))
		at = other;
	return (int64_t)at * SECOND_US;
}
