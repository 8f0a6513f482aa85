/*
 * Two kinds of memory suffice for a parser: what the caller keeps (arena) and
 * what is rewritten for each value (text).
 */
#include "ingest/feed/memory.h"

#include <stdlib.h>
#include <string.h>

struct arena_block {
	struct arena_block *next;
	size_t size;
	char data[];
};

enum { BLOCK_SIZE = 16 * 1024 };

const char *arena_copy(struct arena *arena, const char *text, size_t length)
{
	if (length == 0)
		return "";
	if (length + 1 > arena->left) {
		size_t size = length + 1 > BLOCK_SIZE / 4 ? length + 1 : BLOCK_SIZE;
		struct arena_block *block = malloc(sizeof *block + size);
		if (block == NULL) {
			arena->failed = true;
			return "";
		}
		block->size = size;
		/* A large string gets a block of its own behind the one that still has room. */
		if (size == BLOCK_SIZE || arena->blocks == NULL) {
			block->next = arena->blocks;
			arena->blocks = block;
			arena->left = size;
		} else {
			block->next = arena->blocks->next;
			arena->blocks->next = block;
			memcpy(block->data, text, length);
			block->data[length] = '\0';
			return block->data;
		}
	}
	char *copy = arena->blocks->data + (arena->blocks->size - arena->left);
	memcpy(copy, text, length);
	copy[length] = '\0';
	arena->left -= length + 1;
	return copy;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks != NULL) {
		struct arena_block *next = arena->blocks->next;
		free(arena->blocks);
		arena->blocks = next;
	}
	arena->left = 0;
}

char *text_reserve(struct text *text, size_t length)
{
	size_t needed = text->length + length + 1;

	if (text->failed)
		return NULL;
	if (needed > text->capacity) {
		size_t capacity = needed < 64 ? 64 : needed + needed / 2;
		char *data = realloc(text->data, capacity);
		if (data == NULL) {
			text->failed = true;
			return NULL;
		}
		text->data = data;
		text->capacity = capacity;
	}
	return text->data + text->length;
}

void text_add(struct text *text, const char *data, size_t length)
{
	if (text->cut || length == 0)
		return;
	if (text->limit != 0 && length > text->limit - text->length) {
		length = text->limit - text->length;
		while (length > 0 && ((unsigned char)data[length] & 0xC0) == 0x80)
			length--;
		text->cut = true;
	}
	char *end = text_reserve(text, length);
	if (end == NULL)
		return;
	memcpy(end, data, length);
	end[length] = '\0';
	text->length += length;
}

void text_add_string(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_clear(struct text *text)
{
	text->length = 0;
	text->cut = false;
	if (text->data != NULL)
		text->data[0] = '\0';
}

void text_set(struct text *text, const char *data, size_t length)
{
	text_clear(text);
	text_add(text, data, length);
}

const char *text_string(const struct text *text)
{
	return text->data != NULL ? text->data : "";
}

void text_free(struct text *text)
{
	free(text->data);
	text->data = NULL;
	text->length = text->capacity = 0;
}
