/*
 * Feeds are careless with namespaces: prefixes without a declaration, URIs
 * with and without the last slash, "http" and "https", elements of RSS in some
 * namespace of the vendor's.  So a URI is compared without its scheme and
 * case, by how it begins; a usual prefix counts where its URI is unknown; a
 * name without a prefix is RSS unless its namespace is known to be another.
 */
#include "ingest/feed/names.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

struct known_namespace {
	const char *text;
	enum feed_namespace ns;
};

/* Without their scheme. */
static const struct known_namespace uris[] = {
	{"www.w3.org/2005/atom", NS_ATOM},
	{"purl.org/atom/ns", NS_ATOM},
	{"purl.org/rss/1.0/modules/content", NS_CONTENT},
	{"purl.org/rss/1.0/modules/syndication", NS_SYNDICATION},
	{"purl.org/dc/elements", NS_DC},
	{"purl.org/dc/terms", NS_DCTERMS},
	{"www.google.com/schemas/play-podcasts", NS_GOOGLEPLAY},
	{"www.itunes.com/dtds/podcast", NS_ITUNES},
	{"example.com/dtds/podcast", NS_ITUNES},
	{"search.yahoo.com/mrss", NS_MEDIA},
	{"prismstandard.org/namespaces", NS_PRISM},
	{"www.w3.org/1999/02/22-rdf-syntax-ns", NS_RDF},
	{"www.w3.org/1999/xhtml", NS_XHTML},
	{"www.w3.org/xml/1998/namespace", NS_XML},
	{"www.w3.org/", NS_OTHER},
	{"purl.org/rss/1.0/modules/", NS_OTHER},
	/* RSS itself: Netscape, UserLand, RSS-DEV, Harvard */
	{"my.netscape.com/", NS_CORE},
	{"backend.userland.com/rss", NS_CORE},
	{"blogs.law.harvard.edu/tech/rss", NS_CORE},
	{"channel.netscape.com/rdf/simple", NS_CORE},
	{"purl.org/rss/1.0", NS_CORE},
	{"purl.org/net/rss1.1", NS_CORE},
};

static const struct known_namespace prefixes[] = {
	{"atom", NS_ATOM},	       {"atom10", NS_ATOM}, {"a10", NS_ATOM},	  {"content", NS_CONTENT},
	{"dc", NS_DC},		       {"dct", NS_DCTERMS}, {"dcterms", NS_DCTERMS}, {"googleplay", NS_GOOGLEPLAY},
	{"itunes", NS_ITUNES},	       {"media", NS_MEDIA}, {"prism", NS_PRISM},  {"rdf", NS_RDF},
	{"sy", NS_SYNDICATION},	       {"xhtml", NS_XHTML}, {"xml", NS_XML},	  {"rss", NS_CORE},
};

static bool find_uri(const char *uri, enum feed_namespace *ns)
{
	const char *scheme = strstr(uri, "://");

	if (scheme != NULL)
		uri = scheme + 3;
	for (size_t i = 0; i < sizeof uris / sizeof *uris; i++)
		if (strncasecmp(uri, uris[i].text, strlen(uris[i].text)) == 0) {
			*ns = uris[i].ns;
			return true;
		}
	return false;
}

static bool find_prefix(const char *prefix, enum feed_namespace *ns)
{
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (strcasecmp(prefix, prefixes[i].text) == 0) {
			*ns = prefixes[i].ns;
			return true;
		}
	return false;
}

void names_push(struct names *names, const char *const *attributes, size_t depth)
{
	for (; attributes[0] != NULL; attributes += 2) {
		const char *prefix = attributes[0];
		if (strncmp(prefix, "xmlns", 5) != 0 || (prefix[5] != ':' && prefix[5] != '\0'))
			continue;
		prefix += prefix[5] == ':' ? 6 : 5;
		if (names->count == NAMES_MAX_BINDINGS || strlen(prefix) >= NAMES_MAX_PREFIX)
			continue;
		enum feed_namespace ns = prefix[0] == '\0' ? NS_CORE : NS_OTHER;
		if (!find_uri(attributes[1], &ns) && prefix[0] != '\0')
			find_prefix(prefix, &ns);
		snprintf(names->bindings[names->count].prefix, NAMES_MAX_PREFIX, "%s", prefix);
		names->bindings[names->count].ns = ns;
		names->bindings[names->count].depth = depth;
		names->count++;
	}
}

void names_pop(struct names *names, size_t depth)
{
	while (names->count > 0 && names->bindings[names->count - 1].depth >= depth)
		names->count--;
}

enum feed_namespace names_resolve(const struct names *names, const char *name, const char **local)
{
	char prefix[NAMES_MAX_PREFIX] = "";
	const char *colon = strchr(name, ':');
	enum feed_namespace ns;

	*local = colon != NULL ? colon + 1 : name;
	if (colon != NULL) {
		if (colon - name >= NAMES_MAX_PREFIX)
			return NS_OTHER;
		memcpy(prefix, name, (size_t)(colon - name));
		prefix[colon - name] = '\0';
	}
	for (size_t i = names->count; i > 0; i--)
		if (strcmp(names->bindings[i - 1].prefix, prefix) == 0)
			return names->bindings[i - 1].ns;
	if (prefix[0] == '\0')
		return NS_CORE;
	return find_prefix(prefix, &ns) ? ns : NS_OTHER;
}

struct word {
	enum feed_namespace ns;
	const char *local;
	struct meaning meaning;
};

