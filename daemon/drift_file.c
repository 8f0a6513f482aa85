/* A profile as drift.json: counts, the frequent pieces by their ids, and the words' filter in hexadecimal digits. */
#include "daemon/base/check.h"
#include "daemon/drift_profile.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, MOST_FILTER = 1 << 20 };

/* ---- writing ---- */

static json_t *counts_json(const double *counts, size_t count)
{
	json_t *array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_integer((json_int_t)counts[i]));
	return array;
}

static json_t *pieces_json(const struct drift_profile *profile)
{
	json_t *array = json_array();
	for (size_t id = 0; id < vocab_size(profile->vocab); id++)
		if (profile->pieces[id] > 0)
			json_array_append_new(array, json_pack("[I, I]", (json_int_t)id, (json_int_t)profile->pieces[id]));
	return array;
}

static json_t *filter_json(const struct drift_filter *filter)
{
	char *text = xmalloc(2 * filter->size + 1);
	for (size_t i = 0; i < filter->size; i++)
		sprintf(text + 2 * i, "%02x", filter->bits[i]);
	json_t *json = json_stringn(text, 2 * filter->size);
	free(text);
	return json;
}

int drift_profile_write(const struct drift_profile *profile, const char *path, struct err *e)
{
	json_t *json = json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "format", FORMAT, "vocabulary",
				 (json_int_t)vocab_size(profile->vocab), "longest", (json_int_t)profile->longest, "texts",
				 (json_int_t)profile->texts, "tokens", (json_int_t)profile->tokens, "once",
				 (json_int_t)profile->once, "unknown", (json_int_t)profile->unknown, "judged", (json_int_t)profile->judged);
	json_object_set_new(json, "lengths", counts_json(profile->lengths, DRIFT_LENGTHS));
	json_object_set_new(json, "polarity", counts_json(profile->polarity, DRIFT_POLARITIES));
	json_object_set_new(json, "confidence", counts_json(profile->confidence, DRIFT_CONFIDENCES));
	json_object_set_new(json, "topics", counts_json(profile->topics, profile->topic_count));
	json_object_set_new(json, "pieces", pieces_json(profile));
	json_object_set_new(json, "words", filter_json(&profile->words));
	FILE *out = fopen(path, "wxe");
	int failure = out == NULL || json_dumpf(json, out, JSON_COMPACT) < 0 || fputc('\n', out) == EOF ? errno : 0;
	if (out != NULL && fclose(out) != 0 && failure == 0)
		failure = errno;
	json_decref(json);
	return failure != 0 ? err_sys(e, failure, "cannot write %s", path) : 0;
}

/* ---- reading ---- */

/* A count of something is a whole number from 0 on that a double holds. */
static bool count_read(const json_t *value, double *out)
{
	json_int_t count = json_integer_value(value);
	*out = (double)count;
	return json_is_integer(value) && count >= 0 && count < (json_int_t)1 << 52;
}

static bool counts_read(const json_t *array, double *out, size_t count)
{
	bool usable = json_array_size(array) == count;
	for (size_t i = 0; i < count && usable; i++)
		usable = count_read(json_array_get(array, i), &out[i]);
	return usable;
}

static bool pieces_read(const json_t *array, struct drift_profile *profile)
{
	size_t size = vocab_size(profile->vocab);
	double id, left = profile->tokens;
	bool usable = json_is_array(array);
	for (size_t i = 0; i < json_array_size(array) && usable; i++) {
		const json_t *pair = json_array_get(array, i);
		usable = count_read(json_array_get(pair, 0), &id) && id < (double)size &&
			 count_read(json_array_get(pair, 1), &profile->pieces[(size_t)id]);
		left -= usable ? profile->pieces[(size_t)id] : 0;
	}
	return usable && left >= 0;
}

static int digit_of(char digit)
{
	const char *digits = "0123456789abcdef", *at = digit != '\0' ? strchr(digits, digit) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

static bool filter_read(const json_t *json, struct drift_filter *filter)
{
	const char *text = json_string_value(json);
	size_t size = json_string_length(json) / 2;
	bool usable = text != NULL && size > 0 && size <= MOST_FILTER && (size & (size - 1)) == 0;
	if (!usable)
		return false;
	filter->bits = xcalloc(size, 1);
	filter->size = size;
	for (size_t i = 0; i < size && usable; i++) {
		int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
		usable = high >= 0 && low >= 0;
		filter->bits[i] = usable ? (uint8_t)(high << 4 | low) : 0;
	}
	return usable;
}

static bool profile_take(struct drift_profile *profile, const json_t *json)
{
	double longest;
	bool usable = count_read(json_object_get(json, "longest"), &longest) &&
		      count_read(json_object_get(json, "texts"), &profile->texts) &&
		      count_read(json_object_get(json, "tokens"), &profile->tokens) &&
		      count_read(json_object_get(json, "once"), &profile->once) &&
		      count_read(json_object_get(json, "unknown"), &profile->unknown) &&
		      count_read(json_object_get(json, "judged"), &profile->judged) &&
		      counts_read(json_object_get(json, "lengths"), profile->lengths, DRIFT_LENGTHS) &&
		      counts_read(json_object_get(json, "polarity"), profile->polarity, DRIFT_POLARITIES) &&
		      counts_read(json_object_get(json, "confidence"), profile->confidence, DRIFT_CONFIDENCES) &&
		      counts_read(json_object_get(json, "topics"), profile->topics, profile->topic_count) &&
		      pieces_read(json_object_get(json, "pieces"), profile) &&
		      filter_read(json_object_get(json, "words"), &profile->words) && longest >= 2 && longest <= 4096;
	profile->longest = usable ? (size_t)longest : 0;
	return usable;
}

int drift_profile_read(struct drift_profile *profile, const char *path, const struct tokenizer *tokenizer, size_t topic_count,
		       struct err *e)
{
	json_error_t why;
	json_t *json = json_load_file(path, 0, &why);
	drift_profile_open(profile, tokenizer, 2, topic_count);
	int result = 0;
	if (json == NULL)
		result = err_set(e, "%s:%d: %s", path, why.line, why.text);
	else if (json_integer_value(json_object_get(json, "format")) != FORMAT)
		result = err_set(e, "%s: a profile of a form that this program does not know", path);
	else if ((size_t)json_integer_value(json_object_get(json, "vocabulary")) != vocab_size(profile->vocab) ||
		 !profile_take(profile, json))
		result = err_set(e, "%s: not the profile of this model: train writes it", path);
	json_decref(json);
	if (result < 0)
		drift_profile_close(profile);
	return result;
}
