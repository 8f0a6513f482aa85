#include "model/train/trainer_private.h"

#include "daemon/base/check.h"

#include <math.h>
#include <string.h>

/*
 * Shards first: each goes forward, takes its loss and goes back at once, so
 * that what it left in the caches is used.  Then the matrices' gradients, in
 * tiles that all tokens of the micro-batch go into in their order.  At last the
 * small parameters' gradients, shard after shard.
 */
struct differentiation {
	struct work work; /* first */
	struct trainer *trainer;
	const struct trainer_text *texts; /* of the micro-batch */
	double divisor;
	struct relation relation; /* teacher = NULL: none */
	struct states states;     /* the same */
	bool add; /* to the micro-batches before */
};

static struct loss_options loss_options(const struct trainer *trainer)
{
	return (struct loss_options){.smoothing = trainer->options.smoothing, .weights = trainer->class_weights,
				     .soft = trainer->options.soft, .hard = trainer->options.hard,
				     .temperature = trainer->options.temperature, .topics = trainer->net.layout.topics};
}

static struct loss_labels labels_of(const struct trainer_text *text)
{
	return (struct loss_labels){.polarity = text->polarity, .topic = text->topic,
				    .polarity_target = text->polarity_target, .topic_target = text->topic_target};
}

/* The shard's logits become gradients; a source's bias is added before, and has its gradient from them. */
static double shard_loss(const struct differentiation *this, const struct pass *pass)
{
	const struct trainer *trainer = this->trainer;
	const struct layout *layout = &trainer->net.layout;
	struct loss_options options = loss_options(trainer);
	size_t outputs = layout->outputs;
	double loss = 0;
	for (size_t i = pass->first_text; i < pass->first_text + pass->texts; i++) {
		const struct trainer_text *text = &this->texts[i];
		float *logits = pass->tape->logits + i * outputs;
		size_t bias = layout->source_bias + (size_t)(text->source > 0 ? text->source : 0) * outputs;
		bool biased = layout->sources > 0 && text->source >= 0;
		if (biased)
			rows_add(logits, pass->net->values + bias, outputs);
		loss += loss_row(&options, labels_of(text), this->divisor, logits);
		if (biased)
			rows_add(pass->small + (bias - layout->small), logits, outputs);
	}
	return loss;
}

static int shard_run(struct work *work, size_t worker, size_t first, size_t count, struct err *e)
{
	(void)count;
	(void)e;
	struct differentiation *this = (struct differentiation *)work;
	struct trainer *trainer = this->trainer;
	struct shard *shard = &trainer->shards[first];
	size_t small = trainer_small_count(trainer), heads = trainer->net.layout.layers * trainer->net.layout.heads;
	double dropout = trainer->importance != NULL ? 0 : trainer->options.dropout;
	struct pass pass = {
		.net = &trainer->net, .tape = &trainer->tape, .room = &trainer->rooms[worker],
		.dropout = dropout_make(dropout, trainer->options.seed, (uint32_t)trainer->state.steps + 1),
		.first_token = shard->first_token, .tokens = shard->tokens,
		.first_text = shard->first_text, .texts = shard->texts,
		.first_masked = shard->first_masked, .masked = shard->masked,
		.small = trainer->small + first * small,
		.importance = trainer->importance != NULL ? trainer->importance + first * heads : NULL,
	};
	shard->taught_loss = 0;
	pass.taught_loss = &shard->taught_loss;
	pass.relation = this->relation.teacher != NULL ? &this->relation : NULL;
	pass.states = this->states.teacher != NULL ? &this->states : NULL;
	memset(pass.small, 0, small * sizeof *pass.small);
	if (trainer->net.layout.masked) {
		shard->loss = pass_guess(&pass, this->divisor);
		pass_guess_backward(&pass);
		return 0;
	}
	pass_forward(&pass);
	shard->loss = shard_loss(this, &pass);
	pass_backward(&pass);
	return 0;
}

/* Tokens in their order, by one thread: they are few values beside the matrices. */
static void embeddings_add(struct trainer *trainer)
{
	const struct layout *layout = &trainer->net.layout;
	const struct tape *tape = &trainer->tape;
	size_t hidden = layout->hidden;
	float *gradients = trainer->gradients;
	const float *slope = tape->embedded_hat;
	for (size_t text = 0; text < tape->texts; text++) {
		float *position = gradients + layout->position;
		for (int32_t token = tape->starts[text]; token < tape->starts[text + 1]; token++) {
			rows_add(gradients + layout->word + (size_t)tape->ids[token] * hidden, slope, hidden);
			rows_add(position, slope, hidden);
			rows_add(gradients + layout->type, slope, hidden);
			position += hidden;
			slope += hidden;
		}
	}
}

/* The last piece is the embeddings'; it is taken first, but where the words have a matrix' gradient too. */
static int tile_run(struct work *work, size_t worker, size_t first, size_t count, struct err *e)
{
	(void)count;
	(void)e;
	struct differentiation *this = (struct differentiation *)work;
	struct trainer *trainer = this->trainer;
	if (first == 0) {
		if (!trainer->net.layout.masked)
			embeddings_add(trainer);
		return 0;
	}
	const struct tile *tile = &trainer->tiles[first - 1];
	const struct net_matrix *matrix = &trainer->net.matrices[tile->matrix];
	bool idle = matrix == net_projection(&trainer->net) && this->states.teacher == NULL; /* no state was compared */
	for (size_t which = 0; !idle && which < tape_uses(&trainer->tape, tile->matrix); which++) {
		struct net_operands operands = tape_operands(&trainer->tape, tile->matrix, which);
		net_gradient(&trainer->net, matrix, &operands, this->add || which > 0, tile->piece, trainer->gradients,
			     &trainer->rooms[worker].net);
	}
	return 0;
}

