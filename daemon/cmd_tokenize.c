/*
 * `bellwether tokenize`: the ids of each line.  Output is held
 * back only while whole lines are at hand, so a pipe's reader gets every answer
 * as soon as its line is in.
 */
#include "daemon/cmd.h"
#include "daemon/lines.h"
#include "daemon/model_path.h"
#include "model/tokenizer.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

static const char help[] =
	"usage: bellwether tokenize [--model DIR]\n"
	"\n"
	"Reads one text a line from standard input and prints its WordPiece ids, separated\n"
	"by blanks, with [CLS] and [SEP], untruncated: one line for each line.\n"
	"\n"
	"  --model DIR  a Hugging Face directory with vocab.txt and, optionally,\n"
	"               tokenizer_config.json (default: $BELLWETHER_MODEL, else the\n"
	"               installed model)\n";

/* "-2147483648 " has the most characters. */
#define ID_MAX_CHARACTERS 12

struct printer {
	bool inside; /* of a line: a blank goes before the next id */
};

static char *print_id(char *out, int32_t id)
{
	char digits[ID_MAX_CHARACTERS];
	size_t count = 0;
	do
		digits[count++] = (char)('0' + id % 10);
	while ((id /= 10) != 0);
	while (count > 0)
		*out++ = digits[--count];
	return out;
}

/* Ids are never negative. */
static void print_ids(void *context, const int32_t *ids, size_t count)
{
	struct printer *printer = context;
	for (size_t i = 0; i < count; i++) {
		char text[ID_MAX_CHARACTERS], *end = text;
		if (printer->inside)
			*end++ = ' ';
		end = print_id(end, ids[i]);
		fwrite_unlocked(text, 1, (size_t)(end - text), stdout);
		printer->inside = true;
	}
}

static int tokenize(const struct tokenizer *tokenizer, struct lines *lines, struct err *e)
{
	int64_t wait_us = 0;
	for (;;) {
		const char *text;
		size_t length;
		enum lines_result result = lines_next(lines, wait_us, &text, &length, e);
		wait_us = 0;
		if (result == LINES_OK) {
			struct printer printer = {false};
			tokenizer_encode_all(tokenizer, text, length, print_ids, &printer);
			putc_unlocked('\n', stdout);
			continue;
		}
		if (fflush(stdout) != 0 || ferror(stdout))
			return err_sys(e, errno, "cannot write the output");
		if (result != LINES_TIMED_OUT)
			return result == LINES_END ? 0 : -1;
		wait_us = LINES_FOREVER;
	}
}

int cmd_tokenize(int argc, char **argv)
{
	static const struct option options[] = {
		{"model", required_argument, NULL, 'm'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *model = NULL;
	int option;
	optind = 1;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			return EXIT_OK;
		}
		if (option != 'm') {
			fputs(help, stderr);
			return EXIT_USAGE;
		}
		model = optarg;
	}
	if (optind < argc) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}

	char path[4096];
	struct err e;
	struct tokenizer *tokenizer = NULL;
	int result = -1;
	if (model_path_find(model, path, sizeof path, &e) == 0)
		tokenizer = tokenizer_open_model(path, &e);
	struct lines *lines = lines_open(STDIN_FILENO);
	if (tokenizer != NULL)
		result = tokenize(tokenizer, lines, &e);
	if (result != 0)
		fprintf(stderr, "bellwether tokenize: %s\n", e.text);
	int failure = tokenizer == NULL ? EXIT_USAGE : EXIT_FAILED; /* a model that is none is wrong usage, as for score */
	lines_close(lines);
	tokenizer_free(tokenizer);
	return result == 0 ? EXIT_OK : failure;
}
