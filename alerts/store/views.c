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
#define ALERT_CHANGE(column) \
	"CASE " column " WHEN 0 THEN 'pending' WHEN 1 THEN 'fired' WHEN 2 THEN 'escalated' WHEN 3 THEN 'joined'" \
	" WHEN 4 THEN 'renewed' WHEN 5 THEN 'resolved' END"
#define RULE_CAUSE(column) "CASE " column " WHEN 1 THEN 'volume' WHEN 2 THEN 'tone' WHEN 3 THEN 'both' END"
#define APPLIED "(SELECT applied FROM marks)"
/* Where the documents are: now, but for a recording. */
#define EVENT_TIME "coalesce((SELECT max(watermark) FROM source_states), " APPLIED ")"
#define SOURCE_OF(stream) \
	"(SELECT so.name FROM streams st JOIN sources so ON so.id = st.source WHERE st.id = " stream ")"
#define STREAM_OF(stream) "(SELECT name FROM streams WHERE id = " stream ")"

#define TREND_VIEW(name, width) \
	"DROP VIEW IF EXISTS " name ";" \
	"CREATE VIEW " name " AS SELECT t.name AS topic, " ISO_SECONDS("b.start") " AS bucket," \
	"  b.total AS total, b.negative AS negative, b.neutral AS neutral, b.positive AS positive," \
	"  b.score_sum / nullif(b.negative + b.neutral + b.positive, 0) AS mean_score, b.stories AS stories" \
	" FROM buckets b JOIN topics t ON t.id = b.topic WHERE b.width = " width ";"

/*
 * The state of every topic.  A topic's sources are those that brought a
 * document on it in the last four weeks or, while there is none, all of them;
 * where they have shown nothing for so long that alerts are held, that is the
 * state.  A budget counts over a month, or over the time that allows one alarm
 * where that is longer.
 */
#define TOPIC_SEEN \
	"coalesce((SELECT max(s.seen) FROM topic_sources h JOIN source_states s ON s.source = h.source" \
	"  WHERE h.topic = t.id AND h.noted > " APPLIED " - 2419200000000), (SELECT max(seen) FROM source_states))"
#define NO_DATA_US "CAST((SELECT value FROM meta WHERE key = 'no_data_us') AS INTEGER)"
#define BUDGET_DAYS "max(30.4375, 1 / r.budget)"
#define RULES_OF_TOPIC \
	"rules r WHERE r.active AND r.budget > 0 AND (r.every OR EXISTS" \
	"  (SELECT 1 FROM rule_topics w WHERE w.rule = r.id AND w.topic = t.id))"
#define SILENT_UNTIL \
	"nullif(max(coalesce((SELECT max(until) FROM silences WHERE topic IN (0, t.id) AND until > " APPLIED "), 0)," \
	"  coalesce((SELECT max(p.until) FROM quiet_spans p JOIN quiets q ON q.id = p.quiet" \
	"    WHERE p.start <= " APPLIED " AND p.until > " APPLIED " AND (q.every OR EXISTS" \
	"      (SELECT 1 FROM quiet_topics w WHERE w.quiet = q.id AND w.topic = t.id))), 0)), 0)"

#define WATCH_STATUS \
	"DROP VIEW IF EXISTS watch_status;" \
	"CREATE VIEW watch_status AS SELECT w.topic AS topic," \
	"  coalesce(w.state, CASE WHEN w.seen < " APPLIED " - " NO_DATA_US " THEN 'no_data' ELSE 'ok' END) AS state," \
	"  w.rule AS rule, w.alert AS alert, " ISO("w.since") " AS since, w.count AS count, w.peak_count AS peak_count," \
	"  w.expected AS expected, w.ratio AS ratio, " ISO("w.silent") " AS silenced_until," \
	"  CASE WHEN w.seen < " APPLIED " - " NO_DATA_US " THEN " ISO("w.seen") " END AS no_data, w.leader AS \"group\"," \
	"  w.fired AS alerts_fired, round(w.budgeted, 2) AS alerts_budgeted, round(w.days, 1) AS budget_days" \
	" FROM (SELECT t.name AS topic, " ALERT_STATE("a.state") " AS state, (SELECT name FROM rules WHERE id = a.rule) AS rule," \
	"    a.id AS alert, a.started AS since, a.count AS count, a.peak_count AS peak_count, a.expected AS expected," \
	"    a.ratio AS ratio, coalesce(a.leader, a.id) AS leader, " SILENT_UNTIL " AS silent, " TOPIC_SEEN " AS seen," \
	"    (SELECT count(*) FROM alerts f JOIN rules r ON r.id = f.rule WHERE f.topic = t.id AND r.active AND r.budget > 0" \
	"      AND f.fired > " EVENT_TIME " - " BUDGET_DAYS " * 86400000000) AS fired," \
	"    (SELECT sum(r.budget * " BUDGET_DAYS ") FROM " RULES_OF_TOPIC ") AS budgeted," \
	"    (SELECT max(" BUDGET_DAYS ") FROM " RULES_OF_TOPIC ") AS days" \
	"  FROM topics t LEFT JOIN alerts a ON a.topic = t.id AND a.state IN (1, 2) WHERE t.active) w;"

