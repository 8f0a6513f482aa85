#include "model/devices.h"

#include <string.h>

/* Digits alone, and few enough that they fit an int; -1 where they are not. */
static int number_parse(const char *text, size_t length)
{
	int number = 0;
	if (length == 0 || length > 4)
		return -1;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		number = number * 10 + (text[i] - '0');
	}
	return number;
}

static int number_add(struct devices *out, int number, struct err *e)
{
	for (size_t i = 0; i < out->count; i++)
		if (out->numbers[i] == number)
			return err_set(e, "GPU %d is named twice", number);
	if (out->count == DEVICES_MOST)
		return err_set(e, "more than %d GPUs", DEVICES_MOST);
	out->numbers[out->count++] = number;
	return 0;
}

/* "0,1" */
static int numbers_parse(const char *text, struct devices *out, struct err *e)
{
	for (;;) {
		size_t length = strcspn(text, ",");
		int number = number_parse(text, length);
		if (number < 0)
			return err_set(e, "\"%.*s\" is not the number of a GPU: cuda:0,1 takes the first two",
				       length < 80 ? (int)length : 80, text);
		if (number_add(out, number, e) < 0)
			return -1;
		if (text[length] == '\0')
			return 0;
		text += length + 1;
	}
}

int devices_parse(const char *text, struct devices *out, struct err *e)
{
	static const char *const kinds[] = {"auto", "cpu", "cuda"};
	*out = (struct devices){.kind = "cuda"};
	if (strncmp(text, "cuda:", 5) == 0)
		return numbers_parse(text + 5, out, e) == 0 ? 0 : err_prefix(e, "device \"%.200s\"", text);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (strcmp(text, kinds[i]) == 0) {
			*out = (struct devices){.kind = kinds[i], .numbers = {DEVICE_ANY}, .count = 1};
			return 0;
		}
	}
	return err_set(e, "device \"%.200s\" is not known: auto, cpu, cuda, or GPUs by number such as cuda:0,1", text);
}
