/*
 * The list is the driving thread's but for the marks of who has taken a
 * message, which the webhook thread sets; so the lock guards it as a whole.
 */
#include "daemon/self_post.h"

#include "daemon/base/check.h"
#include "daemon/base/metric.h"

#include <pthread.h>
#include <stdlib.h>

/* One telling. */
struct letter {
	struct watch_alert alert;
	char *subject, *payload;
	char **receivers;
	bool *taken;     /* beside them, as are: */
	int64_t *direct; /* id of the delivery that went past the database; 0 = none */
	size_t receiver_count;
};

struct self_post {
	pthread_mutex_t lock;
	/* guarded by lock: */
	struct letter *letters;
	size_t count;
	int64_t last_direct;
};

struct self_post *self_post_create(void)
{
	struct self_post *post = xcalloc(1, sizeof *post);
	CHECK(pthread_mutex_init(&post->lock, NULL) == 0);
	return post;
}

static void letter_reset(struct letter *letter)
{
	for (size_t i = 0; i < letter->receiver_count; i++)
		free(letter->receivers[i]);
	free(letter->receivers);
	free(letter->taken);
	free(letter->direct);
	free(letter->subject);
	free(letter->payload);
}

void self_post_free(struct self_post *post)
{
	if (post == NULL)
		return;
	for (size_t i = 0; i < post->count; i++)
		letter_reset(&post->letters[i]);
	free(post->letters);
	pthread_mutex_destroy(&post->lock);
	free(post);
}

/* Everybody, or those who are named. */
static void name_receivers(struct letter *letter, const struct config *config)
{
	const struct self_limits *limits = &config->self;
	bool all = limits->receiver_count == 0;
	const char *const *names = all ? config->receiver_names : limits->receivers;
	letter->receiver_count = all ? config->receiver_count : limits->receiver_count;
	letter->receivers = xcalloc(letter->receiver_count + 1, sizeof *letter->receivers);
	letter->taken = xcalloc(letter->receiver_count + 1, sizeof *letter->taken);
	letter->direct = xcalloc(letter->receiver_count + 1, sizeof *letter->direct);
	for (size_t i = 0; i < letter->receiver_count; i++)
		letter->receivers[i] = xstrdup(names[i]);
}

void self_post_add(struct self_post *post, const struct self_change *change, const struct config *config)
{
	struct letter letter = {
		.alert = change->alert,
		.subject = xstrdup(change->subject),
		.payload = self_write_payload(change),
	};
	name_receivers(&letter, config);
	pthread_mutex_lock(&post->lock);
	post->letters = xrealloc(post->letters, (post->count + 1) * sizeof *post->letters);
	post->letters[post->count++] = letter;
	pthread_mutex_unlock(&post->lock);
}

void self_post_hand_over(struct self_post *post, struct writer *writer)
{
	pthread_mutex_lock(&post->lock);
	for (size_t i = 0; i < post->count; i++) {
		struct letter *letter = &post->letters[i];
		writer_put_notice(writer, &(struct store_notice){
						  .subject = letter->subject,
						  .alert = &letter->alert,
						  .payload = letter->payload,
						  .receivers = (const char *const *)letter->receivers,
						  .taken = letter->taken,
						  .receiver_count = letter->receiver_count,
					  });
		letter_reset(letter);
	}
	post->count = 0;
	pthread_mutex_unlock(&post->lock);
}

/* The webhook thread tries again by itself. */
static void send_letter(struct self_post *post, struct letter *letter, struct webhook *webhook)
{
	for (size_t i = 0; i < letter->receiver_count; i++) {
		if (letter->direct[i] != 0)
			continue;
		struct delivery *delivery = xcalloc(1, sizeof *delivery);
		*delivery = (struct delivery){
			.id = letter->direct[i] = --post->last_direct,
			.receiver = xstrdup(letter->receivers[i]),
			.alert = xstrdup(letter->alert.id),
			.event = letter->alert.event,
			.resolved = letter->alert.state == ALERT_RESOLVED,
			.payload = xstrdup(letter->payload),
		};
		webhook_add(webhook, delivery, 1);
		metric_add(METRIC_SELF_DIRECT, 1);
	}
}

void self_post_send(struct self_post *post, struct webhook *webhook)
{
	pthread_mutex_lock(&post->lock);
	for (size_t i = 0; i < post->count; i++)
		send_letter(post, &post->letters[i], webhook);
	pthread_mutex_unlock(&post->lock);
}

void self_post_result(struct self_post *post, const struct webhook_result *result)
{
	pthread_mutex_lock(&post->lock);
	for (size_t i = 0; i < post->count; i++)
		for (size_t r = 0; r < post->letters[i].receiver_count; r++)
			if (post->letters[i].direct[r] == result->delivery && result->state == DELIVERY_SENT)
				post->letters[i].taken[r] = true;
	pthread_mutex_unlock(&post->lock);
}
