/* Plain HTML without scripts: a file that can be mailed, archived, or printed. */
#include "daemon/replay_page.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/markup.h"

#include <stdlib.h>
#include <string.h>

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
	"<meta name=\"color-scheme\" content=\"light dark\"><title>Replay</title><style>\n"
	"body{font:15px/1.45 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;max-width:1000px;margin:2rem auto;"
	"padding:0 1rem;color:#1f2937;background:#fff}\n"
	"h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2.2rem 0 .5rem}svg{display:block;width:100%;height:auto;margin:.5rem 0}\n"
	"table{border-collapse:collapse;margin:.5rem 0}th,td{padding:.2rem .7rem .2rem 0;text-align:right;vertical-align:top}\n"
	"th{font-weight:600;border-bottom:1px solid #9aa3af}td{border-bottom:1px solid #e3e6ea;font-variant-numeric:tabular-nums}\n"
	".l{text-align:left}.t{white-space:nowrap}.over{color:#c8372d;font-weight:600}.faint{color:#5b6472}a{color:#2563c9}\n"
	"@media (prefers-color-scheme:dark){body{color:#e6e9ee;background:#12161d}th{border-color:#5b6675}"
	"td{border-color:#2a313c}.over{color:#f26d63}.faint{color:#a3adba}a{color:#6aa5ff}}\n"
	"@media print{h2{break-after:avoid}svg{break-inside:avoid}}\n"
	"</style></head><body>\n";

/* ---- words ---- */

/* "2026-01-05 09:30" */
static void put_time(FILE *out, int64_t time_us)
{
	char iso[64];

	time_format_iso(time_us, iso, sizeof iso);
	fprintf(out, "%.10s %.5s", iso, iso + 11);
}

static void put_duration(FILE *out, int64_t duration_us)
{
	char text[32];

	replay_format_duration(duration_us, text);
	fputs(text, out);
}

/* ---- topics ---- */

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct page_topic *)x)->name, ((const struct page_topic *)y)->name);
}

static uint32_t all_fired(const struct page_topic *topic)
{
	return topic->tales[0].fired + topic->tales[1].fired;
}

static int by_noise(const void *x, const void *y)
{
	const struct page_topic *a = x, *b = y;

	if (all_fired(a) != all_fired(b))
		return all_fired(a) > all_fired(b) ? -1 : 1;
	if (a->tales[0].documents != b->tales[0].documents)
		return a->tales[0].documents > b->tales[0].documents ? -1 : 1;
	return strcmp(a->name, b->name);
}

static size_t collect(const struct replay_report *reports, size_t count, struct page_topic *topics)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		const struct config *config = replay_config(reports[i].replay);
		struct replay_tale *tales = replay_tell(reports[i].replay);

		for (uint32_t t = 0; t < config->topic_count; t++) {
			if (!tales[t].documents)
				continue;
			topics[at] = (struct page_topic){.name = config->watch.topics[t], .index = {PAGE_NO_TOPIC, PAGE_NO_TOPIC}};
			topics[at].index[i] = t;
			topics[at++].tales[i] = tales[t];
		}
		free(tales);
	}
	return at;
}

/* Those of one name become one. */
static size_t merge(struct page_topic *topics, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && strcmp(topics[kept - 1].name, topics[i].name) == 0) {
			size_t side = topics[i].index[1] != PAGE_NO_TOPIC;

			topics[kept - 1].index[side] = topics[i].index[side];
			topics[kept - 1].tales[side] = topics[i].tales[side];
		} else {
			topics[kept++] = topics[i];
		}
	}
	return kept;
}

struct page_topic *page_list_topics(const struct replay_report *reports, size_t count, size_t *topic_count)
{
	struct page_topic *topics;
	size_t room = 1;

	CHECK(count <= PAGE_REPORTS_MAX);
	for (size_t i = 0; i < count; i++)
		room += replay_config(reports[i].replay)->topic_count;
	topics = xcalloc(room, sizeof *topics);
	*topic_count = collect(reports, count, topics);
	qsort(topics, *topic_count, sizeof *topics, by_name);
	*topic_count = merge(topics, *topic_count);
	qsort(topics, *topic_count, sizeof *topics, by_noise);
	for (size_t i = 0; i < *topic_count; i++)
		topics[i].number = (uint32_t)i + 1;
	return topics;
}

void page_topics_free(struct page_topic *topics)
{
	free(topics);
}

/* ---- head and table ---- */

