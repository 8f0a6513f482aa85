#include "alerts/webhook/settings.h"

#include "daemon/base/check.h"
#include "daemon/base/clock.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_TIMEOUT_US (15 * SECOND_US)

static char *copy_or_null(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

static const char *const *copy_list(const char *const *list, size_t count)
{
	char **copy = xcalloc(count + 1, sizeof *copy);
	for (size_t i = 0; i < count; i++)
		copy[i] = xstrdup(list[i]);
	return (const char *const *)copy;
}

/* Two lines, or "user:password": the first line end or colon parts them. */
static int read_login(struct settings *s, struct err *e)
{
	const char *secret = s->spec.secret;
	if (s->format->secret != SECRET_LOGIN || secret == NULL)
		return 0;
	size_t user = strcspn(secret, "\r\n");
	if (secret[user] == '\0')
		user = strcspn(secret, ":");
	const char *password = secret + user;
	password += *password == ':' ? 1 : strspn(password, "\r\n");
	size_t length = strcspn(password, "\r\n");
	if (user == 0 || length == 0)
		return err_set(e, "expected the login: the user and the password on two lines, or user:password");
	s->user = xcalloc(user + 1, 1);
	s->password = xcalloc(length + 1, 1);
	memcpy(s->user, secret, user);
	memcpy(s->password, password, length);
	return 0;
}

/* One word of ASCII: anything else (a file of UTF-16, two keys) would be found out by the alert that cannot be sent. */
static int check_key(const struct format *format, const char *key, struct err *e)
{
	if (key == NULL || key[0] == '\0')
		return err_set(e, "format %s needs its integration key as the secret", format->name);
	for (const char *c = key; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return err_set(e, "expected the integration key alone: letters and digits");
	return 0;
}

static int check_secret(const struct format *format, const char *secret, struct err *e)
{
	char signature[2048];
	if (format->secret == SECRET_IN_BODY)
		return check_key(format, secret, e);
	if (secret == NULL || format->secret != SECRET_SIGNS)
		return 0;
	return webhook_sign(secret, "check", 0, "", 0, signature, sizeof signature, e);
}

int webhook_check_secret(const char *format, const char *secret, struct err *e)
{
	struct settings s = {.spec.secret = secret, .format = format_find(format, e)};
	if (s.format == NULL || check_secret(s.format, secret, e) != 0)
		return -1;
	int result = read_login(&s, e);
	free(s.user);
	free(s.password);
	return result;
}

static int check(struct settings *s, struct err *e)
{
	const char *key;
	if (webhook_check_spec(&s->spec, s->spec.secret != NULL, &key, e) != 0)
		return err_prefix(e, "%s", key);
	s->format = format_find(s->spec.format, e);
	return s->format != NULL && check_secret(s->format, s->spec.secret, e) == 0 ? read_login(s, e) : -1;
}

struct settings *settings_create(const struct receiver_spec *spec, struct err *e)
{
	struct settings *s = xcalloc(1, sizeof *s);
	s->spec = *spec;
	s->spec.name = xstrdup(spec->name);
	s->spec.url = copy_or_null(spec->url);
	s->spec.format = xstrdup(spec->format != NULL ? spec->format : "standard");
	s->spec.secret = copy_or_null(spec->secret);
	s->spec.ca_file = copy_or_null(spec->ca_file);
	s->spec.timeout_us = spec->timeout_us > 0 ? spec->timeout_us : DEFAULT_TIMEOUT_US;
	s->spec.from = copy_or_null(spec->from);
	s->spec.to = copy_list(spec->to, spec->to_count);
	s->spec.starttls = copy_or_null(spec->starttls);
	s->spec.command = copy_list(spec->command, spec->command_count);
	if (check(s, e) == 0)
		return s;
	err_prefix(e, "receiver \"%s\"", spec->name);
	settings_free(s);
	return NULL;
}

static void free_list(const char *const *list)
{
	for (const char *const *each = list; *each != NULL; each++)
		free((char *)*each);
	free((void *)list);
}

void settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	free((char *)s->spec.name);
	free((char *)s->spec.url);
	free((char *)s->spec.format);
	free((char *)s->spec.secret);
	free((char *)s->spec.ca_file);
	free((char *)s->spec.from);
	free_list(s->spec.to);
	free((char *)s->spec.starttls);
	free_list(s->spec.command);
	free(s->user);
	free(s->password);
	free(s);
}

struct settings_list *settings_list_create(const struct receiver_spec *specs, size_t count, struct err *e)
{
	struct settings_list *list = xcalloc(1, sizeof *list);
	list->each = xcalloc(count + 1, sizeof *list->each);
	for (; list->count < count; list->count++) {
		list->each[list->count] = settings_create(&specs[list->count], e);
		if (list->each[list->count] == NULL) {
			settings_list_free(list);
			return NULL;
		}
	}
	return list;
}

void settings_list_free(struct settings_list *list)
{
	if (list == NULL)
		return;
	for (size_t i = 0; i < list->count; i++)
		settings_free(list->each[i]);
	free(list->each);
	free(list);
}
