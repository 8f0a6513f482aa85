#ifndef TESTS_FEED_SERVER_H
#define TESTS_FEED_SERVER_H

#include <curl/curl.h>
#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* tests/lib/feed_server.py as a child, and GETs to its /control/ paths. */
struct feed_server {
	pid_t process;
	int input; /* closing it ends the server */
	int port;  /* 0 = python3 is missing */
};

static inline void feed_server_start(struct feed_server *server, const char *host)
{
	int in[2], out[2];
	FILE *lines;

	ck_assert(pipe(in) == 0 && pipe(out) == 0);
	server->port = 0;
	server->process = fork();
	if (server->process == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		close(in[0]);
		close(in[1]);
		close(out[0]);
		close(out[1]);
		execlp("python3", "python3", SOURCE_DIR "/tests/lib/feed_server.py", "--host", host, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	server->input = in[1];
	lines = fdopen(out[0], "r");
	if (fscanf(lines, "PORT %d", &server->port) != 1)
		server->port = 0;
	fclose(lines);
}

static inline void feed_server_stop(struct feed_server *server)
{
	close(server->input);
	waitpid(server->process, NULL, 0);
}

static inline size_t feed_server_collect(char *data, size_t one, size_t length, void *context)
{
	char **text = context;
	size_t had = *text ? strlen(*text) : 0;

	(void)one;
	*text = realloc(*text, had + length + 1);
	memcpy(*text + had, data, length);
	(*text)[had + length] = '\0';
	return length;
}

/* GET that path; the caller frees the answer. */
static inline char *feed_server_get(const struct feed_server *server, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static inline char *feed_server_get(const struct feed_server *server, const char *fmt, ...)
{
	char path[512], url[600], *text = NULL;
	CURL *easy = curl_easy_init();
	va_list arguments;

	va_start(arguments, fmt);
	vsnprintf(path, sizeof(path), fmt, arguments);
	va_end(arguments);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", server->port, path);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, feed_server_collect);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &text);
	ck_assert_int_eq(curl_easy_perform(easy), CURLE_OK);
	curl_easy_cleanup(easy);
	return text;
}

#define feed_server_control(server, ...) free(feed_server_get(server, "/control/" __VA_ARGS__))

#endif
