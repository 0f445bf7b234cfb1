/*
 * A table of keys as a commented YAML file with every key at its default.
 */
#include "config/key_table.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"

#define COMMENT_COLUMNS 90

static int indent_of(const struct key *key)
{
	int indent = 0;

	for (const char *p = key->name; *p; p++)
		indent += *p == '.' ? 2 : 0;
	return indent;
}

static const char *last_part(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? dot + 1 : name;
}

static void print_comment(struct str *out, int indent, const char *text)
{
	int column = 0;

	while (*text) {
		int length = (int)strcspn(text, " ");

		if (column > 0 && column + 1 + length > COMMENT_COLUMNS) {
			str_adds(out, "\n");
			column = 0;
		}
		if (column == 0) {
			str_addf(out, "%*s#", indent, "");
			column = indent + 1;
		}
		str_addf(out, " %.*s", length, text);
		column += 1 + length;
		text += length;
		text += strspn(text, " ");
	}
	str_adds(out, "\n");
}

/* Text that every YAML reader takes for the same string needs no quotes. */
static bool is_plain(const char *text)
{
	static const char *const words[] = {
		"true", "false", "yes", "no", "on", "off", "null", NULL
	};
	unsigned char first = (unsigned char)text[strspn(text, "./")];

	for (size_t i = 0; words[i]; i++) {
		if (strcasecmp(words[i], text) == 0)
			return false;
	}
	if (!isalpha(first) && strcmp(text, "/") != 0)
		return false;
	return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789_./=,-")] == '\0';
}

static void print_text(struct str *out, const char *text)
{
	if (is_plain(text)) {
		str_adds(out, text);
		return;
	}
	str_adds(out, "\"");
	for (; *text; text++)
		str_addf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	str_adds(out, "\"");
}

static void print_key(struct str *out, const struct key *key)
{
	auto_free char *allowed = key_allowed(key);
	auto_free char *line = own_printf("Allowed: %s.", allowed);
	int indent = indent_of(key);

	print_comment(out, indent, key->doc);
	if (key->type == KEY_TYPE_SECTION) {
		str_addf(out, "%*s%s:\n", indent, "", last_part(key->name));
		return;
	}
	print_comment(out, indent, line);
	str_addf(out, "%*s%s: ", indent, "", last_part(key->name));
	if (key->type == KEY_TYPE_STRING || key->type == KEY_TYPE_PATH)
		print_text(out, key->fallback);
	else
		str_adds(out, key->fallback);
	str_adds(out, "\n");
}

void key_table_print(const struct key_table *table, struct str *out)
{
	bool after_section = false;

	for (size_t i = 0; i < table->count; i++) {
		if (!after_section)
			str_adds(out, "\n");
		print_key(out, &table->keys[i]);
		after_section = table->keys[i].type == KEY_TYPE_SECTION;
	}
}
