/* For charts of a replay, which have no alert to hang on. */
#include "alerts/watch/state.h"

struct rule_band watch_expect(struct watch *watch, uint32_t rule, uint32_t topic, int64_t at_us, int32_t cells)
{
	const struct rule_spec *spec = &watch->rules[rule];
	int32_t cell = cell_of(at_us);

	return rule_expect(spec, baseline_of(&watch->topics[topic], spec->metric, cell), cell, cells);
}
