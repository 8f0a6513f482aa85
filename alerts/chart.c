/*
 * From data to marks: columns (chart/columns.c) by a linear scale each way, then
 * from the back to the front.
 *
 * Colours stand twice: as attributes, which every viewer and mail client that
 * shows SVG at all understands, and for dark surroundings in a style sheet,
 * which goes before attributes where it is understood.
 */
#include "alerts/chart.h"

#include "alerts/chart/drawing.h"
#include "alerts/chart/text.h"
#include "daemon/base/check.h"
#include "daemon/base/markup.h"

#include <stdlib.h>

#define COLUMNS_MAX 896

static const struct frame frames[] = {
	[CHART_LARGE] = {960, 320, 52, 948, 66, 290, 24, 45, 16, 12, 70, 5},
	[CHART_SMALL] = {480, 180, 34, 472, 46, 158, 16, 33, 13, 10, 52, 3},
};

static const char style[] =
	"<style>@media (prefers-color-scheme:dark){"
	".c-paper{fill:#12161d}.c-ink{fill:#e6e9ee}.c-faint{fill:#a3adba}.c-grid{stroke:#2a313c}.c-axis{stroke:#5b6675}"
	".c-bar{fill:#6b7a90}.c-hot{fill:#f26d63}.c-pending{fill:#e0aa4c}.c-band{fill:#6aa5ff}"
	".c-expected,.c-limit{stroke:#6aa5ff}}</style>\n";

static bool is_drawable(const struct chart *chart)
{
	if (!chart->count || !chart->counts || chart->step_s <= 0)
		return false;
	if (chart->start_s < CHART_FIRST_TIME_S || chart->start_s >= CHART_LAST_TIME_S)
		return false;
	return chart->count <= (uint64_t)(CHART_LAST_TIME_S - chart->start_s) / (uint64_t)chart->step_s;
}

static void draw_start(const struct drawing *drawing)
{
	const struct frame *frame = drawing->frame;

	fprintf(drawing->out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" viewBox=\"0 0 %g %g\" width=\"%g\" height=\"%g\""
		" role=\"img\" font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif\">\n",
		frame->width, frame->height, frame->width, frame->height);
	fputs("<title>", drawing->out);
	markup_put(drawing->out, drawing->chart->title ? drawing->chart->title : "counts in time");
	fputs("</title>\n", drawing->out);
	fputs(style, drawing->out);
	fprintf(drawing->out, "<rect " PAPER " width=\"%g\" height=\"%g\"/>\n", frame->width, frame->height);
}

static void draw_data(struct drawing *drawing)
{
	struct chart_column columns[COLUMNS_MAX];
	const struct frame *frame = drawing->frame;

	drawing->columns = columns;
	drawing->column_count = chart_make_columns(drawing->chart, (size_t)(frame->right - frame->left), columns);
	chart_set_scale(drawing);
	chart_draw_value_axis(drawing);
	chart_draw_alerts(drawing);
	chart_draw_band(drawing);
	chart_draw_bars(drawing, false);
	chart_draw_bars(drawing, true);
	chart_draw_steps(drawing, LIMIT, chart_pick_limit);
	chart_draw_steps(drawing, EXPECTED, chart_pick_expected);
	chart_draw_time_axis(drawing);
	chart_draw_legend(drawing);
}

char *chart_write_svg(const struct chart *chart)
{
	char *text = NULL;
	size_t size = 0;
	struct drawing drawing = {
		.out = open_memstream(&text, &size),
		.chart = chart,
		.frame = &frames[chart->size],
	};
	bool has_data = is_drawable(chart);

	CHECK(drawing.out != NULL);
	draw_start(&drawing);
	chart_draw_header(&drawing, has_data);
	if (has_data)
		draw_data(&drawing);
	else
		chart_draw_text(&drawing, FAINT, drawing.frame->width / 2, drawing.frame->height / 2, "middle", drawing.frame->font,
			 "no data");
	fputs("</svg>\n", drawing.out);
	CHECK(fclose(drawing.out) == 0);
	return text;
}
