/* Standard Webhooks: type, timestamp (of the event, so that every attempt has the same bytes) and data. */
#include "alerts/receivers/format.h"

json_t *format_standard(const struct message *message)
{
	static const char *const types[] = {"alert.firing", "alert.resolved", "alert.test"};
	return json_pack("{s:s, s:O?, s:O}", "type", types[message->kind], "timestamp",
			 json_object_get(message->alert, "at"), "data", message->alert);
}
