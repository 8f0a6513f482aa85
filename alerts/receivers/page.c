#include "alerts/receivers/page.h"

#include "daemon/base/check.h"
#include "daemon/base/markup.h"

#include <stdio.h>
#include <stdlib.h>

#define FONT "font-family:system-ui,-apple-system,'Segoe UI',sans-serif"

static void put_element(FILE *out, const char *open, const char *text, const char *close)
{
	fputs(open, out);
	markup_put(out, text);
	fputs(close, out);
}

static void put_facts(FILE *out, const struct notice *notice)
{
	fputs("<table style=\"border-collapse:collapse;margin:0 0 16px\">\n", out);
	for (size_t i = 0; i < notice->fact_count; i++) {
		put_element(out, "<tr><td style=\"padding:2px 16px 2px 0;color:#666\">", notice->facts[i].label, "</td>");
		put_element(out, "<td style=\"padding:2px 0\">", notice->facts[i].value, "</td></tr>\n");
	}
	fputs("</table>\n", out);
}

static void put_item(FILE *out, const struct notice_item *item)
{
	fputs("<li style=\"margin:0 0 8px\">", out);
	if (item->url != NULL)
		put_element(out, "<a href=\"", item->url, "\">");
	markup_put(out, item->title);
	if (item->url != NULL)
		fputs("</a>", out);
	if (item->detail[0] != '\0')
		put_element(out, "<br><span style=\"color:#666\">", item->detail, "</span>");
	fputs("</li>\n", out);
}

char *page_write_html(const struct notice *notice)
{
	static const char *const colors[] = {
		[TONE_ALARM] = "#c0262d", [TONE_WARNING] = "#b7791f", [TONE_GOOD] = "#2f855a", [TONE_PLAIN] = "#4a5568"};
	char *text, *more = notice_more(notice);
	size_t length;
	FILE *out = open_memstream(&text, &length);
	CHECK(out != NULL);
	put_element(out, "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>", notice->summary, "</title></head>\n");
	fprintf(out, "<body style=\"" FONT ";font-size:14px;line-height:1.4\">\n<p style=\"margin:0 0 4px;color:%s\"><b>%s</b></p>\n",
		colors[notice->tone], notice->state);
	put_element(out, "<h2 style=\"font-size:18px;margin:0 0 16px\">", notice->summary, "</h2>\n");
	if (notice->fact_count > 0)
		put_facts(out, notice);
	if (notice->item_count > 0) {
		fputs("<ul style=\"padding-left:20px\">\n", out);
		for (size_t i = 0; i < notice->item_count; i++)
			put_item(out, &notice->items[i]);
		fputs("</ul>\n", out);
	}
	if (more != NULL)
		fprintf(out, "<p>%s</p>\n", more);
	fputs("</body></html>\n", out);
	CHECK(fclose(out) == 0);
	free(more);
	return text;
}

char *page_write_plain(const struct notice *notice)
{
	char *text, *more = notice_more(notice);
	size_t length;
	FILE *out = open_memstream(&text, &length);
	CHECK(out != NULL);
	fprintf(out, "%s: %s\n\n", notice->state, notice->summary);
	for (size_t i = 0; i < notice->fact_count; i++)
		fprintf(out, "%s: %s\n", notice->facts[i].label, notice->facts[i].value);
	if (notice->item_count > 0)
		putc('\n', out);
	for (size_t i = 0; i < notice->item_count; i++) {
		const struct notice_item *item = &notice->items[i];
		fprintf(out, "* %s\n", item->title);
		if (item->detail[0] != '\0')
			fprintf(out, "  %s\n", item->detail);
		if (item->url != NULL)
			fprintf(out, "  %s\n", item->url);
	}
	if (more != NULL)
		fprintf(out, "\n%s\n", more);
	CHECK(fclose(out) == 0);
	free(more);
	return text;
}
