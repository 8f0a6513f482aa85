/*
 * The daemon's main thread: signals, a timer, health.  Signals arrive by
 * signalfd, so that nothing ever runs in a handler.
 */
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/cmd.h"
#include "daemon/config.h"
#include "daemon/http.h"
#include "daemon/service.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define WEBHOOK_WAIT_US (5 * SECOND_US)
#define LOCK_WAIT_US (SECOND_US / 2)
#define RETRY_MS 500

static const char help[] =
	"usage: bellwether run --config FILE [--verbose]\n"
	"\n"
	"Reads the sources, tags every document, keeps trends and calls webhooks until it is\n"
	"told to stop.  SIGTERM or SIGINT: drain, commit, exit 0.  SIGHUP: read FILE again.\n"
	"Logs to standard error.  A second daemon on the same database waits for the first.\n";

struct runner {
	const char *path;
	struct service *service;
	int signals, timer;
	int64_t watchdog_us; /* 0 = none */
};

/* NULL where anything is wrong; every problem is logged. */
static struct config *load(const char *path)
{
	struct config *config = config_load(path, config_log_problem, NULL);
	if (config == NULL || config_load_secrets(config, config_log_problem, NULL) == 0)
		return config;
	config_free(config);
	return NULL;
}

static int open_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread: all inherit it */
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Once a second; twice in the watchdog's time where that is shorter. */
static int open_timer(int64_t watchdog_us)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int64_t every_us = watchdog_us > 0 && watchdog_us < 2 * SECOND_US ? watchdog_us / 2 + 1 : SECOND_US;
	struct timespec span = {.tv_sec = every_us / SECOND_US, .tv_nsec = every_us % SECOND_US * 1000};
	struct itimerspec every = {.it_interval = span, .it_value = span};
	if (timer >= 0)
		timerfd_settime(timer, 0, &every, NULL);
	return timer;
}

static void reload(struct runner *r)
{
	struct err e;
	/* systemd 252 knows no notify-reload; these two fields are what it understands. */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)monotonic_us());
	struct config *config = load(r->path);
	if (config == NULL)
		log_error("%s: the old configuration stays in force", r->path);
	else if (service_reload(r->service, config, &e) != 0)
		log_error("%s; the old configuration stays in force", e.text);
	else
		log_info("reloaded %s", r->path);
	sd_notify(0, "READY=1");
}

/* A line's end in it would begin another variable. */
static void tell_status(const char *what, const char *text)
{
	char line[1100];
	snprintf(line, sizeof line, "STATUS=%s%s", what, text);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
	sd_notify(0, line);
}

/* Returns false where the process must end. */
static bool tick(struct runner *r)
{
	char text[512];
	service_tick(r->service);
	const char *failure = service_failure(r->service);
	if (failure != NULL) {
		log_error("%s", failure);
		tell_status("", failure);
		return false;
	}
	if (service_is_alive(r->service, text, sizeof text)) {
		if (r->watchdog_us > 0)
			sd_notify(0, "WATCHDOG=1");
	} else {
		log_error("%s", text);
	}
	service_describe(r->service, text, sizeof text);
	tell_status("", text);
	return true;
}

/* Returns the exit status. */
static int loop(struct runner *r)
{
	struct pollfd fds[] = {{.fd = r->signals, .events = POLLIN}, {.fd = r->timer, .events = POLLIN}};
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR) {
			log_error("poll: %s", strerror(errno));
			return EXIT_FAILED;
		}
		struct signalfd_siginfo info;
		while (read(r->signals, &info, sizeof info) == (ssize_t)sizeof info) {
			if (info.ssi_signo != SIGHUP) {
				log_info("stopping");
				return EXIT_OK;
			}
			reload(r);
		}
		uint64_t expirations;
		if (read(r->timer, &expirations, sizeof expirations) == (ssize_t)sizeof expirations && !tick(r))
			return EXIT_FAILED;
	}
}

/* Told to stop within RETRY_MS? */
static bool stopped_while_waiting(struct runner *r)
{
	struct pollfd signals = {.fd = r->signals, .events = POLLIN};
	struct signalfd_siginfo info;
	return poll(&signals, 1, RETRY_MS) > 0 && read(r->signals, &info, sizeof info) == (ssize_t)sizeof info &&
	       info.ssi_signo != SIGHUP;
}

/* Another daemon has the lock, or the disk is full: wait, but listen to signals meanwhile.  NULL = stop, with *status set. */
static struct service *start(struct runner *r, int *status)
{
	struct err e = {0}, said = {0};
	for (;;) {
		struct config *config = load(r->path);
		*status = EXIT_USAGE;
		if (config == NULL)
			return NULL;
		struct service *service = service_start(config, LOCK_WAIT_US, &e);
		if (service != NULL)
			return service;
		*status = EXIT_FAILED;
		if (!e.busy || strcmp(e.text, said.text) != 0)
			log_error("%s", e.text);
		if (!e.busy)
			return NULL;
		said = e;
		tell_status("waiting: ", e.text);
		if (stopped_while_waiting(r)) {
			*status = EXIT_OK;
			return NULL;
		}
	}
}

static int run(struct runner *r)
{
	int status;
	uint64_t watchdog_us = 0;
	if (sd_watchdog_enabled(0, &watchdog_us) > 0)
		r->watchdog_us = (int64_t)watchdog_us;
	r->signals = open_signals();
	r->timer = open_timer(r->watchdog_us);
	if (r->signals < 0 || r->timer < 0) {
		log_error("signalfd or timerfd: %s", strerror(errno));
		return EXIT_FAILED;
	}
	int64_t began = monotonic_us();
	r->service = start(r, &status);
	if (r->service == NULL)
		return status;

	struct err e;
	struct http *http = NULL;
	const char *listen = service_config(r->service)->http.listen;
	if (listen[0] != '\0' && (http = http_start(listen, r->service, &e)) == NULL) {
		log_error("http.listen: %s", e.text);
		status = EXIT_FAILED;
	} else {
		log_info("ready after %lld ms", (long long)((monotonic_us() - began) / 1000));
		sd_notify(0, "READY=1");
		status = loop(r);
	}
	sd_notify(0, "STOPPING=1");
	http_stop(http);
	service_stop(r->service, WEBHOOK_WAIT_US);
	log_info("stopped");
	return status;
}

int cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"verbose", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct runner runner = {.signals = -1, .timer = -1};
	for (int c; (c = getopt_long(argc, argv, "c:vh", options, NULL)) != -1;) {
		if (c == 'c')
			runner.path = optarg;
		else if (c == 'v')
			log_set_level(LOG_DEBUG);
		else if (c == 'h')
			return fputs(help, stdout), EXIT_OK;
		else
			return fputs(help, stderr), EXIT_USAGE;
	}
	if (runner.path == NULL || optind != argc)
		return fputs(help, stderr), EXIT_USAGE;
	return run(&runner);
}
