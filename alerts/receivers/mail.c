/*
 * A mail: plain text and HTML of the same words, the chart beside them.
 *
 * Message-ID is the message's own id, so a mail that was sent twice is shown
 * once.  All mails of an alert refer to an id made of the alert's, which no
 * mail has: programs that thread by references (RFC 5322, 3.6.4) show them
 * together, whichever of them came first or was lost; those of a group also
 * refer to the group's.
 */
#include "alerts/receivers/mime.h"

#include "alerts/receivers/address.h"
#include "alerts/receivers/notice.h"
#include "alerts/receivers/page.h"
#include "alerts/receivers/text.h"
#include "daemon/base/check.h"
#include "daemon/base/clock.h"
#include "daemon/base/hash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ITEMS_MAX 20
#define ID_MAX 200
#define HEARTBEATS "heartbeat"

/* "<bellwether.ID@DOMAIN>", with '_' for what no id may hold. */
static char *message_id(const char *id, const char *domain)
{
	char safe[ID_MAX + 1];
	size_t length = strnlen(id, ID_MAX);
	memcpy(safe, id, length);
	safe[length] = '\0';
	for (char *c = safe; *c != '\0'; c++)
		if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", *c) == NULL)
			*c = '_';
	return text_format("<bellwether.%s@%s>", safe, domain);
}

static void put_date(FILE *out, int64_t now_us)
{
	time_t now_s = (time_t)(now_us / SECOND_US);
	struct tm tm;
	char date[64];
	gmtime_r(&now_s, &tm);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	mime_id_field(out, "Date", date);
}

/* What the mail belongs to: its alert and group; nothing, for one that stands alone. */
static void put_thread(FILE *out, const struct message *message, const char *domain)
{
	const char *id = alert_text(message->alert, "id"), *group = alert_text(message->alert, "group");
	if (message->kind == MESSAGE_TEST || message->kind == MESSAGE_DIGEST)
		return;
	if (message->kind == MESSAGE_HEARTBEAT)
		id = HEARTBEATS;
	if (id[0] == '\0')
		return;
	bool grouped = group[0] != '\0' && strcmp(group, id) != 0;
	char *own = message_id(id, domain), *leader = grouped ? message_id(group, domain) : NULL;
	char *references = leader != NULL ? text_format("%s %s", leader, own) : text_format("%s", own);
	if (message->kind != MESSAGE_FIRING || strcmp(alert_text(message->alert, "change"), "renewed") == 0)
		mime_id_field(out, "In-Reply-To", own);
	mime_id_field(out, "References", references);
	free(references);
	free(leader);
	free(own);
}

static void put_header(FILE *out, const struct message *message, const struct notice *notice)
{
	struct address from = {.name = ""};
	address_parse(message->receiver->from, &from, NULL);
	const char *at = strrchr(from.mailbox, '@'), *domain = at != NULL ? at + 1 : "localhost";
	char *id = message_id(message->id, domain), *subject = text_format("[%s] %s", notice->state, notice->summary);
	mime_address_field(out, "From", &message->receiver->from, 1);
	mime_address_field(out, "To", message->receiver->to, message->receiver->to_count);
	mime_field(out, "Subject", subject);
	put_date(out, message->now_us);
	mime_id_field(out, "Message-ID", id);
	put_thread(out, message, domain);
	mime_field(out, "Auto-Submitted", "auto-generated");
	mime_field(out, "X-Auto-Response-Suppress", "All");
	mime_field(out, "MIME-Version", "1.0");
	free(id);
	free(subject);
}

/* "=_" stands in no quoted-printable and no base64. */
static void make_boundary(const struct message *message, const char *kind, char *out, size_t size)
{
	snprintf(out, size, "=_%s_%016" PRIx64, kind, hash_text(0, message->id));
}

static void put_text(FILE *out, const char *type, char *text)
{
	fprintf(out, "Content-Type: text/%s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", type);
	mime_quoted_printable(out, text);
	free(text);
}

static void put_alternatives(FILE *out, const struct message *message, const struct notice *notice)
{
	char boundary[64];
	make_boundary(message, "text", boundary, sizeof boundary);
	fprintf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary, boundary);
	put_text(out, "plain", page_write_plain(notice));
	fprintf(out, "--%s\r\n", boundary);
	put_text(out, "html", page_write_html(notice));
	fprintf(out, "--%s--\r\n", boundary);
}

static void put_with_chart(FILE *out, const struct message *message, const struct notice *notice, const char *svg)
{
	char boundary[64];
	make_boundary(message, "mail", boundary, sizeof boundary);
	fprintf(out, "Content-Type: multipart/mixed; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary, boundary);
	put_alternatives(out, message, notice);
	fprintf(out, "--%s\r\nContent-Type: image/svg+xml; name=\"chart.svg\"\r\n", boundary);
	fputs("Content-Disposition: attachment; filename=\"chart.svg\"\r\nContent-Transfer-Encoding: base64\r\n\r\n", out);
	mime_base64(out, svg, strlen(svg));
	fprintf(out, "--%s--\r\n", boundary);
}

char *format_smtp(const struct message *message)
{
	struct notice *notice = notice_create(message, ITEMS_MAX);
	char *text, *svg = message->receiver->chart != RECEIVER_CHART_NO ? alert_chart(message->alert) : NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);
	CHECK(out != NULL);
	put_header(out, message, notice);
	if (svg != NULL)
		put_with_chart(out, message, notice, svg);
	else
		put_alternatives(out, message, notice);
	CHECK(fclose(out) == 0);
	free(svg);
	notice_free(notice);
	return text;
}
