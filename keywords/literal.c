/*
 * Lists and dictionaries written as text: JSON, or as Python prints them.
 */
#include "keywords/literal.h"

#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "value/value.h"

static const struct word {
	const char *python;
	const char *json;
} words[] = {
	{ "True", "true" },
	{ "False", "false" },
	{ "None", "null" },
};

/* Copies the string that starts at the quote @p points at as JSON; returns its end. */
static const char *copy_string(const char *p, struct str *json)
{
	char quote = *p++;

	str_adds(json, "\"");
	for (; *p && *p != quote; p++) {
		if (*p == '\\' && p[1] == '\'')
			str_add(json, ++p, 1);
		else if (*p == '\\' && p[1])
			str_add(json, p++, 2);
		else if (*p == '"')
			str_adds(json, "\\\"");
		else
			str_add(json, p, 1);
	}
	if (!*p)
		return p;
	str_adds(json, "\"");
	return p + 1;
}

static const char *copy_word(const char *p, struct str *json)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_starts(p, words[i].python)) {
			str_adds(json, words[i].json);
			return p + strlen(words[i].python);
		}
	str_add(json, p, 1);
	return p + 1;
}

json_t *literal_parse(const char *text, struct error *err)
{
	auto_str json = { 0 };

	for (const char *p = text; *p;)
		p = *p == '"' || *p == '\'' ? copy_string(p, &json) : copy_word(p, &json);
	return value_parse(str_text(&json), json.length, "text", err);
}
