#include "daemon/train_prune.h"

#include "daemon/base/check.h"
#include "model/train/fit.h"
#include "model/train/params.h"
#include "model/train/prune.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Texts that heads are ranked by, and lines of their table. */
enum { RANK_TEXTS = 1024, LINES = 8 };

static int list_parse(struct train_data *data, const char *list, struct err *e)
{
	size_t layers = data->base.layers, count = 0;
	for (const char *at = list;; at++) {
		char *end;
		errno = 0;
		unsigned long index = strtoul(at, &end, 10);
		if (end == at || *at < '0' || *at > '9' || errno != 0 || (*end != ',' && *end != '\0'))
			return err_set(e, "--keep-layers takes a number or a list of layers such as 0,2,4; not \"%s\"", list);
		if (index >= layers)
			return err_set(e, "--keep-layers %s: the base has the layers 0 to %zu", list, layers - 1);
		if (count > 0 && index <= data->layers[count - 1])
			return err_set(e, "--keep-layers %s: each layer once, in their order", list);
		data->layers[count++] = index;
		if (*end == '\0')
			break;
		at = end;
	}
	data->base.layers = count;
	return 0;
}

int train_layers_choose(struct train_data *data, const char *list, struct err *e)
{
	data->base_layers = data->base.layers;
	data->layers = xcalloc(data->base.layers, sizeof *data->layers);
	prune_space(data->base.layers, data->base.layers, data->layers);
	if (list == NULL)
		return 0;
	if (strchr(list, ',') != NULL)
		return list_parse(data, list, e);
	char *end;
	unsigned long count = strtoul(list, &end, 10);
	if (*list < '0' || *list > '9' || *end != '\0' || count < 1 || count > data->base.layers)
		return err_set(e, "--keep-layers takes 1 to %zu, or a list of layers such as 0,2,4; not \"%s\"", data->base.layers,
			       list);
	prune_space(data->base.layers, count, data->layers);
	data->base.layers = count;
	return 0;
}

struct look {
	const struct train_data *data;
	void (*say)(const char *line);
};

static void line_say(const struct look *look, const char *what, size_t number, size_t of, const struct fit_figures *figures)
{
	char line[300];
	int used = snprintf(line, sizeof line, "%6zu of %zu %s", number, of, what);
	if (figures->polarity.rows > 0)
		used += snprintf(line + used, sizeof line - (size_t)used, "  polarity accuracy %.4f", figures->polarity.accuracy);
	if (figures->topic.rows > 0)
		snprintf(line + used, sizeof line - (size_t)used, "  topic accuracy %.4f", figures->topic.accuracy);
	look->say(line);
}

static int validate(const struct look *look, struct trainer *trainer, struct fit_figures *figures, struct err *e)
{
	const struct train_data *data = look->data;
	return fit_evaluate(trainer, false, data->dataset.texts, data->split.validation, data->split.validation_count, figures, e);
}

static int layers_line(const struct look *look, const struct trainer_options *how, size_t count, struct err *e)
{
	const struct train_data *data = look->data;
	struct model_config config = data->base;
	struct trainer_options options = *how;
	struct fit_figures figures;
	struct layout layout;
	bool drew;
	size_t *layers = xcalloc(count, sizeof *layers);
	const struct params_fresh fresh = {.polarity = data->fresh_polarity, .topic = data->fresh_topic, .layers = layers};
	prune_space(data->base_layers, count, layers);
	config.layers = count;
	options.frozen = true;
	options.weights = NULL;
	struct trainer *trainer = NULL;
	int result = layout_make(&layout, &config, data->topics.count, 0, e);
	if (result == 0 && (trainer = trainer_open(&layout, &options, e)) == NULL)
		result = -1;
	if (result == 0)
		result = params_read(trainer_layout(trainer), data->weights, &fresh, trainer_state(trainer).values, &drew, e);
	if (result == 0 && (result = validate(look, trainer, &figures, e)) == 0)
		line_say(look, "layers kept", count, data->base_layers, &figures);
	trainer_close(trainer);
	free(layers);
	return result;
}

