#ifndef INGEST_FILE_TSV_H
#define INGEST_FILE_TSV_H

#include "daemon/base/err.h"
#include "daemon/base/item.h"
#include "ingest/source.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Lines of columns separated by tabs, read into the fields of an item.
 *
 * A header line names the columns: title, body, published, url, id, publisher
 * (or source), lang, polarity, in any order and case, other columns being
 * ignored; the names of struct message_map count where they are given.  Without
 * a header a line is a title, or a time and a title.  There is no quoting.
 */
struct tsv;

struct tsv *tsv_create(const struct message_map *map);
void tsv_free(struct tsv *tsv);

/* Is this a header (a column of it is the title or the body)?  Then it is taken as such. */
bool tsv_read_header(struct tsv *tsv, const char *text, size_t length);

/* As message_parse: the strings are the tsv's until its next call. */
int tsv_parse(struct tsv *tsv, const char *text, size_t length, struct item *item, struct err *e);

#endif
