/* Charts as text: what a viewer would see of them is read back out of their paths. */
#include "alerts/chart.h"
#include "alerts/chart/axis.h"
#include "alerts/chart/columns.h"
#include "tests/lib/run.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define START_S INT64_C(1767571200) /* 2026-01-05T00:00:00Z, a Monday */

static unsigned long seed;

static unsigned pick(unsigned range)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % range;
}

/* ---- reading it back ---- */

/* Elements are closed in order, attributes quoted, nothing stands bare that XML does not allow. */
static void assert_well_formed(const char *svg)
{
	const char *open[32];
	size_t lengths[32], depth = 0;

	for (const char *at = svg; *at; at++) {
		ck_assert_msg((unsigned char)*at >= 0x20 || *at == '\n', "a control character: %.60s", at);
		if (*at == '&') {
			ck_assert_msg(!strncmp(at, "&amp;", 5) || !strncmp(at, "&lt;", 4) || !strncmp(at, "&gt;", 4) ||
					      !strncmp(at, "&quot;", 6) || !strncmp(at, "&#39;", 5), "a bare ampersand: %.60s", at);
			continue;
		}
		if (*at != '<')
			continue;
		const char *name = at + 1, *end = strchr(at, '>');
		ck_assert_msg(end, "an open tag: %.60s", at);
		size_t quotes = 0;
		for (const char *c = at; c < end; c++)
			quotes += *c == '"';
		ck_assert_msg(quotes % 2 == 0, "an open quote: %.60s", at);
		if (*name == '/') {
			ck_assert_uint_gt(depth, 0);
			depth--;
			ck_assert_msg(!strncmp(name + 1, open[depth], lengths[depth]) && name[1 + lengths[depth]] == '>',
				      "closes another: %.60s", at);
		} else if (end[-1] != '/') {
			ck_assert_uint_lt(depth, 32);
			open[depth] = name;
			lengths[depth++] = strcspn(name, " >");
		}
		at = end;
	}
	ck_assert_uint_eq(depth, 0);
}

/* The data of the first path of a class. */
static const char *path_of(const char *svg, const char *class)
{
	char start[64];
	snprintf(start, sizeof start, "<path class=\"%s\"", class);
	const char *path = strstr(svg, start);
	ck_assert_msg(path, "no path of %s in %s", class, svg);
	path = strstr(path, " d=\"");
	ck_assert_ptr_nonnull(path);
	return path + 4;
}

/* The least `y` of the V commands: how high the highest bar stands. */
static double highest(const char *path)
{
	double least = INFINITY;
	for (; *path != '"'; path++)
		if (*path == 'V')
			least = fmin(least, strtod(path + 1, NULL));
	return least;
}

static size_t count_of(const char *text, const char *what)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, what)); at++)
		count++;
	return count;
}

static size_t count_in_path(const char *path, char command)
{
	size_t count = 0;
	for (; *path != '"'; path++)
		count += *path == command;
	return count;
}

/* ---- */

START_TEST(any_title_is_text)
{
	const char *const titles[] = {"<script>alert(1)</script> & \"co\" 'x'", "\x01\x02 tab\there\nline", "\xff\xfe broken \xc3(",
				      "\xef\xbf\xbe nonchar \xed\xa0\x80", "]]> --> <!--", "", NULL,
				      "\xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x93\x88"};
	float counts[] = {1, 2, 3};
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++) {
		struct chart chart = {.title = titles[i], .label = titles[i], .start_s = START_S, .step_s = 3600, .count = 3,
				      .counts = counts};
		char *svg = chart_write_svg(&chart);
		assert_well_formed(svg);
		ck_assert_ptr_null(strstr(svg, "<script"));
		ck_assert_ptr_null(strstr(svg, "\xff"));
		free(svg);
	}
}
END_TEST

