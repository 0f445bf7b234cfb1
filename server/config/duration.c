/*
 * Reading and printing durations.
 */
#include "config/duration.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

/* A number is at most this long; more digits than 32 years of milliseconds need. */
#define NUMBER_MAX 15

/* Largest first; the first name of a size is the one that is printed. */
static const struct {
	const char *name;
	int64_t ms;
} units[] = {
	{ "h", 3600000 },      { "hour", 3600000 },  { "hours", 3600000 }, { "min", 60000 },
	{ "minute", 60000 },   { "minutes", 60000 }, { "s", 1000 },	   { "sec", 1000 },
	{ "second", 1000 },    { "seconds", 1000 },  { "ms", 1 },	   { "millisecond", 1 },
	{ "milliseconds", 1 },
};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

static int64_t unit_ms(const char *name)
{
	if (!*name)
		return 1000;
	for (size_t i = 0; i < UNIT_COUNT; i++) {
		if (strcmp(units[i].name, name) == 0)
			return units[i].ms;
	}
	return 0;
}

int duration_parse(const char *text, int64_t *ret_ms)
{
	size_t length = strspn(text, "0123456789.");
	const char *unit = text + length + strspn(text + length, " ");
	char number[NUMBER_MAX + 1] = { 0 };
	char *end;
	double exact;
	int64_t ms;

	if (length == 0 || length > NUMBER_MAX || unit_ms(unit) == 0)
		return -1;
	memcpy(number, text, length);
	exact = strtod(number, &end) * (double)unit_ms(unit);
	if (*end || exact > 1e15)
		return -1;
	ms = (int64_t)(exact + 0.5);
	if (exact - (double)ms > 1e-6 || (double)ms - exact > 1e-6)
		return -1;
	*ret_ms = ms;
	return 0;
}

char *duration_print(int64_t ms)
{
	size_t i = 0;

	while (units[i].ms > 1 && (ms == 0 || ms % units[i].ms != 0))
		i++;
	return own_printf("%" PRId64 " %s", ms / units[i].ms, units[i].name);
}
