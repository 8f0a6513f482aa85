#include "daemon/explain_heads.h"

#include "daemon/base/check.h"
#include "daemon/png.h"

#include <math.h>

/* A square root makes small shares visible beside large ones. */
enum { COLOUR = 0x2f6fd6 };

static void levels_make(const float *shares, size_t side, uint8_t *levels)
{
	for (size_t i = 0; i < side * side; i++) {
		double level = sqrt((double)shares[i]) * (PNG_LEVELS - 1) + 0.5;
		levels[i] = (uint8_t)fmin(fmax(level, 0), PNG_LEVELS - 1);
	}
}

/* The unit that is looked at most, for those who do not see the picture. */
static size_t most_read(const float *shares, size_t side)
{
	size_t best = 0;
	double most = -1;
	for (size_t to = 0; to < side; to++) {
		double sum = 0;
		for (size_t from = 0; from < side; from++)
			sum += (double)shares[from * side + to];
		if (sum > most) {
			most = sum;
			best = to;
		}
	}
	return best;
}

static void put_unit(FILE *out, const struct text *text, const struct explanation *explanation, size_t unit)
{
	if (unit == 0)
		fputs("[CLS]", out);
	else if (unit + 1 == explanation->side)
		fputs("[SEP]", out);
	else
		explain_page_put_word(out, text, &explanation->words[unit - 1]);
}

static void put_head(FILE *out, const struct text *text, const struct explanation *explanation, size_t layer, size_t head,
		     const float *shares)
{
	uint8_t levels[(EXPLAIN_PICTURE_WORDS + 2) * (EXPLAIN_PICTURE_WORDS + 2)];
	size_t side = explanation->side;
	CHECK(side <= EXPLAIN_PICTURE_WORDS + 2);
	levels_make(shares, side, levels);
	fprintf(out, "<td><img alt=\"layer %zu, head %zu: most read is ", layer + 1, head + 1);
	put_unit(out, text, explanation, most_read(shares, side));
	fputs("\" src=\"", out);
	png_write_uri(levels, side, COLOUR, out);
	fputs("\"></td>", out);
}

void explain_page_put_heads(FILE *out, const struct explain_view *view, const struct text *text,
			    const struct explanation *explanation)
{
	size_t side = explanation->side, layers = view->info->layers, heads = view->info->heads;
	fputs("<details><summary>Heads and layers</summary><p class=\"faint\">Each square is a head. Its rows look, its columns "
	      "are looked at: [CLS], the words in their order, [SEP]; the stronger the blue, the more. Where the model reads only "
	      "[CLS] of its last layer, that has one row.", out);
	if (explanation->word_count > EXPLAIN_PICTURE_WORDS)
		fprintf(out, " Only the first %d words are shown.", EXPLAIN_PICTURE_WORDS);
	fputs("</p>\n<div class=\"wide\" tabindex=\"0\"><table class=\"heads\"><tr><th></th>", out);
	for (size_t head = 0; head < heads; head++)
		fprintf(out, "<th scope=\"col\">%zu</th>", head + 1);
	fputs("</tr>\n", out);
	for (size_t layer = 0; layer < layers; layer++) {
		fprintf(out, "<tr><th scope=\"row\">layer %zu</th>", layer + 1);
		for (size_t head = 0; head < heads; head++)
			put_head(out, text, explanation, layer, head,
				 explanation->attention + (layer * heads + head) * side * side);
		fputs("</tr>\n", out);
	}
	fputs("</table></div></details>\n", out);
}
