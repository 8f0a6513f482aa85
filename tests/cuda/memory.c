#include "tests/cuda/emulation.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* All memory of the emulated devices, and the host's that they can reach, in one list. */
struct memory {
	struct memory *next;
	unsigned char *place;
	size_t size;
	int device; /* NO_DEVICE: pinned */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct memory *memories;

void *emulation_memory_make(size_t size, int device)
{
	struct memory *memory = calloc(1, sizeof *memory);
	void *place = NULL;
	if (memory == NULL || posix_memalign(&place, 256, size) != 0)
		emulation_wrong("out of memory");
	memset(place, 0xff, size);
	pthread_mutex_lock(&lock);
	*memory = (struct memory){.next = memories, .place = place, .size = size, .device = device};
	memories = memory;
	pthread_mutex_unlock(&lock);
	emulation_count(1);
	return place;
}

int emulation_memory_end(const void *place, bool pinned)
{
	pthread_mutex_lock(&lock);
	struct memory **at = &memories;
	while (*at != NULL && ((*at)->place != place || ((*at)->device == NO_DEVICE) != pinned))
		at = &(*at)->next;
	struct memory *memory = *at;
	if (memory == NULL)
		emulation_wrong("memory is given back that was not given");
	*at = memory->next;
	pthread_mutex_unlock(&lock);
	emulation_count(-1);
	int device = memory->device;
	free(memory->place);
	free(memory);
	return device;
}

bool emulation_memory_holds(const void *address, size_t size, int device)
{
	const unsigned char *first = address;
	bool found = false;
	pthread_mutex_lock(&lock);
	for (const struct memory *memory = memories; memory != NULL && !found; memory = memory->next)
		found = memory->device == device && first >= memory->place &&
			(size_t)(first - memory->place) <= memory->size &&
			size <= memory->size - (size_t)(first - memory->place);
	pthread_mutex_unlock(&lock);
	return found;
}

void emulation_check_memory(const void *address, size_t size, const char *what)
{
	if (!emulation_memory_holds(address, size, emulation_current()))
		emulation_wrong(what);
}
