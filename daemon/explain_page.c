/* Plain HTML without scripts, as the replay's page: a file that can be mailed, archived, or printed. */
#include "daemon/explain_page.h"

#include "daemon/base/check.h"
#include "daemon/base/markup.h"
#include "daemon/explain_heads.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Pictures are most of a page's size; words longer than any are shown by their beginning. */
enum { PICTURES_MOST = 50, WORD_BYTES = 200, CLASSES_SHOWN = 5, WORDS_NAMED = 3 };

/* Below this nothing is coloured as if it were much. */
static const double least_scale = 0.5;

struct explain_page {
	const struct explain_view *view;
	FILE *out;
	char *path;
	size_t texts;
};

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
	"<meta name=\"color-scheme\" content=\"light dark\"><title>Explanations</title><style>\n"
	"body{font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;max-width:960px;margin:2rem auto;"
	"padding:0 1rem;color:#1f2937;background:#fff}\n"
	"h1{font-size:1.5rem}h2{font-size:1.1rem;margin:0}section{margin:2rem 0;padding-top:1.2rem;border-top:1px solid #d5d9df}\n"
	".text{font-size:1.15rem;line-height:2;margin:.6rem 0;overflow-wrap:anywhere}.read{font-size:1rem}\n"
	".w{unicode-bidi:isolate;border-radius:.25em;padding:.12em .18em;border-bottom:2px solid transparent}\n"
	".for{background:rgba(232,119,15,var(--a));border-bottom-color:rgba(200,90,0,var(--a))}\n"
	".against{background:rgba(40,110,220,var(--a));border-bottom:2px dotted rgba(30,90,200,var(--a))}\n"
	".seen{background:rgba(110,120,135,var(--a))}\n"
	"table{border-collapse:collapse;margin:.5rem 0}th,td{padding:.15rem .9rem .15rem 0;text-align:right}\n"
	"th{font-weight:600;border-bottom:1px solid #9aa3af}td{border-bottom:1px solid #e3e6ea;font-variant-numeric:tabular-nums}\n"
	"th:first-child,td:first-child{text-align:left;overflow-wrap:anywhere}.bar{min-width:12rem}\n"
	".bar i{display:block;height:.7rem;background:#8792a2;border-radius:2px}.faint{color:#5b6472;font-size:.92rem}\n"
	"details{margin:.5rem 0}summary{cursor:pointer}.wide{overflow-x:auto}\n"
	".heads td,.heads th{padding:2px;border:0;text-align:center;font-weight:400;font-size:.75rem}\n"
	".heads th:first-child{text-align:right;padding-right:.4rem;white-space:nowrap}\n"
	".heads img{display:block;width:60px;height:60px;image-rendering:pixelated;border:1px solid #c9ced6}\n"
	".heads img:hover{transform:scale(4);position:relative;z-index:1;background:#fff}\n"
	"@media (prefers-color-scheme:dark){body{color:#e6e9ee;background:#12161d}section,th,td,.heads img{border-color:#2f3743}"
	".faint{color:#a3adba}.heads img:hover{background:#12161d}}\n"
	"@media print{section{break-inside:avoid}}\n"
	"</style></head><body>\n<h1>Which words an answer rests on</h1>\n";

static const char *const method_texts[EXPLAIN_METHODS] = {
	[EXPLAIN_AUTO] = "A weight is how much the class's log-odds fall when the word is left out; in texts of more than 100 "
			 "words, how much the word moves them on the way from a text of nothing (integrated gradients).",
	[EXPLAIN_INTEGRATED] = "Weights are integrated gradients: how much each word moves the class's log-odds on the way from "
			       "a text of nothing to this one. Together they are the whole of the difference.",
	[EXPLAIN_GRADIENT] = "Weights are gradient times input: how fast the class's log-odds change with each word.",
	[EXPLAIN_LEAVE_OUT] = "A weight is how much the class's log-odds fall when the word is left out.",
	[EXPLAIN_ROLLOUT] = "Weights are attention roll-out: how much of each word is read, in all layers together.",
	[EXPLAIN_ATTENTION] = "Weights are the last layer's attention: how much each word is read there.",
};

/* ---- words ---- */

