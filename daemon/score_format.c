#include "daemon/score_format.h"

#include "daemon/base/check.h"
#include "daemon/base/item.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Topics of a line, the most probable first. */
enum { TOPICS_SHOWN = 3 };

struct score_format {
	const struct classifier_info *info;
	bool tsv, logits;
	char **topics_json; /* names as JSON strings, with their quotes */
	float *probabilities; /* [topic_count]; one line's */
};

struct score_format *score_format_create(const struct classifier_info *info, bool tsv, bool logits)
{
	struct score_format *format = xcalloc(1, sizeof *format);
	format->info = info;
	format->tsv = tsv;
	format->logits = logits;
	format->topics_json = xcalloc(info->topic_count, sizeof *format->topics_json);
	format->probabilities = xcalloc(info->topic_count, sizeof *format->probabilities);
	for (size_t i = 0; i < info->topic_count; i++) {
		json_t *name = json_string(info->topics[i]);
		format->topics_json[i] = json_dumps(name, JSON_ENCODE_ANY);
		json_decref(name);
		CHECK(format->topics_json[i] != NULL); /* the names came out of a JSON file */
	}
	return format;
}

void score_format_free(struct score_format *format)
{
	if (format == NULL)
		return;
	for (size_t i = 0; i < format->info->topic_count; i++)
		free(format->topics_json[i]);
	free(format->topics_json);
	free(format->probabilities);
	free(format);
}

/* The most probable topics of `format->probabilities`, best first; returns how many. */
static size_t topics_rank(const struct score_format *format, size_t best[TOPICS_SHOWN])
{
	const float *p = format->probabilities;
	size_t count = 0;
	for (size_t topic = 0; topic < format->info->topic_count; topic++) {
		size_t at = count < TOPICS_SHOWN ? count++ : TOPICS_SHOWN;
		for (; at > 0 && p[topic] > p[best[at - 1]]; at--)
			if (at < TOPICS_SHOWN)
				best[at] = best[at - 1];
		if (at < TOPICS_SHOWN)
			best[at] = topic;
	}
	return count;
}

static void write_logits(const char *key, const float *values, size_t count, FILE *out)
{
	fprintf(out, "\"%s\":[", key);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s%.7g", i == 0 ? "" : ",", (double)values[i]);
	fputc(']', out);
}

static void write_json(const struct score_format *format, const struct score *score, const size_t *best, size_t count,
		       const float *topic_logits, FILE *out)
{
	if (score->can_judge)
		fprintf(out,
			"{\"polarity\":\"%s\",\"score\":%.6f,\"negative\":%.6f,\"neutral\":%.6f,\"positive\":%.6f",
			polarity_name((enum polarity)score_polarity(score)), (double)score_value(score), (double)score->polarity[0],
			(double)score->polarity[1], (double)score->polarity[2]);
	else
		fputs("{\"polarity\":null,\"score\":null,\"negative\":null,\"neutral\":null,\"positive\":null", out);
	if (count > 0)
		fprintf(out, ",\"topic\":%s,\"topic_p\":%.6f,\"topics\":[", format->topics_json[best[0]],
			(double)format->probabilities[best[0]]);
	else
		fputs(",\"topic\":null,\"topic_p\":null,\"topics\":[", out);
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s{\"topic\":%s,\"p\":%.6f}", i == 0 ? "" : ",", format->topics_json[best[i]],
			(double)format->probabilities[best[i]]);
	fputc(']', out);
	if (format->logits) {
		fputs(",\"logits\":{", out);
		write_logits("polarity", score->polarity_logits, 3, out);
		fputc(',', out);
		write_logits("topic", topic_logits, format->info->topic_count, out);
		fputc('}', out);
	}
	fputs("}\n", out);
}

void score_format_write(const struct score_format *format, const struct score *score, const float *topic_logits,
			FILE *out)
{
	size_t topics = format->info->topic_count, best[TOPICS_SHOWN], count = 0;
	if (score->can_judge && topics > 0) {
		memcpy(format->probabilities, topic_logits, topics * sizeof *topic_logits);
		softmax_row(format->probabilities, topics);
		count = topics_rank(format, best);
	}
	if (!format->tsv) {
		write_json(format, score, best, count, topic_logits, out);
		return;
	}
	fputs(score->can_judge ? polarity_name((enum polarity)score_polarity(score)) : "none", out);
	fprintf(out, "\t%s\n", count > 0 ? format->info->topics[best[0]] : "none");
}
