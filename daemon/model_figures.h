#ifndef DAEMON_MODEL_FIGURES_H
#define DAEMON_MODEL_FIGURES_H

#include <stdbool.h>

/* What the run that made a model says of it in run.json: its figures on the validation rows. */
struct model_figure {
	bool known;
	double accuracy, macro_f1;
};

struct model_figures {
	bool there;       /* a run.json that can be read */
	char version[64]; /* of the model that they are of */
	struct model_figure polarity, topic;
};

void model_figures_read(struct model_figures *figures, const char *directory);

#endif
