#include "alerts/webhook/retry.h"

#include "daemon/base/clock.h"

#define FIRST_PAUSE_US (5 * SECOND_US)
#define LONGEST_PAUSE_US (5 * MINUTE_US)
#define GIVE_UP_US DAY_US

static int64_t full_pause_us(uint32_t attempts)
{
	int64_t pause_us = FIRST_PAUSE_US;
	for (uint32_t i = 1; i < attempts && pause_us < LONGEST_PAUSE_US; i++)
		pause_us *= 2;
	return pause_us < LONGEST_PAUSE_US ? pause_us : LONGEST_PAUSE_US;
}

int64_t retry_pause_us(uint32_t attempts, uint32_t random)
{
	int64_t pause_us = full_pause_us(attempts);
	return pause_us - pause_us / 4 * (int64_t)(random >> 16) / 0xFFFF;
}

bool retry_is_exhausted(uint32_t attempts)
{
	int64_t sum_us = 0;
	for (uint32_t i = 1; i <= attempts && sum_us < GIVE_UP_US; i++)
		sum_us += full_pause_us(i);
	return sum_us >= GIVE_UP_US;
}
