/* The table of subcommands and nothing else. */
#include "daemon/base/fault.h"
#include "daemon/cmd.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"run", cmd_run, "the daemon: read the sources, keep trends, call webhooks"},
	{"check", cmd_check, "say what is wrong with a configuration, its feeds, broker, model and webhooks"},
	{"score", cmd_score, "polarity and topic of each line of standard input"},
	{"convert", cmd_convert, "a model in the form of a faster precision"},
	{"train", cmd_train, "fine-tune a model on labelled texts"},
	{"eval", cmd_eval, "how well a model's answers agree with labels"},
	{"explain", cmd_explain, "which words a text's polarity or topic rests on"},
	{"tokenize", cmd_tokenize, "WordPiece ids of each line of standard input"},
	{"feed", cmd_feed, "entries of an RSS, Atom, RDF or JSON Feed document"},
	{"replay", cmd_replay, "what the rules would have said of a recorded stream"},
	{"detect", cmd_detect, "how unusual each value of a CSV series is"},
	{"top", cmd_top, "live view of topics, counts and alerts"},
	{"redeliver", cmd_redeliver, "send an alert's messages again"},
	{"silence", cmd_silence, "no notifications of a topic for a while"},
	{"label", cmd_label, "correct a document's polarity"},
	{"model", cmd_model, "put a tested model in service, take it back, list them"},
	{"drift", cmd_drift, "how far live text is from what the model was trained on"},
};

static int usage(FILE *out)
{
	fprintf(out, "usage: bellwether COMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\nbellwether COMMAND --help says more.  Manual: man bellwether\n");
	return out == stdout ? EXIT_OK : EXIT_USAGE;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* whoever started this may ignore it, and commands' exit statuses would be lost */
	fault_init();
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return usage(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		printf("bellwether %s\n", BELLWETHER_VERSION);
		return EXIT_OK;
	}
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "bellwether: there is no command \"%s\"\n\n", argv[1]);
	return usage(stderr);
}
