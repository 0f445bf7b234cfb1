/*
 * The trail of a task: the steps it took, with time stamps and durations, for whoever asked for it.
 */
#ifndef BASE_TRAIL_H
#define BASE_TRAIL_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Bytes of text that one trail keeps; what comes later is counted, not kept. */
#define TRAIL_TEXT_MAX (1024 * 1024)

enum trail_level { TRAIL_DEBUG, TRAIL_INFO, TRAIL_WARN, TRAIL_HTML };

/* Safe to use from several threads: a chain starts its VMs side by side. */
struct trail {
	pthread_mutex_t mutex;
	struct trail_entry {
		enum trail_level level;
		int64_t wall_ms; /* when it was noted, since 1970 */
		char *text;
	} * entries;
	size_t count;
	size_t bytes;
	size_t dropped;
	int64_t last_us; /* when the last step ended */
};

void trail_init(struct trail *trail);
void trail_clear(struct trail *trail);

/*
 * trail_step - an INFO entry for a step that just ended; " (0.123 s)", the time since the step
 * before it (or since trail_init), is appended. A NULL @trail is fine everywhere.
 */
void trail_step(struct trail *trail, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* trail_note - an entry of any level, its text as it is */
void trail_note(struct trail *trail, enum trail_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
