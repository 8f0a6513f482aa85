#include "daemon/train_search_private.h"

#include "daemon/base/check.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void path_make(const struct search_files *files, const char *name, char out[4096])
{
	snprintf(out, 4096, "%s/%s", files->directory, name);
}

/* Whole or not at all: a new file, on the disk, renamed. */
static int file_replace(const char *path, const char *text, struct err *e)
{
	char fresh[4200];
	snprintf(fresh, sizeof fresh, "%s.new", path);
	FILE *file = fopen(fresh, "we");
	if (file == NULL)
		return err_sys(e, errno, "%s", fresh);
	int failure = fputs(text, file) < 0 || fflush(file) != 0 || fsync(fileno(file)) < 0 ? errno : 0;
	if (fclose(file) != 0 && failure == 0)
		failure = errno;
	if (failure == 0 && rename(fresh, path) < 0)
		failure = errno;
	return failure != 0 ? err_sys(e, failure, "cannot write %s", path) : 0;
}

/* How many bytes the file begins with that the text begins with too; as many as it has and no more: SIZE_MAX. */
static size_t file_agrees(const char *path, const char *text)
{
	FILE *file = fopen(path, "re");
	size_t same = 0;
	int byte = EOF;
	while (file != NULL && (byte = getc(file)) > 0 && byte == (unsigned char)text[same])
		same++;
	if (file != NULL)
		fclose(file);
	return byte == EOF && text[same] == '\0' ? SIZE_MAX : same;
}

static size_t last_line(const char *text)
{
	size_t at = strlen(text) - 1;
	while (at > 0 && text[at - 1] != '\n')
		at--;
	return at;
}

static void text_put(FILE *out, const char *text)
{
	bool quoted = strpbrk(text, ",\"\n") != NULL;
	if (quoted)
		fputc('"', out);
	for (; *text != '\0'; text++)
		fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
	if (quoted)
		fputc('"', out);
}

static int header_write(struct search_files *files, const struct search_space *space, struct err *e)
{
	fputs("rung,trial,part,state,score,polarity_accuracy,polarity_macro_f1,topic_accuracy,topic_macro_f1,seconds", files->trials);
	for (size_t i = 0; i < space->count; i++)
		fprintf(files->trials, ",%s", space->keys[i].name);
	fputc('\n', files->trials);
	return fflush(files->trials) == 0 ? 0 : err_sys(e, errno, "cannot write %s/trials.csv", files->directory);
}

/* Lines that were written completely; what a crash left of another is cut off. */
static int lines_read(struct search_files *files, void (*known)(void *context, const struct search_line *line), void *context,
		      off_t *whole, struct err *e)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	*whole = 0;
	rewind(files->trials);
	while ((length = getline(&line, &size, files->trials)) > 0 && line[length - 1] == '\n') {
		struct search_line told = {.score = NAN};
		char state[16];
		*whole += length;
		int fields = sscanf(line, "%zu,%zu,%*[^,],%15[^,],%lf", &told.rung, &told.trial, state, &told.score);
		if (fields < 3)
			continue;
		told.score = strcmp(state, "ok") == 0 && fields == 4 ? told.score : NAN;
		known(context, &told);
	}
	free(line);
	clearerr(files->trials);
	if (ftruncate(fileno(files->trials), *whole) < 0 || fseeko(files->trials, 0, SEEK_END) < 0)
		return err_sys(e, errno, "%s/trials.csv", files->directory);
	return 0;
}

