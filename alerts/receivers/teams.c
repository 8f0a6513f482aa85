/*
 * Microsoft Teams: an Adaptive Card 1.4 in the message that a channel's
 * workflow "when a webhook request is received" takes.  All text stands in
 * RichTextBlocks, whose runs know no Markdown, so a headline is only text.
 *
 * Teams refuses messages above 28 KB, which count in UTF-16: a card is made
 * with fewer stories until it is below half of that in UTF-8.
 */
#include "alerts/receivers/notice.h"

#include "alerts/receivers/text.h"
#include "daemon/base/check.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 10
#define BODY_MAX 14000

static void append(json_t *array, json_t *element)
{
	CHECK(json_array_append_new(array, element) == 0);
}

static json_t *run(const char *text)
{
	return json_pack("{s:s, s:s}", "type", "TextRun", "text", text);
}

static json_t *block(json_t *runs, const char *spacing)
{
	return json_pack("{s:s, s:s, s:o}", "type", "RichTextBlock", "spacing", spacing, "inlines", runs);
}

static json_t *heading(const struct notice *notice)
{
	return block(json_pack("[{s:s, s:s, s:s, s:s}]", "type", "TextRun", "text", notice->summary, "size", "Large", "weight",
			       "Bolder"),
		     "None");
}

static json_t *state(const struct notice *notice)
{
	static const char *const colors[] = {
		[TONE_ALARM] = "Attention", [TONE_WARNING] = "Warning", [TONE_GOOD] = "Good", [TONE_PLAIN] = "Default"};
	return block(json_pack("[{s:s, s:s, s:s, s:s}]", "type", "TextRun", "text", notice->state, "weight", "Bolder", "color",
			       colors[notice->tone]),
		     "None");
}

static json_t *fact(const struct notice_fact *fact)
{
	char *label = text_format("%s: ", fact->label);
	json_t *runs = json_pack("[{s:s, s:s, s:s}, o]", "type", "TextRun", "text", label, "weight", "Bolder", run(fact->value));
	free(label);
	return block(runs, "Small");
}

static json_t *item(const struct notice_item *item)
{
	json_t *runs = json_array(), *title = run(item->title);
	if (item->url != NULL)
		json_object_set_new(title, "selectAction", json_pack("{s:s, s:s}", "type", "Action.OpenUrl", "url", item->url));
	append(runs, run("\xE2\x80\xA2 "));
	append(runs, title);
	if (item->detail[0] != '\0') {
		char *detail = text_format(" (%s)", item->detail);
		append(runs, json_pack("{s:s, s:s, s:b}", "type", "TextRun", "text", detail, "isSubtle", 1));
		free(detail);
	}
	return block(runs, "Small");
}

static json_t *card(const struct notice *notice)
{
	json_t *body = json_array();
	char *more = notice_more(notice);
	append(body, state(notice));
	append(body, heading(notice));
	for (size_t i = 0; i < notice->fact_count; i++)
		append(body, fact(&notice->facts[i]));
	for (size_t i = 0; i < notice->item_count; i++)
		append(body, item(&notice->items[i]));
	if (more != NULL)
		append(body, block(json_pack("[o]", run(more)), "Small"));
	free(more);
	return json_pack("{s:s, s:s, s:s, s:s, s:{s:s}, s:o}", "$schema", "http://adaptivecards.io/schemas/adaptive-card.json",
			 "type", "AdaptiveCard", "version", "1.4", "fallbackText", notice->summary, "msteams", "width", "Full",
			 "body", body);
}

static char *write_with(const struct message *message, size_t items)
{
	struct notice *notice = notice_create(message, items);
	json_t *json = json_pack("{s:s, s:[{s:s, s:n, s:o}]}", "type", "message", "attachments", "contentType",
				 "application/vnd.microsoft.card.adaptive", "contentUrl", "content", card(notice));
	notice_free(notice);
	return format_dump(json);
}

char *format_teams(const struct message *message)
{
	size_t items = ITEMS_MAX;
	char *out = write_with(message, items);
	while (out != NULL && strlen(out) > BODY_MAX && items > 0) {
		free(out);
		out = write_with(message, items /= 2);
	}
	return out;
}
