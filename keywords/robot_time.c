/*
 * Robot Framework's time strings.
 */
#include "keywords/robot_time.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX	(100.0 * 365 * 86400)
#define TIME_LENGTH_MAX 128

int robot_time_from_seconds(double seconds, int64_t *ret_ms)
{
	if (!isfinite(seconds) || fabs(seconds) > SECONDS_MAX)
		return -1;
	*ret_ms = llround(seconds * 1000);
	return 0;
}

/* strtod() without signs, hexadecimal, infinities and NaNs. */
static int read_number(const char **p, double *ret)
{
	size_t digits = strspn(*p, "0123456789.");
	char *end;

	if (!digits || (digits == 1 && **p == '.') || (*p)[digits] == 'x')
		return -1;
	*ret = strtod(*p, &end);
	/* "1e3" is the exponent form of a plain number; "1.2.3" is nothing. */
	if (end < *p + digits)
		return -1;
	*p = end;
	return 0;
}

static int parse_plain(const char *p, double *ret)
{
	return read_number(&p, ret) < 0 || *p ? -1 : 0;
}

/* [hours:]minutes:seconds[.fraction] */
static int parse_timer(const char *p, double *ret)
{
	double sum = 0, part;
	int colons = 0;

	for (;; p++, colons++) {
		size_t digits = strspn(p, "0123456789");

		if (!digits || colons > 2 || (p[digits] == '.' && !colons) ||
		    read_number(&p, &part) < 0)
			return -1;
		sum = sum * 60 + part;
		if (*p != ':' || p[-1] == '.')
			break;
	}
	if (*p || !colons)
		return -1;
	*ret = sum;
	return 0;
}

static const struct time_unit {
	double seconds;
	const char *names[6];
} units[] = {
	{ 7 * 86400, { "w", "week", "weeks" } },
	{ 86400, { "d", "day", "days" } },
	{ 3600, { "h", "hour", "hours" } },
	{ 60, { "m", "min", "mins", "minute", "minutes" } },
	{ 1, { "s", "sec", "secs", "second", "seconds" } },
	{ 1e-3, { "ms", "millis", "millisecond", "milliseconds" } },
	{ 1e-6, { "us", "\xc2\xb5s", "\xce\xbcs", "microsecond", "microseconds" } },
	{ 1e-9, { "ns", "nanosecond", "nanoseconds" } },
};

#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

static size_t find_unit(const char *name, size_t length)
{
	for (size_t i = 0; i < UNIT_COUNT; i++)
		for (size_t k = 0; k < 6 && units[i].names[k]; k++)
			if (strlen(units[i].names[k]) == length &&
			    !memcmp(units[i].names[k], name, length))
				return i;
	return UNIT_COUNT;
}

/* Numbers with units, each unit once. */
static int parse_units(const char *p, double *ret)
{
	bool seen[UNIT_COUNT] = { false };
	double sum = 0, number;

	if (!*p)
		return -1;
	while (*p) {
		size_t length, unit;

		if (read_number(&p, &number) < 0)
			return -1;
		length = strcspn(p, "0123456789.");
		unit = find_unit(p, length);
		if (unit == UNIT_COUNT || seen[unit])
			return -1;
		seen[unit] = true;
		sum += number * units[unit].seconds;
		p += length;
	}
	*ret = sum;
	return 0;
}

int robot_time_parse(const char *text, int64_t *ret_ms)
{
	char packed[TIME_LENGTH_MAX];
	const char *p = packed;
	double seconds, sign = 1;
	size_t n = 0;

	for (; *text; text++) {
		if (n == sizeof(packed) - 1)
			return -1;
		if (!isspace((unsigned char)*text))
			packed[n++] = (char)tolower((unsigned char)*text);
	}
	packed[n] = '\0';
	if (*p == '-' || *p == '+')
		sign = *p++ == '-' ? -1 : 1;
	if (parse_plain(p, &seconds) < 0 && parse_timer(p, &seconds) < 0 &&
	    parse_units(p, &seconds) < 0)
		return -1;
	return robot_time_from_seconds(sign * seconds, ret_ms);
}
