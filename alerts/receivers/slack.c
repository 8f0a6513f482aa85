/*
 * Slack's incoming webhooks.  What came from outside stands in plain_text and
 * rich_text, which know no markup; so a headline can neither ring a channel nor
 * pose as a link.  "text" says the same in mrkdwn for notifications and for
 * the programs that take Slack's messages without its blocks (Mattermost,
 * Rocket.Chat); there &, < and > are entities and a mention is broken up.
 *
 * Limits (Slack, "Block Kit" and "Formatting"): 40,000 characters of text, 50
 * blocks, 150 characters in a header, 10 fields of 2,000 in a section.
 */
#include "alerts/receivers/notice.h"

#include "alerts/receivers/text.h"
#include "daemon/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 10
#define FIELDS_MAX 10
#define HEADER_MAX 150
#define WORD_JOINER "\xE2\x81\xA0"

static const char *const marks[] = {
	[TONE_ALARM] = ":rotating_light: ", [TONE_WARNING] = ":warning: ", [TONE_GOOD] = ":white_check_mark: ", [TONE_PLAIN] = ""};

/* ---- mrkdwn ---- */

static void escape(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '@': fputs("@" WORD_JOINER, out); break;
		default: putc(*text, out);
		}
	}
}

static void write_item(FILE *out, const struct notice_item *item)
{
	fputs("\n\xE2\x80\xA2 ", out);
	if (item->url != NULL) {
		putc('<', out);
		for (const char *c = item->url; *c != '\0'; c++)
			fputs(*c == '&' ? "&amp;" : (char[]){*c, '\0'}, out);
		putc('|', out);
	}
	escape(out, item->title);
	if (item->url != NULL)
		putc('>', out);
	if (item->detail[0] != '\0') {
		fputs(" (", out);
		escape(out, item->detail);
		putc(')', out);
	}
}

static json_t *text_of(const struct notice *notice)
{
	char *text, *more = notice_more(notice);
	size_t length;
	FILE *out = open_memstream(&text, &length);
	CHECK(out != NULL);
	fputs(marks[notice->tone], out);
	escape(out, notice->summary);
	for (size_t i = 0; i < notice->fact_count; i++) {
		fprintf(out, "\n%s: ", notice->facts[i].label);
		escape(out, notice->facts[i].value);
	}
	for (size_t i = 0; i < notice->item_count; i++)
		write_item(out, &notice->items[i]);
	if (more != NULL)
		fprintf(out, "\n%s", more);
	CHECK(fclose(out) == 0);
	json_t *json = json_string(text);
	free(text);
	free(more);
	return json;
}

/* ---- blocks ---- */

static void append(json_t *array, json_t *element)
{
	CHECK(json_array_append_new(array, element) == 0);
}

static json_t *header(const struct notice *notice)
{
	char *marked = text_format("%s%s", marks[notice->tone], notice->summary);
	char *text = text_line(marked, HEADER_MAX);
	json_t *block = json_pack("{s:s, s:{s:s, s:s, s:b}}", "type", "header", "text", "type", "plain_text", "text", text,
				  "emoji", 1);
	free(marked);
	free(text);
	return block;
}

static json_t *fields(const struct notice *notice)
{
	json_t *array = json_array();
	for (size_t i = 0; i < notice->fact_count && i < FIELDS_MAX; i++) {
		char *text = text_format("%s: %s", notice->facts[i].label, notice->facts[i].value);
		append(array, json_pack("{s:s, s:s, s:b}", "type", "plain_text", "text", text, "emoji", 0));
		free(text);
	}
	return json_pack("{s:s, s:o}", "type", "section", "fields", array);
}

static json_t *list_entry(const struct notice_item *item)
{
	json_t *parts = json_array();
	if (item->url != NULL)
		append(parts, json_pack("{s:s, s:s, s:s}", "type", "link", "url", item->url, "text", item->title));
	else
		append(parts, json_pack("{s:s, s:s}", "type", "text", "text", item->title));
	if (item->detail[0] != '\0') {
		char *detail = text_format(" (%s)", item->detail);
		append(parts, json_pack("{s:s, s:s}", "type", "text", "text", detail));
		free(detail);
	}
	return json_pack("{s:s, s:o}", "type", "rich_text_section", "elements", parts);
}

static json_t *list(const struct notice *notice)
{
	json_t *entries = json_array();
	for (size_t i = 0; i < notice->item_count; i++)
		append(entries, list_entry(&notice->items[i]));
	return json_pack("{s:s, s:[{s:s, s:s, s:o}]}", "type", "rich_text", "elements", "type", "rich_text_list", "style",
			 "bullet", "elements", entries);
}

char *format_slack(const struct message *message)
{
	struct notice *notice = notice_create(message, ITEMS_MAX);
	json_t *blocks = json_array();
	append(blocks, header(notice));
	if (notice->fact_count > 0)
		append(blocks, fields(notice));
	if (notice->item_count > 0)
		append(blocks, list(notice));
	char *more = notice_more(notice);
	if (more != NULL)
		append(blocks, json_pack("{s:s, s:[{s:s, s:s}]}", "type", "context", "elements", "type", "plain_text", "text", more));
	free(more);
	json_t *body = json_pack("{s:o, s:o}", "text", text_of(notice), "blocks", blocks);
	notice_free(notice);
	return format_dump(body);
}
