/* Signatures: vectors of our own, and, where BELLWETHER_DATA names the data folder, the public ones. */
#include "alerts/webhook.h"
#include "tests/lib/run.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int sign(const char *secrets, const char *id, int64_t timestamp_s, const char *body, char out[1024])
{
	struct err e = {.text = ""};
	int result = webhook_sign(secrets, id, timestamp_s, body, strlen(body), out, 1024, &e);
	ck_assert(result == 0 || e.text[0] != '\0');
	return result;
}

/* Computed by Python: base64.b64encode(hmac.digest(key, signed, "sha256")) */
START_TEST(test_own_vectors)
{
	static const struct {
		const char *secrets, *id;
		int64_t timestamp_s;
		const char *body, *expected;
	} cases[] = {
		{"whsec_TWFkZSB1cCBmb3IgdGVzdHMgb25seSwgMzIgYnl0ZXM=", "a1-1", 1767605400, "{\"type\":\"alert.firing\"}", "v1,pCJCfsoKkDHTwZJdkhlFFEVUAmx+ejTWOUz24iAG6gM="},
		{"TWFkZSB1cCBmb3IgdGVzdHMgb25seSwgMzIgYnl0ZXM", "a1-1", 1767605400, "{\"type\":\"alert.firing\"}", "v1,pCJCfsoKkDHTwZJdkhlFFEVUAmx+ejTWOUz24iAG6gM="},
		{"whsec_AA==", "x", 0, "", "v1,OjFea3zqE+MY/f3bFhq8BeFiiaAp2EEdXuCygJsotY0="},
		{"whsec_/+8=", "\u00e9", 9999999999, "\u6771\u4eac", "v1,qmXF8ZMBfBqW1fOc/s2uAhSNELLPYu/gLfaAF2Rwj0w="},
		{" whsec_AA==\n\twhsec_/+8= ", "x", 0, "", "v1,OjFea3zqE+MY/f3bFhq8BeFiiaAp2EEdXuCygJsotY0= v1,mqWEEbXl3a7EWoDdR9LgywOd9LeuwNKi9EuEzxEYs1k="},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char out[1024];
		ck_assert_int_eq(sign(cases[i].secrets, cases[i].id, cases[i].timestamp_s, cases[i].body, out), 0);
		ck_assert_str_eq(out, cases[i].expected);
	}
}
END_TEST

START_TEST(test_wrong_secrets)
{
	static const char *const wrong[] = {"", " ", "whsec_", "whsec_ whsec_AA==", "whsec_AA== whsec_", "whsec_A", "whsec_AAAAA",
					    "whsec_A A==", "whsec_AA=A", "whsec_\xff\xff", "whsec_-_-_", "="};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		char out[1024];
		ck_assert_msg(sign(wrong[i], "x", 0, "", out) == -1, "\"%s\" was taken", wrong[i]);
	}
	char small[40], secret[1200] = "whsec_";
	ck_assert_int_eq(webhook_sign("whsec_AA==", "x", 0, "", 0, small, sizeof small, NULL), -1);
	memset(secret + 6, 'A', 1000);
	ck_assert_int_eq(webhook_sign(secret, "x", 0, "", 0, small, sizeof small, NULL), -1);
}
END_TEST

START_TEST(test_messages_do_not_quote_secrets)
{
	struct err e;
	char out[1024];
	ck_assert_int_eq(webhook_sign("whsec_AA== hunter2!", "x", 0, "", 0, out, sizeof out, &e), -1);
	ck_assert_ptr_null(strstr(e.text, "hunter2"));
	ck_assert_ptr_nonnull(strstr(e.text, "secret 2"));
}
END_TEST

/* ---- the public vectors ---- */

static const char *field(const json_t *vector, const char *key)
{
	const char *value = json_string_value(json_object_get(vector, key));
	return value != NULL ? value : "";
}

/* Does a header of space-separated signatures hold ours? */
static bool holds(const char *header, const char *signature)
{
	size_t length = strlen(signature);
	for (const char *at = header; (at = strstr(at, signature)) != NULL; at++)
		if ((at == header || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static void check_vector(const json_t *vector)
{
	char out[1024];
	const char *name = field(vector, "name"), *expect = field(vector, "expect");
	int result = sign(field(vector, "secret"), field(vector, "id"), strtoll(field(vector, "timestamp"), NULL, 10),
			  field(vector, "body"), out);
	if (strcmp(expect, "config-error") == 0) {
		ck_assert_msg(result == -1, "%s: the secret was taken", name);
		return;
	}
	ck_assert_msg(result == 0, "%s: the secret was refused", name);
	ck_assert_msg(holds(field(vector, "signature"), out) == (strcmp(expect, "valid") == 0), "%s: %s", name, out);
}

START_TEST(test_public_vectors)
{
	const char *data = getenv("BELLWETHER_DATA");
	char path[4096];
	if (data == NULL) {
		printf("SKIP test_public_vectors: BELLWETHER_DATA names no data folder\n");
		return;
	}
	snprintf(path, sizeof path, "%s/webhooks/vectors.json", data);
	json_t *vectors = json_load_file(path, 0, NULL), *vector;
	ck_assert_msg(vectors != NULL, "%s cannot be read", path);
	size_t index, checked = 0;
	json_array_foreach(vectors, index, vector) {
		if (strcmp(field(vector, "scheme"), "standard-webhooks/v1") != 0)
			continue;
		check_vector(vector);
		checked++;
	}
	printf("%zu public vectors\n", checked);
	ck_assert_uint_ge(checked, 14);
	json_decref(vectors);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("sign");
	tcase_add_test(tcase, test_own_vectors);
	tcase_add_test(tcase, test_wrong_secrets);
	tcase_add_test(tcase, test_messages_do_not_quote_secrets);
	tcase_add_test(tcase, test_public_vectors);
	return run_case("webhook_sign", tcase);
}
