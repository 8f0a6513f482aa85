#include "daemon/base/check.h"
#include "daemon/cmd.h"
#include "daemon/line_batch.h"
#include "daemon/model_path.h"
#include "daemon/score_format.h"
#include "model/classifier.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lines in, scores out, in a batch as large as what has arrived. */
enum { BATCH_LINES = 512 };

static const char help[] =
	"usage: bellwether score [OPTIONS] < TEXTS\n"
	"\n"
	"Polarity and topic of each line of standard input, one JSON object a line.\n"
	"\n"
	"  --model DIR       a Hugging Face directory (config.json, model.safetensors,\n"
	"                    vocab.txt); else $BELLWETHER_MODEL, the installed one, or\n"
	"                    model/weights of the source tree\n"
	"  --device D        auto, cpu, cuda (the first GPU that can), or GPUs by number:\n"
	"                    cuda:1, cuda:0,1\n"
	"  --precision P     auto, fp32, bf16 or int8\n"
	"  --threads N       worker threads; 0 (the default): one per CPU\n"
	"  --format F        json, or tsv: polarity TAB topic\n"
	"  --logits          add raw logits: polarity as negative, neutral, positive;\n"
	"                    topics in the order of the model's config.json\n"
	"\n"
	"A text in a script that the model was not trained for has polarity null\n"
	"(tsv: none).  \"topics\" holds the three most probable.\n"
	"\n"
	"Exit status: 0 ok, 1 reading or writing failed, 2 wrong usage or model.\n";

struct options {
	struct classifier_options model;
	bool tsv, logits;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "bellwether score: %s \"%s\"\nbellwether score --help says more\n", what, value);
	return EXIT_USAGE;
}

static bool threads_parse(const char *text, int *out)
{
	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	*out = (int)value;
	return *text != '\0' && *end == '\0' && errno == 0 && value >= 0 && value <= INT_MAX;
}

/* Returns an exit status, or -1 to go on. */
static int options_parse(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"model", required_argument, NULL, 'm'},   {"device", required_argument, NULL, 'd'},
		{"precision", required_argument, NULL, 'p'}, {"threads", required_argument, NULL, 't'},
		{"format", required_argument, NULL, 'f'},  {"logits", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},	   {NULL, 0, NULL, 0},
	};
	*out = (struct options){.model = {.precision = "auto"}};
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		switch (c) {
		case 'm':
			out->model.path = optarg;
			break;
		case 'd':
			out->model.device = optarg;
			break;
		case 'p':
			out->model.precision = optarg;
			break;
		case 't':
			if (!threads_parse(optarg, &out->model.threads))
				return usage_error("--threads takes a number, not", optarg);
			break;
		case 'f':
			out->tsv = strcmp(optarg, "tsv") == 0;
			if (!out->tsv && strcmp(optarg, "json") != 0)
				return usage_error("--format is json or tsv, not", optarg);
			break;
		case 'l':
			out->logits = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_OK;
		case ':':
			return usage_error("a value is missing after", argv[optind - 1]);
		default:
			return usage_error("unknown option", argv[optind - 1]);
		}
	}
	return optind < argc ? usage_error("texts come from standard input; unexpected:", argv[optind]) : -1;
}

static int stream_score(struct classifier *classifier, const struct options *options, struct err *e)
{
	const struct classifier_info *info = classifier_get_info(classifier);
	struct score *scores = xcalloc(BATCH_LINES, sizeof *scores);
	float *topic_logits = xcalloc(BATCH_LINES, info->topic_count * sizeof *topic_logits);
	struct score_format *format = score_format_create(info, options->tsv, options->logits);
	struct lines *lines = lines_open(STDIN_FILENO);
	struct line_batch batch;
	int result;
	line_batch_open(&batch, BATCH_LINES);
	while ((result = line_batch_read(&batch, lines, e)) == 0 && batch.count > 0) {
		result = classifier_run(classifier, batch.texts, batch.count, scores, topic_logits, e);
		if (result < 0)
			break;
		for (size_t i = 0; i < batch.count; i++)
			score_format_write(format, &scores[i], topic_logits + i * info->topic_count, stdout);
		if (fflush(stdout) != 0) {
			result = err_sys(e, errno, "cannot write");
			break;
		}
	}
	line_batch_close(&batch);
	lines_close(lines);
	score_format_free(format);
	free(topic_logits);
	free(scores);
	return result;
}

int cmd_score(int argc, char **argv)
{
	struct err e = {0};
	char path[4096];
	struct options options;
	int status = options_parse(argc, argv, &options);
	if (status >= 0)
		return status;

	struct classifier *classifier = NULL;
	status = EXIT_USAGE;
	if (model_path_find(options.model.path, path, sizeof path, &e) == 0) {
		options.model.path = path;
		classifier = classifier_open(&options.model, &e);
	}
	/* Who asks for "auto" is told what it came to. */
	if (classifier != NULL && options.model.device != NULL && classifier_get_info(classifier)->why_cpu != NULL)
		fprintf(stderr, "bellwether score: runs on the CPU: %s\n", classifier_get_info(classifier)->why_cpu);
	if (classifier != NULL)
		status = stream_score(classifier, &options, &e) == 0 ? EXIT_OK : EXIT_FAILED;
	if (status != EXIT_OK)
		fprintf(stderr, "bellwether score: %s\n", e.text);
	classifier_close(classifier);
	return status;
}
