#include "model/train/trainer_private.h"

#include "daemon/base/check.h"

#include <string.h>

/* Answers: values into the products' panels, and the way forward alone, without dropout. */
struct packing {
	struct work work; /* first */
	const struct net *net;
};

static size_t one_piece(const struct work *work, size_t first)
{
	(void)work;
	(void)first;
	return 1;
}

static int pack_piece(struct work *work, size_t worker, size_t first, size_t count, struct err *e)
{
	(void)worker;
	(void)count;
	(void)e;
	net_pack(((struct packing *)work)->net, first);
	return 0;
}

int trainer_pack(struct trainer *trainer, const float *values, struct err *e)
{
	if (trainer->packed == values)
		return 0;
	struct packing packing = {.work = {.count = net_pack_pieces(&trainer->net), .piece = one_piece, .run = pack_piece},
				  .net = &trainer->net};
	net_pack_begin(&trainer->net, values);
	if (workers_run(trainer->workers, &packing.work, e) < 0)
		return -1;
	trainer->packed = values;
	return 0;
}

struct running {
	struct work work; /* first */
	struct trainer *trainer;
};

static int run_piece(struct work *work, size_t worker, size_t first, size_t count, struct err *e)
{
	(void)count;
	(void)e;
	struct trainer *trainer = ((struct running *)work)->trainer;
	const struct shard *shard = &trainer->shards[first];
	pass_forward(&(struct pass){
		.net = &trainer->net, .tape = &trainer->tape, .room = &trainer->rooms[worker],
		.first_token = shard->first_token, .tokens = shard->tokens,
		.first_text = shard->first_text, .texts = shard->texts,
	});
	return 0;
}

int trainer_forward(struct trainer *trainer, struct err *e)
{
	struct running running = {.work = {.count = trainer->shard_count, .piece = one_piece, .run = run_piece},
				  .trainer = trainer};
	return workers_run(trainer->workers, &running.work, e);
}

int trainer_run(struct trainer *trainer, bool average, const struct trainer_text *texts, size_t count, float *logits,
		struct err *e)
{
	const struct trainer_state *state = &trainer->state;
	size_t outputs = trainer->net.layout.outputs;
	CHECK(!trainer->net.layout.masked);
	if (trainer_pack(trainer, average && state->average != NULL ? state->average : state->values, e) < 0)
		return -1;
	trainer->tape.first_token = trainer->tape.first_text = 0;
	for (size_t done = 0, texts_here; done < count; done += texts_here) {
		texts_here = trainer_load(trainer, texts + done, count - done);
		if (trainer_forward(trainer, e) < 0)
			return -1;
		memcpy(logits + done * outputs, trainer->tape.logits, texts_here * outputs * sizeof *logits);
	}
	return 0;
}
