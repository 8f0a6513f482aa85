/* A model's way into service and out of it. */
#include "daemon/cmd.h"
#include "daemon/config.h"
#include "daemon/model_path.h"
#include "daemon/model_place.h"
#include "daemon/model_print.h"
#include "daemon/model_promote.h"
#include "daemon/number.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"usage: bellwether model promote DIR [--db FILE] [--allow N] [--keep N] [OPTIONS]\n"
	"       bellwether model rollback [--to PLACE]\n"
	"       bellwether model list [--to PLACE] [--json]\n"
	"\n"
	"promote puts a model in service, in one step: a copy of DIR that opens, is the\n"
	"one that its run.json speaks of, and answers the desk's corrected cases right.\n"
	"rollback puts the one before back in place.  list shows what is kept, with the\n"
	"figures of its run on validation rows (macro F1) and its corrected cases.\n"
	"\n"
	"  --to PLACE        default: $BELLWETHER_MODEL, else " MODEL_PLACE ",\n"
	"                    which goes before the installed model; those that were\n"
	"                    in place stay in PLACE.versions (--keep)\n"
	"  --db FILE         the database with the corrections; default:\n"
	"                    " CONFIG_DATABASE ", where it is there\n"
	"  --allow N         corrected cases that may be answered wrongly (0)\n"
	"  --keep N          models that stay in PLACE.versions (5): the newest, and always\n"
	"                    this one and the one before it; older ones are removed\n"
	"  --json            an object a line\n"
	"  --device D --precision P --threads N    as for `bellwether score`\n"
	"\n"
	"A daemon whose model is PLACE takes the new one when it is restarted (a reload\n"
	"does not): systemctl restart bellwether.  It goes on where it was, and compares\n"
	"both models on recent documents first, so that no rule takes the change for\n"
	"news (see the view model_changes).\n"
	"\n"
	"Exit status: 0 ok, 1 the model failed its test or could not be put in place,\n"
	"2 wrong usage.\n";

enum { KEEP = 5 };

struct options {
	const char *verb;
	struct model_promote_options promote;
	bool json;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "bellwether model: %s \"%s\"\nbellwether model --help says more\n", what, value);
	return EXIT_USAGE;
}

static int operands_take(int argc, char **argv, struct options *out)
{
	if (optind == argc)
		return usage_error("promote, rollback or list is missing, not", "");
	out->verb = argv[optind++];
	bool promotes = strcmp(out->verb, "promote") == 0;
	if (!promotes && strcmp(out->verb, "rollback") != 0 && strcmp(out->verb, "list") != 0)
		return usage_error("expected promote, rollback or list, not", out->verb);
	if (promotes && optind == argc)
		return usage_error("the directory of the new model is missing after", out->verb);
	if (promotes)
		out->promote.directory = argv[optind++];
	return optind < argc ? usage_error("unexpected", argv[optind]) : -1;
}

