/*
 * vhostelctl doc: the documentation of a keyword.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "keywords/nearest.h"
#include "tools/vhostelctl/command.h"
#include "tools/vhostelctl/library.h"
#include "tools/vhostelctl/show.h"
#include "value/value.h"

#define INDENT 2

/* How the table of arguments begins in Robot's markup. */
#define TABLE_HEAD "| ="

/* By its name as Robot compares names; @ret_name is borrowed from @library. */
static json_t *find(const json_t *library, const char *wanted, const char **ret_name,
		    struct error *err)
{
	const char *name, *nearest = NULL;
	size_t distance, least = SIZE_MAX;
	json_t *entry;

	json_object_foreach ((json_t *)library, name, entry) {
		*ret_name = name;
		if (name_equal(name, wanted))
			return entry;
		distance = name_distance(name, wanted);
		if (distance < least) {
			least = distance;
			nearest = name;
		}
	}
	error_set(err, ENOENT, "no keyword '%s' on this server", wanted);
	if (nearest && name_is_near(wanted, least))
		error_append(err, ", did you mean '%s'?", nearest);
	return NULL;
}

/* Robot's markup for code and bold is noise on a terminal. */
static void show_plain(const char *text, size_t length, int indent)
{
	auto_str plain = { 0 };

	for (size_t i = 0; i < length; i++)
		if (text[i] != '`')
			str_add(&plain, text + i, 1);
	show_wrapped(str_text(&plain), indent);
}

/* One row of a table, "| a | b | c |": the first two cells, and the third below them. The server
 * has no bars within cells. */
static void show_row(const char *line, size_t length)
{
	auto_free char *row = own_strndup(line + 2, length - 2);
	char *cells[3] = { 0 }, *rest = row;
	auto_free char *head = NULL;

	for (size_t i = 0; i < 3 && rest; i++) {
		cells[i] = rest;
		rest = strstr(rest, " | ");
		if (rest) {
			*rest = '\0';
			rest += 3;
		}
	}
	if (!cells[2])
		return;
	if (str_ends(cells[2], " |"))
		cells[2][strlen(cells[2]) - 2] = '\0';
	head = own_printf("%s (%s)", cells[0], cells[1]);
	show_plain(head, strlen(head), INDENT);
	show_plain(cells[2], strlen(cells[2]), 3 * INDENT);
}

static void show_line(const char *line, size_t length)
{
	if (!length)
		putchar('\n');
	else if (str_starts(line, TABLE_HEAD))
		puts("Arguments:");
	else if (str_starts(line, "| "))
		show_row(line, length);
	else
		show_plain(line, length, 0);
}

static void show_doc(const char *p)
{
	bool blank = false;

	while (p && *p) {
		size_t n = strcspn(p, "\n");

		if (n || !blank)
			show_line(p, n);
		blank = !n;
		p += n + (p[n] == '\n');
	}
}

/* For a server whose documentation has no table of them. */
static void show_arguments(const json_t *entry)
{
	const json_t *types = json_object_get(entry, "types");
	json_t *spec;
	size_t i;

	if (json_array_size(json_object_get(entry, "args")))
		puts("\nArguments:");
	json_array_foreach (json_object_get(entry, "args"), i, spec) {
		const char *text = json_string_value(spec) ? json_string_value(spec) : "";
		const char *bare = text + strspn(text, "*");
		auto_free char *name = own_strndup(bare, strcspn(bare, "="));
		const char *type = json_string_value(json_object_get(types, name));

		printf("  %s%s%s%s\n", text, type ? " (" : "", type ? type : "", type ? ")" : "");
	}
}

static void show_entry(const char *name, const json_t *entry)
{
	const char *doc = json_string_value(json_object_get(entry, "doc"));
	json_t *tag;
	size_t i;

	printf("%s\n\n", name);
	show_doc(doc);
	if (!doc || !strstr(doc, TABLE_HEAD))
		show_arguments(entry);
	if (json_array_size(json_object_get(entry, "tags"))) {
		fputs("\nTags:", stdout);
		json_array_foreach (json_object_get(entry, "tags"), i, tag)
			printf(" %s", json_string_value(tag));
		putchar('\n');
	}
}

static int run(const struct options *o, struct error *err)
{
	auto_json *library = NULL;
	auto_client *c = NULL;
	const char *name;
	json_t *entry;

	if (client_open(options_url(o), &c, err) < 0 || library_ask(c, &library, err) < 0)
		return -1;
	entry = find(library, o->words[0], &name, err);
	if (!entry)
		return -1;
	if (!option_given(o, OPTION_JSON)) {
		show_entry(name, entry);
		return 0;
	}
	json_object_set_new(entry, "name", json_string(name));
	show_json(entry);
	return 0;
}

const struct command command_doc = {
	.name = "doc",
	.words = "KEYWORD",
	.summary = "a keyword's arguments and documentation",
	.help = "Prints what a keyword does, its arguments with types and defaults, and what it\n"
		"returns, as the server documents it.\n",
	.options = OPTION_BIT(OPTION_JSON),
	.least = 1,
	.most = 1,
	.run = run,
};
