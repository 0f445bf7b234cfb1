/*
 * The line on a terminal that tells how long a call has been running.
 */
#ifndef VHOSTELCTL_PROGRESS_H
#define VHOSTELCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* @what: borrowed; NULL shows nothing */
struct progress {
	const char *what;
	int64_t start_ms;
	bool on;
	bool shown;
};

/* progress_begin - shows nothing yet, and nothing at all when standard error is no terminal */
void progress_begin(struct progress *p, const char *what);
/* progress_update - draw the line when it is time; returns the milliseconds until the next one */
int progress_update(struct progress *p);
/* progress_end - wipe the line */
void progress_end(struct progress *p);
/* progress_seconds - since the begin */
double progress_seconds(const struct progress *p);

#endif
