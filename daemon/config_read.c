/*
 * YAML along the table of keys.  libyaml gives a tree of nodes with their
 * places; this walks the tree and the table together, so that every message
 * can name file, line, column, the path of the key, what stood there and what
 * was expected.  One wrong value does not hide the next: all are reported.
 */
#include "daemon/config_value.h"

#include "daemon/base/check.h"
#include "daemon/config_bounds.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>


struct block {
	struct block *next;
	max_align_t data[];
};

struct pool {
	struct block *blocks;
};

struct pool *pool_create(void)
{
	return xcalloc(1, sizeof(struct pool));
}

void pool_free(struct pool *pool)
{
	if (pool == NULL)
		return;
	for (struct block *block = pool->blocks, *next; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	free(pool);
}

void *pool_alloc(struct pool *pool, size_t size)
{
	struct block *block = xcalloc(1, sizeof *block + size);
	block->next = pool->blocks;
	pool->blocks = block;
	return block->data;
}

char *pool_strdup(struct pool *pool, const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(pool_alloc(pool, size), text, size);
}

struct reader {
	yaml_document_t *document;
	const char *name;
	struct pool *pool;
	config_problem *problem;
	void *context;
	size_t problems;
};

/* "rules[0].window", as a chain on the stack. */
struct path {
	const struct path *up;
	const char *key;
	size_t index; /* where key is NULL */
};

static size_t path_format(const struct path *path, char *out, size_t size)
{
	if (path == NULL)
		return 0;
	size_t at = path_format(path->up, out, size);
	if (at >= size)
		return at;
	int n = path->key == NULL ? snprintf(out + at, size - at, "[%zu]", path->index)
				  : snprintf(out + at, size - at, "%s%s", at > 0 ? "." : "", path->key);
	return at + (n > 0 ? (size_t)n : 0);
}

static void complain(struct reader *r, const yaml_node_t *node, const struct path *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void complain(struct reader *r, const yaml_node_t *node, const struct path *path, const char *fmt, ...)
{
	if (++r->problems > CONFIG_PROBLEMS_MAX)
		return;
	char where[512] = "", line[2048];
	path_format(path, where, sizeof where);
	int at = snprintf(line, sizeof line, "%s:%zu:%zu: %s%s", r->name, node->start_mark.line + 1,
			  node->start_mark.column + 1, where, where[0] ? ": " : "");
	if (at < 0 || (size_t)at >= sizeof line)
		return;
	va_list args;
	va_start(args, fmt);
	vsnprintf(line + at, sizeof line - (size_t)at, fmt, args);
	va_end(args);
	r->problem(r->context, line);
}

static const char *kind_name(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_SCALAR_NODE: return "a single value";
	case YAML_SEQUENCE_NODE: return "a list";
	case YAML_MAPPING_NODE: return "a mapping of keys";
	default: return "nothing";
	}
}

/* A plain (unquoted) ~, null or nothing means that the key is not set. */
static bool is_null(const yaml_node_t *node)
{
	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	const char *value = (const char *)node->data.scalar.value;
	return value[0] == '\0' || strcmp(value, "~") == 0 || strcmp(value, "null") == 0;
}

/* The text of a scalar; complains and returns NULL where it is something else. */
static const char *scalar_text(struct reader *r, yaml_node_t *node, const struct path *path, const char *expected)
{
	if (node->type != YAML_SCALAR_NODE) {
		complain(r, node, path, "%s: expected %s", kind_name(node), expected);
		return NULL;
	}
	if (strlen((const char *)node->data.scalar.value) != node->data.scalar.length) {
		complain(r, node, path, "holds a zero byte: expected %s", expected);
		return NULL;
	}
	return (const char *)node->data.scalar.value;
}

static void read_scalar(struct reader *r, const struct key *key, yaml_node_t *node, const struct path *path, void *slot)
{
	const char *text = scalar_text(r, node, path, config_expected_words(key->type));
	struct expectation expected;
	if (text != NULL && !config_put_value(r->pool, key, text, slot, &expected))
		complain(r, node, path, "\"%.200s\": expected %s", text, expected.text);
	else if (text != NULL && key->required && text[0] == '\0')
		complain(r, node, path, "is empty: expected %s", config_expected_words(key->type));
}

/* ---- lists ---- */

/* The items of a sequence; a single value stands for a list of one. */
static size_t item_count(const yaml_node_t *node)
{
	return node->type == YAML_SEQUENCE_NODE
		       ? (size_t)(node->data.sequence.items.top - node->data.sequence.items.start)
		       : 1;
}

static yaml_node_t *item_at(struct reader *r, yaml_node_t *node, size_t index)
{
	if (node->type != YAML_SEQUENCE_NODE)
		return node;
	return yaml_document_get_node(r->document, node->data.sequence.items.start[index]);
}

static void read_strings(struct reader *r, const struct key *key, yaml_node_t *node, const struct path *path, char *base)
{
	if (node->type == YAML_MAPPING_NODE) {
		complain(r, node, path, "a mapping of keys: expected a list of texts");
		return;
	}
	size_t count = item_count(node);
	const char **strings = pool_alloc(r->pool, count * sizeof *strings);
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		yaml_node_t *item = item_at(r, node, i);
		struct path at = {path, NULL, i};
		const char *text = scalar_text(r, item, &at, "a text");
		if (text != NULL && text[0] == '\0')
			complain(r, item, &at, "is empty: expected a text");
		else if (text != NULL)
			strings[kept++] = pool_strdup(r->pool, text);
	}
	if (key->required && count == 0)
		complain(r, node, path, "is empty: expected at least one");
	memcpy(base + key->offset, &strings, sizeof strings);
	memcpy(base + key->count_offset, &kept, sizeof kept);
}

