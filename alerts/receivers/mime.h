#ifndef ALERTS_RECEIVERS_MIME_H
#define ALERTS_RECEIVERS_MIME_H

#include <stddef.h>
#include <stdio.h>

/*
 * The parts of a mail: header fields and bodies as RFC 5322, 2045 and 2047 want
 * them.  Lines end by CRLF and have at most 76 characters.  Whatever a text
 * holds, it stays within its own field or body.
 */

/* "Name: text", folded at blanks; a text that is not all printable ASCII, or has no blanks to fold it at, becomes
 * encoded words.  Line ends and other
 * control characters in it become blanks. */
void mime_field(FILE *out, const char *name, const char *text);

/* "Name: text" of what must stay as it is: ids and dates, printable ASCII; folded at blanks. */
void mime_id_field(FILE *out, const char *name, const char *text);

/* "Name: " and addresses ("a@b.example" or "Name <a@b.example>", as address_parse takes them), one a line. */
void mime_address_field(FILE *out, const char *name, const char *const *addresses, size_t count);

/* Lines of text; line ends may be LF. */
void mime_quoted_printable(FILE *out, const char *text);

void mime_base64(FILE *out, const char *data, size_t length);

#endif
