/*
 * vhostelctl keywords: the keywords that the server offers.
 */
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/own.h"
#include "tools/vhostelctl/command.h"
#include "tools/vhostelctl/library.h"
#include "tools/vhostelctl/show.h"
#include "value/value.h"

/* As a glob when it is one, else as a part of the name. */
static bool matches(const char *pattern, const char *name)
{
	if (!pattern)
		return true;
	if (strpbrk(pattern, "*?["))
		return !fnmatch(pattern, name, FNM_CASEFOLD);
	return strcasestr(name, pattern) != NULL;
}

static void show_names(const json_t *library)
{
	auto_json *rows = json_array();
	const char *name;
	json_t *entry;

	json_object_foreach ((json_t *)library, name, entry) {
		auto_free char *summary = library_summary_of(entry);

		json_array_append_new(rows, json_pack("[s, s]", name, summary));
	}
	show_table(rows);
}

static int run(const struct options *o, struct error *err)
{
	const char *pattern = o->word_count ? o->words[0] : NULL;
	auto_json *library = NULL;
	auto_client *c = NULL;
	const char *name;
	json_t *entry;
	void *next;

	if (client_open(options_url(o), &c, err) < 0 || library_ask(c, &library, err) < 0)
		return -1;
	json_object_foreach_safe (library, next, name, entry)
		if (!matches(pattern, name))
			json_object_del(library, name);
	if (option_given(o, OPTION_JSON))
		show_json(library);
	else
		show_names(library);
	if (!json_object_size(library) && pattern)
		return error_set(err, ENOENT, "no keyword matches '%s'", pattern);
	return 0;
}

const struct command command_keywords = {
	.name = "keywords",
	.words = "[PATTERN]",
	.summary = "the keywords, all or those that match",
	.help = "Prints the server's keywords, each with the first sentence of its documentation.\n"
		"PATTERN is a part of the name, or a glob such as 'start*' for all of it; case does\n"
		"not matter. When nothing matches, the exit status is 1.\n",
	.options = OPTION_BIT(OPTION_JSON),
	.most = 1,
	.run = run,
};
