/*
 * Which keys go with which format.  One table says it, so that a key that would
 * be ignored is an error that names it rather than a surprise at night.
 */
#include "alerts/receivers/address.h"
#include "alerts/receivers/format.h"
#include "alerts/webhook.h"
#include "daemon/base/check.h"

#include <curl/curl.h>
#include <string.h>

const char *const webhook_starttls[] = {"required", "try", "never", NULL};

/* ---- addresses ---- */

struct parts {
	char *scheme, *host, *user;
};

static void parts_free(struct parts *parts)
{
	curl_free(parts->scheme);
	curl_free(parts->host);
	curl_free(parts->user);
}

static int read_url(const char *text, struct parts *out, struct err *e)
{
	CURLU *url = curl_url();
	CHECK(url != NULL);
	*out = (struct parts){NULL, NULL, NULL};
	CURLUcode code = curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_SCHEME, &out->scheme, 0);
	if (code == CURLUE_OK)
		code = curl_url_get(url, CURLUPART_HOST, &out->host, 0);
	if (code == CURLUE_OK)
		curl_url_get(url, CURLUPART_USER, &out->user, 0);
	curl_url_cleanup(url);
	if (code == CURLUE_OK)
		return 0;
	parts_free(out);
	return err_set(e, "\"%s\": %s", text, curl_url_strerror(code));
}

static int check_scheme(const char *url, const char *secure, const char *plain, struct err *e)
{
	size_t s = strlen(secure), p = strlen(plain);
	if (strncmp(url, secure, s) == 0 || strncmp(url, plain, p) == 0)
		return 0;
	return err_set(e, "\"%s\": expected a URL that starts with %s or %s", url, secure, plain);
}

static bool is_this_machine(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

/* ---- each format's own ---- */

static int check_http(const struct receiver_spec *spec, const char **key, struct err *e)
{
	struct parts parts;
	*key = "url";
	if (check_scheme(spec->url, "https://", "http://", e) != 0 || read_url(spec->url, &parts, e) != 0)
		return -1;
	parts_free(&parts);
	return 0;
}

static int check_addresses(const struct receiver_spec *spec, const char **key, struct err *e)
{
	struct address address;
	*key = "from";
	if (address_parse(spec->from, &address, e) != 0)
		return -1;
	*key = "to";
	for (size_t i = 0; i < spec->to_count; i++)
		if (address_parse(spec->to[i], &address, e) != 0)
			return -1;
	return 0;
}

static int check_encryption(const struct receiver_spec *spec, const struct parts *url, bool has_secret, const char **key,
			    struct err *e)
{
	bool encrypted = strcmp(url->scheme, "smtps") == 0, known = spec->starttls == NULL;
	*key = "url";
	if (url->user != NULL)
		return err_set(e, "the login belongs in secret_file, not in the URL");
	*key = "starttls";
	if (encrypted && spec->starttls != NULL)
		return err_set(e, "smtps:// is encrypted from the start: leave it out");
	for (size_t i = 0; !known && webhook_starttls[i] != NULL; i++)
		known = strcmp(spec->starttls, webhook_starttls[i]) == 0;
	if (!known)
		return err_set(e, "\"%s\": expected required, try or never", spec->starttls);
	bool certain = encrypted || spec->starttls == NULL || strcmp(spec->starttls, "required") == 0;
	if (has_secret && !certain && !is_this_machine(url->host))
		return err_set(e, "\"%s\": the password could be read on its way to %s: expected required", spec->starttls,
			       url->host);
	return 0;
}

static int check_smtp(const struct receiver_spec *spec, bool has_secret, const char **key, struct err *e)
{
	struct parts parts;
	*key = "url";
	if (check_scheme(spec->url, "smtps://", "smtp://", e) != 0 || read_url(spec->url, &parts, e) != 0)
		return -1;
	int result = check_encryption(spec, &parts, has_secret, key, e);
	parts_free(&parts);
	return result == 0 ? check_addresses(spec, key, e) : -1;
}

static int check_command(const struct receiver_spec *spec, const char **key, struct err *e)
{
	*key = "command";
	if (spec->command[0][0] == '/')
		return 0;
	return err_set(e, "\"%s\": expected the program's absolute path as the first word", spec->command[0]);
}

/* ---- which keys ---- */

enum { HTTP = 1 << TRANSPORT_HTTP, SMTP = 1 << TRANSPORT_SMTP, COMMAND = 1 << TRANSPORT_COMMAND };

static int check_keys(const struct receiver_spec *spec, const struct format *format, bool has_secret, const char **key,
		      struct err *e)
{
	const struct {
		const char *key;
		bool set;
		int needed, allowed; /* by which ways of sending */
		const char *help;
	} keys[] = {
		{"url", spec->url != NULL, HTTP | SMTP, HTTP | SMTP, "where alerts are posted"},
		{"from", spec->from != NULL, SMTP, SMTP, "the sender's address"},
		{"to", spec->to_count > 0, SMTP, SMTP, "who gets the mail"},
		{"starttls", spec->starttls != NULL, 0, SMTP, ""},
		{"ca_file", spec->ca_file != NULL, 0, HTTP | SMTP, ""},
		{"secret_file", has_secret, 0, HTTP | SMTP, ""},
		{"command", spec->command_count > 0, COMMAND, COMMAND, "the program and its arguments, as a list"},
	};
	int way = 1 << (int)format->transport;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		*key = keys[i].key;
		if (!keys[i].set && (keys[i].needed & way) != 0)
			return err_set(e, "is missing: %s", keys[i].help);
		if (keys[i].set && (keys[i].allowed & way) == 0)
			return err_set(e, "format %s has no such key", format->name);
	}
	return 0;
}

static bool takes_charts(const struct format *format)
{
	return format->body == format_standard || format->body == format_command || format->body == format_smtp;
}

int webhook_check_spec(const struct receiver_spec *spec, bool has_secret, const char **key, struct err *e)
{
	*key = "format";
	const struct format *format = format_find(spec->format != NULL ? spec->format : "standard", e);
	if (format == NULL || check_keys(spec, format, has_secret, key, e) != 0)
		return -1;
	*key = "chart";
	if (spec->chart == RECEIVER_CHART_YES && !takes_charts(format))
		return err_set(e, "format %s takes no chart: standard, smtp and command do", format->name);
	switch (format->transport) {
	case TRANSPORT_HTTP: return check_http(spec, key, e);
	case TRANSPORT_SMTP: return check_smtp(spec, has_secret, key, e);
	default: return check_command(spec, key, e);
	}
}
