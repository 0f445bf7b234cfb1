/*
 * vhostelctl complete: what the word at the cursor may become, for the shell's completion.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "base/str.h"
#include "tools/vhostelctl/answer.h"
#include "tools/vhostelctl/arguments.h"
#include "tools/vhostelctl/command.h"
#include "value/value.h"

/* A person waits. */
#define PATIENCE_MS 2000

/* @line: the words before the one at the cursor, which is @word */
struct completion {
	struct options line;
	const char *word;
	struct client *client;
};

/* Whether @name begins with @word, but for case, spaces and underscores. */
static bool may_become(const char *word, const char *name)
{
	for (;;) {
		word += strspn(word, " _");
		name += strspn(name, " _");
		if (!*word)
			return true;
		if (tolower((unsigned char)*word) != tolower((unsigned char)*name))
			return false;
		word++;
		name++;
	}
}

static void offer(const struct completion *c, const char *candidate)
{
	if (may_become(c->word, candidate))
		puts(candidate);
}

static void offer_commands(const struct completion *c)
{
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden && str_starts(commands[i]->name, c->word))
			puts(commands[i]->name);
}

static void offer_options(const struct completion *c)
{
	const struct command *command = c->line.command;

	for (int id = 0; id < OPTION_COUNT; id++) {
		bool always = id == OPTION_URL || id == OPTION_HELP;
		auto_free char *option = own_printf("--%s", option_specs[id].name);

		if ((always || (command && (command->options & OPTION_BIT(id)))) &&
		    str_starts(option, c->word))
			puts(option);
	}
}

/* Errors are silence: there is nothing to offer then. */
static json_t *ask(const struct completion *c, const char *method, json_t *params)
{
	auto_json *taken = params;
	json_t *value = NULL;
	struct error ignored;

	return client_call(c->client, method, taken, NULL, &value, &ignored) < 0 ? NULL : value;
}

static json_t *run_keyword(const struct completion *c, const char *keyword)
{
	json_t *value = NULL;
	struct error ignored;

	return answer_value(c->client, keyword, json_array(), &value, &ignored) < 0 ? NULL : value;
}

/* @prefix: what stands before each of @names, "vm=" */
static void offer_all(const struct completion *c, const char *prefix, const json_t *names)
{
	json_t *name;
	size_t i;

	json_array_foreach (names, i, name) {
		auto_free char *candidate = own_printf(
			"%s%s", prefix, json_is_string(name) ? json_string_value(name) : "");

		offer(c, candidate);
	}
}

static void offer_keywords(const struct completion *c)
{
	auto_json *names = ask(c, "get_keyword_names", json_array());

	offer_all(c, "", names);
}

static void offer_result(const struct completion *c, const char *prefix, const char *keyword)
{
	auto_json *names = run_keyword(c, keyword);

	offer_all(c, prefix, names);
}

/* "Literal['io', 'mac'] | None": io, mac */
static void offer_choices(const struct completion *c, const char *prefix, const char *type)
{
	const char *p = type, *end;

	while ((p = strchr(p, '\'')) && (end = strchr(p + 1, '\''))) {
		auto_free char *candidate = own_printf("%s%.*s", prefix, (int)(end - p - 1), p + 1);

		offer(c, candidate);
		p = end + 1;
	}
}

static void offer_values(const struct completion *c, const char *prefix, const struct parameter *p)
{
	auto_free char *name = own_strndup(p->name, p->name_length);

	if (str_equal(name, "vm"))
		offer_result(c, prefix, "List VMs");
	else if (str_equal(name, "node"))
		offer_result(c, prefix, "List Nodes");
	else if (str_starts(p->type, "bool"))
		offer_choices(c, prefix, "'True' 'False'");
	else
		offer_choices(c, prefix, p->type);
}

/* The values of NAME= when the word has one, else the names that may come, and values for the next
 * argument without a name. */
static void offer_for(const struct completion *c, const struct parameters *parameters)
{
	const char *equals = strchr(c->word, '=');
	auto_free char *prefix = own_strndup(c->word, equals ? (size_t)(equals - c->word) + 1 : 0);
	const struct parameter *named =
		parameters_named(parameters, c->word, equals ? (size_t)(equals - c->word) : 0);
	size_t position = c->line.word_count - 1;

	if (equals && named)
		offer_values(c, prefix, named);
	for (size_t i = 0; i < parameters->count && !equals; i++) {
		const struct parameter *p = &parameters->items[i];
		auto_free char *name = own_printf("%.*s=", (int)p->name_length, p->name);
		bool given = p->kind != PARAMETER_PLAIN && p->kind != PARAMETER_NAMED_ONLY;

		for (size_t k = 1; k < c->line.word_count; k++)
			given = given || str_starts(c->line.words[k], name);
		if (!given && i >= position)
			offer(c, name);
		if (!given && i == position && p->kind == PARAMETER_PLAIN)
			offer_values(c, "", p);
	}
}

static void offer_arguments(const struct completion *c)
{
	auto_cleanup(parameters_clear) struct parameters parameters = { 0 };
	struct error ignored;

	if (parameters_ask(c->client, c->line.words[0], &parameters, &ignored) == 0)
		offer_for(c, &parameters);
}

static void offer_words(const struct completion *c)
{
	const struct command *command = c->line.command;
	bool first = !c->line.word_count;

	if (command == &command_call && !first)
		offer_arguments(c);
	else if (first && (command == &command_call || command == &command_doc))
		offer_keywords(c);
	else if (first && command == &command_console)
		offer_result(c, "", "List VMs");
	else if (first && command == &command_list)
		offer_result(c, "", "List Nodes");
}

static int run(const struct options *o, struct error *err)
{
	size_t before = o->word_count ? o->word_count - 1 : 0;
	struct completion c = { .word = o->word_count ? o->words[before] : "" };
	struct error ignored;

	(void)err;
	/* An unfinished line has errors; what was understood before them is enough. */
	options_parse(before, (char *const *)o->words, &c.line, &ignored);
	if (*c.word == '-' && !(c.line.command && c.line.command->any_word && c.line.word_count))
		offer_options(&c);
	else if (!c.line.command)
		offer_commands(&c);
	else if (client_open(options_url(&c.line), &c.client, &ignored) == 0) {
		client_limit(c.client, PATIENCE_MS);
		offer_words(&c);
	}
	client_free(c.client);
	options_clear(&c.line);
	return 0;
}

const struct command command_complete = {
	.name = "complete",
	.words = "-- [WORD]...",
	.summary = "what the last word may become",
	.help = "For the shell's completion: prints what the last word may become, one a line. The\n"
		"words are those behind the program's name.\n",
	.most = SIZE_MAX,
	.hidden = true,
	.run = run,
};
