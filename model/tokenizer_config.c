/* What a Hugging Face directory says of its tokeniser.  Keys that would change the ids in a way that is not built are refused, not ignored. */
#include "model/tokenizer.h"

#include "model/regular_file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The key's value, or `absent` where it is missing or null. */
static int read_flag(const json_t *config, const char *key, bool absent, bool *out, struct err *e)
{
	const json_t *value = json_object_get(config, key);
	if (value != NULL && !json_is_null(value) && !json_is_boolean(value))
		return err_set(e, "%s: expected true or false", key);
	*out = value == NULL || json_is_null(value) ? absent : json_is_true(value);
	return 0;
}

static int read_config(const char *path, bool *lower_case, struct err *e)
{
	*lower_case = true;
	uint64_t size;
	int fd = regular_file_open(path, &size, e);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_prefix(e, "%s", path);

	/* model_max_length is often 10^30. */
	json_error_t error;
	json_t *config = json_loadfd(fd, JSON_DECODE_INT_AS_REAL, &error);
	close(fd);
	if (config == NULL)
		return err_set(e, "%s:%d:%d: %s", path, error.line, error.column, error.text);

	bool strip = false, ideographs = false, split = false;
	int result = -1;
	if (!json_is_object(config)) {
		err_set(e, "expected a JSON object");
	} else if (read_flag(config, "do_lower_case", true, lower_case, e) == 0 &&
		   read_flag(config, "strip_accents", *lower_case, &strip, e) == 0 &&
		   read_flag(config, "tokenize_chinese_chars", true, &ideographs, e) == 0 &&
		   read_flag(config, "do_basic_tokenize", true, &split, e) == 0) {
		if (strip != *lower_case)
			err_set(e, "strip_accents differs from do_lower_case, which is not supported");
		else if (!ideographs || !split)
			err_set(e, "%s: false is not supported", ideographs ? "do_basic_tokenize" : "tokenize_chinese_chars");
		else
			result = 0;
	}
	if (result != 0)
		err_prefix(e, "%s", path);
	json_decref(config);
	return result;
}

struct tokenizer *tokenizer_open_model(const char *directory, struct err *e)
{
	char path[4096];
	bool lower_case;
	if (snprintf(path, sizeof path, "%s/tokenizer_config.json", directory) >= (int)sizeof path) {
		err_set(e, "%s: path too long", directory);
		return NULL;
	}
	if (read_config(path, &lower_case, e) != 0)
		return NULL;
	snprintf(path, sizeof path, "%s/vocab.txt", directory);
	return tokenizer_open(path, lower_case, e);
}
