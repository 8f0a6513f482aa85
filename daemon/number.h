#ifndef DAEMON_NUMBER_H
#define DAEMON_NUMBER_H

#include <stdbool.h>

/* A whole number of a command line, in decimal digits alone; false where it is none, or not from `least` to `most`. */
bool number_parse(const char *text, unsigned long least, unsigned long most, unsigned long *out);

#endif
