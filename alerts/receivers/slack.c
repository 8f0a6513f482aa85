/* Slack's incoming webhooks: one text of mrkdwn, in which &, < and > are entities (Slack, "Formatting text"). */
#include "alerts/receivers/format.h"

#include "daemon/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORIES_MAX 5

static void escape(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else
			putc(*text, out);
	}
}

/* A link's address ends at '|' or '>'; one that holds them is left out. */
static void write_story(void *context, const json_t *story)
{
	FILE *out = context;
	const char *url = alert_text(story, "url"), *publisher = alert_text(story, "publisher");
	bool linked = url[0] != '\0' && strpbrk(url, "|<>") == NULL;
	fputs("\n\xE2\x80\xA2 ", out);
	if (linked) {
		putc('<', out);
		escape(out, url);
		putc('|', out);
	}
	escape(out, alert_text(story, "title"));
	if (linked)
		putc('>', out);
	if (publisher[0] != '\0') {
		fputs(" (", out);
		escape(out, publisher);
		putc(')', out);
	}
}

json_t *format_slack(const struct message *message)
{
	static const char *const marks[] = {":rotating_light: ", ":white_check_mark: ", ""};
	char *text = NULL, *summary = alert_summary(message);
	size_t length;
	FILE *out = open_memstream(&text, &length);
	CHECK(out != NULL);
	fputs(marks[message->kind], out);
	escape(out, summary);
	if (message->kind == MESSAGE_FIRING)
		alert_each_story(message->alert, STORIES_MAX, write_story, out);
	fclose(out);
	free(summary);
	json_t *body = json_pack("{s:s}", "text", text);
	free(text);
	return body;
}
