/*
 * The line on a terminal that tells how long a call has been running.
 */
#include "tools/vhostelctl/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/own.h"
#include "base/wait.h"

/* Calls that are quicker show no line. */
#define DELAY_MS    300
#define INTERVAL_MS 100
#define NEVER_MS    60000

/* Carriage return, then: erase to the end of the line. Source: ECMA-48, EL. */
#define WIPE "\r\033[K"

void progress_begin(struct progress *p, const char *what)
{
	*p = (struct progress) { .what = what,
				 .start_ms = clock_ms(),
				 .on = what && isatty(STDERR_FILENO) };
}

double progress_seconds(const struct progress *p)
{
	return (double)(clock_ms() - p->start_ms) / 1000;
}

/* A line that wraps could not be wiped. */
static int columns(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

int progress_update(struct progress *p)
{
	auto_free char *line = NULL;

	if (!p->on)
		return NEVER_MS;
	if (clock_ms() - p->start_ms < DELAY_MS)
		return INTERVAL_MS;
	line = own_printf("%s: %.1f s, Ctrl-C cancels", p->what, progress_seconds(p));
	fprintf(stderr, WIPE "%.*s", columns() - 1, line);
	fflush(stderr);
	p->shown = true;
	return INTERVAL_MS;
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs(WIPE, stderr);
	p->shown = false;
}
