/*
 * A watch list and a text from one input: lines of words, exclusions and a
 * regular expression, then the text.  Also its folding and its story.
 */
#include "alerts/fold.h"
#include "alerts/story.h"
#include "alerts/topics.h"
#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t split(char *line, const char **out)
{
	size_t count = 0;
	for (char *word; count < WORDS_MAX && (word = strsep(&line, "|")) != NULL;)
		out[count++] = word;
	return count;
}

static void match_twice(const struct topic_spec *spec, const char *text, size_t length)
{
	struct topic_spec specs[] = {*spec, {.name = "plain", .any = (const char *const[]){"orbel"}, .any_count = 1}};
	struct err e;
	struct topics *topics = topics_create(specs, 2, &e);
	if (topics == NULL)
		return;
	struct topics_scratch *scratch = topics_scratch_create(topics);
	uint32_t first[2], second[2];
	size_t count = topics_match(topics, scratch, text, length, first, 2);
	CHECK(count <= 2 && topics_match(topics, scratch, text, length, second, 2) == count);
	CHECK(memcmp(first, second, count * sizeof *first) == 0);
	topics_scratch_free(scratch);
	topics_free(topics);
}

static void fold_twice(const char *text, size_t length)
{
	size_t need = fold_text(text, length, NULL, 0);
	char *folded = xmalloc(need + 1);
	CHECK(need <= length * 11 && fold_text(text, length, folded, need + 1) == need);
	struct story_signature signature;
	story_sign(text, length, &signature);
	struct story_index *index = story_index_create(1000, 4);
	CHECK(story_index_add(index, 1, 0, &signature) == 1);
	CHECK(story_index_add(index, 2, 0, &signature) == (signature.words > 0 ? 1 : 2));
	story_index_free(index);
	free(folded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = xmalloc(size + 1);
	memcpy(copy, data, size);
	copy[size] = '\0';
	char *rest = copy, *line[3] = {copy + size, copy + size, copy + size};
	for (int i = 0; i < 3 && rest != NULL; i++)
		line[i] = strsep(&rest, "\n");
	const char *text = rest != NULL ? rest : copy + size;
	size_t length = (size_t)(copy + size - text);

	const char *any[WORDS_MAX], *none[WORDS_MAX];
	struct topic_spec spec = {.name = "fuzzed", .any = any, .none = none};
	spec.any_count = line[0][0] != '\0' ? split(line[0], any) : 0;
	spec.none_count = line[1][0] != '\0' ? split(line[1], none) : 0;
	spec.regex = line[2][0] != '\0' ? line[2] : NULL;
	match_twice(&spec, text, length);
	fold_twice(text, length);
	free(copy);
	return 0;
}
