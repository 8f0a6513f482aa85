/*
 * Standard Webhooks 1.0.0, symmetric signatures ("v1"): the base64 of
 * HMAC-SHA256 over id.timestamp.body with the key that the base64 behind
 * "whsec_" spells.  https://www.standardwebhooks.com
 */
#include "alerts/webhook.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "whsec_"
#define BLANKS " \t\r\n"
#define KEY_MAX 512
/* base64 of SHA-256's 32 bytes, and the NUL that EVP_EncodeBlock writes */
#define SIGNATURE_SIZE 45

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Padding may be missing.  Returns the number of bytes, or -1 where the text is no base64 or longer than `size`. */
static int base64_decode(const char *text, size_t length, uint8_t *out, size_t size)
{
	while (length > 0 && text[length - 1] == '=')
		length--;
	if (length % 4 == 1)
		return -1;
	uint32_t bits = 0;
	size_t count = 0;
	for (size_t i = 0; i < length; i++) {
		int value = base64_value(text[i]);
		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4 == 0)
			continue;
		if (count == size)
			return -1;
		out[count++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	return (int)count;
}

/* Appends "v1,<signature>" for the secret at `secret`.  Messages never quote it. */
static int sign_with(const char *secret, size_t length, int number, const char *signed_text, size_t signed_length, char *out,
		     size_t size, struct err *e)
{
	uint8_t key[KEY_MAX], digest[EVP_MAX_MD_SIZE];
	char signature[SIGNATURE_SIZE];
	unsigned digest_length;
	if (length >= strlen(PREFIX) && strncmp(secret, PREFIX, strlen(PREFIX)) == 0) {
		secret += strlen(PREFIX);
		length -= strlen(PREFIX);
	}
	int key_length = base64_decode(secret, length, key, sizeof key);
	if (key_length == 0)
		return err_set(e, "secret %d is empty", number);
	if (key_length < 0)
		return err_set(e, "secret %d is not base64 of at most %d bytes (expected whsec_...)", number, KEY_MAX);

	const uint8_t *done = HMAC(EVP_sha256(), key, key_length, (const uint8_t *)signed_text, signed_length, digest,
				   &digest_length);
	OPENSSL_cleanse(key, sizeof key);
	if (done == NULL)
		return err_set(e, "HMAC-SHA256 failed");
	EVP_EncodeBlock((uint8_t *)signature, digest, (int)digest_length);

	size_t used = strlen(out);
	int wanted = snprintf(out + used, size - used, "%sv1,%s", used > 0 ? " " : "", signature);
	if ((size_t)wanted >= size - used)
		return err_set(e, "too many secrets: no room for the signature of number %d", number);
	return 0;
}

int webhook_sign(const char *secrets, const char *id, int64_t timestamp_s, const char *body, size_t body_length, char *out,
		 size_t size, struct err *e)
{
	char head[512];
	int head_length = snprintf(head, sizeof head, "%s.%" PRId64 ".", id, timestamp_s);
	if (head_length < 0 || (size_t)head_length >= sizeof head)
		return err_set(e, "the message id is too long");
	char *signed_text = malloc((size_t)head_length + body_length);
	if (signed_text == NULL)
		return err_set(e, "out of memory");
	memcpy(signed_text, head, (size_t)head_length);
	memcpy(signed_text + head_length, body, body_length);

	int result = 0, number = 0;
	out[0] = '\0';
	for (const char *secret = secrets + strspn(secrets, BLANKS); *secret != '\0' && result == 0;) {
		size_t length = strcspn(secret, BLANKS);
		result = sign_with(secret, length, ++number, signed_text, (size_t)head_length + body_length, out, size, e);
		secret += length;
		secret += strspn(secret, BLANKS);
	}
	if (number == 0)
		result = err_set(e, "the secret is empty");
	free(signed_text);
	return result;
}
