#include "daemon/train_options.h"

#include "daemon/base/check.h"
#include "daemon/yaml_file.h"

#include <stdlib.h>
#include <string.h>

/* A recipe: one mapping of keys to values; a list stands for its values with commas between them. */

/* A scalar, or a list of scalars. */
static char *value_text(yaml_document_t *document, const yaml_node_t *node)
{
	if (node->type == YAML_SCALAR_NODE)
		return xstrdup((const char *)node->data.scalar.value);
	if (node->type != YAML_SEQUENCE_NODE)
		return NULL;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool usable = out != NULL;
	for (yaml_node_item_t *item = node->data.sequence.items.start; usable && item < node->data.sequence.items.top; item++) {
		const yaml_node_t *part = yaml_document_get_node(document, *item);
		usable = part != NULL && part->type == YAML_SCALAR_NODE;
		if (usable)
			fprintf(out, "%s%s", item > node->data.sequence.items.start ? "," : "",
				(const char *)part->data.scalar.value);
	}
	if (out != NULL)
		fclose(out);
	if (usable)
		return text;
	free(text);
	return NULL;
}

const char *train_options_part(const char **rest, bool list, size_t *length)
{
	const char *part = *rest + (list ? strspn(*rest, " ") : 0);
	*length = strcspn(part, list ? "," : "");
	*rest = part[*length] != '\0' ? part + *length + 1 : NULL;
	return part;
}

char *train_options_resolve(const char *path, const char *name, const char *value)
{
	const char *slash = strrchr(path, '/');
	int directory = slash != NULL ? (int)(slash - path) + 1 : 0;
	char *text = NULL;
	size_t size, length;
	FILE *out = train_options_is_path(name) ? open_memstream(&text, &size) : NULL;
	if (out == NULL)
		return xstrdup(value);
	for (const char *rest = value; rest != NULL;) {
		const char *part = train_options_part(&rest, train_options_is_list(name), &length);
		bool relative = *part != '/' && length > 0;
		fprintf(out, "%.*s%.*s%s", relative ? directory : 0, path, (int)length, part, rest != NULL ? "," : "");
	}
	fclose(out);
	return text;
}

static int pair_read(struct train_options *options, const char *path, yaml_document_t *document, const yaml_node_pair_t *pair,
		     struct err *e)
{
	const yaml_node_t *key = yaml_document_get_node(document, pair->key);
	const yaml_node_t *value = yaml_document_get_node(document, pair->value);
	const char *name = key->type == YAML_SCALAR_NODE ? (const char *)key->data.scalar.value : "";
	char *text = value_text(document, value);
	int result;
	if (text == NULL) {
		result = err_set(e, "%s takes a value, or a list of values", name);
	} else {
		char *full = train_options_resolve(path, name, text);
		result = train_options_set(options, name, full, e);
		free(full);
	}
	free(text);
	if (result < 0)
		err_prefix(e, "%s:%zu:%zu", path, key->start_mark.line + 1, key->start_mark.column + 1);
	return result;
}

struct recipe {
	struct train_options *options;
	const char *path;
};

static int document_read(void *context, yaml_document_t *document, struct err *e)
{
	const struct recipe *recipe = context;
	const yaml_node_t *root = yaml_document_get_root_node(document);
	if (root == NULL || root->type != YAML_MAPPING_NODE)
		return err_set(e, "%s: keys with values are needed, such as \"epochs: 4\"", recipe->path);
	for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top; pair++)
		if (pair_read(recipe->options, recipe->path, document, pair, e) < 0)
			return -1;
	return 0;
}

int train_options_read(struct train_options *options, const char *path, struct err *e)
{
	struct recipe recipe = {options, path};
	return yaml_file_read(path, document_read, &recipe, e);
}
