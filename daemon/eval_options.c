#include "daemon/eval_options.h"

#include "daemon/cmd.h"
#include "daemon/number.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
	"usage: bellwether eval [--model DIR] --task polarity|topic [OPTIONS] FILE.tsv\n"
	"\n"
	"How well a model's answers agree with given labels: precision, recall and F1\n"
	"of each class, the confusion matrix, and how far probabilities can be believed\n"
	"(expected calibration error, 15 bins).\n"
	"\n"
	"FILE.tsv has tabs between its columns, and a first line that names them: `label`\n"
	"and `text` are read, others are not but for the one that --by names.\n"
	"\n"
	"  --model DIR       default: $BELLWETHER_MODEL, else the installed model\n"
	"  --task T          polarity (negative, neutral, positive) or topic (the model's)\n"
	"  --against DIR     compare with the model there, row by row: McNemar's test, the\n"
	"                    gain with its interval, and the rows that changed\n"
	"  --by COLUMN       figures for each value of that column (a source, a region)\n"
	"  --noise           points lost to typos, case, cashtags, emoji, cut texts, other\n"
	"                    names, swapped words, and negations\n"
	"  --json            one JSON object\n"
	"  --bootstrap N     samples for the 95 % intervals (default 1000; 0: none)\n"
	"  --seed N          of those samples, and of the noise\n"
	"  --device D --precision P --threads N    as for `bellwether score`\n"
	"\n"
	"Exit status: 0 ok, 1 reading or writing failed, 2 wrong usage, model or file.\n";

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "bellwether eval: %s \"%s\"\nbellwether eval --help says more\n", what, value);
	return EXIT_USAGE;
}

static int options_finish(int argc, char **argv, struct eval_options *out)
{
	if (out->task_name == NULL)
		return usage_error("--task is missing: polarity or topic, not", "");
	if (strcmp(out->task_name, "polarity") != 0 && strcmp(out->task_name, "topic") != 0)
		return usage_error("--task is polarity or topic, not", out->task_name);
	out->task = strcmp(out->task_name, "topic") == 0 ? TASK_TOPIC : TASK_POLARITY;
	if (optind == argc)
		return usage_error("the FILE.tsv is missing", "");
	if (optind + 1 < argc)
		return usage_error("one file at a time; unexpected:", argv[optind + 1]);
	out->file = argv[optind];
	return -1;
}

/* -1, or the exit status of a value that is none. */
static int number_take(int option, struct eval_options *out)
{
	unsigned long threads;
	if (option == 'b' && !number_parse(optarg, 0, 1000000, &out->bootstrap))
		return usage_error("--bootstrap takes a number up to 1000000, not", optarg);
	if (option == 's' && !number_parse(optarg, 0, ULONG_MAX, &out->seed))
		return usage_error("--seed takes a number, not", optarg);
	if (option == 'n') {
		if (!number_parse(optarg, 0, INT_MAX, &threads))
			return usage_error("--threads takes a number, not", optarg);
		out->model.threads = (int)threads;
	}
	return -1;
}

int eval_options_parse(int argc, char **argv, struct eval_options *out)
{
	static const struct option known[] = {
		{"model", required_argument, NULL, 'm'},     {"task", required_argument, NULL, 't'},
		{"against", required_argument, NULL, 'a'},   {"by", required_argument, NULL, 'y'},
		{"noise", no_argument, NULL, 'o'},	     {"json", no_argument, NULL, 'j'},
		{"bootstrap", required_argument, NULL, 'b'}, {"seed", required_argument, NULL, 's'},
		{"device", required_argument, NULL, 'd'},    {"precision", required_argument, NULL, 'p'},
		{"threads", required_argument, NULL, 'n'},   {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	*out = (struct eval_options){.model = {.device = "auto", .precision = "auto"}, .bootstrap = 1000};
	opterr = 0;
	for (int c, status; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		switch (c) {
		case 'm': out->model.path = optarg; break;
		case 't': out->task_name = optarg; break;
		case 'a': out->against = optarg; break;
		case 'y': out->by = optarg; break;
		case 'o': out->noise = true; break;
		case 'j': out->json = true; break;
		case 'd': out->model.device = optarg; break;
		case 'p': out->model.precision = optarg; break;
		case 'b':
		case 's':
		case 'n':
			if ((status = number_take(c, out)) >= 0)
				return status;
			break;
		case 'h': fputs(help, stdout); return EXIT_OK;
		case ':': return usage_error("a value is missing after", argv[optind - 1]);
		default: return usage_error("unknown option", argv[optind - 1]);
		}
	}
	return options_finish(argc, argv, out);
}
