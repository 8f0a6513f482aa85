/*
 * A public server must not lead the daemon into its own network.  The public
 * server is made in a network namespace of the test's own: 9.9.9.9 on its
 * loopback interface.
 */
#include "tests/lib/rss_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>

#define PUBLIC "9.9.9.9"

static int configure(int fd, const char *interface, const char *address)
{
	struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
	struct sockaddr_in at = {.sin_family = AF_INET};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (!address)
		return ioctl(fd, SIOCSIFFLAGS, &request);
	inet_pton(AF_INET, address, &at.sin_addr);
	memcpy(&request.ifr_addr, &at, sizeof(at));
	return ioctl(fd, SIOCSIFADDR, &request);
}

static int make_network(void)
{
	int fd, failed;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return -1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	failed = configure(fd, "lo", NULL) || configure(fd, "lo:1", PUBLIC) || configure(fd, "lo:2", "10.1.2.3");
	close(fd);
	return failed ? -1 : 0;
}

static struct source_options public_options(const char *path)
{
	struct source_options options = options_for(path);

	snprintf(urls[0], sizeof(urls[0]), "http://" PUBLIC ":%d%s", server.port, path);
	options.rss.allow_private = false;
	options.rss.interval_us = SECOND_US / 4;
	return options;
}

START_TEST(test_public_is_fetched)
{
	struct source_options options = public_options("/feed/public");
	struct harness h;

	feed_server_control(&server, "add?feed=public");
	feed_server_control(&server, "fault?feed=public&spec=302:http://" PUBLIC ":%d/feed/public", server.port);
	harness_open(&h, &options, NULL, 0, 10);
	ck_assert(harness_pop(&h, 2, LONG_US));
	harness_close(&h);
}
END_TEST

static const char *const inside[] = {
	"127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "0.0.0.0", "10.1.2.3", "[::1]",
	"[::ffff:127.0.0.1]", "[::ffff:10.1.2.3]", "[::]", "[64:ff9b::7f00:1]",
};

START_TEST(test_redirect_inside)
{
	struct source_health health;
	char path[64];
	struct source_options options;
	struct harness h;
	json_t *log;

	snprintf(path, sizeof(path), "/feed/leads%d", _i);
	options = public_options(path);
	feed_server_control(&server, "add?feed=leads%d", _i);
	feed_server_control(&server, "add?feed=inside%d", _i);
	feed_server_control(&server, "fault?feed=leads%d&spec=301:http://%s:%d/feed/inside%d", _i, inside[_i],
			    server.port, _i);
	harness_open(&h, &options, NULL, 0, 10);
	ck_assert(harness_wait_state(&h, SOURCE_DOWN, LONG_US));
	source_get_health(h.source, &health);
	ck_assert_msg(strstr(health.message, "which is not fetched from"), "%s: %s", inside[_i], health.message);
	/* The redirect was not taken for good either. */
	ck_assert(harness_pop(&h, 2, LONG_US));
	ck_assert_ptr_null(strstr(h.items[1]->position.next, "/feed/inside"));
	harness_close(&h);
	snprintf(path, sizeof(path), "inside%d", _i);
	log = log_of(path);
	ck_assert_uint_eq(json_array_size(log), 0);
	json_decref(log);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, test_public_is_fetched);
	tcase_add_loop_test(tests, test_redirect_inside, 0, sizeof(inside) / sizeof(*inside));
}

int main(void)
{
	if (make_network() != 0) {
		printf("no network namespace can be made here (%s)\n", strerror(errno));
		return 77;
	}
	server_host = "0.0.0.0";
	return run_with_server("rss_redirect", add_tests);
}