/* Some of the texts to learn from with a label, spread over all of them. */
static struct trainer_text *texts_choose(const struct train_data *data, size_t *count)
{
	const struct dataset_split *split = &data->split;
	struct trainer_text *chosen = xcalloc(RANK_TEXTS, sizeof *chosen);
	size_t step = (split->training_count + RANK_TEXTS - 1) / RANK_TEXTS;
	*count = 0;
	for (size_t i = 0; i < split->training_count; i += step) {
		const struct trainer_text *text = &data->dataset.texts[split->training[i]];
		if (text->polarity >= 0 || text->topic >= 0)
			chosen[(*count)++] = *text;
	}
	return chosen;
}

/* Walks up the order; `values` lose head after head, and `wanted` of them for good. */
static int heads_walk(const struct look *look, struct trainer *trainer, const struct prune_head *order, size_t wanted,
		      bool table, struct err *e)
{
	const struct layout *layout = trainer_layout(trainer);
	struct trainer_state state = trainer_state(trainer);
	size_t heads = layout->layers * layout->heads, step = (heads + LINES - 1) / LINES;
	float *kept = xcalloc(state.count, sizeof *kept);
	struct fit_figures figures;
	int result = 0;
	for (size_t gone = 0; gone <= heads && result == 0; gone++) {
		if (gone > 0)
			prune_remove(layout, state.values, order[gone - 1].layer, order[gone - 1].head);
		trainer_set(trainer, 0);
		if (gone == wanted)
			memcpy(kept, state.values, state.count * sizeof *kept);
		if (!table && gone == wanted)
			break;
		if (table && (gone % step == 0 || gone == wanted) && (result = validate(look, trainer, &figures, e)) == 0)
			line_say(look, "heads removed", gone, heads, &figures);
	}
	memcpy(state.values, kept, state.count * sizeof *kept);
	trainer_set(trainer, 0);
	free(kept);
	return result;
}

static int heads_prune(const struct look *look, struct trainer *trainer, size_t wanted, bool table, struct err *e)
{
	const struct layout *layout = trainer_layout(trainer);
	size_t heads = layout->layers * layout->heads, count;
	if (wanted >= heads)
		return err_set(e, "--prune-heads %zu: there are %zu heads in all, and one is to stay", wanted, heads);
	struct prune_head *order = xcalloc(heads, sizeof *order);
	struct trainer_text *texts = texts_choose(look->data, &count);
	int result = prune_rank(trainer, texts, count, order, e);
	if (result == 0)
		result = heads_walk(look, trainer, order, wanted, table, e);
	free(texts);
	free(order);
	return result;
}

int train_prune(struct train_data *data, const struct train_options *options, struct trainer *trainer,
		const struct trainer_options *how, void (*say)(const char *line), struct err *e)
{
	const struct look look = {.data = data, .say = say};
	bool fresh = (data->fresh_polarity && options->polarity != NULL) || (data->fresh_topic && options->topic != NULL);
	bool table = options->prune_table && !fresh && data->split.validation_count > 0;
	if (options->prune_table && !table)
		data->warn(fresh ? "no --prune-table: a head starts anew, and is chance before it has learnt"
				 : "no --prune-table: there are no rows to validate on");
	if (fresh && options->prune_heads > 0)
		data->warn("--prune-heads ranks by a loss of heads that start anew: better train first and prune then");
	if (table)
		say("accuracy on the validation rows before any training:");
	for (size_t layers = data->base_layers; table && layers > 0; layers--)
		if (layers_line(&look, how, layers, e) < 0)
			return -1;
	if (!table && options->prune_heads == 0)
		return 0;
	return heads_prune(&look, trainer, (size_t)options->prune_heads, table, e);
}
