#include "daemon/agreement.h"
#include "daemon/cmd.h"
#include "daemon/interrupt.h"
#include "daemon/model_path.h"
#include "model/classifier.h"
#include "model/convert.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The original is opened first, so that what is wrong with it is said before
 * anything is written, and the result before it takes its place, so that what
 * takes its place is known to open.
 */
static const char help[] =
	"usage: bellwether convert [--model DIR] --precision P --out DIR [--texts FILE]\n"
	"\n"
	"Writes a model in the form that a faster precision computes with: smaller,\n"
	"quicker to open, and with the same scores as the original at that precision.\n"
	"\n"
	"  --model DIR       the original (default: $BELLWETHER_MODEL, else the installed\n"
	"                    model)\n"
	"  --precision P     int8, or bf16\n"
	"  --out DIR         the new directory; it appears when it is complete\n"
	"  --texts FILE      one text a line (-: standard input): say how far the new\n"
	"                    model's answers agree with the original's at fp32\n"
	"\n"
	"Exit status: 0 ok, 1 reading or writing failed, 2 wrong usage or model.\n";

struct options {
	const char *model, *precision, *out, *texts;
};

/* Returns an exit status, or -1 to go on. */
static int options_parse(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"model", required_argument, NULL, 'm'}, {"precision", required_argument, NULL, 'p'},
		{"out", required_argument, NULL, 'o'},	 {"texts", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},	 {NULL, 0, NULL, 0},
	};
	*out = (struct options){0};
	for (int c; (c = getopt_long(argc, argv, "h", known, NULL)) != -1;) {
		switch (c) {
		case 'm': out->model = optarg; break;
		case 'p': out->precision = optarg; break;
		case 'o': out->out = optarg; break;
		case 't': out->texts = optarg; break;
		case 'h': fputs(help, stdout); return EXIT_OK;
		default: fputs(help, stderr); return EXIT_USAGE;
		}
	}
	if (optind < argc || out->precision == NULL || out->out == NULL) {
		fputs(help, stderr);
		return EXIT_USAGE;
	}
	if (strcmp(out->precision, "int8") != 0 && strcmp(out->precision, "bf16") != 0) {
		fprintf(stderr, "bellwether convert: --precision is int8 or bf16, not \"%s\"\n", out->precision);
		return EXIT_USAGE;
	}
	return -1;
}

static long long file_size(const char *directory)
{
	char path[4096];
	struct stat status;
	snprintf(path, sizeof path, "%s/model.safetensors", directory);
	return stat(path, &status) == 0 ? (long long)status.st_size : 0;
}

static json_t *agreement_json(const struct agreement *agreement, bool topics)
{
	double texts = agreement->texts > 0 ? (double)agreement->texts : 1;
	json_t *json = json_pack("{s:I, s:f}", "texts", (json_int_t)agreement->texts, "polarity",
				 (double)agreement->polarity_equal / texts);
	if (topics)
		json_object_set_new(json, "topic", json_real((double)agreement->topic_equal / texts));
	json_object_set_new(json, "polarity_change", json_real(agreement->polarity_change / texts));
	if (topics)
		json_object_set_new(json, "topic_change", json_real(agreement->topic_change / texts));
	json_object_set_new(json, "logit_change", json_real(agreement->logit_change));
	return json;
}

struct conversion {
	const struct options *options;
	const char *model;
	int texts; /* -1: none */
	struct publish publish;
	struct classifier *original, *converted;
	json_t *report;
};

static int report_print(const json_t *report, struct err *e)
{
	char *text = json_dumps(report, JSON_COMPACT | JSON_REAL_PRECISION(6));
	if (text != NULL)
		puts(text);
	free(text);
	return text == NULL || fflush(stdout) != 0 ? err_sys(e, errno, "cannot write the report") : 0;
}

static int convert(struct conversion *conversion, struct err *e)
{
	const struct options *options = conversion->options;
	struct publish *publish = &conversion->publish;
	const struct classifier_info *original = classifier_get_info(conversion->original);
	const struct convert_options how = {.directory = conversion->model, .precision = options->precision,
					    .program = "bellwether " BELLWETHER_VERSION, .version = original->version};
	if (model_convert(&how, publish, e) < 0)
		return -1;
	conversion->converted = classifier_open(&(struct classifier_options){.path = publish->path, .device = "cpu",
									     .precision = options->precision}, e);
	if (conversion->converted == NULL)
		return -1;
	conversion->report = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "out", publish->target, "precision",
				       options->precision, "version",
				       classifier_get_info(conversion->converted)->version, "from", original->version,
				       "bytes", (json_int_t)file_size(publish->path), "from_bytes",
				       (json_int_t)file_size(conversion->model));
	if (conversion->texts >= 0) {
		struct agreement agreement;
		if (agreement_measure(conversion->original, conversion->converted, conversion->texts, &agreement, e) < 0)
			return -1;
		json_object_set_new(conversion->report, "agreement",
				    agreement_json(&agreement, original->topic_count > 0));
	}
	if (conversion->report == NULL)
		return err_set(e, "%s: the path must be UTF-8 to be reported", publish->target);
	interrupt_hold();
	int result = publish_finish(publish, e);
	interrupt_release();
	return result == 0 ? report_print(conversion->report, e) : -1;
}

/* All that the user named, whose faults are wrong usage. */
static int places_open(struct conversion *conversion, char path[4096], struct err *e)
{
	const char *texts = conversion->options->texts;
	if (texts != NULL) {
		conversion->texts = strcmp(texts, "-") == 0 ? STDIN_FILENO : open(texts, O_RDONLY | O_CLOEXEC);
		if (conversion->texts < 0)
			return err_sys(e, errno, "%s", texts);
	}
	if (model_path_find(conversion->options->model, path, 4096, e) < 0)
		return -1;
	conversion->model = path;
	interrupt_block();
	conversion->original = classifier_open(
		&(struct classifier_options){.path = path, .device = "cpu", .precision = "fp32"}, e);
	if (conversion->original == NULL || publish_begin(&conversion->publish, conversion->options->out, e) < 0)
		return -1;
	interrupt_guard(&conversion->publish);
	return 0;
}

int cmd_convert(int argc, char **argv)
{
	struct err e = {0};
	char path[4096];
	struct options options;
	int status = options_parse(argc, argv, &options);
	if (status >= 0)
		return status;

	struct conversion conversion = {.options = &options, .texts = -1};
	if (places_open(&conversion, path, &e) < 0)
		status = EXIT_USAGE;
	else
		status = convert(&conversion, &e) == 0 ? EXIT_OK : EXIT_FAILED;
	interrupt_hold();
	publish_abandon(&conversion.publish);
	interrupt_forget();
	interrupt_release();
	if (status != EXIT_OK)
		fprintf(stderr, "bellwether convert: %s\n", e.text);
	json_decref(conversion.report);
	classifier_close(conversion.converted);
	classifier_close(conversion.original);
	if (conversion.texts > STDERR_FILENO)
		close(conversion.texts);
	return status;
}
