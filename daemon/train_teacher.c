#include "daemon/train_teacher.h"

#include "daemon/base/check.h"
#include "daemon/train_options.h"
#include "model/tokenizer.h"
#include "model/train/params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The texts' ids are the student's, so a word must be the same id to both. */
static int vocabularies_compare(const struct tokenizer *teacher, const struct tokenizer *base, struct err *e)
{
	static const char probe[] = "The CAPITAL \xC3\x89t\xC3\xA9";
	const struct vocab *a = tokenizer_vocab(teacher), *b = tokenizer_vocab(base);
	int32_t ids[2][64];
	if (vocab_size(a) != vocab_size(b))
		return err_set(e, "its vocabulary has %zu words and the base's %zu: teacher and student must read the same vocab.txt",
			       vocab_size(a), vocab_size(b));
	for (size_t i = 0; i < vocab_size(a); i++) {
		struct vocab_word x = vocab_word(a, i), y = vocab_word(b, i);
		if (x.length != y.length || memcmp(x.text, y.text, x.length) != 0)
			return err_set(e, "word %zu of its vocabulary is \"%.*s\" and the base's is \"%.*s\": teacher and student must read "
				       "the same vocab.txt", i, (int)(x.length < 60 ? x.length : 60), x.text,
				       (int)(y.length < 60 ? y.length : 60), y.text);
	}
	size_t count = tokenizer_encode(teacher, probe, sizeof probe - 1, ids[0], 64);
	if (tokenizer_encode(base, probe, sizeof probe - 1, ids[1], 64) != count ||
	    memcmp(ids[0], ids[1], count * sizeof ids[0][0]) != 0)
		return err_set(e, "it reads capital letters otherwise than the base: do_lower_case differs in tokenizer_config.json");
	return 0;
}

static int words_check(const struct train_teacher *teacher, const char *base, struct err *e)
{
	struct tokenizer *own = tokenizer_open_model(teacher->directory, e), *other = own != NULL ? tokenizer_open_model(base, e) : NULL;
	int result = other != NULL ? vocabularies_compare(own, other, e) : -1;
	if (result == 0 && tokenizer_vocab_size(own) > teacher->config.vocab_size)
		result = err_set(e, "vocab.txt has %zu entries and config.json's vocab_size is %zu", tokenizer_vocab_size(own),
				 teacher->config.vocab_size);
	tokenizer_free(own);
	tokenizer_free(other);
	return result;
}

static int teacher_open(struct train_teacher *teacher, const char *base, uint64_t *hash, struct err *e)
{
	char path[4200];
	struct model_config *config = &teacher->config;
	if (model_config_read_base(config, teacher->directory, e) < 0 || words_check(teacher, base, e) < 0)
		return err_prefix(e, "teacher %s", teacher->directory);
	snprintf(path, sizeof path, "%s/model.safetensors", teacher->directory);
	teacher->weights = weights_open(path, e);
	if (teacher->weights == NULL || weights_hash(teacher->weights, *hash, hash, e) < 0)
		return err_prefix(e, "teacher");
	const struct layout shape = {.hidden = config->hidden};
	teacher->polarity = config->polarity_row[0] >= 0 && params_has_head(&shape, teacher->weights, "classifier", 3);
	teacher->topic = params_has_head(&shape, teacher->weights, "topic_classifier", config->topic_count);
	if (!teacher->polarity && !teacher->topic)
		return err_set(e, "teacher %s has neither a polarity nor a topic head: it has nothing to teach", teacher->directory);
	return 0;
}

static bool is_directory(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

int train_teachers_open(struct train_teachers *teachers, const char *directories, const char *base, struct err *e)
{
	bool list = !is_directory(directories);
	int result = 0;
	for (const char *rest = directories; rest != NULL && result == 0;) {
		size_t length;
		const char *name = train_options_part(&rest, list, &length);
		if (length == 0)
			return err_set(e, "--teacher: a directory is missing between the commas of \"%s\"", directories);
		teachers->list = xrealloc(teachers->list, (teachers->count + 1) * sizeof *teachers->list);
		struct train_teacher *teacher = &teachers->list[teachers->count++];
		*teacher = (struct train_teacher){.directory = xmalloc(length + 1)};
		memcpy(teacher->directory, name, length);
		teacher->directory[length] = '\0';
		result = teacher_open(teacher, base, &teachers->hash, e);
		teachers->polarity = teachers->polarity || teacher->polarity;
	}
	return result;
}

void train_teachers_close(struct train_teachers *teachers)
{
	for (size_t i = 0; i < teachers->count; i++) {
		free(teachers->list[i].directory);
		model_config_clear(&teachers->list[i].config);
		weights_close(teachers->list[i].weights);
	}
	free(teachers->list);
	*teachers = (struct train_teachers){0};
}

const struct train_teacher *train_teachers_topic(const struct train_teachers *teachers)
{
	for (size_t i = 0; i < teachers->count; i++)
		if (teachers->list[i].topic)
			return &teachers->list[i];
	return NULL;
}

struct trainer *train_teacher_trainer(const struct train_teacher *teacher, const struct trainer_options *how, struct err *e)
{
	const struct params_fresh fresh = {.polarity = !teacher->polarity};
	struct trainer_options options = trainer_defaults();
	struct trainer *trainer = NULL;
	struct layout layout;
	bool drew;
	options.precision = how->precision;
	options.threads = how->threads;
	options.batch_tokens = how->batch_tokens;
	options.longest = how->longest;
	options.frozen = true;
	if (how->longest > teacher->config.positions) {
		err_set(e, "teacher %s reads %zu tokens of a text and the base %zu: --max-tokens %zu", teacher->directory,
			teacher->config.positions, how->longest, teacher->config.positions);
		return NULL;
	}
	if (layout_make(&layout, &teacher->config, teacher->topic ? teacher->config.topic_count : 0, 0, e) < 0 ||
	    (trainer = trainer_open(&layout, &options, e)) == NULL ||
	    params_read(trainer_layout(trainer), teacher->weights, &fresh, trainer_state(trainer).values, &drew, e) < 0)
		goto fail;
	if (!drew)
		return trainer;
	err_set(e, "it has no pooler");
fail:
	err_prefix(e, "teacher %s", teacher->directory);
	trainer_close(trainer);
	return NULL;
}
