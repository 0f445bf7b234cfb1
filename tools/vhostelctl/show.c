/*
 * Values and texts for a reader on a terminal, or as JSON.
 */
#include "tools/vhostelctl/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/own.h"
#include "base/str.h"
#include "value/value.h"
#include "value/xml_text.h"

#define LINE_WIDTH  80
#define INDENT	    2
#define COLUMNS_MAX 16

/* A copy in which bytes and times are strings, as JSON has neither. */
static json_t *plain(const json_t *value)
{
	const char *key;
	json_t *item, *copy;
	size_t i;

	if (value_is_bytes(value))
		return json_string(value_bytes_base64(value));
	if (value_get_time(value))
		return json_string(value_get_time(value));
	if (json_is_array(value)) {
		copy = json_array();
		json_array_foreach (value, i, item)
			json_array_append_new(copy, plain(item));
		return copy;
	}
	if (!json_is_object(value))
		return json_incref((json_t *)value);
	copy = json_object();
	json_object_foreach ((json_t *)value, key, item)
		json_object_set_new_nocheck(copy, key, plain(item));
	return copy;
}

/* With as few digits as bring every number back. */
static char *dump(const json_t *value)
{
	char *text = NULL;

	for (unsigned int digits = 15; digits <= 17; digits++) {
		auto_json *back = NULL;

		free(text);
		text = json_dumps(value,
				  JSON_ENCODE_ANY | JSON_INDENT(2) | JSON_REAL_PRECISION(digits));
		back = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
		if (back && json_equal(back, value))
			break;
	}
	return text;
}

void show_json(const json_t *value)
{
	auto_json *copy = value ? plain(value) : json_null();
	auto_free char *text = dump(copy);

	puts(text ? text : "null");
}

char *show_scalar(const json_t *value)
{
	auto_str bytes = { 0 };

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return own_strdup(json_string_value(value));
	case JSON_INTEGER:
		return own_printf("%lld", (long long)json_integer_value(value));
	case JSON_REAL:
		return own_printf("%.15g", json_real_value(value));
	case JSON_TRUE:
		return own_strdup("True");
	case JSON_FALSE:
		return own_strdup("False");
	default:
		break;
	}
	if (value_get_bytes(value, &bytes) == 0)
		return str_printable(str_text(&bytes), bytes.length);
	return own_strdup(value_get_time(value) ? value_get_time(value) : "None");
}

static bool is_scalar(const json_t *value)
{
	return value_is_bytes(value) || value_get_time(value) ||
	       (!json_is_object(value) && !json_is_array(value));
}

static void put_indent(int indent)
{
	printf("%*s", indent, "");
}

static void put_text(const char *text, int indent)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		put_indent(indent);
		printf("%.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void put_value(const json_t *value, int indent);

/* "key: text" on one line, or the value below the key. */
static void put_member(const char *key, const json_t *value, int indent)
{
	auto_free char *text = is_scalar(value) ? show_scalar(value) : NULL;
	size_t n = text ? strcspn(text, "\n") : 0;

	put_indent(indent);
	if (text && (!text[n] || !text[n + 1])) {
		printf("%s:%s%.*s\n", key, n ? " " : "", (int)n, text);
	} else if (text) {
		printf("%s:\n", key);
		put_text(text, indent + INDENT);
	} else if (json_is_array(value) && !json_array_size(value)) {
		printf("%s: []\n", key);
	} else if (json_is_object(value) && !json_object_size(value)) {
		printf("%s: {}\n", key);
	} else {
		printf("%s:\n", key);
		put_value(value, indent + INDENT);
	}
}

static void put_item(const json_t *item, int indent)
{
	if (is_scalar(item)) {
		put_value(item, indent);
		return;
	}
	put_indent(indent);
	puts("-");
	put_value(item, indent + INDENT);
}

static void put_value(const json_t *value, int indent)
{
	const char *key;
	json_t *item;
	size_t i;

	if (is_scalar(value)) {
		auto_free char *text = show_scalar(value);

		put_text(*text ? text : "\n", indent);
		return;
	}
	json_array_foreach (value, i, item)
		put_item(item, indent);
	if (json_is_object(value))
		json_object_foreach ((json_t *)value, key, item)
			put_member(key, item, indent);
}

void show_value(const json_t *value, bool as_json)
{
	auto_str bytes = { 0 };

	if (as_json)
		show_json(value);
	else if (value_get_bytes(value, &bytes) == 0)
		fwrite(str_text(&bytes), 1, bytes.length, stdout);
	else if (value && !json_is_null(value) &&
		 !(json_is_string(value) && !json_string_length(value)))
		put_value(value, 0);
}

size_t show_width(const char *text)
{
	size_t width = 0, left = strlen(text), n;

	for (; left; text += n, left -= n) {
		unsigned int c = 0;
		int columns;

		n = utf8_get(text, left, &c);
		columns = n ? wcwidth((wchar_t)c) : 1;
		width += columns > 0 ? (size_t)columns : 0;
		n = n ? n : 1;
	}
	return width;
}

void show_table(const json_t *rows)
{
	size_t widths[COLUMNS_MAX] = { 0 }, i, k;
	json_t *row, *cell;

	json_array_foreach (rows, i, row)
		json_array_foreach (row, k, cell) {
			size_t width = show_width(json_string_value(cell));

			if (k < COLUMNS_MAX && width > widths[k])
				widths[k] = width;
		}
	json_array_foreach (rows, i, row) {
		json_array_foreach (row, k, cell) {
			const char *text = json_string_value(cell);
			bool last = k + 1 == json_array_size(row) || k >= COLUMNS_MAX;

			printf("%s%*s", text, last ? 0 : (int)(widths[k] - show_width(text)) + 2,
			       "");
		}
		putchar('\n');
	}
}

void show_wrapped(const char *text, int indent)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");
		auto_free char *word = own_strndup(text, n);
		size_t width = show_width(word);

		if (column && column + 1 + width > (size_t)(LINE_WIDTH - indent)) {
			putchar('\n');
			column = 0;
		}
		if (column)
			putchar(' ');
		else
			put_indent(indent);
		fputs(word, stdout);
		column += width + (column ? 1 : 0);
		text += n + strspn(text + n, " ");
	}
	putchar('\n');
}

static const struct {
	const char *name;
	const char *text;
} references[] = {
	{ "&lt;", "<" }, { "&gt;", ">" }, { "&amp;", "&" }, { "&quot;", "\"" }, { "&nbsp;", " " },
};

/* The reference at @p resolved, or its '&' as it is; returns its length. */
static size_t add_reference(struct str *s, const char *p)
{
	for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++)
		if (str_starts(p, references[i].name)) {
			str_adds(s, references[i].text);
			return strlen(references[i].name);
		}
	str_adds(s, "&");
	return 1;
}

/* What stands for the tag at @html: cells have a gap, rows of a table have lines of their own. */
static const char *tag_text(const char *html)
{
	if (str_starts(html, "</td>") || str_starts(html, "</th>"))
		return "  ";
	return str_starts(html, "</tr>") || str_starts(html, "</caption>") ? "\n" : "";
}

char *show_without_html(const char *html)
{
	struct str s = { 0 };

	while (*html) {
		size_t n = strcspn(html, "<&");

		str_add(&s, html, n);
		html += n;
		if (*html == '&')
			html += add_reference(&s, html);
		else if (*html) {
			str_adds(&s, tag_text(html));
			html += strcspn(html, ">") + (strchr(html, '>') != NULL);
		}
	}
	return str_take(&s);
}
