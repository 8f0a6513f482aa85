/*
 * The views: SQL as a public interface, one view a question.  Columns keep
 * their names and order for good; new ones are added at the end.
 *
 * Names are looked up by scalar subqueries rather than joins, so that a
 * query pays only for the columns it asks for.
 */
#include "alerts/store/private.h"

#define ISO(column) "strftime('%Y-%m-%dT%H:%M:%SZ', " column " / 1000000, 'unixepoch')"
#define ISO_SECONDS(column) "strftime('%Y-%m-%dT%H:%M:%SZ', " column ", 'unixepoch')"
#define POLARITY(column) "CASE " column " WHEN 0 THEN 'negative' WHEN 1 THEN 'neutral' WHEN 2 THEN 'positive' END"
#define ALERT_STATE(column) \
	"CASE " column " WHEN 0 THEN 'ok' WHEN 1 THEN 'pending' WHEN 2 THEN 'firing' WHEN 3 THEN 'resolved' END"
#define SOURCE_OF(stream) \
	"(SELECT so.name FROM streams st JOIN sources so ON so.id = st.source WHERE st.id = " stream ")"
#define STREAM_OF(stream) "(SELECT name FROM streams WHERE id = " stream ")"

#define TREND_VIEW(name, width) \
	"DROP VIEW IF EXISTS " name ";" \
	"CREATE VIEW " name " AS SELECT t.name AS topic, " ISO_SECONDS("b.start") " AS bucket," \
	"  b.total AS total, b.negative AS negative, b.neutral AS neutral, b.positive AS positive," \
	"  b.score_sum / nullif(b.negative + b.neutral + b.positive, 0) AS mean_score, b.stories AS stories" \
	" FROM buckets b JOIN topics t ON t.id = b.topic WHERE b.width = " width ";"

