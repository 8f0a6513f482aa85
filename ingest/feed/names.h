#ifndef INGEST_FEED_NAMES_H
#define INGEST_FEED_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The vocabulary of feeds: which element of which namespace means what.
 * Namespaces are known by their URI, in whatever spelling feeds give it, and
 * by their usual prefix where that is not declared.
 */
enum feed_namespace {
	NS_CORE, /* RSS in all its namespaces, CDF, and what has none */
	NS_ATOM,
	NS_CONTENT,
	NS_DC,
	NS_DCTERMS,
	NS_GOOGLEPLAY,
	NS_ITUNES,
	NS_MEDIA,
	NS_PRISM,
	NS_RDF,
	NS_SYNDICATION,
	NS_XHTML,
	NS_XML,
	NS_OTHER,
};

enum role {
	ROLE_NONE,
	/* structure */
	ROLE_WRAPPER,
	ROLE_FEED,
	ROLE_ENTRY,
	ROLE_WEB_PAGE,
	ROLE_PERSON,
	ROLE_SOURCE,
	ROLE_MEDIA,
	/* values */
	ROLE_TITLE,
	ROLE_SUMMARY,
	ROLE_CONTENT,
	ROLE_GUID,
	ROLE_LINK,
	ROLE_AUTHOR,
	ROLE_PUBLISHER,
	ROLE_PUBLISHED,
	ROLE_UPDATED,
	ROLE_CREATED,
	ROLE_LANGUAGE,
	ROLE_TTL,
	ROLE_PERIOD,
	ROLE_FREQUENCY,
};

struct meaning {
	enum role role;
	int priority; /* of two elements with one role the higher one counts */
};

enum { NAMES_MAX_BINDINGS = 64, NAMES_MAX_PREFIX = 16 };

/* The namespace declarations in force.  Zero-initialise it. */
struct names {
	struct {
		char prefix[NAMES_MAX_PREFIX];
		enum feed_namespace ns;
		size_t depth;
	} bindings[NAMES_MAX_BINDINGS];
	size_t count;
};

/* Take the declarations among an element's attributes; `depth` is the element's. */
void names_push(struct names *names, const char *const *attributes, size_t depth);
/* Forget those of elements at `depth` and deeper. */
void names_pop(struct names *names, size_t depth);

/* The namespace of an element's name; `*local` is what follows its prefix. */
enum feed_namespace names_resolve(const struct names *names, const char *name, const char **local);

struct meaning names_meaning(enum feed_namespace ns, const char *local);

#endif
