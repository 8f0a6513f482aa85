#include "daemon/train_search.h"

#include "daemon/base/check.h"
#include "daemon/base/hash.h"
#include "daemon/search_halving.h"
#include "daemon/train_search_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Every trial is a plain run of its own with its rate falling to zero at its
 * end: a longer run is no shorter one that went on, so a rung begins anew, and
 * its figures are those of runs that were finished.
 */
struct state {
	const struct train_search *search;
	const struct train_options *options;
	struct search_space space;
	struct search_files files;
	struct halving_rung rungs[HALVING_RUNGS];
	size_t rung_count, trials;
	char ***values;  /* [trials][keys] */
	uint32_t *alive; /* [trials] */
	double *scores;  /* [trials], of the rung */
	double *known;   /* [rungs, trials] from trials.csv; NaN: failed; -1: not done */
	double best;     /* of the rung */
	bool wrong;      /* no trial can be done at all */
};

static void line_know(void *context, const struct search_line *line)
{
	struct state *state = context;
	if (line->rung >= 1 && line->rung <= state->rung_count && line->trial >= 1 && line->trial <= state->trials)
		state->known[(line->rung - 1) * state->trials + line->trial - 1] = line->score;
}

/* The options of a trial; a checkpoint of it goes on. */
static int trial_options(const struct state *state, size_t rung, uint32_t trial, struct train_options *out, struct err *e)
{
	char place[4096];
	train_options_copy(out, state->options);
	snprintf(place, sizeof place, "%s/rung-%zu-trial-%u", state->files.directory, rung + 1, trial + 1);
	int result = train_options_set(out, "out", place, e);
	for (size_t i = 0; i < state->space.count && result == 0; i++)
		result = train_options_set(out, state->space.keys[i].name, state->values[trial][i], e);
	return result == 0 ? train_options_check(out, e) : -1;
}

/* Does a trial read other files than the one before it? */
static bool names_other_files(const struct state *state, size_t trial)
{
	if (trial == 0)
		return true;
	for (size_t i = 0; i < state->space.count; i++)
		if (train_options_is_path(state->space.keys[i].name) &&
		    strcmp(state->values[trial][i], state->values[trial - 1][i]) != 0)
			return true;
	return false;
}

/* What all trials read, as one number. */
static int data_look(const struct state *state, uint64_t *hash, struct err *e)
{
	*hash = 0;
	for (size_t i = 0; i < state->trials; i++) {
		struct train_options options;
		uint64_t one = 0;
		int result = trial_options(state, 0, (uint32_t)i, &options, e);
		if (result == 0 && names_other_files(state, i)) {
			result = state->search->look(state->search->context, &options, &one, e);
			*hash = hash_bytes(*hash, &one, sizeof one);
		}
		train_options_clear(&options);
		if (result < 0)
			return -1;
	}
	return 0;
}

/* The last line is that of the data. */
static char *describe(const struct state *state, uint64_t data)
{
	char *text = NULL, *fixed = train_options_describe(state->options);
	size_t size;
	FILE *out = open_memstream(&text, &size);
	CHECK(out != NULL);
	fprintf(out, "%strials=%zu\n", fixed, state->trials);
	for (size_t i = 0; i < state->space.count; i++) {
		const struct search_key *key = &state->space.keys[i];
		fprintf(out, "search %s", key->name);
		for (size_t k = 0; k < key->choice_count; k++)
			fprintf(out, " \"%s\"", key->choices[k]);
		if (key->choice_count == 0)
			fprintf(out, " %.17g to %.17g%s", key->least, key->most, key->log ? ", log" : "");
		fputc('\n', out);
	}
	fprintf(out, "rows, base and teacher %016" PRIx64 "\n", data);
	fclose(out);
	free(fixed);
	return text;
}

static void trial_tell(const struct state *state, size_t rung, uint32_t trial, const char *how)
{
	char text[1000];
	size_t used = (size_t)snprintf(text, sizeof text, "rung %zu/%zu  trial %u/%zu ", rung + 1, state->rung_count, trial + 1,
				       state->trials);
	for (size_t i = 0; i < state->space.count && used < sizeof text / 2; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, " %s=%.60s", state->space.keys[i].name,
					 state->values[trial][i]);
	snprintf(text + used, sizeof text - used, "  %s", how);
	state->search->say(state->search->context, text);
}

/* 1: stopped. */
static int trial_run(struct state *state, size_t rung, uint32_t trial, struct err *e)
{
	struct train_options options;
	struct trial_result result = {0};
	struct err why = {0};
	double part = state->rungs[rung].part;
	char how[400];
	int status = trial_options(state, rung, trial, &options, e);
	enum trial_end end = TRIAL_IMPOSSIBLE;
	if (status == 0)
		end = state->search->run(state->search->context, &options, part, &result, &why);
	train_options_clear(&options);
	if (status < 0 || end == TRIAL_STOPPED)
		return status < 0 ? -1 : 1;
	state->wrong = end == TRIAL_IMPOSSIBLE;
	if (state->wrong)
		return err_set(e, "%s", why.text);
	state->scores[trial] = end == TRIAL_DONE ? result.figures.score : NAN;
	bool best = end == TRIAL_DONE && result.figures.score > state->best;
	state->best = best ? result.figures.score : state->best;
	if (end == TRIAL_DONE)
		snprintf(how, sizeof how, "score %.4f%s", result.figures.score, best ? "  (best)" : "");
	else
		snprintf(how, sizeof how, "failed: %.300s", why.text);
	trial_tell(state, rung, trial, how);
	return search_files_add(&state->files, rung + 1, trial + 1, part, end == TRIAL_DONE ? &result : NULL, &state->space,
				state->values[trial], e);
}