void explain_page_put_word(FILE *out, const struct text *text, const struct explained_word *word)
{
	const char *start = text->data + word->start;
	size_t length = word->length;
	if (length > WORD_BYTES) {
		for (length = WORD_BYTES; length > WORD_BYTES - 4 && ((unsigned char)start[length] & 0xC0) == 0x80;)
			length--;
	}
	markup_put_bytes(out, start, length);
	if (length < word->length)
		fputs("\xe2\x80\xa6", out);
}

static double largest(const struct explanation *explanation, bool attention)
{
	double most = 0;
	for (size_t i = 0; i < explanation->word_count; i++) {
		const struct explained_word *word = &explanation->words[i];
		most = fmax(most, fabs((double)(attention ? word->attention : word->weight)));
	}
	return most;
}

/* The text with its words shaded by their weights, or by how much they are read. */
static void put_shaded(const struct explain_page *page, const struct text *text, const struct explanation *explanation,
		       bool attention)
{
	bool share = attention || page->view->method == EXPLAIN_ROLLOUT || page->view->method == EXPLAIN_ATTENTION;
	double scale = largest(explanation, attention);
	if (!share)
		scale = fmax(scale, least_scale);
	fprintf(page->out, "<p class=\"text%s\" dir=\"auto\">", attention ? " read" : "");
	for (size_t i = 0, at = 0; i < explanation->word_count; i++) {
		const struct explained_word *word = &explanation->words[i];
		double weight = (double)(attention ? word->attention : word->weight);
		if (word->start > at && i > 0)
			fputc(' ', page->out);
		fprintf(page->out, "<span class=\"w %s\" style=\"--a:%.2f\" title=\"%+.3f\">",
			attention ? "seen" : weight < 0 ? "against" : "for", scale > 0 ? 0.6 * fabs(weight) / scale : 0, weight);
		explain_page_put_word(page->out, text, word);
		fputs("</span>", page->out);
		at = word->start + word->length;
	}
	fputs("</p>\n", page->out);
}

/* ---- what is said beside ---- */

/* The words that weigh most, for (sign 1) or against (-1) the class, in words. */
static void put_heaviest(const struct explain_page *page, const struct text *text, const struct explanation *explanation,
			 double sign, const char *says)
{
	double below = INFINITY;
	for (size_t named = 0; named < WORDS_NAMED; named++) {
		const struct explained_word *best = NULL;
		for (size_t i = 0; i < explanation->word_count; i++) {
			const struct explained_word *word = &explanation->words[i];
			double weight = sign * (double)word->weight;
			if (weight > 0.005 && weight < below && (best == NULL || weight > sign * (double)best->weight))
				best = word;
		}
		if (best == NULL)
			break;
		fprintf(page->out, "%s", named == 0 ? says : ", ");
		explain_page_put_word(page->out, text, best);
		fprintf(page->out, " %+.2f", (double)best->weight);
		below = sign * (double)best->weight;
	}
	if (below < INFINITY)
		fputs(". ", page->out);
}

/* The most probable classes, with bars. */
static void put_probabilities(const struct explain_page *page, const struct explanation *explanation)
{
	const float *p = explain_probabilities(page->view, explanation);
	size_t count = explain_class_count(page->view), shown[CLASSES_SHOWN], used = 0;
	for (size_t class = 0; class < count; class++) {
		size_t at = used < CLASSES_SHOWN ? used++ : CLASSES_SHOWN;
		for (; at > 0 && p[class] > p[shown[at - 1]]; at--)
			if (at < CLASSES_SHOWN)
				shown[at] = shown[at - 1];
		if (at < CLASSES_SHOWN)
			shown[at] = class;
	}
	fputs("<table><tr><th scope=\"col\">class</th><th scope=\"col\">probability</th><th class=\"bar\"></th></tr>\n", page->out);
	for (size_t i = 0; i < used; i++) {
		const char *name = explain_class_name(page->view, shown[i]);
		fputs("<tr><td>", page->out);
		markup_put(page->out, name);
		fprintf(page->out, "</td><td>%.3f</td><td class=\"bar\" aria-hidden=\"true\"><i style=\"width:%.1f%%\"></i></td></tr>\n",
			(double)p[shown[i]], 100 * (double)p[shown[i]]);
	}
	fputs("</table>\n", page->out);
}

