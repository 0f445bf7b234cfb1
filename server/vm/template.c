/*
 * Templates of init scripts.
 */
#include "vm/template.h"

#include <ctype.h>
#include <string.h>

#include "base/own.h"

static size_t name_length(const char *p)
{
	size_t n = 0;

	if (!isalpha((unsigned char)*p) && *p != '_')
		return 0;
	while (isalnum((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

/* The value of the reference that begins at @p with '$'; @ret_used: its length. */
static const char *value_at(const char *p, const json_t *values, size_t *ret_used)
{
	bool braces = p[1] == '{';
	const char *start = p + 1 + braces;
	size_t n = name_length(start);
	auto_free char *name = own_strndup(start, n);

	if (!n || (braces && start[n] != '}'))
		return NULL;
	*ret_used = 1 + n + 2 * (size_t)braces;
	return json_string_value(json_object_get(values, name));
}

void template_render(const char *text, const json_t *values, struct str *ret)
{
	while (*text) {
		size_t plain = strcspn(text, "$"), used = 1;
		const char *value;

		str_add(ret, text, plain);
		text += plain;
		if (!*text)
			break;
		value = value_at(text, values, &used);
		if (value)
			str_adds(ret, value);
		else
			str_add(ret, text, 1);
		text += value ? used : 1;
	}
}
