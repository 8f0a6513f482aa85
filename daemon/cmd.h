#ifndef DAEMON_CMD_H
#define DAEMON_CMD_H

/* The subcommands.  argv[0] is the subcommand's name.  Each returns the exit status. */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

int cmd_check(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_detect(int argc, char **argv);
int cmd_drift(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_feed(int argc, char **argv);
int cmd_label(int argc, char **argv);
int cmd_model(int argc, char **argv);
int cmd_redeliver(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_score(int argc, char **argv);
int cmd_silence(int argc, char **argv);
int cmd_tokenize(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_train(int argc, char **argv);

#endif