/* 1: stopped. */
static int rung_run(struct state *state, size_t rung, size_t count, struct err *e)
{
	state->best = -1;
	for (size_t i = 0; i < count; i++) {
		uint32_t trial = state->alive[i];
		double known = state->known[rung * state->trials + trial];
		if (known < 0) {
			int result = trial_run(state, rung, trial, e);
			if (result != 0)
				return result;
		} else {
			state->scores[trial] = known;
			state->best = fmax(state->best, known);
		}
	}
	return 0;
}

/* 1: stopped. */
static int rungs_run(struct state *state, struct err *e)
{
	size_t count = state->trials;
	for (size_t rung = 0; rung < state->rung_count; rung++) {
		halving_keep(state->alive, count, state->scores, state->rungs[rung].candidates);
		count = state->rungs[rung].candidates;
		int result = rung_run(state, rung, count, e);
		if (result != 0)
			return result;
	}
	halving_keep(state->alive, count, state->scores, 1);
	if (isnan(state->scores[state->alive[0]]))
		return err_set(e, "no trial came to its end; a space with lower rates may help");
	return 0;
}

static int best_write(struct state *state, struct err *e)
{
	struct train_options best;
	char path[4096], how[5000];
	uint32_t trial = state->alive[0];
	int result = trial_options(state, state->rung_count - 1, trial, &best, e);
	if (result == 0)
		result = search_files_finish(&state->files, &best, path, e);
	if (result == 0) {
		snprintf(how, sizeof how, "is the best, score %.4f", state->scores[trial]);
		trial_tell(state, state->rung_count - 1, trial, how);
		snprintf(how, sizeof how, "bellwether train --config %s", path);
		state->search->say(state->search->context, how);
	}
	train_options_clear(&best);
	return result;
}

static bool searches_rate(const struct state *state)
{
	for (size_t i = 0; i < state->space.count; i++)
		if (strcmp(state->space.keys[i].name, "lr") == 0)
			return true;
	return false;
}

static int state_open(struct state *state, struct err *e)
{
	if (search_space_read(&state->space, state->options->search, e) < 0)
		return -1;
	if (!searches_rate(state) && state->options->rate_count != 1)
		return err_set(e, "%s: a search needs lr in its space, or one rate in the recipe (lr: 1e-4)",
			       state->options->search);
	state->trials = (size_t)state->options->trials;
	state->rung_count = halving_plan(state->trials, state->rungs);
	state->values = xcalloc(state->trials, sizeof *state->values);
	state->alive = xcalloc(state->trials, sizeof *state->alive);
	state->scores = xcalloc(state->trials, sizeof *state->scores);
	state->known = xcalloc(state->trials * state->rung_count, sizeof *state->known);
	for (size_t i = 0; i < state->trials * state->rung_count; i++)
		state->known[i] = -1;
	for (size_t i = 0; i < state->trials; i++) {
		state->alive[i] = (uint32_t)i;
		state->values[i] = xcalloc(state->space.count, sizeof *state->values[i]);
		search_space_draw(&state->space, (uint64_t)state->options->seed, (uint32_t)i, state->values[i]);
	}
	uint64_t data;
	if (data_look(state, &data, e) < 0)
		return -1;
	char *text = describe(state, data);
	int result = search_files_open(&state->files, state->options->out, text, &state->space, state->options->resume, line_know,
				       state, e);
	free(text);
	return result;
}

static void state_close(struct state *state)
{
	search_files_close(&state->files);
	for (size_t i = 0; i < state->trials && state->values != NULL; i++) {
		for (size_t k = 0; k < state->space.count && state->values[i] != NULL; k++)
			free(state->values[i][k]);
		free(state->values[i]);
	}
	free(state->values);
	free(state->alive);
	free(state->scores);
	free(state->known);
	search_space_clear(&state->space);
}

enum search_end train_search_run(const struct train_search *search, const struct train_options *options, struct err *e)
{
	struct state state = {.search = search, .options = options};
	enum search_end end = SEARCH_WRONG;
	if (state_open(&state, e) == 0) {
		int result = rungs_run(&state, e);
		if (result == 0)
			result = best_write(&state, e);
		end = result == 1 ? SEARCH_STOPPED : result == 0 ? SEARCH_DONE : state.wrong ? SEARCH_WRONG : SEARCH_FAILED;
	}
	state_close(&state);
	return end;
}
