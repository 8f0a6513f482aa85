/* A stored payload, whatever it holds, in every format: what comes out is text that the receiver can read. */
#include "alerts/receivers/format.h"
#include "daemon/base/check.h"
#include "daemon/base/utf8.h"

#include <stdlib.h>
#include <string.h>

static void write_as(const char *name, const char *payload, bool resolved)
{
	static const char *const to[] = {"Desk <desk@example.com>", "duty@example.com"};
	struct receiver_spec receiver = {.name = "desk", .format = name, .secret = "key", .from = "alerts@example.com", .to = to,
					 .to_count = 2, .chart = RECEIVER_CHART_AUTO};
	struct envelope envelope = {"a1-1", payload, resolved};
	if (strcmp(name, "standard") == 0)
		receiver.chart = RECEIVER_CHART_YES;
	char *body = format_write(format_find(name, NULL), &receiver, &envelope, INT64_C(1767605460000000), NULL);
	if (body == NULL)
		return;
	size_t length = strlen(body);
	CHECK(utf8_is_valid(body, length));
	if (strcmp(name, "smtp") == 0) {
		for (const char *end = body; (end = strchr(end, '\n')) != NULL; end++)
			CHECK(end > body && end[-1] == '\r');
	} else {
		json_t *json = json_loads(body, 0, NULL);
		CHECK(json != NULL);
		json_decref(json);
	}
	CHECK(strcmp(name, "teams") != 0 || length <= 14000);
	free(body);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *payload = malloc(size + 1);
	CHECK(payload != NULL);
	memcpy(payload, data, size);
	payload[size] = '\0';
	for (size_t i = 0; webhook_formats[i] != NULL; i++)
		write_as(webhook_formats[i], payload, size % 2 == 0);
	free(payload);
	return 0;
}
