#include "daemon/train_plot.h"

#include "daemon/train_curves.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * Two panels over one axis of steps.  Colours stand as attributes, which every
 * viewer understands, and for dark surroundings in a style sheet: blue is
 * polarity, amber is topic, a dashed line is accuracy.
 */
#define WIDTH 960
#define HEIGHT 560
#define LEFT 62
#define RIGHT 940
#define POINTS_MOST 600 /* of a curve; more of them become means of neighbours */

struct look {
	enum train_curve curve;
	const char *name, *attributes;
	bool marked; /* a dot at each value */
};

#define GREY "class=\"p-grey\" stroke=\"#8c9bb0\" fill=\"#8c9bb0\""
#define BLUE "class=\"p-blue\" stroke=\"#2563c9\" fill=\"#2563c9\""
#define AMBER "class=\"p-amber\" stroke=\"#b7791f\" fill=\"#b7791f\""
#define DASHED " stroke-dasharray=\"5 4\""

static const struct look losses[] = {
	{CURVE_LOSS, "training", GREY, false},
	{CURVE_POLARITY_LOSS, "polarity, validation", BLUE, true},
	{CURVE_TOPIC_LOSS, "topic, validation", AMBER, true},
};
static const struct look figures[] = {
	{CURVE_POLARITY_F1, "polarity macro F1", BLUE, true},
	{CURVE_POLARITY_ACCURACY, "polarity accuracy", BLUE DASHED, true},
	{CURVE_TOPIC_F1, "topic macro F1", AMBER, true},
	{CURVE_TOPIC_ACCURACY, "topic accuracy", AMBER DASHED, true},
};

struct panel {
	const char *title;
	const struct look *looks;
	size_t look_count;
	double top, bottom; /* of the plot */
};
static const struct panel panels[] = {
	{"loss", losses, sizeof losses / sizeof *losses, 70, 262},
	{"on the validation rows", figures, sizeof figures / sizeof *figures, 346, 520},
};

static const char head[] =
	"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" viewBox=\"0 0 960 560\" width=\"960\" height=\"560\" "
	"role=\"img\" font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif\">\n"
	"<title>a run of training</title>\n"
	"<style>@media (prefers-color-scheme:dark){.p-paper{fill:#12161d}.p-ink{fill:#e6e9ee}.p-faint{fill:#a3adba}"
	".p-grid{stroke:#2a313c}.p-axis{stroke:#5b6675}.p-grey{stroke:#6b7a90;fill:#6b7a90}"
	".p-blue{stroke:#6aa5ff;fill:#6aa5ff}.p-amber{stroke:#e0aa4c;fill:#e0aa4c}}</style>\n"
	"<rect class=\"p-paper\" fill=\"#ffffff\" width=\"960\" height=\"560\"/>\n";

struct plot {
	FILE *out;
	const struct train_curves *curves;
	double steps; /* at the right edge */
	const struct panel *panel;
	double low, high, tick; /* values at the bottom, the top, and between lines of the grid */
};

static double x_of(const struct plot *plot, double step)
{
	return LEFT + (RIGHT - LEFT) * step / plot->steps;
}

static double y_of(const struct plot *plot, double value)
{
	return plot->panel->bottom - (plot->panel->bottom - plot->panel->top) * (value - plot->low) / (plot->high - plot->low);
}