/* Of the configuration, the span that runs or comes next. */
#define SILENCES \
	"DROP VIEW IF EXISTS silences_v;" \
	"CREATE VIEW silences_v AS SELECT v.kind AS kind, v.name AS name, v.topic AS topic, " ISO("v.start") " AS starts," \
	"  " ISO("v.until") " AS until, v.start <= " APPLIED " AND v.until > " APPLIED " AS active, v.why AS why," \
	"  v.weekly AS weekly, v.timezone AS timezone" \
	" FROM (SELECT 'command' AS kind, NULL AS name, CASE s.topic WHEN 0 THEN '*' ELSE (SELECT name FROM topics WHERE" \
	"    id = s.topic) END AS topic, coalesce(s.since, 0) AS start, s.until AS until, s.why AS why, NULL AS weekly," \
	"    NULL AS timezone FROM silences s WHERE s.until > " APPLIED \
	"  UNION ALL SELECT 'configuration', q.name, coalesce((SELECT name FROM topics WHERE id = w.topic), '*')," \
	"    (SELECT min(start) FROM quiet_spans p WHERE p.quiet = q.id AND p.until > coalesce(" APPLIED ", 0))," \
	"    (SELECT min(until) FROM quiet_spans p WHERE p.quiet = q.id AND p.until > coalesce(" APPLIED ", 0))," \
	"    q.why, q.weekly, q.timezone FROM quiets q LEFT JOIN quiet_topics w ON w.quiet = q.id) v;"

/* What another model made of the same texts: shares of negative ones, by topic (NULL = all together). */
#define MODEL_CHANGES \
	"DROP VIEW IF EXISTS model_changes;" \
	"CREATE VIEW model_changes AS SELECT " ISO("s.at") " AS at, (SELECT name FROM models WHERE id = s.old) AS old_model," \
	"  (SELECT name FROM models WHERE id = s.new) AS new_model, (SELECT name FROM topics WHERE id = p.topic) AS topic," \
	"  p.old_negative + p.old_rest AS texts, 1.0 * p.old_negative / (p.old_negative + p.old_rest) AS negative_before," \
	"  1.0 * p.new_negative / (p.old_negative + p.old_rest) AS negative_after" \
	" FROM model_switches s LEFT JOIN (SELECT switch, topic, negative_negative + negative_other + negative_none AS old_negative," \
	"    other_negative + other_other + other_none + none_negative + none_other + none_none AS old_rest," \
	"    negative_negative + other_negative + none_negative AS new_negative FROM switch_pairs) p ON p.switch = s.id;"

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
	"  (SELECT name FROM rules WHERE id = a.rule) AS rule, coalesce(a.subject, (SELECT name FROM topics WHERE id = a.topic)) AS topic,"
	"  " ALERT_STATE("a.state") " AS state, " ISO("a.started") " AS started, " ISO("a.fired") " AS fired,"
	"  " ISO("a.resolved") " AS resolved, a.peak_count AS peak_count, a.expected AS expected, a.evidence AS evidence,"
	"  a.ratio AS ratio, a.p_value AS p_value, a.window / 1000000 AS window_s, a.documents AS documents,"
	"  a.publishers AS publishers, a.late AS late, coalesce(a.leader, a.id) AS \"group\", " RULE_CAUSE("a.cause") " AS cause,"
	"  " ALERT_CHANGE("a.change") " AS change, a.stories AS stories, a.stories_expected AS stories_expected,"
	"  a.share AS share, a.share_expected AS share_expected"
	" FROM alerts a WHERE a.kind <> 1;"

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

	WATCH_STATUS

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
	" FROM commands c;"

	SILENCES
	MODEL_CHANGES;
