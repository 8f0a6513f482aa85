/*
 * posix_spawn, because fork in a process with threads and gigabytes of model
 * copies page tables and may meet locks that nobody will open.  A pidfd tells
 * the end without a signal handler.
 */
#include "alerts/webhook/process.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of what it prints; the outbox keeps 256 bytes of an error. */
#define TAIL_BYTES 180
/* How often to ask after a group that was killed and cannot end yet. */
#define DYING_US (SECOND_US / 10)

struct process {
	pid_t pid;
	int pidfd;
	int output;           /* -1 = closed */
	int64_t timeout_us, deadline_us;
	bool killed, reaped;
	bool lost;            /* reaped, but not here: where SIGCHLD is ignored the kernel keeps no status */
	int status;           /* of waitpid, once reaped */
	size_t tail_length;
	char tail[TAIL_BYTES];
};

/* ---- starting ---- */

/* Those below 3 would be overwritten on their way to the child's standard files. */
static int above_standard(int fd)
{
	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	close(fd);
	return moved;
}

static int open_input(const char *text, struct err *e)
{
	int fd = above_standard(memfd_create("message", MFD_CLOEXEC));
	size_t length = strlen(text), written = 0;
	while (fd >= 0 && written < length) {
		ssize_t n = write(fd, text + written, length - written);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			close(fd);
			fd = -1;
			break;
		}
		written += (size_t)n;
	}
	if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0)
		return err_sys(e, errno, "no file for the message");
	return fd;
}

static int spawn(const struct process_options *options, int input, int output, pid_t *pid)
{
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t files;
	sigset_t none, all;
	CHECK(posix_spawnattr_init(&attributes) == 0 && posix_spawn_file_actions_init(&files) == 0);
	sigemptyset(&none);
	sigfillset(&all);
	/* The daemon blocks what it takes from a signalfd and ignores SIGPIPE: a command is to start as from a terminal. */
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	int error = posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	if (error == 0)
		error = posix_spawn(pid, options->command[0], &files, &attributes, (char *const *)options->command,
				    (char *const *)options->environment);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return error;
}

static void close_or_not(int fd)
{
	if (fd >= 0)
		close(fd);
}

struct process *process_start(const struct process_options *options, struct err *e)
{
	struct process *p = xcalloc(1, sizeof *p);
	int ends[2] = {-1, -1}, input = open_input(options->input, e), error;
	p->pidfd = p->output = -1;
	p->reaped = true;
	if (input < 0)
		goto fail;
	if (pipe2(ends, O_CLOEXEC) != 0) {
		err_sys(e, errno, "no pipe for the command");
		goto fail;
	}
	ends[1] = above_standard(ends[1]);
	p->output = ends[0];
	fcntl(p->output, F_SETFL, O_NONBLOCK);
	error = spawn(options, input, ends[1], &p->pid);
	if (error != 0) {
		err_sys(e, error, "cannot run %s", options->command[0]);
		goto fail;
	}
	p->reaped = false;
	p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	p->timeout_us = options->timeout_us;
	p->deadline_us = monotonic_us() + options->timeout_us;
	close(input);
	close(ends[1]);
	return p;
fail:
	close_or_not(input);
	close_or_not(ends[1]);
	process_free(p);
	return NULL;
}

/* ---- ending ---- */

/* The leader may be gone while others of its group are not. */
static void kill_group(struct process *p)
{
	kill(-p->pid, SIGKILL);
	p->killed = true;
}

void process_free(struct process *p)
{
	if (p == NULL)
		return;
	if (!p->reaped) {
		kill_group(p);
		waitpid(p->pid, NULL, 0);
	}
	close_or_not(p->pidfd);
	close_or_not(p->output);
	free(p);
}

/* Keeps the last TAIL_BYTES. */
static void keep(struct process *p, const char *data, size_t length)
{
	if (length > TAIL_BYTES) {
		data += length - TAIL_BYTES;
		length = TAIL_BYTES;
	}
	size_t old = p->tail_length < TAIL_BYTES - length ? p->tail_length : TAIL_BYTES - length;
	memmove(p->tail, p->tail + p->tail_length - old, old);
	memcpy(p->tail + old, data, length);
	p->tail_length = old + length;
}

/* One that prints without end must not keep the thread: what is left is read the next time round. */
static void read_output(struct process *p)
{
	char data[4096];
	ssize_t n = 1;
	for (int rounds = 0; p->output >= 0 && rounds < 64; rounds++) {
		n = read(p->output, data, sizeof data);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			close(p->output);
			p->output = -1;
			return;
		}
		keep(p, data, (size_t)n);
	}
}

/* What it printed last, on one line of valid UTF-8. */
static void format_tail(const struct process *p, char *out, size_t size)
{
	size_t used = 0, length = p->tail_length;
	bool blank = false;
	for (size_t at = 0; at < length && used + 5 < size;) {
		uint32_t c;
		at += utf8_decode(p->tail + at, length - at, &c);
		bool control = c <= ' ' || (c >= 0x7F && c < 0xA0) || c == UTF8_REPLACEMENT;
		if (!control && blank && used > 0)
			out[used++] = ' ';
		if (!control)
			used += utf8_encode(c, out + used);
		blank = control;
	}
	out[used] = '\0';
}

static void judge(const struct process *p, struct outcome *out)
{
	char tail[TAIL_BYTES + 8], how[64];
	*out = (struct outcome){.kind = OUTCOME_FAILED};
	if (!p->killed && !p->lost && WIFEXITED(p->status) && WEXITSTATUS(p->status) == 0) {
		out->kind = OUTCOME_TAKEN;
		return;
	}
	if (p->killed)
		snprintf(how, sizeof how, "timed out after %lld s and was killed", (long long)(p->timeout_us / SECOND_US));
	else if (p->lost)
		snprintf(how, sizeof how, "its exit status is lost");
	else if (WIFEXITED(p->status))
		snprintf(how, sizeof how, "exit status %d", WEXITSTATUS(p->status));
	else
		snprintf(how, sizeof how, "killed by signal %d", WTERMSIG(p->status));
	format_tail(p, tail, sizeof tail);
	snprintf(out->error, sizeof out->error, "%s%s%s", how, tail[0] != '\0' ? ": " : "", tail);
}

bool process_is_over(struct process *p, struct outcome *out)
{
	read_output(p);
	pid_t ended = waitpid(p->pid, &p->status, WNOHANG);
	if (ended != 0) {
		p->reaped = true;
		p->lost = ended < 0;
		read_output(p);
		judge(p, out);
		return true;
	}
	if (monotonic_us() >= p->deadline_us) {
		kill_group(p);
		p->deadline_us = monotonic_us() + DYING_US;
	}
	return false;
}

size_t process_waits(const struct process *p, struct curl_waitfd *out)
{
	size_t count = 0;
	if (p->pidfd >= 0)
		out[count++] = (struct curl_waitfd){.fd = p->pidfd, .events = CURL_WAIT_POLLIN};
	if (p->output >= 0)
		out[count++] = (struct curl_waitfd){.fd = p->output, .events = CURL_WAIT_POLLIN};
	return count;
}

int64_t process_deadline_us(const struct process *p)
{
	int64_t soon_us = monotonic_us() + DYING_US;
	return p->pidfd < 0 && soon_us < p->deadline_us ? soon_us : p->deadline_us;
}
