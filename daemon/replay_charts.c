/*
 * One pass over the topics, the noisiest first: each chart is made, written to
 * its file, put into the page, and forgotten, so that ten thousand topics need
 * no more memory than one.
 */
#include "alerts/chart.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/replay_page.h"
#include "daemon/replay_report.h"
#include "daemon/replay_tracks.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INLINE_MAX = 60, NAME_BYTES = 80, PATH_BYTES = 4096 };

/* ---- a chart ---- */

static struct chart_alert *chart_alerts(const struct replay *replay, uint32_t topic, uint32_t rule, size_t *count)
{
	size_t all;
	const struct replay_alert *alerts = replay_alerts(replay, &all);
	struct chart_alert *out = xcalloc(2 * all + 1, sizeof *out);

	*count = 0;
	for (size_t i = 0; i < all; i++) {
		const struct replay_alert *alert = &alerts[i];
		int64_t from_s = alert->fired_us / SECOND_US, started_s = alert->started_us / SECOND_US;

		if (alert->topic != topic || alert->rule != rule)
			continue;
		if (alert->started_us != TIME_NONE && started_s < from_s)
			out[(*count)++] = (struct chart_alert){started_s, from_s, ALERT_PENDING};
		out[(*count)++] = (struct chart_alert){
			from_s, alert->resolved_us == TIME_NONE ? INT64_MAX : alert->resolved_us / SECOND_US, ALERT_FIRING};
	}
	return out;
}

static char *join_title(const char *report, const char *topic, const char *rule)
{
	size_t size = (report ? strlen(report) : 0) + strlen(topic) + strlen(rule) + 16;
	char *title = xmalloc(size);

	snprintf(title, size, "%s%s%s \302\267 %s", report ? report : "", report ? " \302\267 " : "", topic, rule);
	return title;
}

/* NULL where there is nothing to draw. */
static char *draw(const struct replay_report *report, uint32_t topic, uint32_t rule)
{
	const struct replay *replay = report->replay;
	const struct watch_options *watch = &replay_config(replay)->watch;
	struct replay_span span = replay_span(replay);
	struct replay_track track;
	struct chart chart = {.size = CHART_LARGE};
	struct chart_alert *alerts;
	char *title, *svg;

	if (!replay_tracks_get(replay_get_tracks(replay), topic, rule, span.first_us, span.last_us + 1, &track))
		return NULL;
	alerts = chart_alerts(replay, topic, rule, &chart.alert_count);
	title = join_title(report->name, watch->topics[topic], watch->rules[rule].name);
	chart.title = title;
	chart.label = track.label;
	chart.start_s = track.start_s;
	chart.step_s = track.step_s;
	chart.count = track.count;
	chart.counts = track.counts;
	chart.expected = track.expected;
	chart.limit = track.limit;
	chart.alerts = alerts;
	svg = chart_write_svg(&chart);
	replay_track_clear(&track);
	free(alerts);
	free(title);
	return svg;
}

/* ---- files ---- */

/* A topic's name as part of a file's: what is altered is told apart by the topic's number. */
static void file_part(const char *name, uint32_t number, char out[NAME_BYTES + 16])
{
	size_t length = 0;
	bool altered = name[0] == '.' || name[0] == '\0';

	for (; name[length] != '\0' && length < NAME_BYTES; length++) {
		unsigned char c = (unsigned char)name[length];
		bool plain = c < 0x80 && (isalnum(c) || strchr("-_.", c));

		out[length] = plain && (length > 0 || c != '.') ? (char)c : '_';
		altered |= !plain;
	}
	out[length] = '\0';
	if (altered || name[length] != '\0')
		snprintf(out + length, 16, "~%u", number);
}

static int write_file(const char *directory, const char *name, const char *text, struct err *e)
{
	char path[PATH_BYTES];
	FILE *file;
	bool failed;

	if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
		return err_set(e, "%s: the name is too long", directory);
	file = fopen(path, "we");
	if (!file)
		return err_sys(e, errno, "cannot write %s", path);
	failed = fputs(text, file) == EOF;
	failed |= fclose(file) != 0;
	return failed ? err_sys(e, errno, "cannot write %s", path) : 0;
}