static size_t one_piece(const struct work *work, size_t first)
{
	(void)work;
	(void)first;
	return 1;
}

static void words_touch(struct trainer *trainer)
{
	const struct tape *tape = &trainer->tape;
	bool all = trainer->net.layout.masked; /* each is a guess that was to be made or not */
	for (size_t i = 0; i < (all ? trainer->state.words : tape->tokens); i++) {
		size_t word = all ? i : (size_t)tape->ids[i];
		uint8_t *seen = &trainer->state.seen[word];
		if (*seen & 2)
			continue;
		*seen = 3; /* ever, and in this step */
		trainer->touched[trainer->touched_count++] = word;
	}
}

/* As many heads as the student has, or fewer so that the teacher's width can be cut into them. */
static size_t heads_shared(const struct layout *teacher, const struct layout *own)
{
	size_t heads = own->heads;
	while (teacher->hidden % heads != 0 || own->hidden % heads != 0)
		heads--;
	return heads;
}

static int teacher_prepare(struct differentiation *this, size_t count, struct err *e)
{
	const struct trainer_options *options = &this->trainer->options;
	struct trainer *teacher = options->teacher;
	if (teacher == NULL || this->trainer->importance != NULL)
		return 0;
	if (options->relations > 0)
		this->relation = (struct relation){
			.teacher = &teacher->tape,
			.heads = heads_shared(&teacher->net.layout, &this->trainer->net.layout),
			.weight = options->relations / (double)count,
		};
	if (options->states > 0)
		this->states = (struct states){.teacher = &teacher->tape, .weight = options->states / (double)count};
	return trainer_pack(teacher, teacher->state.values, e);
}

/* The teacher reads the texts that the student is about to read. */
static int teacher_run(const struct differentiation *this, struct err *e)
{
	struct trainer *teacher = this->trainer->options.teacher;
	if (this->relation.teacher == NULL && this->states.teacher == NULL)
		return 0;
	CHECK(trainer_load(teacher, this->texts, this->trainer->tape.texts) == this->trainer->tape.texts);
	return trainer_forward(teacher, e);
}

static int micro_batch_run(struct differentiation *this, struct err *e)
{
	struct trainer *trainer = this->trainer;
	const struct layout *layout = &trainer->net.layout;
	size_t small = trainer_small_count(trainer);
	if (teacher_run(this, e) < 0)
		return -1;
	this->work = (struct work){.count = trainer->shard_count, .piece = one_piece, .run = shard_run};
	if (workers_run(trainer->workers, &this->work, e) < 0)
		return -1;
	words_touch(trainer);
	this->work = (struct work){.count = trainer->tile_count + 1, .piece = one_piece, .run = tile_run};
	if (workers_run(trainer->workers, &this->work, e) < 0)
		return -1;
	if (layout->masked)
		embeddings_add(trainer);
	for (size_t i = 0; i < trainer->shard_count; i++)
		rows_add(trainer->gradients + layout->small, trainer->small + i * small, small);
	return 0;
}

static double masked_count(const struct trainer_text *text)
{
	double count = 0;
	for (size_t i = 0; i < text->length; i++)
		count += text->words[i] >= 0;
	return count;
}

int trainer_differentiate(struct trainer *trainer, const struct trainer_text *texts, size_t count,
			  struct trainer_result *result, struct err *e)
{
	const struct layout *layout = &trainer->net.layout;
	struct loss_options options = loss_options(trainer);
	struct differentiation this = {.trainer = trainer};
	CHECK(!trainer->options.frozen);
	*result = (struct trainer_result){0};
	for (size_t i = 0; i < count; i++)
		this.divisor += layout->masked ? masked_count(&texts[i]) : loss_weight(&options, labels_of(&texts[i]));
	if (!(this.divisor > 0))
		return err_set(e, "a batch of %zu texts has no label that counts", count);
	if (trainer_pack(trainer, trainer->state.values, e) < 0 || teacher_prepare(&this, count, e) < 0)
		return -1;
	size_t hidden = layout->hidden;
	memset(trainer->gradients + layout->position, 0, layout->positions * hidden * sizeof(float));
	memset(trainer->gradients + layout->type, 0, layout->types * hidden * sizeof(float));
	memset(trainer->gradients + layout->small, 0, trainer_small_count(trainer) * sizeof(float));
	trainer->tape.first_token = trainer->tape.first_text = 0;
	for (size_t done = 0; done < count;) {
		this.texts = texts + done;
		this.add = done > 0;
		done += trainer_load(trainer, this.texts, count - done);
		if (micro_batch_run(&this, e) < 0)
			return -1;
		for (size_t i = 0; i < trainer->shard_count; i++)
			result->loss += trainer->shards[i].loss / this.divisor + trainer->shards[i].taught_loss;
		result->tokens += trainer->tape.tokens;
		trainer->tape.first_token += (uint32_t)trainer->tape.tokens;
		trainer->tape.first_text += (uint32_t)trainer->tape.texts;
	}
	return 0;
}

void trainer_forget(struct trainer *trainer)
{
	const struct layout *layout = &trainer->net.layout;
	for (; trainer->touched_count > 0; trainer->touched_count--) {
		size_t word = trainer->touched[trainer->touched_count - 1];
		memset(trainer->gradients + layout->word + word * layout->hidden, 0, layout->hidden * sizeof(float));
		trainer->state.seen[word] &= 1;
	}
}
