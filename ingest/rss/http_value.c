/*
 * Both values are asked of servers that get them wrong now and then (negative,
 * fractional, huge, quoted), so that everything unusual reads as "not said",
 * and what is huge is cut: the caller has caps of its own.
 */
#include "ingest/rss/http_value.h"

#include "daemon/base/clock.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define SECONDS_MAX INT64_C(1000000000)

/* Digits up to a character that is not one; -1 where there are none. */
static int64_t read_seconds(const char *text, const char **end)
{
	int64_t value = 0;

	if (!isdigit((unsigned char)*text))
		return -1;
	for (; isdigit((unsigned char)*text); text++)
		if (value < SECONDS_MAX)
			value = value * 10 + (*text - '0');
	*end = text;
	return value < SECONDS_MAX ? value : SECONDS_MAX;
}

int64_t http_retry_after(const char *value, int64_t now_us)
{
	const char *end = value;
	int64_t seconds = read_seconds(value, &end);
	time_t date;

	if (seconds >= 0) {
		end += strspn(end, " \t");
		return *end ? -1 : seconds * SECOND_US;
	}
	date = curl_getdate(value, NULL);
	if (date < 0)
		return -1;
	return (int64_t)date * SECOND_US > now_us ? (int64_t)date * SECOND_US - now_us : 0;
}

int64_t http_max_age(const char *value)
{
	int64_t age = 0;

	while (*value) {
		size_t length;
		const char *end;

		value += strspn(value, " \t,");
		length = strcspn(value, ",");
		if (strncasecmp(value, "no-cache", 8) == 0 || strncasecmp(value, "no-store", 8) == 0)
			return 0;
		if (strncasecmp(value, "max-age=", 8) == 0) {
			age = read_seconds(value + 8 + (value[8] == '"'), &end);
			if (age < 0)
				age = 0;
		}
		value += length;
	}
	return age * SECOND_US;
}
