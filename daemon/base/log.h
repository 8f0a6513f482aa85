#ifndef BASE_LOG_H
#define BASE_LOG_H

/*
 * The daemon's log: one line a call to standard error, under systemd with the
 * journal's priority prefixes ("<4>").  Only daemon/ and the outermost loop of
 * a thread log; everything else returns a struct err.
 *
 * Safe from any thread.  A line is written by one write(2).  Control
 * characters in the text (it may quote the outside world) are written as '?'.
 */
enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG,
};

/* Lines above `level` are dropped.  The start value is LOG_INFO. */
void log_set_level(enum log_level level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