START_TEST(a_long_title_is_cut_between_characters)
{
	char title[3001] = "";
	for (int i = 0; i < 1000; i++)
		memcpy(title + 3 * i, "\xe4\xb8\xad", 3);
	float counts[] = {1};
	struct chart chart = {.size = CHART_SMALL, .title = title, .start_s = START_S, .step_s = 60, .count = 1, .counts = counts};
	char *svg = chart_write_svg(&chart);
	assert_well_formed(svg);
	const char *shown = strstr(svg, "font-weight");
	ck_assert_ptr_nonnull(shown);
	const char *ellipsis = strstr(shown, "\xe2\x80\xa6</text>");
	ck_assert_ptr_nonnull(ellipsis);
	ck_assert_int_lt(ellipsis - shown, 120);
	free(svg);
}
END_TEST

START_TEST(it_stands_for_itself)
{
	float counts[] = {1, 2, 3};
	struct chart chart = {.title = "acme", .start_s = START_S, .step_s = 3600, .count = 3, .counts = counts};
	char *svg = chart_write_svg(&chart);
	ck_assert_uint_eq(count_of(svg, "http"), 1); /* the namespace */
	ck_assert_ptr_nonnull(strstr(svg, "xmlns=\"http://www.w3.org/2000/svg\""));
	ck_assert_uint_eq(count_of(svg, "prefers-color-scheme:dark"), 1);
	ck_assert_uint_eq(count_of(svg, "url(") + count_of(svg, "href") + count_of(svg, "@import") + count_of(svg, "<script"), 0);
	ck_assert_ptr_nonnull(strstr(svg, "2026-01-05 00:00 to 2026-01-05 03:00 UTC"));
	free(svg);
}
END_TEST

START_TEST(what_cannot_be_drawn_says_so)
{
	float counts[] = {1, 2};
	const struct chart charts[] = {
		{.counts = counts, .start_s = START_S, .step_s = 3600, .count = 0},
		{.counts = counts, .start_s = START_S, .step_s = 0, .count = 2},
		{.counts = counts, .start_s = START_S, .step_s = -5, .count = 2},
		{.counts = NULL, .start_s = START_S, .step_s = 3600, .count = 2},
		{.counts = counts, .start_s = INT64_MIN, .step_s = 3600, .count = 2},
		{.counts = counts, .start_s = INT64_MAX, .step_s = 3600, .count = 2},
		{.counts = counts, .start_s = START_S, .step_s = INT64_MAX, .count = 2},
		{.counts = counts, .start_s = START_S, .step_s = 3600, .count = SIZE_MAX},
	};
	for (size_t i = 0; i < sizeof charts / sizeof *charts; i++) {
		char *svg = chart_write_svg(&charts[i]);
		assert_well_formed(svg);
		ck_assert_ptr_nonnull(strstr(svg, ">no data<"));
		free(svg);
	}
}
END_TEST

START_TEST(no_number_breaks_it)
{
	static const float odd[] = {NAN, INFINITY, -INFINITY, 0, -0.0f, 1e-30f, 3e38f, -3e38f, 1, 2.5f, 1e6f};
	static float counts[3000], expected[3000], limit[3000];
	for (seed = 1; seed < 200; seed += pick(3) + 1) {
		size_t count = 1 + pick(pick(2) ? 3000 : 20);
		unsigned kinds = 1 + pick(sizeof odd / sizeof *odd);
		for (size_t i = 0; i < count; i++) {
			counts[i] = odd[pick(kinds)];
			expected[i] = odd[pick(kinds)];
			limit[i] = odd[pick(kinds)];
		}
		struct chart_alert alerts[] = {{INT64_MIN, INT64_MAX, ALERT_FIRING}, {START_S + 60, START_S + 30, ALERT_FIRING},
					       {START_S - 9000, START_S + (int64_t)pick(100000), ALERT_PENDING}};
		struct chart chart = {.size = pick(2) ? CHART_SMALL : CHART_LARGE, .start_s = START_S - (int64_t)pick(1u << 31),
				      .step_s = 1 + pick(100000), .count = count, .counts = counts,
				      .expected = pick(3) ? expected : NULL, .limit = pick(3) ? limit : NULL,
				      .alerts = alerts, .alert_count = pick(4)};
		char *svg = chart_write_svg(&chart);
		assert_well_formed(svg);
		ck_assert_msg(!strstr(svg, "nan") && !strstr(svg, "inf"), "%s", svg);
		free(svg);
	}
}
END_TEST