/* Returns an exit status, or -1 to go on. */
static int options_parse(int argc, char **argv, struct options *out)
{
	static const struct option known[] = {
		{"to", required_argument, NULL, 't'},	     {"db", required_argument, NULL, 'b'},
		{"allow", required_argument, NULL, 'a'},     {"json", no_argument, NULL, 'j'},
		{"keep", required_argument, NULL, 'k'},
		{"device", required_argument, NULL, 'd'},    {"precision", required_argument, NULL, 'p'},
		{"threads", required_argument, NULL, 'n'},   {"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	unsigned long threads;
	*out = (struct options){.promote.keep = KEEP, .promote.model = {.device = "auto", .precision = "auto"}};
	opterr = 0;
	for (int c; (c = getopt_long(argc, argv, ":h", known, NULL)) != -1;) {
		switch (c) {
		case 't': out->promote.place = optarg; break;
		case 'b': out->promote.database = optarg; break;
		case 'j': out->json = true; break;
		case 'd': out->promote.model.device = optarg; break;
		case 'p': out->promote.model.precision = optarg; break;
		case 'a':
			if (!number_parse(optarg, 0, ULONG_MAX, &out->promote.allow))
				return usage_error("--allow takes a number, not", optarg);
			break;
		case 'k':
			if (!number_parse(optarg, 2, ULONG_MAX, &out->promote.keep))
				return usage_error("--keep takes a number from 2 on, not", optarg);
			break;
		case 'n':
			if (!number_parse(optarg, 0, INT_MAX, &threads))
				return usage_error("--threads takes a number, not", optarg);
			out->promote.model.threads = (int)threads;
			break;
		case 'h': fputs(help, stdout); return EXIT_OK;
		case ':': return usage_error("a value is missing after", argv[optind - 1]);
		default: return usage_error("unknown option", argv[optind - 1]);
		}
	}
	return operands_take(argc, argv, out);
}

/* ---- rollback ---- */

/* What is gone back to must be there and open; `version` is its own, "" where the installed model takes its place. */
static int previous_check(const struct model_place *place, const char *previous, char version[64], struct err *e)
{
	char path[8000];
	version[0] = '\0';
	if (*previous == '\0' && strcmp(place->path, MODEL_PLACE) == 0)
		return 0;
	if (*previous == '\0')
		return err_set(e, "%s: this is the first model that was promoted there: there is none before it", place->path);
	const char *slash = strrchr(place->path, '/');
	int directory = *previous != '/' && slash != NULL ? (int)(slash - place->path) + 1 : 0;
	snprintf(path, sizeof path, "%.*s%s", directory, place->path, previous);
	if (access(path, F_OK) < 0)
		return err_sys(e, errno, "%s, the model before, is not kept any more (promote --keep N)", path);
	struct classifier *classifier = classifier_open(
		&(struct classifier_options){.path = path, .device = "cpu", .precision = "auto", .threads = 1}, e);
	if (classifier == NULL)
		return err_prefix(e, "the model before does not open");
	snprintf(version, 64, "%s", classifier_get_info(classifier)->version);
	classifier_close(classifier);
	return 0;
}

static int rollback_run(const struct options *options, struct err *e)
{
	struct model_place place;
	char previous[3800], version[64];
	int result = -1;
	if (model_place_open(&place, options->promote.place, true, e) == 0 &&
	    model_place_previous(&place, previous, sizeof previous, e) == 0 && previous_check(&place, previous, version, e) == 0)
		result = model_place_return(&place, previous, e);
	model_place_close(&place);
	if (result == 0 && *version != '\0')
		printf("the model %s is in place again at %s; a daemon takes it when it is restarted\n", version, place.path);
	else if (result == 0)
		printf("nothing is in place at %s any more: the installed model is used again\n", place.path);
	return result;
}

/* ---- list ---- */

static int list_run(const struct options *options, struct err *e)
{
	struct model_place place;
	struct model_kept *kept = NULL;
	size_t count = 0;
	if (model_place_open(&place, options->promote.place, false, e) < 0 || model_place_list(&place, &kept, &count, e) < 0)
		return -1;
	int result = model_print(kept, count, options->json, e);
	if (result == 0 && count == 0 && !options->json)
		printf("nothing was promoted to %s\n", place.path);
	free(kept);
	return result;
}

int cmd_model(int argc, char **argv)
{
	struct err e = {0};
	struct options options;
	int status = options_parse(argc, argv, &options);
	if (status >= 0)
		return status;
	int result = strcmp(options.verb, "promote") == 0	 ? model_promote(&options.promote, &e)
		     : strcmp(options.verb, "rollback") == 0 ? rollback_run(&options, &e)
							     : list_run(&options, &e);
	if (result < 0)
		fprintf(stderr, "bellwether model %s: %s\n", options.verb, e.text);
	return result < 0 ? EXIT_FAILED : EXIT_OK;
}
