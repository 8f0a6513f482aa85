#include "daemon/explain_format.h"

#include "daemon/base/item.h"
#include "daemon/base/utf8.h"

#include <string.h>

const char *explain_class_name(const struct explain_view *view, size_t class)
{
	return view->topic ? view->info->topics[class] : polarity_name((enum polarity)class);
}

size_t explain_class_count(const struct explain_view *view)
{
	return view->topic ? view->info->topic_count : 3;
}

const float *explain_probabilities(const struct explain_view *view, const struct explanation *explanation)
{
	return view->topic ? explanation->topics : explanation->polarity;
}

static void write_string(const char *text, size_t length, FILE *out)
{
	char bytes[4];
	fputc('"', out);
	for (size_t at = 0; at < length;) {
		uint32_t c;
		at += utf8_decode(text + at, length - at, &c);
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", (int)c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fwrite(bytes, 1, utf8_encode(c, bytes), out);
	}
	fputc('"', out);
}

/* How many characters there are from *at, which is moved there, to `end`. */
static size_t count_characters(const struct text *text, size_t *at, size_t end)
{
	size_t count = 0;
	for (uint32_t c; *at < end; count++)
		*at += utf8_decode(text->data + *at, text->length - *at, &c);
	return count;
}

static void write_words(const struct text *text, const struct explanation *explanation, FILE *out)
{
	size_t at = 0, character = 0;
	fputs("\"tokens\":[", out);
	for (size_t i = 0; i < explanation->word_count; i++) {
		const struct explained_word *word = &explanation->words[i];
		size_t start = character += count_characters(text, &at, word->start);
		character += count_characters(text, &at, word->start + word->length);
		fputs(i == 0 ? "{\"text\":" : ",{\"text\":", out);
		write_string(text->data + word->start, word->length, out);
		fprintf(out, ",\"weight\":%.6g,\"attention\":%.6g,\"start\":%zu,\"end\":%zu}", (double)word->weight,
			(double)word->attention, start, character);
	}
	fputc(']', out);
}

static void write_topic(const struct explainer_info *info, const struct explanation *explanation, FILE *out)
{
	size_t best = 0;
	for (size_t i = 1; i < info->topic_count; i++)
		if (explanation->topics[i] > explanation->topics[best])
			best = i;
	fputs(",\"topic\":", out);
	write_string(info->topics[best], strlen(info->topics[best]), out);
	fprintf(out, ",\"topic_p\":%.6f", (double)explanation->topics[best]);
}

static size_t most_probable(const float polarity[3])
{
	size_t best = 0;
	for (size_t i = 1; i < 3; i++)
		if (polarity[i] > polarity[best])
			best = i;
	return best;
}

void explain_format_write(const struct explain_view *view, const struct text *text, const struct explanation *explanation,
			  FILE *out)
{
	if (!explanation->can_judge) {
		fprintf(out,
			"{\"polarity\":null,\"tokens\":[],\"class\":null,\"probability\":null,\"log_odds\":null,\"base\":null,"
			"\"negative\":null,\"neutral\":null,\"positive\":null,\"topic\":null,\"topic_p\":null,\"method\":null,\"truncated\":%s}\n",
			explanation->cut ? "true" : "false");
		return;
	}
	const char *class = explain_class_name(view, explanation->class);
	const float *p = explanation->polarity;
	fprintf(out, "{\"polarity\":\"%s\",", polarity_name((enum polarity)most_probable(p)));
	write_words(text, explanation, out);
	fputs(",\"class\":", out);
	write_string(class, strlen(class), out);
	fprintf(out, ",\"probability\":%.6f,\"log_odds\":%.6g", (double)explain_probabilities(view, explanation)[explanation->class],
		explanation->odds);
	if (explanation->method == EXPLAIN_INTEGRATED)
		fprintf(out, ",\"base\":%.6g", explanation->base);
	else
		fputs(",\"base\":null", out);
	fprintf(out, ",\"negative\":%.6f,\"neutral\":%.6f,\"positive\":%.6f", (double)p[0], (double)p[1], (double)p[2]);
	if (view->info->topic_count > 0)
		write_topic(view->info, explanation, out);
	else
		fputs(",\"topic\":null,\"topic_p\":null", out);
	fprintf(out, ",\"method\":\"%s\",\"truncated\":%s}\n", explain_methods[explanation->method],
		explanation->cut ? "true" : "false");
}
