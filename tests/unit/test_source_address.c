/* Which addresses are public: each refused block by an address of it, and the public ones right beside. */
#include "ingest/rss/address.h"
#include "tests/lib/run.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static const char *refusal(const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return address_refusal((struct sockaddr *)&v4);
	ck_assert_msg(inet_pton(AF_INET6, text, &v6.sin6_addr) == 1, "%s", text);
	return address_refusal((struct sockaddr *)&v6);
}

static const char *const refused[] = {
	"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1",
	"127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
	"192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
	"239.255.255.255", "240.0.0.1", "255.255.255.255",
	"::", "::1", "::2", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254",
	"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::1", "2002:c0a8:101::", "2002:a00:1::1",
	"100::1", "2001::1", "2001:0:4136:e378::1", "2001:1::1", "2001:db8::1", "3fff:fff::1", "4000::1", "5f00::1",
	"fc00::1", "fd12:3456::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ffff::1",
};

static const char *const public[] = {
	"1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.255", "100.128.0.1", "126.255.255.255", "128.0.0.1",
	"169.253.255.255", "169.255.0.1", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.0.3.1", "192.88.98.1",
	"192.167.255.255", "192.169.0.1", "198.17.255.255", "198.20.0.1", "223.255.255.255",
	"::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2001:200::1", "2001:db7::1", "2606:4700::1111",
	"2a00:1450::1", "3ffe:ffff::1",
};

START_TEST(test_refused)
{
	ck_assert_msg(refusal(refused[_i]) != NULL, "%s passes", refused[_i]);
}
END_TEST

START_TEST(test_public)
{
	ck_assert_msg(refusal(public[_i]) == NULL, "%s is refused as %s", public[_i], refusal(public[_i]));
}
END_TEST

START_TEST(test_kinds)
{
	ck_assert_str_eq(refusal("127.0.0.1"), "loopback");
	ck_assert_str_eq(refusal("::1"), "loopback");
	ck_assert_str_eq(refusal("::ffff:192.168.1.1"), "private");
	ck_assert_str_eq(refusal("169.254.169.254"), "link-local");
	ck_assert_str_eq(refusal("fd00::1"), "private");
}
END_TEST

START_TEST(test_other_family)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/run/some.socket"};

	ck_assert_ptr_nonnull(address_refusal((struct sockaddr *)&local));
}
END_TEST

START_TEST(test_format)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	char text[46];

	ck_assert_str_eq(address_format((struct sockaddr *)&v4, text, sizeof(text)), "127.0.0.1");
	ck_assert_str_eq(address_format((struct sockaddr *)&v6, text, sizeof(text)), "::1");
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("address");


	tcase_add_loop_test(tests, test_refused, 0, sizeof(refused) / sizeof(*refused));
	tcase_add_loop_test(tests, test_public, 0, sizeof(public) / sizeof(*public));
	tcase_add_test(tests, test_kinds);
	tcase_add_test(tests, test_other_family);
	tcase_add_test(tests, test_format);
	return run_case("source_address", tests);
}
