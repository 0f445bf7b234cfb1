/*
 * Patterns that a user gives.
 *
 * How it works: one look over the text, before it is compiled, adds up what would be compiled. An
 * atom is a character, a bracket expression or a group; an interval behind it multiplies its size.
 */
#include "base/pattern.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * @sizes: of each open group so far, the whole pattern at 0
 * @atom:  size of the atom that a repetition would repeat; counted in its group already
 */
struct measure {
	const char *p;
	size_t sizes[PATTERN_DEPTH_MAX + 1];
	size_t depth;
	size_t atom;
};

static void add_atom(struct measure *m, size_t size)
{
	m->atom = size;
	m->sizes[m->depth] += size;
}

/* Behind the bracket expression that begins at @p: "[^]a-z[:digit:]]". */
static const char *skip_bracket(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	if (*p == ']')
		p++;
	for (; *p && *p != ']'; p++) {
		const char *end = NULL;
		const char close[] = { p[1], ']', '\0' };

		if (*p == '[' && p[1] && strchr(":.=", p[1]))
			end = strstr(p + 2, close);
		if (end)
			p = end + 1;
	}
	return *p ? p + 1 : p;
}

/* The most that "{m}", "{m,}" or "{m,n}" at @p repeats; 0 when it is none of them. */
static size_t interval_at(const char *p, const char **ret_end)
{
	char *end;
	unsigned long low, high;

	if (!isdigit((unsigned char)p[1]))
		return 0;
	low = strtoul(p + 1, &end, 10);
	high = low;
	if (*end == ',')
		high = isdigit((unsigned char)end[1]) ? strtoul(end + 1, &end, 10)
						      : (end++, low + 1);
	if (*end != '}')
		return 0;
	*ret_end = end + 1;
	low = low > high ? low : high;
	return low < PATTERN_SIZE_MAX ? low : PATTERN_SIZE_MAX;
}

static const char *open_group(struct measure *m)
{
	if (m->depth == PATTERN_DEPTH_MAX)
		return "groups are nested too deep";
	m->sizes[++m->depth] = 1;
	m->atom = 0;
	m->p++;
	return NULL;
}

static const char *close_group(struct measure *m)
{
	m->p++;
	if (!m->depth)
		add_atom(m, 1);
	else
		add_atom(m, m->sizes[m->depth--]);
	return NULL;
}

static const char *repeat(struct measure *m)
{
	const char *end;
	size_t times = interval_at(m->p, &end);

	if (!times) {
		m->p++;
		add_atom(m, 1);
		return NULL;
	}
	m->p = end;
	m->sizes[m->depth] += m->atom * (times - 1);
	m->atom *= times;
	return NULL;
}

static const char *escaped(struct measure *m)
{
	if (m->p[1] >= '1' && m->p[1] <= '9')
		return "back-references are none of it";
	add_atom(m, 1);
	m->p += m->p[1] ? 2 : 1;
	return NULL;
}

/* Takes one element off the front; what is wrong with it, or NULL. */
static const char *next(struct measure *m)
{
	switch (*m->p) {
	case '(':
		return open_group(m);
	case ')':
		return close_group(m);
	case '{':
		return repeat(m);
	case '\\':
		return escaped(m);
	case '[':
		add_atom(m, 1);
		m->p = skip_bracket(m->p);
		return NULL;
	case '*':
	case '+':
	case '?':
		m->p++;
		return NULL;
	default:
		add_atom(m, 1);
		m->p++;
		return NULL;
	}
}

/* What makes the pattern too much, or NULL. */
static const char *check(const char *text)
{
	struct measure m = { .p = text };

	if (strlen(text) > PATTERN_LENGTH_MAX)
		return "it is too long";
	while (*m.p) {
		const char *wrong = next(&m);

		if (!wrong && m.sizes[m.depth] > PATTERN_SIZE_MAX)
			wrong = "it repeats too much";
		if (wrong)
			return wrong;
	}
	return NULL;
}

static int refuse(const char *text, const char *why, struct error *err)
{
	return error_set(err, EINVAL,
			 "expected a POSIX extended regular expression of at most %d characters, "
			 "%d groups in groups and %d characters with every repetition written out, "
			 "got '%.200s': %s",
			 PATTERN_LENGTH_MAX, PATTERN_DEPTH_MAX, PATTERN_SIZE_MAX, text, why);
}

int pattern_compile(const char *text, int flags, regex_t *ret, struct error *err)
{
	const char *wrong = check(text);
	char reason[128];
	int rc;

	if (wrong)
		return refuse(text, wrong, err);
	rc = regcomp(ret, text, REG_EXTENDED | flags);
	if (!rc)
		return 0;
	regerror(rc, ret, reason, sizeof(reason));
	return error_set(err, EINVAL, "expected a POSIX extended regular expression, got '%s': %s",
			 text, reason);
}