static int directory_open(struct search_files *files, const char *description, bool resume, struct err *e)
{
	char path[4096];
	if (mkdir(files->directory, 0777) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s", files->directory);
	path_make(files, "search.txt", path);
	bool there = access(path, F_OK) == 0;
	if (there && !resume)
		return err_set(e, "%s holds a search: --resume goes on with it; to begin anew remove it", files->directory);
	size_t same = there ? file_agrees(path, description) : SIZE_MAX;
	if (same < last_line(description))
		return err_set(e, "%s holds another search (see search.txt there)", files->directory);
	if (same < SIZE_MAX)
		return err_set(e, "%s: the rows, the base or the teacher have changed since that search began, and its trials would not "
				  "compare: bring back what was, or begin anew with another --out",
			       files->directory);
	return there ? 0 : file_replace(path, description, e);
}

int search_files_open(struct search_files *files, const char *directory, const char *description,
		      const struct search_space *space, bool resume, void (*known)(void *context, const struct search_line *line),
		      void *context, struct err *e)
{
	char path[4096];
	off_t size;
	*files = (struct search_files){0};
	if (snprintf(files->directory, sizeof files->directory, "%s", directory) >= (int)sizeof files->directory)
		return err_set(e, "\"%s\" is no usable path", directory);
	if (directory_open(files, description, resume, e) < 0)
		return -1;
	path_make(files, "trials.csv", path);
	files->trials = fopen(path, "a+e");
	if (files->trials == NULL)
		return err_sys(e, errno, "%s", path);
	if (flock(fileno(files->trials), LOCK_EX | LOCK_NB) < 0)
		return err_set(e, "%s: another search is at work there", files->directory);
	if (lines_read(files, known, context, &size, e) < 0)
		return -1;
	return size == 0 ? header_write(files, space, e) : 0;
}

void search_files_close(struct search_files *files)
{
	if (files->trials != NULL)
		fclose(files->trials);
	files->trials = NULL;
}

static void task_put(FILE *out, const struct fit_task *task)
{
	if (task->rows > 0)
		fprintf(out, ",%.6f,%.6f", task->accuracy, task->macro_f1);
	else
		fputs(",,", out);
}

int search_files_add(struct search_files *files, size_t rung, size_t trial, double part, const struct trial_result *result,
		     const struct search_space *space, char *const *values, struct err *e)
{
	FILE *out = files->trials;
	fprintf(out, "%zu,%zu,%.4f,", rung, trial, part);
	if (result == NULL) {
		fputs("failed,,,,,,", out);
	} else {
		fprintf(out, "ok,%.6f", result->figures.score);
		task_put(out, &result->figures.polarity);
		task_put(out, &result->figures.topic);
		fprintf(out, ",%.1f", result->seconds);
	}
	for (size_t i = 0; i < space->count; i++) {
		fputc(',', out);
		text_put(out, values[i]);
	}
	fputc('\n', out);
	if (fflush(out) != 0 || fdatasync(fileno(out)) < 0)
		return err_sys(e, errno, "cannot write %s/trials.csv", files->directory);
	return 0;
}

/* A number as people write it, where that is the same number. */
static void number_put(FILE *out, const char *text)
{
	char *end, small[40];
	double value = strtod(text, &end);
	if (*end != '\0' || end == text) {
		fputs(text, out); /* true, false */
		return;
	}
	snprintf(small, sizeof small, "%.15g", value);
	fputs(strtod(small, NULL) == value ? small : text, out);
}

static void key_put(void *context, const char *name, const char *value, bool is_text)
{
	static const char *const not[] = {"out", "resume", "search", "trials", "threads"};
	FILE *out = context;
	char here[4096], *full = NULL;
	if (value == NULL)
		return;
	for (size_t i = 0; i < sizeof not / sizeof *not; i++)
		if (strcmp(not[i], name) == 0)
			return;
	if (getcwd(here, sizeof here - 1) != NULL)
		full = train_options_resolve(strcat(here, "/"), name, value);
	if (full != NULL)
		value = full;
	fprintf(out, "%s: ", name);
	json_t *string = is_text ? json_string(value) : NULL; /* JSON's strings are YAML's, too */
	if (string != NULL)
		json_dumpf(string, out, JSON_ENCODE_ANY);
	else
		number_put(out, value);
	json_decref(string);
	free(full);
	fputc('\n', out);
}

int search_files_finish(const struct search_files *files, const struct train_options *best, char path[4096], struct err *e)
{
	char *text = NULL, full[4096];
	size_t size;
	FILE *out = open_memstream(&text, &size);
	if (out == NULL || realpath(files->directory, full) == NULL)
		return err_sys(e, errno, "%s", files->directory);
	train_options_each(best, key_put, out);
	strncat(full, "/model", sizeof full - strlen(full) - 1);
	json_t *string = json_string(full);
	fputs("out: ", out);
	json_dumpf(string, out, JSON_ENCODE_ANY);
	fputc('\n', out);
	json_decref(string);
	fclose(out);
	path_make(files, "best.yaml", path);
	int result = file_replace(path, text, e);
	free(text);
	return result;
}
