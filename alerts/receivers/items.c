/* The list of a message: stories, a digest's alerts, or what a heartbeat says of each source. */
#include "alerts/receivers/notice.h"

#include "alerts/receivers/text.h"
#include "daemon/base/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 6
#define NAME_MAX_CHARACTERS 80
#define DETAIL_MAX 300

typedef struct notice_item item_of(const json_t *element);

/* Puts ", " between what is there and what comes. */
static void append(FILE *out, const char *text)
{
	if (text != NULL && text[0] != '\0')
		fprintf(out, "%s%s", ftell(out) > 0 ? ", " : "", text);
}

/* Those that weighed most come first in the payload. */
static char *heaviest_words(const json_t *story)
{
	const json_t *words = json_object_get(story, "words"), *word;
	size_t index, length;
	char *text;
	FILE *out = open_memstream(&text, &length);
	CHECK(out != NULL);
	json_array_foreach(words, index, word) {
		if (index == WORDS_MAX)
			break;
		if (alert_text(word, "text")[0] != '\0')
			fprintf(out, "%s%s", ftell(out) > 0 ? " \xC2\xB7 " : "words: ", alert_text(word, "text"));
	}
	CHECK(fclose(out) == 0);
	return text;
}

static char *story_detail(const json_t *story)
{
	size_t length;
	char *text, *line, *time = notice_time(story, "published"), *words = heaviest_words(story);
	char *publisher = text_line(alert_text(story, "publisher"), NAME_MAX_CHARACTERS);
	double copies = json_number_value(json_object_get(story, "copies"));
	FILE *out = open_memstream(&text, &length);
	CHECK(out != NULL);
	append(out, publisher);
	append(out, time);
	if (copies > 1 && copies < 1e9)
		fprintf(out, "%s%.0f copies", ftell(out) > 0 ? ", " : "", copies);
	append(out, alert_text(story, "polarity"));
	append(out, words);
	CHECK(fclose(out) == 0);
	line = text_line(text, DETAIL_MAX);
	free(publisher);
	free(time);
	free(words);
	free(text);
	return line;
}

/* Of what reads as nothing, too: an item without a word could not be shown, or clicked. */
static char *title_of(const json_t *element, const char *key, size_t max)
{
	char *title = text_line(alert_text(element, key), max);
	if (title[0] != '\0')
		return title;
	free(title);
	return text_format("(no %s)", key);
}

static struct notice_item item_of_story(const json_t *story)
{
	const char *url = alert_text(story, "url");
	return (struct notice_item){
		.title = title_of(story, "title", NOTICE_TITLE_MAX),
		.url = text_is_link(url) ? url : NULL,
		.detail = story_detail(story),
	};
}

static struct notice_item item_of_alert(const json_t *alert)
{
	enum message_kind kind = alert_kind(alert, false);
	bool over = kind == MESSAGE_RESOLVED;
	char *at = notice_time(alert, over ? "resolved" : "fired");
	struct notice_item item = {
		.title = notice_summary(kind, alert),
		.detail = text_format("%s%s", over ? "resolved " : "firing since ", at != NULL ? at : "an unknown time"),
	};
	free(at);
	return item;
}

static struct notice_item item_of_source(const json_t *source)
{
	char number[TEXT_NUMBER_SIZE], *state = text_line(alert_text(source, "state"), NAME_MAX_CHARACTERS);
	const json_t *lag = json_object_get(source, "lag");
	struct notice_item item = {
		.title = title_of(source, "name", NAME_MAX_CHARACTERS),
		.detail = json_is_number(lag) ? text_format("%s, %s messages behind", state,
							    text_number(json_number_value(lag), number))
					      : text_format("%s", state),
	};
	free(state);
	return item;
}

void notice_add_items(struct notice *notice, enum message_kind kind, const json_t *alert, size_t max)
{
	const char *key = kind == MESSAGE_DIGEST ? "alerts" : kind == MESSAGE_HEARTBEAT ? "sources" : "evidence";
	item_of *make = kind == MESSAGE_DIGEST ? item_of_alert : kind == MESSAGE_HEARTBEAT ? item_of_source : item_of_story;
	const json_t *list = json_object_get(alert, key), *element;
	json_int_t omitted = json_integer_value(json_object_get(alert, "omitted"));
	size_t index, count = json_array_size(list);
	if (kind == MESSAGE_RESOLVED || kind == MESSAGE_TEST)
		return;
	notice->items = xcalloc(count < max ? count + 1 : max + 1, sizeof *notice->items);
	json_array_foreach(list, index, element) {
		if (!json_is_object(element) || (kind == MESSAGE_DIGEST && alert_is_told_later(list, index)))
			continue;
		if (notice->item_count < max)
			notice->items[notice->item_count++] = make(element);
		else
			notice->more++;
	}
	if (kind == MESSAGE_DIGEST && omitted > 0)
		notice->more += (size_t)omitted;
}
