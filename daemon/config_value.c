/* One value of the configuration: from its text to its type, within its range. */
#include "daemon/config_value.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "model/devices.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool in_range(const struct key *key, double value)
{
	return key->min == key->max || (value >= key->min && value <= key->max);
}

static bool put_bool(const char *text, void *slot, struct expectation *expected)
{
	bool yes = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "on") == 0;
	bool no = strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "off") == 0;
	if (!yes && !no) {
		snprintf(expected->text, sizeof expected->text, "true or false");
		return false;
	}
	*(bool *)slot = yes;
	return true;
}

static bool put_integer(const struct key *key, const char *text, void *slot, struct expectation *expected)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || !in_range(key, (double)value)) {
		snprintf(expected->text, sizeof expected->text, "a whole number from %.0f to %.0f", key->min, key->max);
		return false;
	}
	if (key->type == KEY_COUNT)
		*(uint32_t *)slot = (uint32_t)value;
	else
		*(int64_t *)slot = value;
	return true;
}

static bool put_number(const struct key *key, const char *text, void *slot, struct expectation *expected)
{
	char *end;
	double value = strtod(text, &end);
	if (end == text || *end != '\0' || !isfinite(value) || !in_range(key, value)) {
		snprintf(expected->text, sizeof expected->text, "a number from %g to %g", key->min, key->max);
		return false;
	}
	*(double *)slot = value;
	return true;
}

static bool put_duration(const struct key *key, const char *text, void *slot, struct expectation *expected)
{
	int64_t value;
	if (!duration_parse(text, &value)) {
		snprintf(expected->text, sizeof expected->text, "a duration such as 30m, 1h, 7d");
		return false;
	}
	bool is_default = key->fallback != NULL && strcmp(text, key->fallback) == 0;
	double seconds = (double)value / SECOND_US;
	if (!is_default && !in_range(key, seconds)) {
		if (key->max >= 1e9)
			snprintf(expected->text, sizeof expected->text, "a duration of at least %.0f seconds", key->min);
		else
			snprintf(expected->text, sizeof expected->text, "a duration from %.0f to %.0f seconds", key->min,
				 key->max);
		return false;
	}
	*(int64_t *)slot = value;
	return true;
}

static bool put_bytes(const struct key *key, const char *text, void *slot, struct expectation *expected)
{
	double value;
	if (!bytes_parse(text, &value) || !in_range(key, value)) {
		snprintf(expected->text, sizeof expected->text, "a size such as 500 kB or 16 MiB, from %.0f to %.0f bytes",
			 key->min, key->max);
		return false;
	}
	if (key->type == KEY_SIZE)
		*(size_t *)slot = (size_t)value;
	else
		*(int64_t *)slot = (int64_t)value;
	return true;
}

static bool put_choice(const struct key *key, const char *text, void *slot, struct expectation *expected)
{
	size_t used = (size_t)snprintf(expected->text, sizeof expected->text, "one of");
	for (int i = 0; key->choices[i] != NULL; i++) {
		if (strcmp(text, key->choices[i]) == 0) {
			if (key->type == KEY_WORD)
				*(const char **)slot = key->choices[i];
			else
				*(int *)slot = i;
			return true;
		}
		if (used < sizeof expected->text)
			used += (size_t)snprintf(expected->text + used, sizeof expected->text - used, "%s %s",
						 i > 0 ? "," : "", key->choices[i]);
	}
	return false;
}

static bool put_devices(struct pool *pool, const char *text, void *slot, struct expectation *expected)
{
	struct devices devices;
	snprintf(expected->text, sizeof expected->text, "%s", config_expected_words(KEY_DEVICES));
	if (devices_parse(text, &devices, NULL) < 0)
		return false;
	*(const char **)slot = pool_strdup(pool, text);
	return true;
}

bool config_put_value(struct pool *pool, const struct key *key, const char *text, void *slot, struct expectation *expected)
{
	switch (key->type) {
	case KEY_STRING:
		*(const char **)slot = pool_strdup(pool, text);
		return true;
	case KEY_BOOL:
		return put_bool(text, slot, expected);
	case KEY_INTEGER:
	case KEY_COUNT:
		return put_integer(key, text, slot, expected);
	case KEY_NUMBER:
		return put_number(key, text, slot, expected);
	case KEY_DURATION:
		return put_duration(key, text, slot, expected);
	case KEY_BYTES:
	case KEY_SIZE:
		return put_bytes(key, text, slot, expected);
	case KEY_CHOICE:
	case KEY_WORD:
		return put_choice(key, text, slot, expected);
	case KEY_DEVICES:
		return put_devices(pool, text, slot, expected);
	case KEY_BUDGET:
		snprintf(expected->text, sizeof expected->text,
			 "a number of false alarms per hour, day, week, month, quarter or year, such as 1 per month");
		return budget_parse(text, slot);
	default:
		CHECK(!"a scalar key");
		return false;
	}
}

const char *config_expected_words(enum key_type type)
{
	switch (type) {
	case KEY_BOOL: return "true or false";
	case KEY_DURATION: return "a duration such as 30m, 1h, 7d";
	case KEY_DEVICES: return "auto, cpu, cuda, or GPUs by number, each once, such as \"cuda:0,1\"";
	case KEY_BUDGET: return "a budget such as 1 per month";
	case KEY_INTEGER:
	case KEY_COUNT:
	case KEY_NUMBER: return "a number";
	case KEY_BYTES:
	case KEY_SIZE: return "a size such as 16 MiB";
	case KEY_CHOICE:
	case KEY_WORD: return "a word";
	default: return "a text";
	}
}