/* NS_CORE stands for Atom too: feeds without any namespace are common, and the names do not clash. */
static const struct word vocabulary[] = {
	{NS_CORE, "rss", {ROLE_WRAPPER, 0}},
	{NS_RDF, "rdf", {ROLE_WRAPPER, 0}},
	{NS_CORE, "rdf", {ROLE_WRAPPER, 0}},
	{NS_CORE, "channel", {ROLE_FEED, 0}},
	{NS_CORE, "feed", {ROLE_FEED, 0}},
	{NS_CORE, "item", {ROLE_ENTRY, 0}},
	{NS_CORE, "entry", {ROLE_ENTRY, 0}},
	{NS_CORE, "html", {ROLE_WEB_PAGE, 0}},
	{NS_XHTML, "html", {ROLE_WEB_PAGE, 0}},

	{NS_CORE, "title", {ROLE_TITLE, 9}},
	{NS_DC, "title", {ROLE_TITLE, 5}},
	{NS_DCTERMS, "title", {ROLE_TITLE, 5}},
	{NS_ITUNES, "title", {ROLE_TITLE, 4}},
	{NS_MEDIA, "title", {ROLE_TITLE, 3}},

	{NS_CORE, "description", {ROLE_SUMMARY, 9}},
	{NS_CORE, "summary", {ROLE_SUMMARY, 9}},
	{NS_CORE, "abstract", {ROLE_SUMMARY, 9}},
	{NS_CORE, "subtitle", {ROLE_SUMMARY, 9}},
	{NS_CORE, "tagline", {ROLE_SUMMARY, 9}},
	{NS_CORE, "info", {ROLE_SUMMARY, 3}},
	{NS_DC, "description", {ROLE_SUMMARY, 5}},
	{NS_DCTERMS, "description", {ROLE_SUMMARY, 5}},
	{NS_DCTERMS, "abstract", {ROLE_SUMMARY, 5}},
	{NS_ITUNES, "summary", {ROLE_SUMMARY, 4}},
	{NS_GOOGLEPLAY, "description", {ROLE_SUMMARY, 3}},
	{NS_MEDIA, "description", {ROLE_SUMMARY, 3}},
	{NS_ITUNES, "subtitle", {ROLE_SUMMARY, 2}},

	{NS_CONTENT, "encoded", {ROLE_CONTENT, 9}},
	{NS_CORE, "content", {ROLE_CONTENT, 9}},
	{NS_CORE, "encoded", {ROLE_CONTENT, 8}},
	{NS_CORE, "body", {ROLE_CONTENT, 8}},
	{NS_CORE, "fullitem", {ROLE_CONTENT, 8}},
	{NS_XHTML, "body", {ROLE_CONTENT, 8}},
	{NS_XHTML, "div", {ROLE_CONTENT, 8}},

	{NS_CORE, "link", {ROLE_LINK, 9}},
	{NS_CORE, "guid", {ROLE_GUID, 9}},
	{NS_CORE, "id", {ROLE_GUID, 9}},
	{NS_DC, "identifier", {ROLE_GUID, 2}},

	{NS_CORE, "author", {ROLE_PERSON, 9}},
	{NS_CORE, "managingeditor", {ROLE_PERSON, 5}},
	{NS_DC, "creator", {ROLE_PERSON, 7}},
	{NS_DC, "author", {ROLE_PERSON, 7}},
	{NS_ITUNES, "author", {ROLE_PERSON, 4}},
	{NS_GOOGLEPLAY, "author", {ROLE_PERSON, 3}},
	{NS_CORE, "name", {ROLE_AUTHOR, 9}},
	{NS_CORE, "source", {ROLE_SOURCE, 9}},
	{NS_DC, "publisher", {ROLE_PUBLISHER, 5}},
	{NS_DCTERMS, "publisher", {ROLE_PUBLISHER, 5}},
	{NS_MEDIA, "group", {ROLE_MEDIA, 0}},
	{NS_MEDIA, "content", {ROLE_MEDIA, 0}},

	{NS_CORE, "pubdate", {ROLE_PUBLISHED, 9}},
	{NS_CORE, "published", {ROLE_PUBLISHED, 9}},
	{NS_CORE, "issued", {ROLE_PUBLISHED, 9}},
	{NS_DCTERMS, "issued", {ROLE_PUBLISHED, 7}},
	{NS_DC, "date", {ROLE_PUBLISHED, 5}},
	{NS_CORE, "date", {ROLE_PUBLISHED, 4}},
	{NS_DCTERMS, "date", {ROLE_PUBLISHED, 4}},
	{NS_PRISM, "publicationdate", {ROLE_PUBLISHED, 3}},
	{NS_CORE, "updated", {ROLE_UPDATED, 9}},
	{NS_CORE, "modified", {ROLE_UPDATED, 9}},
	{NS_CORE, "lastbuilddate", {ROLE_UPDATED, 9}},
	{NS_DCTERMS, "modified", {ROLE_UPDATED, 7}},
	{NS_CORE, "created", {ROLE_CREATED, 9}},
	{NS_DCTERMS, "created", {ROLE_CREATED, 7}},

	{NS_CORE, "language", {ROLE_LANGUAGE, 9}},
	{NS_DC, "language", {ROLE_LANGUAGE, 5}},
	{NS_CORE, "ttl", {ROLE_TTL, 0}},
	{NS_SYNDICATION, "updateperiod", {ROLE_PERIOD, 0}},
	{NS_SYNDICATION, "updatefrequency", {ROLE_FREQUENCY, 0}},
};

struct meaning names_meaning(enum feed_namespace ns, const char *local)
{
	if (ns == NS_ATOM)
		ns = NS_CORE;
	for (size_t i = 0; i < sizeof vocabulary / sizeof *vocabulary; i++)
		if (vocabulary[i].ns == ns && strcasecmp(vocabulary[i].local, local) == 0)
			return vocabulary[i].meaning;
	return (struct meaning){ROLE_NONE, 0};
}
