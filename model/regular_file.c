#include "model/regular_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int regular_file_open(const char *path, uint64_t *size, struct err *e)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe without a writer must not hang */
	if (fd < 0) {
		int failure = errno;
		err_sys(e, failure, "cannot open");
		errno = failure;
		return -1;
	}
	if (fstat(fd, &status) < 0) {
		err_sys(e, errno, "cannot read");
	} else if (!S_ISREG(status.st_mode)) {
		err_set(e, "not a regular file");
	} else {
		*size = (uint64_t)status.st_size;
		return fd;
	}
	close(fd);
	errno = EINVAL;
	return -1;
}
