#include "daemon/interrupt.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

/*
 * A handler may not read directories, and a flag is not seen by somebody who
 * waits for a line of input.  So a thread waits for the signals, with
 * everything allowed to it.  The command's own thread goes on meanwhile and may
 * make one more file; hence the second look.
 */
static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct publish *guarded;
static sigset_t waited_for;

/* What whoever started us has set to be ignored (nohup) stays so: a blocked signal would be kept for the thread. */
void interrupt_block(void)
{
	sigemptyset(&waited_for);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		struct sigaction action;
		if (sigaction(signals[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&waited_for, signals[i]);
	}
	pthread_sigmask(SIG_BLOCK, &waited_for, NULL);
}

/* A copy is abandoned: the command's own thread still makes its paths from the original. */
static void remove_guarded(void)
{
	for (int tries = 0; guarded != NULL && guarded->path[0] != '\0' && tries < 100; tries++) {
		struct publish copy = *guarded;
		publish_abandon(&copy);
		if (access(guarded->path, F_OK) < 0)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

static void *wait_for_signal(void *unused)
{
	int number;
	while (sigwait(&waited_for, &number) != 0)
		continue;
	interrupt_hold(); /* and never released: nothing is brought to its place any more */
	remove_guarded();
	signal(number, SIG_DFL);
	pthread_sigmask(SIG_UNBLOCK, &waited_for, NULL);
	raise(number);
	return unused;
}

void interrupt_guard(struct publish *publish)
{
	pthread_t thread;
	interrupt_hold();
	guarded = publish;
	interrupt_release();
	if (pthread_create(&thread, NULL, wait_for_signal, NULL) == 0)
		pthread_detach(thread);
	else
		pthread_sigmask(SIG_UNBLOCK, &waited_for, NULL);
}

void interrupt_hold(void)
{
	pthread_mutex_lock(&lock);
}

void interrupt_release(void)
{
	pthread_mutex_unlock(&lock);
}

void interrupt_forget(void)
{
	guarded = NULL;
}