START_TEST(a_spike_among_many_points_is_as_high_as_among_few)
{
	static float few[10], many[200000];
	few[3] = 100;
	struct chart chart = {.start_s = START_S, .step_s = 60, .count = 10, .counts = few};
	char *svg = chart_write_svg(&chart);
	double high = highest(path_of(svg, "c-bar"));
	free(svg);
	ck_assert_double_lt(high, 90);
	chart.counts = many;
	chart.count = sizeof many / sizeof *many;
	for (seed = 1; seed < 50; seed++) {
		size_t spike = pick(sizeof many / sizeof *many);
		for (size_t i = 0; i < chart.count; i++)
			many[i] = i % 7 == 0;
		many[spike] = 100;
		svg = chart_write_svg(&chart);
		const char *bars = path_of(svg, "c-bar");
		ck_assert_double_eq_tol(highest(bars), high, 0.051);
		ck_assert_uint_le(count_in_path(bars, 'M'), 960);
		ck_assert_uint_lt(strlen(svg), 100000);
		free(svg);
	}
}
END_TEST

START_TEST(a_column_crosses_where_a_point_did)
{
	static float counts[5000], expected[5000], limit[5000];
	struct chart_column columns[100];
	struct chart chart = {.start_s = START_S, .step_s = 60, .counts = counts, .expected = expected, .limit = limit};
	for (seed = 1; seed < 300; seed++) {
		bool floor = pick(3) == 0;
		float sign = floor ? -1 : 1;
		bool known = false;
		chart.count = 1 + pick(5000);
		for (size_t i = 0; i < chart.count; i++) {
			expected[i] = 1;
			limit[i] = pick(20) ? expected[i] + sign * (float)(5 + pick(20)) : NAN;
			counts[i] = pick(20) ? expected[i] + sign * (float)pick(pick(50) ? 5 : 30) : NAN;
			known |= !isnan(limit[i]);
		}
		if (!known)
			continue; /* then nobody knows which side matters */
		size_t column_count = chart_make_columns(&chart, 100, columns), covered = 0;
		ck_assert_uint_le(column_count, 100);
		for (size_t c = 0; c < column_count; c++) {
			double best = NAN;
			bool crosses = false;
			ck_assert_uint_eq(columns[c].first, covered);
			covered = columns[c].end;
			for (size_t i = columns[c].first; i < columns[c].end; i++) {
				if (isnan(counts[i]))
					continue;
				if (isnan(best) || sign * counts[i] > sign * (float)best)
					best = (double)counts[i];
				crosses |= !isnan(limit[i]) && sign * counts[i] >= sign * limit[i];
			}
			ck_assert(columns[c].count == best || (isnan(columns[c].count) && isnan(best)));
			bool shown = floor ? columns[c].count <= columns[c].limit : columns[c].count >= columns[c].limit;
			ck_assert_int_eq(shown, crosses);
		}
		ck_assert_uint_eq(covered, chart.count);
	}
}
END_TEST

START_TEST(alerts_are_marked)
{
	float counts[48] = {[30] = 9, [31] = 7, [40] = 1};
	struct chart_alert alerts[] = {{START_S + 29 * 3600, START_S + 30 * 3600, ALERT_PENDING},
				       {START_S + 30 * 3600, START_S + 32 * 3600, ALERT_FIRING},
				       {START_S - 7200, START_S - 3600, ALERT_FIRING}};
	struct chart chart = {.start_s = START_S, .step_s = 3600, .count = 48, .counts = counts, .alerts = alerts, .alert_count = 3};
	char *svg = chart_write_svg(&chart);
	assert_well_formed(svg);
	ck_assert_ptr_nonnull(strstr(svg, "<title>alert from 2026-01-06 06:00 until 2026-01-06 08:00 UTC</title>"));
	ck_assert_ptr_nonnull(strstr(svg, "<title>pending from 2026-01-06 05:00 until 2026-01-06 06:00 UTC</title>"));
	ck_assert_uint_eq(count_of(svg, "<title>alert"), 1); /* the third is out of the picture */
	ck_assert_uint_eq(count_in_path(path_of(svg, "c-bar"), 'M'), 1);
	free(svg);
}
END_TEST

