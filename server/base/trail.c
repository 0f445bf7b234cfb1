/*
 * The trail of a task: the steps it took, with time stamps and durations.
 */
#include "base/trail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/wait.h"

void trail_init(struct trail *trail)
{
	*trail = (struct trail) { .last_us = clock_us() };
	pthread_mutex_init(&trail->mutex, NULL);
}

void trail_clear(struct trail *trail)
{
	for (size_t i = 0; i < trail->count; i++)
		free(trail->entries[i].text);
	free(trail->entries);
	trail->entries = NULL;
	trail->count = 0;
	pthread_mutex_destroy(&trail->mutex);
}

static void add(struct trail *trail, enum trail_level level, char *text)
{
	size_t length = strlen(text);

	if (trail->bytes + length > TRAIL_TEXT_MAX) {
		trail->dropped++;
		free(text);
		return;
	}
	trail->bytes += length;
	trail->entries = own_realloc(trail->entries, (trail->count + 1) * sizeof(*trail->entries));
	trail->entries[trail->count++] =
		(struct trail_entry) { .level = level, .wall_ms = clock_wall_ms(), .text = text };
}

void trail_step(struct trail *trail, const char *format, ...)
{
	auto_str text = { 0 };
	char *line = NULL;
	va_list ap;
	int64_t now;

	if (!trail)
		return;
	va_start(ap, format);
	if (vasprintf(&line, format, ap) < 0)
		line = own_strdup("");
	va_end(ap);
	str_adds(&text, line);
	free(line);
	lock_scope(&trail->mutex);
	now = clock_us();
	str_addf(&text, " (%.3f s)", (double)(now - trail->last_us) / 1e6);
	trail->last_us = now;
	add(trail, TRAIL_INFO, str_take(&text));
}

void trail_note(struct trail *trail, enum trail_level level, const char *format, ...)
{
	char *line = NULL;
	va_list ap;

	if (!trail)
		return;
	va_start(ap, format);
	if (vasprintf(&line, format, ap) < 0)
		line = own_strdup("");
	va_end(ap);
	lock_scope(&trail->mutex);
	add(trail, level, line);
}
