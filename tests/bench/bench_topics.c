/*
 * What the watch list costs: 10 words against 10,000 on the same text, and
 * documents a second through 1,000 topics; and what stories cost.
 *
 *   bench_topics [FILE]     FILE: texts, one a line; without it made-up headlines
 */
#include "alerts/fold.h"
#include "alerts/story.h"
#include "alerts/topics.h"
#include "daemon/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_BYTES (8 << 20)
#define WORDS_MANY 10000
#define ROUNDS 5

struct lines {
	char *bytes;
	size_t length;
	size_t *starts; /* [count + 1] */
	size_t count;
};

static uint64_t random_state = 42;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* one thread; others may use the machine */
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A pronounceable word: consonants and vowels by turns, so that beginnings are shared as in a language. */
static size_t make_word(char *out, size_t letters)
{
	static const char consonants[] = "bcdfghklmnprstvw", vowels[] = "aeiou";
	for (size_t i = 0; i < letters; i++)
		out[i] = i % 2 ? vowels[random_next() % 5] : consonants[random_next() % 16];
	out[letters] = '\0';
	return letters;
}

static void index_lines(struct lines *l)
{
	for (int pass = 0; pass < 2; pass++) {
		size_t count = 0, start = 0;
		for (size_t i = 0; i < l->length; i++) {
			if (l->bytes[i] != '\n')
				continue;
			if (pass == 1)
				l->starts[count] = start;
			count++;
			start = i + 1;
		}
		l->count = count;
		if (pass == 0)
			l->starts = xmalloc((count + 1) * sizeof *l->starts);
		else
			l->starts[count] = start;
	}
}

static struct lines make_lines(void)
{
	struct lines l = {.bytes = xmalloc(TEXT_BYTES + 64)};
	while (l.length < TEXT_BYTES) {
		size_t words = 7 + random_next() % 8;
		for (size_t w = 0; w < words; w++) {
			size_t length = make_word(l.bytes + l.length, 2 + random_next() % 8);
			if (w % 3 == 0)
				l.bytes[l.length] = (char)(l.bytes[l.length] - 32);
			l.length += length;
			l.bytes[l.length++] = w + 1 < words ? ' ' : '\n';
		}
	}
	index_lines(&l);
	return l;
}

static struct lines read_lines(const char *path)
{
	struct lines l = {.bytes = xmalloc(TEXT_BYTES)};
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		exit(1);
	}
	size_t got = fread(l.bytes, 1, TEXT_BYTES - 1, file);
	fclose(file);
	if (got == 0)
		exit(1);
	while (l.length < TEXT_BYTES - 1) { /* as often as it fits */
		l.bytes[l.length] = l.bytes[l.length % got];
		l.length++;
	}
	l.bytes[l.length - 1] = '\n';
	index_lines(&l);
	return l;
}

/* `count` watched words over `topic_count` topics; every third is a phrase of two. */
static struct topics *make_topics(size_t count, size_t topic_count)
{
	char (*words)[40] = xmalloc(count * sizeof *words);
	const char **list = xmalloc(count * sizeof *list);
	struct topic_spec *specs = xcalloc(topic_count, sizeof *specs);
	for (size_t i = 0; i < count; i++) {
		size_t length = make_word(words[i], 4 + random_next() % 8);
		if (i % 3 == 0) {
			words[i][length++] = ' ';
			make_word(words[i] + length, 4 + random_next() % 6);
		}
		list[i] = words[i];
	}
	size_t each = count / topic_count;
	for (size_t t = 0; t < topic_count; t++)
		specs[t] = (struct topic_spec){.name = "t", .any = list + t * each, .any_count = each};
	struct err e;
	struct topics *topics = topics_create(specs, topic_count, &e);
	if (topics == NULL)
		fprintf(stderr, "%s\n", e.text);
	CHECK(topics != NULL);
	free(words);
	free(list);
	free(specs);
	return topics;
}