/* 1, 2 or 5 times a power of ten. */
static double round_step(double least)
{
	double power = pow(10, floor(log10(least))), part = least / power;
	return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

static void text_put(const struct plot *plot, const char *look, double x, double y, const char *anchor, double size,
		     const char *text)
{
	fprintf(plot->out, "<text class=\"p-%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"%g\">%s</text>\n", look, x, y,
		anchor, size, text);
}

#define INK "ink\" fill=\"#1f2937"
#define FAINT "faint\" fill=\"#5b6472"

/* False where no line has a value of the panel. */
static bool scale_set(struct plot *plot)
{
	double low = INFINITY, high = -INFINITY;
	for (size_t i = 0; i < plot->curves->count; i++)
		for (size_t k = 0; k < plot->panel->look_count; k++) {
			low = fmin(low, plot->curves->points[i].value[plot->panel->looks[k].curve]);
			high = fmax(high, plot->curves->points[i].value[plot->panel->looks[k].curve]);
		}
	if (!(low <= high))
		return false;
	plot->tick = round_step(fmax((high - low) / 4, 1e-3));
	plot->low = floor(low / plot->tick) * plot->tick;
	plot->high = ceil(high / plot->tick) * plot->tick;
	if (plot->high <= plot->low)
		plot->high = plot->low + plot->tick;
	return true;
}

static void grid_draw(const struct plot *plot)
{
	char label[32];
	int digits = plot->tick < 1 ? (int)ceil(-log10(plot->tick) - 1e-9) : 0;
	size_t lines = (size_t)((plot->high - plot->low) / plot->tick + 0.5);
	for (size_t i = 0; i <= lines; i++) {
		double value = plot->low + (double)i * plot->tick, y = y_of(plot, value);
		fprintf(plot->out, "<path class=\"p-grid\" stroke=\"#e3e6ea\" d=\"M%d %.1fH%d\"/>\n", LEFT, y, RIGHT);
		snprintf(label, sizeof label, "%.*f", digits, value);
		text_put(plot, FAINT, LEFT - 6, y + 4, "end", 12, label);
	}
	double each = fmax(1, round_step(plot->steps / 8));
	fprintf(plot->out, "<path class=\"p-axis\" stroke=\"#9aa3af\" d=\"M%d %.1fH%d\"/>\n", LEFT, plot->panel->bottom, RIGHT);
	for (double step = 0; step <= plot->steps; step += each) {
		fprintf(plot->out, "<path class=\"p-axis\" stroke=\"#9aa3af\" d=\"M%.1f %.1fv4\"/>\n", x_of(plot, step),
			plot->panel->bottom);
		snprintf(label, sizeof label, "%.0f", step);
		text_put(plot, FAINT, x_of(plot, step), plot->panel->bottom + 18, "middle", 12, label);
	}
}

/* Values of a curve, the next `run` of them as one; false after the last. */
static bool mean_next(const struct train_curves *curves, enum train_curve curve, size_t run, size_t *at,
		      double *step, double *value)
{
	double steps = 0, values = 0;
	size_t count = 0;
	for (; *at < curves->count && count < run; (*at)++) {
		const struct train_point *point = &curves->points[*at];
		if (isnan(point->value[curve]))
			continue;
		steps += point->step;
		values += point->value[curve];
		count++;
	}
	*step = steps / (double)count;
	*value = values / (double)count;
	return count > 0;
}

static bool curve_draw(const struct plot *plot, const struct look *look)
{
	const struct train_curves *curves = plot->curves;
	size_t count = 0, at = 0;
	double step, value;
	for (size_t i = 0; i < curves->count; i++)
		count += !isnan(curves->points[i].value[look->curve]);
	if (count == 0)
		return false;
	size_t run = (count + POINTS_MOST - 1) / POINTS_MOST;
	fprintf(plot->out, "<path %s style=\"fill:none\" stroke-width=\"1.6\" stroke-linejoin=\"round\" d=\"", look->attributes);
	for (char command = 'M'; mean_next(curves, look->curve, run, &at, &step, &value); command = 'L')
		fprintf(plot->out, "%c%.1f %.1f", command, x_of(plot, step), y_of(plot, value));
	fputs("\"/>\n", plot->out);
	for (at = 0; look->marked && count <= 60 && mean_next(curves, look->curve, 1, &at, &step, &value);)
		fprintf(plot->out, "<circle %s stroke-width=\"0\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>\n", look->attributes,
			x_of(plot, step), y_of(plot, value));
	return true;
}

static void panel_draw(struct plot *plot)
{
	const struct panel *panel = plot->panel;
	double x = LEFT;
	text_put(plot, INK, LEFT, panel->top - 34, "start", 16, panel->title);
	if (!scale_set(plot)) {
		text_put(plot, FAINT, WIDTH / 2.0, (panel->top + panel->bottom) / 2, "middle", 12, "no values");
		return;
	}
	grid_draw(plot);
	for (size_t i = 0; i < panel->look_count; i++) {
		const struct look *look = &panel->looks[i];
		if (!curve_draw(plot, look))
			continue;
		fprintf(plot->out, "<path %s stroke-width=\"2\" d=\"M%.1f %.1fh18\"/>\n", look->attributes, x, panel->top - 16);
		text_put(plot, FAINT, x + 23, panel->top - 12, "start", 12, look->name);
		x += 190;
	}
}

static double losses_sum(const struct train_point *point)
{
	return fmax(point->value[CURVE_POLARITY_LOSS], 0) + fmax(point->value[CURVE_TOPIC_LOSS], 0); /* NaN counts nothing */
}

/* As a run chooses: by the score, then by the losses. */
static bool is_better(const struct train_point *point, const struct train_point *best)
{
	double score = point->value[CURVE_SCORE];
	if (isnan(score) || best == NULL)
		return !isnan(score);
	if (score != best->value[CURVE_SCORE])
		return score > best->value[CURVE_SCORE];
	return losses_sum(point) < losses_sum(best);
}

/* The epoch whose weights were kept. */
static void best_draw(const struct plot *plot)
{
	const struct train_point *best = NULL;
	for (size_t i = 0; i < plot->curves->count; i++) {
		const struct train_point *point = &plot->curves->points[i];
		best = is_better(point, best) ? point : best;
	}
	if (best == NULL)
		return;
	double x = x_of(plot, best->step);
	fprintf(plot->out, "<path class=\"p-axis\" stroke=\"#9aa3af\" stroke-dasharray=\"2 3\" d=\"M%.1f %.1fV%.1fM%.1f %.1fV%.1f\"/>\n",
		x, panels[0].top, panels[0].bottom, x, panels[1].top, panels[1].bottom);
	bool left = x > WIDTH / 2.0;
	text_put(plot, FAINT, left ? x - 5 : x + 5, panels[0].bottom + 36, left ? "end" : "start", 12, "best validation");
}

static void plot_draw(struct plot *plot)
{
	for (size_t i = 0; i < plot->curves->count; i++)
		plot->steps = fmax(plot->steps, plot->curves->points[i].step);
	fputs(head, plot->out);
	for (size_t i = 0; i < sizeof panels / sizeof *panels; i++) {
		plot->panel = &panels[i];
		panel_draw(plot);
	}
	best_draw(plot);
	text_put(plot, FAINT, RIGHT, HEIGHT - 6, "end", 12, "steps");
	fputs("</svg>\n", plot->out);
}

int train_plot_write(const char *directory, struct err *e)
{
	struct train_curves curves;
	char path[4200];
	snprintf(path, sizeof path, "%s/metrics.csv", directory);
	if (train_curves_read(&curves, path, e) < 0)
		return -1;
	snprintf(path, sizeof path, "%s/metrics.svg", directory);
	struct plot plot = {.out = fopen(path, "we"), .curves = &curves, .steps = 1};
	int failure = plot.out == NULL ? errno : 0;
	if (plot.out != NULL) {
		plot_draw(&plot);
		failure = ferror(plot.out) != 0 ? EIO : 0;
		if (fclose(plot.out) != 0 && failure == 0)
			failure = errno;
	}
	train_curves_clear(&curves);
	return failure != 0 ? err_sys(e, failure, "cannot write %s", path) : 0;
}
