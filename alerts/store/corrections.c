/* The desk's judgements, out of the table that keeps them and the commands that still wait for a daemon. */
#include "alerts/corrections.h"

#include "alerts/store/private.h"

/* What waits was said after all that is done; `created` is in full seconds, so the command's id tells the order. */
static const char corrections_sql[] =
	"SELECT d.id, d.story, k.argument, d.title, d.body, 1 AS waits, k.id AS said FROM commands k"
	" JOIN documents d ON d.id = CAST(k.subject AS INTEGER) WHERE k.verb = 'label' AND k.done IS NULL"
	" UNION ALL SELECT c.document, d.story, c.polarity, c.title, c.body, 0, c.at FROM corrections c"
	" LEFT JOIN documents d ON d.id = c.document"
	" ORDER BY waits DESC, said DESC, 1 DESC";

/* A number where the daemon has stored it, a word where somebody has left it. */
static enum polarity read_polarity(sqlite3_stmt *row, int column)
{
	if (sqlite3_column_type(row, column) == SQLITE_TEXT)
		return polarity_parse(column_text(row, column));
	int64_t value = sqlite3_column_int64(row, column);
	return value >= POLARITY_NEGATIVE && value <= POLARITY_POSITIVE ? (enum polarity)value : POLARITY_NONE;
}

int store_each_correction(struct store *store, store_correction_each *each, void *context, struct err *e)
{
	sqlite3_stmt *select = NULL;
	int rc = store_prepare(store, corrections_sql, &select);
	while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
		struct store_correction correction = {
			.document = sqlite3_column_int64(select, 0),
			.story = sqlite3_column_int64(select, 1),
			.polarity = read_polarity(select, 2),
			.title = column_text(select, 3),
			.body = column_text(select, 4),
		};
		bool more = correction.polarity == POLARITY_NONE || each(context, &correction) == 0;
		rc = more ? SQLITE_OK : SQLITE_DONE;
	}
	sqlite3_finalize(select);
	return rc == SQLITE_DONE ? 0 : store_fail(store, rc, e);
}
