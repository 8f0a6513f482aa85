#ifndef INGEST_FILE_READER_H
#define INGEST_FILE_READER_H

#include "daemon/base/item.h"
#include "ingest/file/lines.h"
#include "ingest/file/place.h"
#include "ingest/source.h"

#include <stdbool.h>

/*
 * A file or pipe as a row of documents.
 *
 * JSON Lines where the name ends in .jsonl, .ndjson or .json, TSV where it ends
 * in .tsv, .tab or .txt; otherwise JSON Lines if the first line with anything
 * in it begins with "{".  Blank lines are passed over.
 */
enum file_result {
	FILE_DOCUMENT, /* fields of the item are set */
	FILE_REJECT,   /* the same: kind, body, reason */
	FILE_NOTHING,  /* call again */
	FILE_END,
	FILE_FAILED,
};

struct file_reader;

/* Opens the file; goes on at `place` where that fits the file, else at its start.  NULL with `e`. */
struct file_reader *file_reader_open(const struct file_options *options, const struct message_map *map,
				     const struct file_place *place, int stop_fd, struct err *e);
void file_reader_close(struct file_reader *reader);

/* Sets the item's kind, coordinates and all that the line says; the strings are the reader's until the next call. */
enum file_result file_reader_next(struct file_reader *reader, struct item *item, struct err *e);

/* Behind the line read last.  Of use where file_reader_is_seekable. */
const struct file_place *file_reader_place(const struct file_reader *reader);
bool file_reader_is_seekable(const struct file_reader *reader);

/* "JSON Lines" or "TSV", once a line was read. */
const char *file_reader_format(const struct file_reader *reader);

#endif
