/*
 * The strict reader: expat on UTF-8, without its namespace mode (an undeclared
 * prefix, common in feeds, would be an error there).
 */
#include "ingest/feed/xml.h"

/* Without it the header keeps the limits on entities to itself. */
#define XML_DTD
#include <expat.h>
#include <string.h>

struct strict {
	XML_Parser parser;
	const struct xml_events *events;
	size_t depth;
	bool stopped;
	bool finished; /* the root element is closed */
};

/*
 * Entities may blow a feed up to this many times its size once it is above the
 * threshold (expat's own defaults are 100 and 8 MiB).
 */
static const float MAX_AMPLIFICATION = 8.0F;
enum { AMPLIFICATION_THRESHOLD = 1 << 20 };

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct strict *strict = data;

	if (++strict->depth > XML_MAX_DEPTH) {
		strict->stopped = true;
		XML_StopParser(strict->parser, XML_FALSE);
		return;
	}
	strict->events->start(strict->events->context, name, attributes);
	if (strict->events->stop(strict->events->context)) {
		strict->stopped = true;
		XML_StopParser(strict->parser, XML_FALSE);
	}
}

static void XMLCALL on_end(void *data, const XML_Char *name)
{
	struct strict *strict = data;

	(void)name;
	/* The element that stopped the parser may be an empty one: its end still comes. */
	if (strict->stopped)
		return;
	strict->depth--;
	strict->finished = strict->depth == 0;
	strict->events->end(strict->events->context);
}

static void XMLCALL on_text(void *data, const XML_Char *text, int length)
{
	struct strict *strict = data;

	strict->events->text(strict->events->context, text, (size_t)length);
}

/* An entity that an external DTD may declare; that of RSS 0.91 declares those of HTML. */
static void XMLCALL on_skipped(void *data, const XML_Char *name, int is_parameter)
{
	struct strict *strict = data;
	char reference[64], text[8];
	size_t length = strlen(name), written;

	if (is_parameter || length + 2 > sizeof reference)
		return;
	reference[0] = '&';
	memcpy(reference + 1, name, length);
	reference[length + 1] = ';';
	if (xml_reference(reference, length + 2, text, &written) != 0)
		strict->events->text(strict->events->context, text, written);
	else
		strict->events->text(strict->events->context, reference, length + 2);
}

static enum xml_result result_of(const struct strict *strict)
{
	if (strict->stopped)
		return XML_READ_STOPPED;
	if (XML_GetErrorCode(strict->parser) == XML_ERROR_NO_MEMORY)
		return XML_READ_NO_MEMORY;
	return strict->finished ? XML_READ_TRAILER : XML_READ_BROKEN;
}

enum xml_result xml_read_strict(const char *text, size_t length, const struct xml_events *events)
{
	struct strict strict = {.parser = XML_ParserCreate("UTF-8"), .events = events};
	if (strict.parser == NULL)
		return XML_READ_NO_MEMORY;

	enum xml_result result = XML_READ_WHOLE;
	XML_SetUserData(strict.parser, &strict);
	XML_SetElementHandler(strict.parser, on_start, on_end);
	XML_SetCharacterDataHandler(strict.parser, on_text);
	XML_SetSkippedEntityHandler(strict.parser, on_skipped);
	XML_SetBillionLaughsAttackProtectionMaximumAmplification(strict.parser, MAX_AMPLIFICATION);
	XML_SetBillionLaughsAttackProtectionActivationThreshold(strict.parser, AMPLIFICATION_THRESHOLD);
	/* In one piece: expat 2.5 rescans a long token with every piece that it gets. */
	if (XML_Parse(strict.parser, text, (int)length, XML_TRUE) != XML_STATUS_OK)
		result = result_of(&strict);
	XML_ParserFree(strict.parser);
	return result;
}
