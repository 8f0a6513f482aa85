#include "daemon/search_space.h"

#include "daemon/base/check.h"
#include "daemon/train_options.h"
#include "daemon/yaml_file.h"
#include "model/train/random.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SITE_SPACE = 0x5EA2, KEYS_MOST = 64 };

/* While a file is read. */
struct reader {
	const char *path;
	yaml_document_t *document;
	struct search_space *space;
	struct train_options scratch; /* where values are tried */
};

static const char *scalar_of(const yaml_node_t *node)
{
	return node != NULL && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static int place_prefix(const struct reader *reader, const yaml_node_t *node, struct err *e)
{
	return err_prefix(e, "%s:%zu:%zu", reader->path, node->start_mark.line + 1, node->start_mark.column + 1);
}

/* What must be the same for all trials, or is no matter of the result. */
static bool is_searchable(const char *name)
{
	static const char *const not[] = {"out", "resume", "threads", "checkpoint", "search", "trials", "seed", "validation",
					  "polarity-validation", "topic-validation", "db", "base"};
	for (size_t i = 0; i < sizeof not / sizeof *not; i++)
		if (strcmp(not[i], name) == 0)
			return false;
	return true;
}

static int choices_read(struct reader *reader, struct search_key *key, const yaml_node_t *node, struct err *e)
{
	const yaml_node_item_t *item = node->data.sequence.items.start, *end = node->data.sequence.items.top;
	key->choices = xcalloc((size_t)(end - item) + 1, sizeof *key->choices);
	for (; item < end; item++) {
		const yaml_node_t *value = yaml_document_get_node(reader->document, *item);
		const char *text = scalar_of(value);
		if (text == NULL) {
			err_set(e, "%s: a choice is a single value", key->name);
			return place_prefix(reader, value, e);
		}
		char *full = train_options_resolve(reader->path, key->name, text);
		key->choices[key->choice_count++] = full;
		if (train_options_set(&reader->scratch, key->name, full, e) < 0)
			return place_prefix(reader, value, e);
	}
	if (key->choice_count > 0)
		return 0;
	err_set(e, "%s: the list is empty", key->name);
	return place_prefix(reader, node, e);
}

static bool number_read(const char *text, double *out)
{
	char *end;
	errno = 0;
	*out = text != NULL ? strtod(text, &end) : NAN;
	return text != NULL && end != text && *end == '\0' && errno == 0 && isfinite(*out);
}

static bool flag_read(const char *text, bool *out)
{
	*out = text != NULL && strcmp(text, "true") == 0;
	return *out || (text != NULL && strcmp(text, "false") == 0);
}

static void value_format(const struct search_key *key, double value, char out[32])
{
	snprintf(out, 32, key->whole ? "%.0f" : "%.4g", value);
}

static int range_check(struct reader *reader, struct search_key *key, struct err *e)
{
	char text[32];
	if (!(key->least < key->most))
		return err_set(e, "%s: a range needs a min below its max, such as {min: 1e-5, max: 1e-3, log: true}", key->name);
	if (key->log && key->least <= 0)
		return err_set(e, "%s: a logarithm needs a min above 0", key->name);
	key->whole = train_options_is_whole(key->name);
	value_format(key, key->least, text);
	if (train_options_set(&reader->scratch, key->name, text, e) < 0)
		return -1;
	value_format(key, key->most, text);
	return train_options_set(&reader->scratch, key->name, text, e);
}

static int range_read(struct reader *reader, struct search_key *key, const yaml_node_t *node, struct err *e)
{
	key->least = key->most = NAN;
	for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *at = yaml_document_get_node(reader->document, pair->key);
		const char *name = scalar_of(at), *text = scalar_of(yaml_document_get_node(reader->document, pair->value));
		bool good = name != NULL && (strcmp(name, "min") == 0	? number_read(text, &key->least)
					     : strcmp(name, "max") == 0 ? number_read(text, &key->most)
					     : strcmp(name, "log") == 0 ? flag_read(text, &key->log)
									: false);
		if (good)
			continue;
		err_set(e, "%s: a range has min and max, which are numbers, and log: true or false", key->name);
		return place_prefix(reader, at, e);
	}
	return range_check(reader, key, e) < 0 ? place_prefix(reader, node, e) : 0;
}

static int key_read(struct reader *reader, struct search_space *space, const yaml_node_pair_t *pair, struct err *e)
{
	const yaml_node_t *at = yaml_document_get_node(reader->document, pair->key);
	const yaml_node_t *node = yaml_document_get_node(reader->document, pair->value);
	const char *name = scalar_of(at);
	if (name == NULL || !is_searchable(name) || space->count == KEYS_MOST) {
		err_set(e, "\"%s\" is nothing to search over", name != NULL ? name : "");
		return place_prefix(reader, at, e);
	}
	struct search_key *key = &space->keys[space->count++];
	key->name = xstrdup(name);
	if (node->type == YAML_SEQUENCE_NODE)
		return choices_read(reader, key, node, e);
	if (node->type == YAML_MAPPING_NODE)
		return range_read(reader, key, node, e);
	err_set(e, "%s takes a list of values or a range, such as [1, 2] or {min: 1, max: 2}; what is fixed belongs in the recipe",
		name);
	return place_prefix(reader, node, e);
}

static int document_read(void *context, yaml_document_t *document, struct err *e)
{
	struct reader *reader = context;
	struct search_space *space = reader->space;
	const yaml_node_t *root = yaml_document_get_root_node(document);
	reader->document = document;
	if (root == NULL || root->type != YAML_MAPPING_NODE)
		return err_set(e, "%s: keys of a recipe are needed, such as \"dropout: [0, 0.1]\"", reader->path);
	space->keys = xcalloc(KEYS_MOST, sizeof *space->keys);
	for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++)
		if (key_read(reader, space, pair, e) < 0)
			return -1;
	return space->count > 0 ? 0 : err_set(e, "%s: no keys", reader->path);
}

int search_space_read(struct search_space *space, const char *path, struct err *e)
{
	struct reader reader = {.path = path, .space = space};
	*space = (struct search_space){0};
	int result = yaml_file_read(path, document_read, &reader, e);
	train_options_clear(&reader.scratch);
	return result;
}

void search_space_clear(struct search_space *space)
{
	for (size_t i = 0; i < space->count; i++) {
		for (size_t k = 0; k < space->keys[i].choice_count; k++)
			free(space->keys[i].choices[k]);
		free(space->keys[i].choices);
		free(space->keys[i].name);
	}
	free(space->keys);
	*space = (struct search_space){0};
}

/* Each whole number of a range is as likely, its ends too. */
static double range_draw(const struct search_key *key, double part)
{
	double least = key->least - (key->whole ? 0.5 : 0), most = key->most + (key->whole ? 0.5 : 0), value;
	if (key->log)
		value = exp(log(key->least) + part * (log(key->most) - log(key->least)));
	else
		value = least + part * (most - least);
	value = key->whole ? round(value) : value;
	return fmin(fmax(value, key->least), key->most);
}

void search_space_draw(const struct search_space *space, uint64_t seed, uint32_t trial, char **values)
{
	struct random_stream stream = random_stream(seed, SITE_SPACE, trial);
	for (size_t i = 0; i < space->count; i++) {
		const struct search_key *key = &space->keys[i];
		char text[32];
		if (key->choice_count > 0) {
			values[i] = xstrdup(key->choices[random_below(&stream, key->choice_count)]);
			continue;
		}
		value_format(key, range_draw(key, random_next(&stream) * 0x1p-32), text);
		values[i] = xstrdup(text);
	}
}
