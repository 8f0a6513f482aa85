#ifndef DAEMON_CONFIG_KEYS_H
#define DAEMON_CONFIG_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The table of all configuration keys.  The reader (daemon/config_read.c)
 * walks the YAML along it; what a reload must look at (daemon/config_compare.c)
 * and the reference that `bellwether check --keys` prints are made from it.
 */
enum key_type {
	KEY_STRING,     /* const char * */
	KEY_BOOL,       /* bool */
	KEY_INTEGER,    /* int64_t, within min..max */
	KEY_COUNT,      /* uint32_t, within min..max */
	KEY_NUMBER,     /* double, within min..max */
	KEY_DURATION,   /* int64_t microseconds, within min..max seconds */
	KEY_BYTES,      /* int64_t: 64 MiB, 500 kB */
	KEY_SIZE,       /* size_t, as KEY_BYTES */
	KEY_CHOICE,     /* enum: index into choices */
	KEY_WORD,       /* const char *: one of choices */
	KEY_DEVICES,    /* const char *, as devices_parse takes it */
	KEY_BUDGET,     /* double, events a day: "1 per month" */
	KEY_STRINGS,    /* const char *const * and a count */
	KEY_NAMES,      /* the same, or the word "all" = none */
	KEY_PROPERTIES, /* struct kafka_property * and a count */
	KEY_SECTION,    /* a struct inside this one, read by `section` */
	KEY_LIST,       /* an array of structs and a count, each read by `section` */
};

struct section;

struct key {
	const char *name;
	enum key_type type;
	size_t offset;       /* of the value in the section's struct */
	size_t count_offset; /* of the count, for lists */
	const char *fallback; /* the default as a user would write it; NULL = none */
	bool required;
	bool restart; /* a reload cannot change it */
	bool single;  /* of a list: a mapping of keys stands for a list of one */
	double min, max;
	const char *const *choices; /* NULL-terminated */
	const struct section *section;
	const char *help;
};

struct section {
	const struct key *keys;
	size_t key_count;
	size_t size;          /* of its struct, for lists */
	size_t mark_offset;   /* where the struct config_mark lies; (size_t)-1 = none */
};

#define NO_MARK ((size_t)-1)

/* The whole file; its struct is struct config. */
extern const struct section config_section;

/* One of `sources`; its struct is struct config_source. */
extern const struct section config_source_section;

/* "1 per month", "0.5 per week": events a day. */
bool budget_parse(const char *text, double *per_day);

/* "64 MiB", "500kB", "1048576". */
bool bytes_parse(const char *text, double *bytes);

#endif