static size_t count_rules(const struct config *config, uint32_t topic)
{
	size_t count = 0;

	for (uint32_t r = 0; r < config->rule_count; r++)
		count += replay_rule_watches(config, r, topic);
	return count;
}

static void chart_name(const struct replay_report *report, uint32_t topic, uint32_t rule, char out[PAGE_NAME_BYTES])
{
	const struct watch_options *watch = &replay_config(report->replay)->watch;
	char topic_part[NAME_BYTES + 16], rule_part[NAME_BYTES + 16];

	file_part(watch->topics[topic], topic, topic_part);
	file_part(watch->rules[rule].name, rule, rule_part);
	if (count_rules(replay_config(report->replay), topic) > 1)
		snprintf(out, PAGE_NAME_BYTES, "%s%s%s-%s.svg", report->name ? report->name : "", report->name ? "-" : "", topic_part,
			 rule_part);
	else
		snprintf(out, PAGE_NAME_BYTES, "%s%s%s.svg", report->name ? report->name : "", report->name ? "-" : "", topic_part);
}

/* ---- all of them ---- */

struct gallery {
	const struct replay_report *reports;
	size_t count;
	const char *directory;
	FILE *page;
	size_t inlined;
};

static int add_chart(struct gallery *gallery, size_t report, uint32_t topic, uint32_t rule, struct err *e)
{
	char name[PAGE_NAME_BYTES];
	char *svg = draw(&gallery->reports[report], topic, rule);
	int result;

	if (!svg)
		return 0;
	chart_name(&gallery->reports[report], topic, rule, name);
	result = write_file(gallery->directory, name, svg, e);
	page_put_chart(gallery->page, name, gallery->inlined < INLINE_MAX ? svg : NULL);
	gallery->inlined++;
	free(svg);
	return result;
}

static int add_topic(struct gallery *gallery, const struct page_topic *topic, struct err *e)
{
	page_begin_topic(gallery->page, topic);
	for (size_t i = 0; i < gallery->count; i++) {
		const struct config *config = replay_config(gallery->reports[i].replay);

		for (uint32_t r = 0; topic->index[i] != PAGE_NO_TOPIC && r < config->rule_count; r++)
			if (replay_rule_watches(config, r, topic->index[i]) &&
			    add_chart(gallery, i, topic->index[i], r, e) < 0)
				return -1;
	}
	page_put_alerts(gallery->page, gallery->reports, gallery->count, topic);
	page_end_topic(gallery->page);
	return 0;
}

static int make_directory(const char *directory, struct err *e)
{
	struct stat status;

	if (mkdir(directory, 0777) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(e, errno, "cannot make the directory %s", directory);
	if (stat(directory, &status) == 0 && !S_ISDIR(status.st_mode))
		return err_set(e, "%s is no directory", directory);
	return 0;
}

int replay_write_charts(const struct replay_report *reports, size_t count, const char *directory, struct err *e)
{
	struct gallery gallery = {.reports = reports, .count = count, .directory = directory};
	struct page_topic *topics = NULL;
	size_t topic_count = 0, size = 0;
	char *page = NULL;
	int result = -1;

	if (make_directory(directory, e) < 0)
		return -1;
	gallery.page = open_memstream(&page, &size);
	CHECK(gallery.page != NULL);
	topics = page_list_topics(reports, count, &topic_count);
	page_begin(gallery.page, reports, count, topics, topic_count);
	for (size_t i = 0; i < topic_count; i++)
		if (add_topic(&gallery, &topics[i], e) < 0)
			goto done;
	page_end(gallery.page);
	result = 0;
done:
	CHECK(fclose(gallery.page) == 0);
	if (result == 0)
		result = write_file(directory, "index.html", page, e);
	free(page);
	page_topics_free(topics);
	return result;
}
