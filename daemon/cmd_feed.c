/*
 * `bellwether feed`: one feed document in, JSON Lines out.  Shows what the
 * daemon would make of a feed, and is what the parser is measured through.
 */
#include "daemon/base/clock.h"
#include "daemon/cmd.h"
#include "ingest/feed.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"usage: bellwether feed --file FILE [--content-type TYPE] [--url URL]\n"
	"\n"
	"Reads one RSS, Atom, RDF, CDF or JSON Feed document and prints a line of JSON for\n"
	"the feed, then one for each of its entries.\n"
	"\n"
	"  --file FILE          the document; \"-\" is standard input\n"
	"  --content-type TYPE  the Content-Type that it was served with (its charset counts)\n"
	"  --url URL            where it came from: the base of relative links\n";

struct buffer {
	char *data;
	size_t length;
};

/* One byte more than the parser takes, so that it knows that there was more. */
static int read_all(FILE *file, struct buffer *buffer)
{
	size_t capacity = 0;

	for (;;) {
		if (buffer->length == capacity) {
			if (capacity > FEED_MAX_BYTES)
				return 0;
			capacity = capacity == 0 ? 64 * 1024 : capacity * 2;
			if (capacity > FEED_MAX_BYTES)
				capacity = FEED_MAX_BYTES + 1;
			char *data = realloc(buffer->data, capacity);
			if (data == NULL)
				return -1;
			buffer->data = data;
		}
		size_t read = fread(buffer->data + buffer->length, 1, capacity - buffer->length, file);
		buffer->length += read;
		if (read == 0)
			return ferror(file) ? -1 : 0;
	}
}

static int read_file(const char *path, struct buffer *buffer)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

	if (file == NULL || read_all(file, buffer) != 0) {
		fprintf(stderr, "bellwether feed: %s: %s\n", path, strerror(errno));
		if (file != NULL && file != stdin)
			fclose(file);
		return -1;
	}
	if (file != stdin)
		fclose(file);
	return 0;
}

static json_t *text_or_null(const char *text)
{
	return text[0] != '\0' ? json_string(text) : json_null();
}

static json_t *time_or_null(int64_t time_us)
{
	if (time_us == TIME_NONE)
		return json_null();
	/* Whole seconds, towards the past also before 1970. */
	return json_integer(time_us / SECOND_US - (time_us % SECOND_US < 0));
}

static int print(json_t *line)
{
	int result = line != NULL ? json_dumpf(line, stdout, JSON_COMPACT) : -1;

	json_decref(line);
	if (result == 0)
		putchar('\n');
	return result;
}

static int print_feed(const struct feed *feed)
{
	return print(json_pack("{s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:s,s:I,s:b,s:b,s:I}", "feed", 1, "title",
			       text_or_null(feed->title), "link", text_or_null(feed->link), "id",
			       text_or_null(feed->id), "description", text_or_null(feed->description), "lang",
			       text_or_null(feed->lang), "updated", time_or_null(feed->updated_us), "encoding",
			       feed->encoding, "interval", (json_int_t)(feed->interval_us / SECOND_US), "bozo",
			       feed->repaired, "limited", feed->limited, "entries", (json_int_t)feed->entry_count));
}

static int print_entry(const struct feed_entry *entry)
{
	return print(json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b}", "id", entry->id, "link",
			       text_or_null(entry->link), "title", text_or_null(entry->title), "summary",
			       text_or_null(entry->summary), "published", time_or_null(entry->published_us), "content",
			       text_or_null(entry->content), "updated", time_or_null(entry->updated_us), "created",
			       time_or_null(entry->created_us), "author", text_or_null(entry->author), "publisher",
			       text_or_null(entry->publisher), "lang", text_or_null(entry->lang), "partial",
			       entry->partial));
}

static int feed(const char *path, const char *content_type, const char *url)
{
	struct buffer buffer = {NULL, 0};
	struct err e;
	int status = EXIT_FAILED;

	if (read_file(path, &buffer) != 0) {
		free(buffer.data);
		return status;
	}
	struct feed *parsed = feed_parse(buffer.data, buffer.length, content_type, url, &e);
	free(buffer.data);
	if (parsed == NULL) {
		fprintf(stderr, "bellwether feed: %s: %s\n", path, e.text);
		return status;
	}
	int result = print_feed(parsed);
	for (size_t i = 0; result == 0 && i < parsed->entry_count; i++)
		result = print_entry(&parsed->entries[i]);
	if (result == 0 && fflush(stdout) == 0)
		status = EXIT_OK;
	else
		fprintf(stderr, "bellwether feed: cannot write the output: %s\n", strerror(errno));
	feed_free(parsed);
	return status;
}

int cmd_feed(int argc, char **argv)
{
	static const struct option options[] = {
		{"file", required_argument, NULL, 'f'},
		{"content-type", required_argument, NULL, 'c'},
		{"url", required_argument, NULL, 'u'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	const char *path = NULL, *content_type = "", *url = "";
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'f':
			path = optarg;
			break;
		case 'c':
			content_type = optarg;
			break;
		case 'u':
			url = optarg;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_OK;
		default:
			fputs(help, stderr);
			return EXIT_USAGE;
		}
	}
	if (path == NULL || optind < argc) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	return feed(path, content_type, url);
}