static void read_names(struct reader *r, const struct key *key, yaml_node_t *node, const struct path *path, char *base)
{
	if (node->type == YAML_SCALAR_NODE && strcmp((const char *)node->data.scalar.value, "all") == 0)
		return;
	if (node->type == YAML_SEQUENCE_NODE && item_count(node) == 0)
		complain(r, node, path, "is empty: expected names, or all");
	read_strings(r, key, node, path, base);
}

static void read_properties(struct reader *r, const struct key *key, yaml_node_t *node, const struct path *path, char *base)
{
	if (node->type != YAML_MAPPING_NODE) {
		complain(r, node, path, "%s: expected a mapping of librdkafka properties", kind_name(node));
		return;
	}
	yaml_node_pair_t *pair = node->data.mapping.pairs.start, *end = node->data.mapping.pairs.top;
	struct kafka_property *properties = pool_alloc(r->pool, (size_t)(end - pair) * sizeof *properties);
	size_t count = 0;
	for (; pair < end; pair++) {
		yaml_node_t *name = yaml_document_get_node(r->document, pair->key);
		yaml_node_t *value = yaml_document_get_node(r->document, pair->value);
		const char *name_text = scalar_text(r, name, path, "a property's name");
		if (name_text == NULL)
			continue;
		struct path at = {path, name_text, 0};
		const char *value_text = scalar_text(r, value, &at, "a property's value");
		if (value_text != NULL)
			properties[count++] = (struct kafka_property){pool_strdup(r->pool, name_text),
								      pool_strdup(r->pool, value_text)};
	}
	memcpy(base + key->offset, &properties, sizeof properties);
	memcpy(base + key->count_offset, &count, sizeof count);
}

static void read_section(struct reader *r, const struct section *section, yaml_node_t *node, const struct path *path,
			 char *base);

static void put_defaults(struct reader *r, const struct section *section, char *base);

static void read_list(struct reader *r, const struct key *key, yaml_node_t *node, const struct path *path, char *base)
{
	if (node->type != YAML_SEQUENCE_NODE && !(key->single && node->type == YAML_MAPPING_NODE)) {
		complain(r, node, path, "%s: expected a list (each entry starts with \"- \")", kind_name(node));
		return;
	}
	size_t count = item_count(node), size = key->section->size;
	char *array = pool_alloc(r->pool, count * size);
	for (size_t i = 0; i < count; i++) {
		yaml_node_t *item = item_at(r, node, i);
		struct path at = {path, NULL, i};
		struct config_mark mark = {item->start_mark.line + 1, item->start_mark.column + 1};
		memcpy(array + i * size + key->section->mark_offset, &mark, sizeof mark);
		put_defaults(r, key->section, array + i * size);
		read_section(r, key->section, item, &at, array + i * size);
	}
	memcpy(base + key->offset, &array, sizeof array);
	memcpy(base + key->count_offset, &count, sizeof count);
}

/* ---- sections ---- */

static void put_defaults(struct reader *r, const struct section *section, char *base)
{
	for (size_t i = 0; i < section->key_count; i++) {
		const struct key *key = &section->keys[i];
		struct expectation expected;
		if (key->type == KEY_SECTION)
			put_defaults(r, key->section, base + key->offset);
		else if (key->fallback != NULL && key->type != KEY_NAMES)
			CHECK(config_put_value(r->pool, key, key->fallback, base + key->offset, &expected));
	}
}

static void read_key(struct reader *r, const struct key *key, yaml_node_t *node, const struct path *path, char *base)
{
	switch (key->type) {
	case KEY_SECTION:
		read_section(r, key->section, node, path, base + key->offset);
		break;
	case KEY_LIST:
		read_list(r, key, node, path, base);
		break;
	case KEY_STRINGS:
		read_strings(r, key, node, path, base);
		break;
	case KEY_NAMES:
		read_names(r, key, node, path, base);
		break;
	case KEY_PROPERTIES:
		read_properties(r, key, node, path, base);
		break;
	default:
		read_scalar(r, key, node, path, base + key->offset);
	}
}