static char *joined(const struct chart_tick *ticks, size_t count)
{
	static char text[1000];
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s%s", i ? " " : "", ticks[i].label,
			 ticks[i].strong ? "!" : "");
	return text;
}

START_TEST(times_are_round)
{
	struct chart_tick ticks[CHART_TICKS_MAX];
	const struct {
		int64_t from_s, length_s;
		size_t max;
		const char *labels;
	} cases[] = {
		{START_S, 2 * 86400, 8, "5 Jan! 06:00 12:00 18:00 6 Jan! 06:00 12:00 18:00"},
		{START_S + 1800, 3600, 4, "00:30 00:45 01:00 01:15"},
		{START_S - 86400, 28 * 86400, 6, "5 Jan 12 Jan 19 Jan 26 Jan"},
		{START_S - 4 * 86400, 365 * 86400, 12, "2026! Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"},
		{START_S - 3 * 86400, 3 * 365 * 86400, 6, "Jul 2027! Jul 2028! Jul"},
		{0, INT64_C(100) * 366 * 86400, 6, "1980 2000 2020 2040 2060"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t count = chart_time_ticks(cases[i].from_s, cases[i].from_s + cases[i].length_s, cases[i].max, ticks);
		ck_assert_uint_le(count, cases[i].max);
		ck_assert_str_eq(joined(ticks, count), cases[i].labels);
	}
	for (seed = 1; seed < 3000; seed++) {
		int64_t from_s = (int64_t)pick(1u << 31) * (pick(2) ? 1 : 60) - 5000000000, length_s = 1 + (int64_t)pick(1u << pick(31));
		size_t max = 1 + pick(12), count = chart_time_ticks(from_s, from_s + length_s, max, ticks);
		ck_assert_uint_le(count, max);
		for (size_t t = 0; t < count; t++) {
			ck_assert_double_ge(ticks[t].at, (double)from_s);
			ck_assert_double_lt(ticks[t].at, (double)(from_s + length_s));
		}
	}
}
END_TEST

START_TEST(values_are_round)
{
	struct chart_tick ticks[CHART_TICKS_MAX];
	const struct {
		double low, high;
		bool whole;
		const char *labels;
	} cases[] = {
		{0, 2.1, true, "0! 1 2"},         {0, 2.1, false, "0.0! 0.5 1.0 1.5 2.0"},
		{0, 53, true, "0! 20 40"},         {0, 12345, true, "0! 5,000 10,000"},
		{-0.3, 0.2, false, "-0.3 -0.2 -0.1 0.0! 0.1 0.2"}, {0, 4.4e6, true, "0! 1M 2M 3M 4M"},
		{0, 2.2e6, true, "0! 500,000 1M 1.5M 2M"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t count = chart_value_ticks(cases[i].low, cases[i].high, 5, cases[i].whole, ticks);
		ck_assert_str_eq(joined(ticks, count), cases[i].labels);
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("chart");
	tcase_add_test(tests, any_title_is_text);
	tcase_add_test(tests, a_long_title_is_cut_between_characters);
	tcase_add_test(tests, it_stands_for_itself);
	tcase_add_test(tests, what_cannot_be_drawn_says_so);
	tcase_add_test(tests, no_number_breaks_it);
	tcase_add_test(tests, a_spike_among_many_points_is_as_high_as_among_few);
	tcase_add_test(tests, a_column_crosses_where_a_point_did);
	tcase_add_test(tests, alerts_are_marked);
	tcase_add_test(tests, times_are_round);
	tcase_add_test(tests, values_are_round);
	return run_case("chart", tests);
}