static void put_report(FILE *out, const struct replay_report *report, size_t side, const struct page_topic *topics,
		       size_t topic_count)
{
	struct replay_span span = replay_span(report->replay);
	uint32_t fired = 0;
	double allowed = 0;

	for (size_t i = 0; i < topic_count; i++) {
		fired += topics[i].tales[side].fired;
		allowed += topics[i].tales[side].allowed;
	}
	fputs("<p>", out);
	if (report->name)
		fprintf(out, "<b>%s</b> ", report->name);
	markup_put(out, replay_config(report->replay)->path);
	fprintf(out, ": fired <b>%u</b> times where the budget allows %.1f.", fired, allowed);
	if (span.documents) {
		fprintf(out, "<br><span class=\"faint\">%llu documents, ", (unsigned long long)span.documents);
		put_time(out, span.first_us);
		fputs(" to ", out);
		put_time(out, span.last_us);
		fputs(" UTC</span>", out);
	}
	fputs("</p>\n", out);
}

static void put_row(FILE *out, size_t count, const struct page_topic *topic)
{
	fprintf(out, "<tr><td class=\"l\"><a href=\"#t%u\">", topic->number);
	markup_put(out, topic->name);
	fputs("</a></td>", out);
	for (size_t i = 0; i < count; i++) {
		const struct replay_tale *tale = &topic->tales[i];

		if (topic->index[i] == PAGE_NO_TOPIC) {
			fputs("<td></td><td></td><td></td><td></td><td></td>", out);
			continue;
		}
		fprintf(out, "<td>%llu</td><td%s>%u</td><td>%.1f</td><td>", (unsigned long long)tale->documents,
			tale->fired > tale->allowed + 0.5 ? " class=\"over\"" : "", tale->fired, tale->allowed);
		if (tale->fired)
			put_duration(out, tale->longest_us);
		fputs("</td><td>", out);
		if (tale->fired)
			put_duration(out, tale->all_us);
		fputs("</td>", out);
	}
	fputs("</tr>\n", out);
}

void page_begin(FILE *out, const struct replay_report *reports, size_t count, const struct page_topic *topics,
		size_t topic_count)
{
	fputs(head, out);
	fputs("<h1>What the rules would have said</h1>\n", out);
	for (size_t i = 0; i < count; i++)
		put_report(out, &reports[i], i, topics, topic_count);
	fputs("<table><tr><th class=\"l\">topic</th>", out);
	for (size_t i = 0; i < count; i++) {
		const char *name = reports[i].name ? reports[i].name : "", *colon = reports[i].name ? ": " : "";

		fprintf(out, "<th>%s%sdocuments</th><th>fired</th><th>allowed</th><th>longest</th><th>in all</th>", name, colon);
	}
	fputs("</tr>\n", out);
	for (size_t i = 0; i < topic_count; i++)
		put_row(out, count, &topics[i]);
	fputs("</table>\n", out);
}

/* ---- a topic ---- */

void page_begin_topic(FILE *out, const struct page_topic *topic)
{
	fprintf(out, "<section><h2 id=\"t%u\">", topic->number);
	markup_put(out, topic->name);
	fputs("</h2>\n", out);
}

void page_put_chart(FILE *out, const char *name, const char *svg)
{
	if (svg) {
		fputs(svg, out);
		return;
	}
	fputs("<p><a href=\"", out);
	markup_put(out, name);
	fputs("\">chart</a></p>\n", out);
}

static void put_alert(FILE *out, const struct replay_report *report, const struct replay_alert *alert)
{
	fputs("<tr><td class=\"l t\">", out);
	if (report->name)
		fprintf(out, "<b>%s</b> ", report->name);
	put_time(out, alert->fired_us);
	fputs("</td><td>", out);
	put_duration(out, replay_alert_end(report->replay, alert) - alert->fired_us);
	fprintf(out, "%s</td><td>%u</td><td>%.3g</td><td class=\"l\">", alert->resolved_us == TIME_NONE ? "+" : "", alert->peak,
		alert->expected);
	markup_put(out, replay_config(report->replay)->watch.rules[alert->rule].name);
	fputs("</td><td class=\"l\">", out);
	markup_put(out, alert->headline ? alert->headline : "");
	fputs(alert->told ? "</td></tr>\n" : " <span class=\"faint\">(silenced)</span></td></tr>\n", out);
}

void page_put_alerts(FILE *out, const struct replay_report *reports, size_t count, const struct page_topic *topic)
{
	if (!all_fired(topic))
		return;
	fputs("<table><tr><th class=\"l\">fired (UTC)</th><th>lasted</th><th>peak</th><th>expected</th><th class=\"l\">rule</th>"
	      "<th class=\"l\">first story</th></tr>\n", out);
	for (size_t i = 0; i < count; i++) {
		size_t alert_count;
		const struct replay_alert *alerts = replay_alerts(reports[i].replay, &alert_count);

		for (size_t a = 0; a < alert_count; a++)
			if (alerts[a].topic == topic->index[i])
				put_alert(out, &reports[i], &alerts[a]);
	}
	fputs("</table>\n", out);
}

void page_end_topic(FILE *out)
{
	fputs("</section>\n", out);
}

void page_end(FILE *out)
{
	fputs("</body></html>\n", out);
}