static void put_figures(const struct explain_page *page, const struct text *text, const struct explanation *explanation)
{
	fputs("<details><summary>Words and figures</summary><table><tr><th scope=\"col\">word</th><th scope=\"col\">weight</th>"
	      "<th scope=\"col\">read</th></tr>\n", page->out);
	for (size_t i = 0; i < explanation->word_count; i++) {
		const struct explained_word *word = &explanation->words[i];
		fputs("<tr><td dir=\"auto\">", page->out);
		explain_page_put_word(page->out, text, word);
		fprintf(page->out, "</td><td>%+.3f</td><td>%.3f</td></tr>\n", (double)word->weight, (double)word->attention);
	}
	fprintf(page->out, "</table><p class=\"faint\">Log-odds of the class: %.3f", explanation->odds);
	if (explanation->method == EXPLAIN_INTEGRATED)
		fprintf(page->out, "; of a text of nothing: %.3f", explanation->base);
	fputs(".</p></details>\n", page->out);
}

static void put_explained(const struct explain_page *page, const struct text *text, const struct explanation *explanation)
{
	fputs("<p class=\"faint\">", page->out);
	put_heaviest(page, text, explanation, 1, "For it: ");
	put_heaviest(page, text, explanation, -1, "Against it: ");
	fputs("</p>\n", page->out);
	put_probabilities(page, explanation);
	put_figures(page, text, explanation);
	fputs("<details><summary>What is read (attention roll-out)</summary>\n", page->out);
	put_shaded(page, text, explanation, true);
	fputs("</details>\n", page->out);
	if (explanation->attention != NULL)
		explain_page_put_heads(page->out, page->view, text, explanation);
}

/* ---- what others call ---- */

struct explain_page *explain_page_open(const char *path, const struct explain_view *view, struct err *e)
{
	FILE *out = fopen(path, "we");
	if (out == NULL) {
		err_sys(e, errno, "cannot write %s", path);
		return NULL;
	}
	struct explain_page *page = xcalloc(1, sizeof *page);
	*page = (struct explain_page){.view = view, .out = out, .path = xstrdup(path)};
	fputs(head, out);
	fprintf(out, "<p class=\"faint\">Model %s. %s</p>\n", view->info->version, method_texts[view->method]);
	fputs("<p><span class=\"w for\" style=\"--a:.5\">speaks for the answer</span> "
	      "<span class=\"w against\" style=\"--a:.5\">speaks against it</span></p>\n", out);
	return page;
}

bool explain_page_wants_picture(const struct explain_page *page)
{
	return page->texts < PICTURES_MOST;
}

void explain_page_add(struct explain_page *page, const struct text *text, const struct explanation *explanation)
{
	FILE *out = page->out;
	fprintf(out, "<section aria-labelledby=\"t%zu\"><h2 id=\"t%zu\">%zu. ", page->texts + 1, page->texts + 1, page->texts + 1);
	page->texts++;
	if (!explanation->can_judge) {
		fputs("no answer</h2>\n<p class=\"faint\">The text is in a script that the model was not trained for.</p></section>\n", out);
		return;
	}
	const char *name = explain_class_name(page->view, explanation->class);
	markup_put(out, name);
	fprintf(out, ", %.1f %%</h2>\n", 100 * (double)explain_probabilities(page->view, explanation)[explanation->class]);
	put_shaded(page, text, explanation, false);
	if (explanation->cut)
		fprintf(out, "<p class=\"faint\">The model reads %zu tokens; the text goes on, and the rest was not read.</p>\n",
			page->view->info->max_tokens);
	if (explanation->word_count == 0)
		fputs("<p class=\"faint\">The text is empty.</p>\n", out);
	else
		put_explained(page, text, explanation);
	fputs("</section>\n", out);
}

int explain_page_close(struct explain_page *page, struct err *e)
{
	fputs("</body></html>\n", page->out);
	int failed = ferror(page->out);
	int result = 0;
	errno = 0;
	if (fclose(page->out) != 0 || failed)
		result = errno != 0 ? err_sys(e, errno, "cannot write %s", page->path) : err_set(e, "cannot write %s", page->path);
	free(page->path);
	free(page);
	return result;
}
