/*
 * What a keyword shows in Robot's log as HTML: tables of what it returns, and where to look.
 */
#include "keywords/html.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/own.h"
#include "qemu/command.h"
#include "value/xml_text.h"
#include "vm/hostel.h"

/* A string without quotes, a list with commas, an object as "name value, name value". */
static void add_plain(struct str *text, const json_t *value)
{
	auto_free char *scalar = NULL;
	const char *name, *separator = "";
	json_t *item;
	size_t i;

	if (json_is_string(value)) {
		str_add(text, json_string_value(value), json_string_length(value));
	} else if (json_is_array(value)) {
		json_array_foreach (value, i, item) {
			str_adds(text, i ? ", " : "");
			add_plain(text, item);
		}
	} else if (json_is_object(value)) {
		json_object_foreach ((json_t *)value, name, item) {
			str_addf(text, "%s%s ", separator, name);
			add_plain(text, item);
			separator = ", ";
		}
	} else if (value) {
		scalar = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
		str_adds(text, scalar ? scalar : "");
	}
}

static void add_cell(struct str *html, const char *element, const json_t *value)
{
	auto_str text = { 0 };

	add_plain(&text, value);
	str_addf(html, "<%s>", element);
	xml_add_text(html, str_text(&text), text.length);
	str_addf(html, "</%s>", element);
}

static void add_heading(struct str *html, const char *text)
{
	str_adds(html, "<th>");
	xml_add_text(html, text, strlen(text));
	str_adds(html, "</th>");
}

static void begin(struct str *html, const char *caption)
{
	str_adds(html, "<table><caption>");
	xml_add_text(html, caption, strlen(caption));
	str_adds(html, "</caption>");
}

static void end(struct call *call, struct str *html)
{
	str_adds(html, "</table>");
	trail_note(&call->trail, TRAIL_HTML, "%s", html->text);
}

/* NULL-terminated, borrowed from the object. */
static const char **names_of(const json_t *object)
{
	const char **names = own_alloc((json_object_size(object) + 1) * sizeof(*names));
	const char *name;
	json_t *item;
	size_t n = 0;

	json_object_foreach ((json_t *)object, name, item)
		names[n++] = name;
	return names;
}

void html_table(struct call *call, const char *caption, const json_t *rows,
		const char *const *columns)
{
	auto_free const char **names = names_of(json_array_get(rows, 0));
	auto_str html = { 0 };
	json_t *row;
	size_t i;

	if (!json_array_size(rows))
		return;
	columns = columns ? columns : names;
	begin(&html, caption);
	str_adds(&html, "<tr>");
	for (size_t c = 0; columns[c]; c++)
		add_heading(&html, columns[c]);
	str_adds(&html, "</tr>");
	json_array_foreach (rows, i, row) {
		str_adds(&html, "<tr>");
		for (size_t c = 0; columns[c]; c++)
			add_cell(&html, "td", json_object_get(row, columns[c]));
		str_adds(&html, "</tr>");
	}
	end(call, &html);
}

void html_members(struct call *call, const char *caption, const json_t *object)
{
	auto_str html = { 0 };
	const char *name;
	json_t *item;

	begin(&html, caption);
	json_object_foreach ((json_t *)object, name, item) {
		if (json_is_array(item) || json_is_object(item))
			continue;
		str_adds(&html, "<tr>");
		add_heading(&html, name);
		add_cell(&html, "td", item);
		str_adds(&html, "</tr>");
	}
	end(call, &html);
}

/* Source: RFC 3986, section 2.3, unreserved characters. */
static void add_url_path(struct str *url, const char *path)
{
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    strchr("-._~/", c))
			str_add(url, path, 1);
		else
			str_addf(url, "%%%02X", c);
	}
}

void html_console_log(struct call *call, const char *vm, const struct error *err)
{
	auto_free char *path =
		own_printf("%s/%s/" QEMU_CONSOLE_LOG, hostel_run_dir(call->hostel), vm);
	auto_str html = { 0 };

	/* A wrong argument: nothing was started, and a log there is somebody else's. */
	if (err->code == EINVAL || !file_exists(path))
		return;
	str_adds(&html, "Console log: <a href=\"file://");
	add_url_path(&html, path);
	str_adds(&html, "\">");
	xml_add_text(&html, path, strlen(path));
	str_adds(&html, "</a>");
	trail_note(&call->trail, TRAIL_HTML, "%s", html.text);
}