const char store_views_sql[] =
	"DROP VIEW IF EXISTS documents_v;"
	"CREATE VIEW documents_v AS SELECT d.id AS id, " SOURCE_OF("d.stream") " AS source,"
	"  d.external_id AS external_id, d.publisher AS publisher,"
	"  " ISO("d.published") " AS published, " ISO("d.received") " AS received, " ISO("d.applied") " AS applied,"
	"  d.title AS title, d.url AS url, " POLARITY("d.polarity") " AS polarity, d.score AS score,"
	"  (SELECT group_concat(t.name, ',') FROM json_each('[' || d.topics || ']') j JOIN topics t ON t.id = j.value)"
	"    AS topics,"
	"  (SELECT name FROM labels WHERE id = d.label) AS label, d.story AS story,"
	"  (SELECT name FROM models WHERE id = d.model) AS model"
	" FROM documents d;"

	TREND_VIEW("trend_hourly", "3600")
	TREND_VIEW("trend_daily", "86400")

	"DROP VIEW IF EXISTS alert_history;"
	"CREATE VIEW alert_history AS SELECT a.id AS id,"
	"  (SELECT name FROM rules WHERE id = a.rule) AS rule, (SELECT name FROM topics WHERE id = a.topic) AS topic,"
	"  " ALERT_STATE("a.state") " AS state, " ISO("a.started") " AS started, " ISO("a.fired") " AS fired,"
	"  " ISO("a.resolved") " AS resolved, a.peak_count AS peak_count, a.expected AS expected, a.evidence AS evidence,"
	"  a.ratio AS ratio, a.p_value AS p_value, a.window / 1000000 AS window_s, a.documents AS documents,"
	"  a.publishers AS publishers, a.late AS late"
	" FROM alerts a;"

	"DROP VIEW IF EXISTS delivery_status;"
	"CREATE VIEW delivery_status AS SELECT d.alert AS alert_id,"
	"  (SELECT name FROM receivers WHERE id = d.receiver) AS receiver,"
	"  CASE d.state WHEN 0 THEN 'pending' WHEN 1 THEN 'sent' WHEN 2 THEN 'dead' END AS state,"
	"  d.attempts AS attempts, d.last_error AS last_error, " ISO("d.next_try") " AS next_try,"
	"  d.event AS event, d.alert || '-' || d.event AS webhook_id, " ISO("d.created") " AS created,"
	"  " ISO("d.changed") " AS changed"
	" FROM deliveries d;"

	/* Of the last 24 hours that the writer saw.  The first document gives a story its title: with one min(), SQLite
	 * takes the bare columns from the row that has it. */
	"DROP VIEW IF EXISTS top_stories;"
	"CREATE VIEW top_stories AS SELECT (SELECT name FROM topics WHERE id = j.value) AS topic, d.story AS story,"
	"  d.title AS title, d.url AS url, d.publisher AS publisher, count(*) AS documents,"
	"  count(DISTINCT d.publisher) AS publishers, avg(d.score) AS mean_score,"
	"  " ISO("d.published") " AS published, min(d.id) AS first_document"
	" FROM documents d JOIN json_each('[' || d.topics || ']') j"
	" WHERE d.topics IS NOT NULL AND d.applied > (SELECT applied FROM marks) - 86400000000"
	" GROUP BY j.value, d.story ORDER BY documents DESC;"

	"DROP VIEW IF EXISTS watch_status;"
	"CREATE VIEW watch_status AS SELECT t.name AS topic, coalesce(" ALERT_STATE("a.state") ", 'ok') AS state,"
	"  (SELECT name FROM rules WHERE id = a.rule) AS rule, a.id AS alert, " ISO("a.started") " AS since,"
	"  a.count AS count, a.peak_count AS peak_count, a.expected AS expected, a.ratio AS ratio,"
	"  (SELECT " ISO("max(until)") " FROM silences WHERE topic IN (0, t.id)"
	"    AND until > (SELECT applied FROM marks)) AS silenced_until"
	" FROM topics t LEFT JOIN alerts a ON a.topic = t.id AND a.state IN (1, 2) WHERE t.active;"

	"DROP VIEW IF EXISTS source_health;"
	"CREATE VIEW source_health AS SELECT so.name AS source, st.name AS stream, coalesce(h.state, 'gap') AS state,"
	"  coalesce(h.message, CASE WHEN h.state IS NULL THEN g.reason END) AS message,"
	"  " ISO("h.last_progress") " AS last_progress, nullif(h.lag, -1) AS lag, " ISO("h.updated") " AS updated,"
	"  coalesce(g.gaps, 0) AS gaps, g.reason AS last_gap, " ISO("g.applied") " AS last_gap_at,"
	"  " ISO("w.watermark") " AS watermark"
	" FROM streams st JOIN sources so ON so.id = st.source LEFT JOIN health h ON h.stream = st.id"
	" LEFT JOIN (SELECT stream, count(*) AS gaps, max(applied) AS applied, reason FROM rejected WHERE kind = 1"
	"   GROUP BY stream) g ON g.stream = st.id"
	" LEFT JOIN source_states w ON w.source = so.id"
	" WHERE h.stream IS NOT NULL OR g.stream IS NOT NULL;"

	"DROP VIEW IF EXISTS rejected_v;"
	"CREATE VIEW rejected_v AS SELECT r.id AS id, " SOURCE_OF("r.stream") " AS source, " STREAM_OF("r.stream") " AS stream,"
	"  CASE r.kind WHEN 0 THEN 'unreadable' WHEN 1 THEN 'gap' WHEN 2 THEN 'repeat' END AS kind,"
	"  r.coordinates AS coordinates, r.external_id AS external_id, r.reason AS reason,"
	"  " ISO("r.received") " AS received, " ISO("r.applied") " AS applied, r.raw AS raw"
	" FROM rejected r;"

	"DROP VIEW IF EXISTS corrections_v;"
	"CREATE VIEW corrections_v AS SELECT c.document AS document, " POLARITY("c.polarity") " AS polarity,"
	"  " POLARITY("c.was") " AS was, " ISO("c.at") " AS at, c.title AS title"
	" FROM corrections c;"

	"DROP VIEW IF EXISTS commands_v;"
	"CREATE VIEW commands_v AS SELECT c.id AS id, c.verb AS verb, c.subject AS subject, c.argument AS argument,"
	"  c.why AS why, " ISO("c.until") " AS until, " ISO("c.created") " AS created, " ISO("c.done") " AS done,"
	"  c.problem AS problem"
	" FROM commands c;";
