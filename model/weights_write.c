#include "model/weights_write.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static size_t value_size(const struct weights_part *part)
{
	size_t size;
	weight_type_parse(part->type_name, &size);
	return size;
}

static int by_width(const void *a, const void *b)
{
	const struct weights_part *left = a, *right = b;
	size_t left_size = value_size(left), right_size = value_size(right);
	if (left_size != right_size)
		return left_size > right_size ? -1 : 1;
	return strcmp(left->name, right->name);
}

static json_t *part_json(const struct weights_part *part, uint64_t begin)
{
	json_t *shape = json_array();
	for (size_t i = 0; i < part->dimensions; i++)
		json_array_append_new(shape, json_integer((json_int_t)part->shape[i]));
	return json_pack("{s:s, s:o, s:[I, I]}", "dtype", part->type_name, "shape", shape, "data_offsets",
			 (json_int_t)begin, (json_int_t)(begin + part->size));
}

static json_t *header_json(const struct weights_part *parts, size_t count, const struct weights_note *notes,
			   size_t note_count)
{
	json_t *header = json_object(), *metadata = json_object();
	int failed = json_object_set_new(header, "__metadata__", metadata);
	for (size_t i = 0; i < note_count; i++)
		failed |= json_object_set_new(metadata, notes[i].key, json_string(notes[i].value));
	uint64_t offset = 0;
	for (size_t i = 0; i < count; i++) {
		failed |= json_object_set_new(header, parts[i].name, part_json(&parts[i], offset));
		offset += parts[i].size;
	}
	if (failed == 0)
		return header;
	json_decref(header);
	return NULL;
}

int weights_write_header(FILE *out, struct weights_part *parts, size_t count, const struct weights_note *notes,
			 size_t note_count, struct err *e)
{
	qsort(parts, count, sizeof *parts, by_width);
	json_t *header = header_json(parts, count, notes, note_count);
	char *text = header != NULL ? json_dumps(header, JSON_COMPACT) : NULL;
	json_decref(header);
	if (text == NULL)
		return err_set(e, "out of memory, or a name that is not UTF-8");
	/* Blanks fill it up to a multiple of eight bytes. */
	uint64_t length = (strlen(text) + 7) / 8 * 8;
	fwrite(&length, sizeof length, 1, out);
	fprintf(out, "%-*s", (int)length, text);
	free(text);
	return ferror(out) ? err_sys(e, errno, "cannot write") : 0;
}
