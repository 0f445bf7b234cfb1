/*
 * "Did you mean": how far one name is from another.
 */
#include "keywords/nearest.h"

#include <ctype.h>
#include <string.h>

#define NAME_LENGTH_MAX 64

/* The characters that count; returns how many there are. */
static size_t pack(const char *name, char packed[NAME_LENGTH_MAX + 1])
{
	size_t n = 0;

	for (; *name && n < NAME_LENGTH_MAX; name++)
		if (!strchr(" _-", *name))
			packed[n++] = (char)tolower((unsigned char)*name);
	packed[n] = '\0';
	return n;
}

static const char *skip(const char *p)
{
	return p + strspn(p, " _-");
}

bool name_equal(const char *a, const char *b)
{
	for (a = skip(a), b = skip(b); *a && *b; a = skip(a + 1), b = skip(b + 1))
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
	return *a == *b;
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

size_t name_distance(const char *a, const char *b)
{
	char x[NAME_LENGTH_MAX + 1], y[NAME_LENGTH_MAX + 1];
	size_t row[NAME_LENGTH_MAX + 1];
	size_t m = pack(a, x), n = pack(b, y);

	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (size_t i = 1; i <= m; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t k = 1; k <= n; k++) {
			size_t above = row[k];

			row[k] =
				least(above + 1, row[k - 1] + 1, diagonal + (x[i - 1] != y[k - 1]));
			diagonal = above;
		}
	}
	return row[n];
}

bool name_is_near(const char *name, size_t distance)
{
	return distance <= 1 + strlen(name) / 4;
}
