/*
 * A recipient whom the server refuses (somebody left) must not cost the others
 * their alert: the mail goes to those that are accepted, and who was not is
 * told.  curl keeps neither names nor the server's words, so they are read
 * from the conversation; of what is said to the server only "RCPT TO" is
 * looked at, never the login.
 *
 * curl blocks where it closes a connection, until the server has answered to
 * "QUIT": so a mail's is closed while its courier still watches the time.
 */
#include "alerts/webhook/mailing.h"

#include "alerts/receivers/address.h"
#include "alerts/receivers/text.h"
#include "daemon/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The name that curl 8.2 gave it a better spelling for. */
#if LIBCURL_VERSION_NUM < 0x080200
#define CURLOPT_MAIL_RCPT_ALLOWFAILS CURLOPT_MAIL_RCPT_ALLLOWFAILS
#endif

struct mailing {
	struct curl_slist *recipients;
	const char *text;
	size_t length, sent;
	char asked[64];    /* the recipient that the server was asked about last; "" = it was asked something else */
	char refused[128]; /* "a@b.example: 550 no such user; ..." */
	char reply[128];   /* the last one that was no success */
};

static size_t read_text(char *out, size_t size, size_t count, void *context)
{
	struct mailing *m = context;
	size_t left = m->length - m->sent, n = size * count < left ? size * count : left;
	memcpy(out, m->text + m->sent, n);
	m->sent += n;
	return n;
}

/* curl begins again where the connection it wanted to use anew was gone. */
static int seek_text(void *context, curl_off_t offset, int origin)
{
	struct mailing *m = context;
	if (origin != SEEK_SET || offset < 0 || (size_t)offset > m->length)
		return CURL_SEEKFUNC_FAIL;
	m->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void hear_command(struct mailing *m, const char *line)
{
	m->asked[0] = '\0';
	if (strncmp(line, "RCPT TO:<", 9) == 0)
		snprintf(m->asked, sizeof m->asked, "%.*s", (int)strcspn(line + 9, ">\r\n"), line + 9);
}

static void hear_reply(struct mailing *m, char *line)
{
	if (line[0] != '4' && line[0] != '5')
		return;
	line[strcspn(line, "\r\n")] = '\0';
	for (char *c = line; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = '?'; /* it goes into the log and the database */
	size_t used = strlen(m->refused);
	snprintf(m->reply, sizeof m->reply, "%s", line);
	if (m->asked[0] != '\0')
		snprintf(m->refused + used, sizeof m->refused - used, "%s%s: %s", used > 0 ? "; " : "", m->asked, line);
}

static int hear(CURL *easy, curl_infotype type, char *data, size_t size, void *context)
{
	char line[128];
	(void)easy;
	snprintf(line, sizeof line, "%.*s", (int)(size < sizeof line ? size : sizeof line - 1), data);
	if (type == CURLINFO_HEADER_OUT)
		hear_command(context, line);
	else if (type == CURLINFO_HEADER_IN)
		hear_reply(context, line);
	return 0;
}

static void add_recipients(struct mailing *m, const struct receiver_spec *spec)
{
	struct address address;
	for (size_t i = 0; i < spec->to_count; i++) {
		if (address_parse(spec->to[i], &address, NULL) != 0)
			continue;
		char *bracketed = text_format("<%s>", address.mailbox);
		struct curl_slist *list = curl_slist_append(m->recipients, bracketed);
		CHECK(list != NULL);
		m->recipients = list;
		free(bracketed);
	}
}

static long encryption(const struct receiver_spec *spec)
{
	if (spec->starttls != NULL && strcmp(spec->starttls, "never") == 0)
		return CURLUSESSL_NONE;
	return spec->starttls != NULL && strcmp(spec->starttls, "try") == 0 ? CURLUSESSL_TRY : CURLUSESSL_ALL;
}

struct mailing *mailing_create(CURL *easy, const struct settings *s, const char *text)
{
	struct mailing *m = xcalloc(1, sizeof *m);
	struct address from = {.name = ""};
	m->text = text;
	m->length = strlen(text);
	add_recipients(m, &s->spec);
	address_parse(s->spec.from, &from, NULL);
	char *sender = text_format("<%s>", from.mailbox);
	curl_easy_setopt(easy, CURLOPT_MAIL_FROM, sender);
	free(sender);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, m->recipients);
	curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLOWFAILS, 1L);
	curl_easy_setopt(easy, CURLOPT_USE_SSL, encryption(&s->spec));
	curl_easy_setopt(easy, CURLOPT_USERNAME, s->user);
	curl_easy_setopt(easy, CURLOPT_PASSWORD, s->password);
	/* Without Kerberos: for a user@domain curl tries that first where it is offered, may wait for its servers, and gives up
	 * the mail where there is no ticket. */
	curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5;AUTH=DIGEST-MD5;AUTH=NTLM");
	curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)m->length);
	curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_text);
	curl_easy_setopt(easy, CURLOPT_READDATA, m);
	curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_text);
	curl_easy_setopt(easy, CURLOPT_SEEKDATA, m);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, hear);
	curl_easy_setopt(easy, CURLOPT_DEBUGDATA, m);
	return m;
}

void mailing_free(struct mailing *m)
{
	if (m == NULL)
		return;
	curl_slist_free_all(m->recipients);
	free(m);
}

void mailing_outcome(const struct mailing *m, bool sent, const char *error, struct outcome *out)
{
	if (sent) {
		out->kind = OUTCOME_TAKEN;
		snprintf(out->error, sizeof out->error, "%s%s", m->refused[0] != '\0' ? "refused for " : "", m->refused);
		return;
	}
	const char *said = m->refused[0] != '\0' ? m->refused : m->reply;
	snprintf(out->error, sizeof out->error, "%s%s%.120s", said, said[0] != '\0' ? ": " : "", error);
}
