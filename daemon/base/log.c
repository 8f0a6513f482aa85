#include "daemon/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int max_level = LOG_INFO;

void log_set_level(enum log_level level)
{
	atomic_store(&max_level, (int)level);
}

/* systemd sets JOURNAL_STREAM for a unit whose stderr goes to the journal. */
static const char *prefix_of(enum log_level level)
{
	static const char *const journal[] = {"<3>", "<4>", "<6>", "<7>"};
	static const char *const terminal[] = {"error: ", "warning: ", "", "debug: "};
	return getenv("JOURNAL_STREAM") != NULL ? journal[level] : terminal[level];
}

static void write_line(enum log_level level, const char *fmt, va_list args)
{
	if ((int)level > atomic_load(&max_level))
		return;
	char line[2048];
	int start = snprintf(line, sizeof line, "%s", prefix_of(level));
	int n = vsnprintf(line + start, sizeof line - (size_t)start - 1, fmt, args);
	if (n < 0)
		return;
	size_t length = strlen(line);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[length++] = '\n';
	ssize_t written = write(STDERR_FILENO, line, length);
	(void)written; /* nowhere left to say it */
}

#define DEFINE_LOG(name, level)                                                \
	void name(const char *fmt, ...)                                        \
	{                                                                      \
		va_list args;                                                  \
		va_start(args, fmt);                                           \
		write_line(level, fmt, args);                                  \
		va_end(args);                                                  \
	}

DEFINE_LOG(log_error, LOG_ERROR)
DEFINE_LOG(log_warning, LOG_WARNING)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_debug, LOG_DEBUG)