/* Letters of one that the other lacks: enough to find a slip of the finger. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[64], la = strlen(a), lb = strlen(b);
	if (la >= 64 || lb >= 64)
		return 64;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t up = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
			if (up + 1 < best)
				best = up + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = up;
			row[j] = best;
		}
	}
	return row[lb];
}

static void complain_unknown(struct reader *r, const struct section *section, yaml_node_t *node, const struct path *path,
			     const char *name)
{
	const char *nearest = NULL;
	size_t best = 3;
	for (size_t i = 0; i < section->key_count; i++) {
		size_t distance = edit_distance(name, section->keys[i].name);
		if (distance < best) {
			best = distance;
			nearest = section->keys[i].name;
		}
	}
	if (nearest != NULL) {
		complain(r, node, path, "there is no key \"%.100s\" here: did you mean \"%s\"?", name, nearest);
		return;
	}
	char known[512] = "";
	for (size_t i = 0, at = 0; i < section->key_count && at < sizeof known; i++)
		at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i > 0 ? ", " : "", section->keys[i].name);
	complain(r, node, path, "there is no key \"%.100s\" here: expected %s", name, known);
}

static const struct key *find_key(const struct section *section, const char *name)
{
	for (size_t i = 0; i < section->key_count; i++)
		if (strcmp(section->keys[i].name, name) == 0)
			return &section->keys[i];
	return NULL;
}

static void read_section(struct reader *r, const struct section *section, yaml_node_t *node, const struct path *path,
			 char *base)
{
	if (node->type != YAML_MAPPING_NODE) {
		complain(r, node, path, "%s: expected a mapping of keys", kind_name(node));
		return;
	}
	bool seen[32] = {false};
	CHECK(section->key_count <= sizeof seen / sizeof *seen);
	for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(r->document, pair->key);
		yaml_node_t *value = yaml_document_get_node(r->document, pair->value);
		const char *text = scalar_text(r, name, path, "a key");
		if (text == NULL)
			continue;
		const struct key *key = find_key(section, text);
		if (key == NULL) {
			complain_unknown(r, section, name, path, text);
			continue;
		}
		struct path at = {path, key->name, 0};
		if (seen[key - section->keys]) {
			complain(r, name, &at, "stands here twice: keep one");
			continue;
		}
		if (is_null(value))
			continue;
		seen[key - section->keys] = true;
		read_key(r, key, value, &at, base);
	}
	for (size_t i = 0; i < section->key_count; i++) {
		struct path at = {path, section->keys[i].name, 0};
		if (section->keys[i].required && !seen[i])
			complain(r, node, &at, "is missing: %s", section->keys[i].help);
	}
}

static void complain_syntax(struct reader *r, const yaml_parser_t *parser)
{
	char line[1024];
	const yaml_mark_t *mark = parser->error == YAML_READER_ERROR ? &parser->mark : &parser->problem_mark;
	snprintf(line, sizeof line, "%s:%zu:%zu: not valid YAML: %s%s%s", r->name, mark->line + 1, mark->column + 1,
		 parser->context ? parser->context : "", parser->context ? ", " : "",
		 parser->problem ? parser->problem : "unreadable");
	r->problems++;
	r->problem(r->context, line);
}

size_t config_read(const char *text, size_t length, const char *name, struct config *config, struct pool *pool,
		   config_problem *problem, void *context)
{
	struct reader r = {NULL, name, pool, problem, context, 0};
	yaml_parser_t parser;
	yaml_document_t document;
	struct config_mark mark;
	const char *wrong = config_check_bounds(text, length, &mark);
	if (wrong != NULL) {
		char line[256];
		snprintf(line, sizeof line, "%s:%zu:%zu: %s: this is no configuration", name, mark.line, mark.column, wrong);
		problem(context, line);
		return 1;
	}
	CHECK(yaml_parser_initialize(&parser));
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	if (!yaml_parser_load(&parser, &document)) {
		complain_syntax(&r, &parser);
		yaml_parser_delete(&parser);
		return r.problems;
	}
	r.document = &document;
	put_defaults(&r, &config_section, (char *)config);
	yaml_node_t *root = yaml_document_get_root_node(&document);
	if (root != NULL && !is_null(root))
		read_section(&r, &config_section, root, NULL, (char *)config);
	if (r.problems > CONFIG_PROBLEMS_MAX) {
		char line[256];
		snprintf(line, sizeof line, "%s: %zu more problems", name, r.problems - CONFIG_PROBLEMS_MAX);
		problem(context, line);
	}
	yaml_document_delete(&document);
	yaml_parser_delete(&parser);
	return r.problems;
}
