#include "alerts/receivers/address.h"

#include "daemon/base/utf8.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LOCAL_MAX 64
#define DOMAIN_MAX 255

static bool is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Atoms of `also` and letters, one dot between two of them (RFC 5322, 3.2.3). */
static bool is_dotted(const char *text, size_t length, const char *also)
{
	for (size_t i = 0; i < length; i++) {
		bool dot = text[i] == '.';
		if (dot && (i == 0 || i + 1 == length || text[i - 1] == '.'))
			return false;
		if (!dot && !is_alphanumeric(text[i]) && strchr(also, text[i]) == NULL)
			return false;
	}
	return length > 0;
}

static bool is_mailbox(const char *text, size_t length)
{
	const char *at = memchr(text, '@', length);
	if (at == NULL)
		return false;
	size_t local = (size_t)(at - text), domain = length - local - 1;
	return local <= LOCAL_MAX && domain <= DOMAIN_MAX && is_dotted(text, local, "!#$%&'*+-/=?^_`{|}~") &&
	       is_dotted(at + 1, domain, "-");
}

static size_t trim(const char **text, size_t length)
{
	while (length > 0 && **text == ' ') {
		(*text)++;
		length--;
	}
	while (length > 0 && (*text)[length - 1] == ' ')
		length--;
	return length;
}

/* Quotes around the name go; within, a backslash takes the next character as it is. */
static bool copy_name(const char *text, size_t length, char *out, size_t size)
{
	bool quoted = length >= 2 && text[0] == '"' && text[length - 1] == '"';
	size_t used = 0;
	if (quoted) {
		text++;
		length -= 2;
	}
	for (size_t i = 0; i < length; i++) {
		if (quoted && text[i] == '\\' && i + 1 < length)
			i++;
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7F || used + 1 >= size)
			return false;
		out[used++] = text[i];
	}
	out[used] = '\0';
	return utf8_is_valid(out, used);
}

int address_parse(const char *text, struct address *out, struct err *e)
{
	const char *name = text, *open = strrchr(text, '<'), *mailbox = text;
	size_t name_length = 0, length = strlen(text);
	if (open != NULL && length > 0 && text[length - 1] == '>') {
		name_length = trim(&name, (size_t)(open - text));
		mailbox = open + 1;
		length = (size_t)(text + length - 1 - mailbox);
	} else {
		length = trim(&mailbox, length);
	}
	if (!is_mailbox(mailbox, length))
		return err_set(e, "\"%.200s\": expected an address such as desk@example.com or Risk desk <desk@example.com>", text);
	if (!copy_name(name, name_length, out->name, sizeof out->name))
		return err_set(e, "\"%.200s\": the name is too long, or holds control characters", text);
	memcpy(out->mailbox, mailbox, length);
	out->mailbox[length] = '\0';
	return 0;
}
