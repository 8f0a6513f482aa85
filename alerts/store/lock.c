/*
 * One database has one active daemon: an open-file-description lock on a file
 * beside it, which ends with the process however it ends.  Not on the
 * database itself: closing any descriptor of that would drop SQLite's own
 * locks.  The file stays; only the lock counts.
 */
#include "alerts/store/private.h"

#include "daemon/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RETRY_US (50 * INT64_C(1000))

static int try_lock(int fd)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	return fcntl(fd, F_OFD_SETLK, &whole) == 0 ? 0 : errno;
}

static void read_holder(int fd, char *out, size_t size)
{
	ssize_t length = pread(fd, out, size - 1, 0);
	out[length > 0 ? length : 0] = '\0';
	out[strspn(out, "0123456789")] = '\0';
}

/* The kernel has no lock wait with a time-out, so this one place asks again and again. */
static int wait_for_lock(int fd, int64_t wait_us)
{
	int64_t deadline = monotonic_us() + wait_us;
	int error;
	while ((error = try_lock(fd)) == EAGAIN || error == EACCES || error == EINTR) {
		if (monotonic_us() >= deadline)
			return error;
		nanosleep(&(struct timespec){.tv_nsec = RETRY_US * 1000}, NULL);
	}
	return error;
}

int lock_take(const char *path, int64_t wait_us, struct err *e)
{
	char *name = NULL;
	if (asprintf(&name, "%s.lock", path) < 0)
		return err_set(e, "out of memory");
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (fd < 0) {
		err_sys(e, errno, "%s: cannot open the lock file", name);
		goto fail;
	}
	int error = wait_for_lock(fd, wait_us);
	if (error == EAGAIN || error == EACCES) {
		char holder[32];
		read_holder(fd, holder, sizeof holder);
		err_set(e, "%s: another daemon (pid %s) works on this database: stop it, or give this one a database of its own",
			path, holder[0] != '\0' ? holder : "unknown");
		if (e != NULL)
			e->busy = true;
		goto fail;
	}
	if (error != 0) {
		err_sys(e, error, "%s: cannot lock", name);
		goto fail;
	}
	/* For people only; a full disk must not keep the daemon from starting. */
	char line[32];
	int length = snprintf(line, sizeof line, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == 0 && pwrite(fd, line, (size_t)length, 0) != length)
		(void)!ftruncate(fd, 0);
	free(name);
	return fd;
fail:
	if (fd >= 0)
		close(fd);
	free(name);
	return -1;
}

void lock_release(int fd)
{
	if (fd >= 0)
		close(fd);
}