/* `count` topics of one expression each: two words with something between. */
static struct topics *make_regex_topics(size_t count)
{
	char (*patterns)[64] = xmalloc(count * sizeof *patterns);
	struct topic_spec *specs = xcalloc(count, sizeof *specs);
	for (size_t t = 0; t < count; t++) {
		char first[16], second[16];
		make_word(first, 5 + random_next() % 4);
		make_word(second, 5 + random_next() % 4);
		snprintf(patterns[t], sizeof patterns[t], "\\b%s\\b.{0,20}\\b(%s|%.4s)", first, second, first);
		specs[t] = (struct topic_spec){.name = "t", .regex = patterns[t]};
	}
	struct topics *topics = topics_create(specs, count, NULL);
	CHECK(topics != NULL);
	free(patterns);
	free(specs);
	return topics;
}

/* Seconds for all lines, the best of some rounds; `*matches` counts. */
static double measure(const struct topics *topics, const struct lines *l, size_t *matches)
{
	struct topics_scratch *scratch = topics_scratch_create(topics);
	uint32_t out[64];
	double best = 1e9;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now();
		*matches = 0;
		for (size_t i = 0; i < l->count; i++)
			*matches += topics_match(topics, scratch, l->bytes + l->starts[i],
						 l->starts[i + 1] - l->starts[i] - 1, out, 64);
		double took = now() - start;
		best = took < best ? took : best;
	}
	topics_scratch_free(scratch);
	return best;
}

static double report(const char *what, const struct topics *topics, const struct lines *l)
{
	size_t matches;
	double took = measure(topics, l, &matches);
	printf("%-32s %8.1f MB/s %10.0f documents/s %9zu matches\n", what, (double)l->length / took / 1e6,
	       (double)l->count / took, matches);
	return took;
}

static void report_fold(const struct lines *l)
{
	char *out = xmalloc(l->length * 3 + 1);
	double best = 1e9;
	for (int round = 0; round < ROUNDS; round++) {
		double start = now();
		for (size_t i = 0; i < l->count; i++)
			fold_text(l->bytes + l->starts[i], l->starts[i + 1] - l->starts[i] - 1, out, l->length * 3 + 1);
		double took = now() - start;
		best = took < best ? took : best;
	}
	free(out);
	printf("%-32s %8.1f MB/s\n", "folding alone", (double)l->length / best / 1e6);
}

static void report_stories(const struct lines *l)
{
	struct story_index *index = story_index_create(INT64_C(259200000000), 200000);
	size_t stories = 0;
	double start = now();
	for (size_t i = 0; i < l->count; i++) {
		struct story_signature signature;
		story_sign(l->bytes + l->starts[i], l->starts[i + 1] - l->starts[i] - 1, &signature);
		stories += story_index_add(index, (int64_t)i, (int64_t)i * 1000000, &signature) == (int64_t)i;
	}
	double took = now() - start;
	story_index_free(index);
	printf("%-32s %19.0f documents/s %9zu stories (goal: 300,000)\n", "stories: sign and add", (double)l->count / took, stories);
}

int main(int argc, char **argv)
{
	struct lines l = argc > 1 ? read_lines(argv[1]) : make_lines();
	printf("%zu documents, %.1f MB, %.0f bytes each\n", l.count, (double)l.length / 1e6, (double)l.length / (double)l.count);
	report_fold(&l);

	static const size_t sizes[] = {10, 1000, WORDS_MANY};
	double few = 0, many = 0;
	for (size_t i = 0; i < 3; i++) {
		char what[64];
		double start = now();
		struct topics *topics = make_topics(sizes[i], 10);
		double built = now() - start;
		snprintf(what, sizeof what, "%zu words (built in %.1f ms)", sizes[i], built * 1e3);
		double took = report(what, topics, &l);
		few = i == 0 ? took : few;
		many = took;
		topics_free(topics);
	}
	printf("10,000 words cost %.2f times what 10 cost (goal: 2 at most)\n", many / few);

	struct topics *topics = make_topics(5000, 1000);
	report("1,000 topics of 5 words", topics, &l);
	topics_free(topics);
	topics = make_regex_topics(1000);
	report("1,000 regular expressions", topics, &l);
	topics_free(topics);
	report_stories(&l);
	free(l.bytes);
	free(l.starts);
	return many / few <= 2 ? 0 : 1;
}
