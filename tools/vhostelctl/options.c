/*
 * The command line: options, the command's name, and its words.
 */
#include "tools/vhostelctl/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tools/vhostelctl/command.h"

#define DEFAULT_URL "http://127.0.0.1:8270"

#define ALWAYS (OPTION_BIT(OPTION_URL) | OPTION_BIT(OPTION_HELP))

/* Column at which the text of an option or a command begins. */
#define HELP_COLUMN 20

const struct option_spec option_specs[OPTION_COUNT] = {
	[OPTION_URL] = { "url", 'u', "URL",
			 "the server: http://[USER:PASSWORD@]HOST:PORT, https://...,\n"
			 "or unix:PATH" },
	[OPTION_JSON] = { "json", 'j', NULL, "print the result as JSON" },
	[OPTION_VERBOSE] = { "verbose", 'v', NULL, "show debug messages of the call, too" },
	[OPTION_QUIET] = { "quiet", 'q', NULL, "show only warnings and errors of the call" },
	[OPTION_FOLLOW] = { "follow", 'f', NULL, "go on until the VM ends or Ctrl-C" },
	[OPTION_LINES] = { "lines", 'n', "COUNT", "begin with the last COUNT lines" },
	[OPTION_DELETE] = { "delete", 'd', NULL, "remove the user instead" },
	[OPTION_HELP] = { "help", 'h', NULL, "print this, and exit" },
	[OPTION_VERSION] = { "version", '\0', NULL, "print the version, and exit" },
};

static int add_option(struct options *o, enum option_id id, const char *value, struct error *err)
{
	const struct option_spec *spec = &option_specs[id];

	if (spec->value && !value)
		return error_set(err, EINVAL, "option '--%s': its %s is missing", spec->name,
				 spec->value);
	o->given |= OPTION_BIT(id);
	o->value[id] = value;
	return 0;
}

static int find_long(const char *name, size_t length)
{
	for (int id = 0; id < OPTION_COUNT; id++)
		if (strlen(option_specs[id].name) == length &&
		    !memcmp(option_specs[id].name, name, length))
			return id;
	return -1;
}

static int find_letter(char letter)
{
	for (int id = 0; id < OPTION_COUNT; id++)
		if (letter && option_specs[id].letter == letter)
			return id;
	return -1;
}

/* Whether @o's command takes option @id; before there is one, every option may come. */
static bool takes(const struct options *o, int id)
{
	if (id < 0)
		return false;
	return !o->command || (OPTION_BIT(id) & (ALWAYS | o->command->options));
}

static int unknown(const char *argument, const struct options *o, struct error *err)
{
	const char *name = o->command ? o->command->name : NULL;

	return error_set(err, EINVAL, "'%s': no such option, `vhostelctl %s%s--help` shows all",
			 argument, name ? name : "", name ? " " : "");
}

/* "--name", "--name=value", "--name value"; @ret_used: how many arguments that were, 0: none. */
static int take_long(struct options *o, char *const *arguments, size_t left, size_t *ret_used,
		     struct error *err)
{
	const char *name = arguments[0] + 2, *equals = strchr(name, '=');
	int id = find_long(name, equals ? (size_t)(equals - name) : strlen(name));

	*ret_used = 0;
	if (!takes(o, id) || (equals && !option_specs[id].value))
		return 0;
	*ret_used = option_specs[id].value && !equals && left > 1 ? 2 : 1;
	return add_option(o, id, equals ? equals + 1 : *ret_used == 2 ? arguments[1] : NULL, err);
}

/* "-f", "-fj", "-n5", "-n 5" */
static int take_letters(struct options *o, char *const *arguments, size_t left, size_t *ret_used,
			struct error *err)
{
	*ret_used = 0;
	for (const char *p = arguments[0] + 1; *p; p++) {
		int id = find_letter(*p);

		if (!takes(o, id))
			return unknown(arguments[0], o, err);
		*ret_used = 1;
		if (option_specs[id].value) {
			*ret_used = p[1] || left < 2 ? 1 : 2;
			return add_option(o, id,
					  p[1]		   ? p + 1
					  : *ret_used == 2 ? arguments[1]
							   : NULL,
					  err);
		}
		if (add_option(o, id, NULL, err) < 0)
			return -1;
	}
	return 0;
}

static int add_word(struct options *o, const char *word, struct error *err)
{
	if (o->command) {
		o->words[o->word_count++] = word;
		return 0;
	}
	o->command = command_find(word);
	if (!o->command)
		return error_set(err, EINVAL,
				 "'%s': no such command, `vhostelctl --help` shows all", word);
	return 0;
}

static int take_argument(struct options *o, char *const *arguments, size_t left, size_t *ret_used,
			 struct error *err)
{
	const char *text = arguments[0];
	bool rest = o->command && o->command->any_word && o->word_count;

	*ret_used = 0;
	if (str_starts(text, "--") && take_long(o, arguments, left, ret_used, err) < 0)
		return -1;
	if (*ret_used)
		return 0;
	if (*text == '-' && text[1] && !rest) {
		if (text[1] == '-')
			return unknown(text, o, err);
		return take_letters(o, arguments, left, ret_used, err);
	}
	*ret_used = 1;
	return add_word(o, text, err);
}

static int check_words(const struct options *o, struct error *err)
{
	const struct command *command = o->command;

	for (int id = 0; id < OPTION_COUNT; id++)
		if (option_given(o, id) && !takes(o, id))
			return error_set(err, EINVAL, "'vhostelctl %s' takes no option '--%s'",
					 command->name, option_specs[id].name);
	if (o->word_count >= command->least && o->word_count <= command->most)
		return 0;
	if (o->word_count > command->most)
		return error_set(err, EINVAL, "'%s': one word too many; usage: vhostelctl %s %s",
				 o->words[command->most], command->name, command->words);
	return error_set(err, EINVAL, "usage: vhostelctl %s %s", command->name, command->words);
}

int options_parse(size_t count, char *const *arguments, struct options *ret, struct error *err)
{
	bool ended = false;
	size_t used;

	*ret = (struct options) { .words = own_alloc((count + 1) * sizeof(*ret->words)) };
	for (size_t i = 0; i < count; i += used) {
		used = 1;
		if (!ended && !strcmp(arguments[i], "--"))
			ended = true;
		else if (ended ? add_word(ret, arguments[i], err) < 0
			       : take_argument(ret, arguments + i, count - i, &used, err) < 0)
			return -1;
	}
	if (option_given(ret, OPTION_HELP) || (!ret->command && option_given(ret, OPTION_VERSION)))
		return 0;
	if (!ret->command)
		return error_set(err, EINVAL,
				 "a command is missing, `vhostelctl --help` shows all");
	return check_words(ret, err);
}

void options_clear(struct options *o)
{
	free(o->words);
	o->words = NULL;
}

const char *options_url(const struct options *o)
{
	const char *from_environment = getenv("VHOSTEL_URL");

	if (o->value[OPTION_URL])
		return o->value[OPTION_URL];
	return from_environment && *from_environment ? from_environment : DEFAULT_URL;
}

/* "  name            text", the text's further lines below its first. */
static void print_entry(FILE *to, const char *name, const char *text)
{
	fprintf(to, "  %-*s", HELP_COLUMN - 2, name);
	if (strlen(name) >= HELP_COLUMN - 2)
		fprintf(to, "\n%*s", HELP_COLUMN, "");
	for (; *text; text++) {
		fputc(*text, to);
		if (*text == '\n')
			fprintf(to, "%*s", HELP_COLUMN, "");
	}
	fputc('\n', to);
}

static void print_options(FILE *to, unsigned int wanted)
{
	fputs("\nOptions:\n", to);
	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_spec *spec = &option_specs[id];
		char letter[] = { '-', spec->letter, ',', ' ', '\0' };
		auto_free char *name =
			own_printf("%s--%s%s%s", spec->letter ? letter : "    ", spec->name,
				   spec->value ? " " : "", spec->value ? spec->value : "");

		if (wanted & OPTION_BIT(id))
			print_entry(to, name, spec->doc);
	}
}

static void print_program_help(FILE *to)
{
	fputs("Usage: vhostelctl COMMAND [OPTION]... [WORD]...\n"
	      "Calls the keywords of a vhosteld server from a shell.\n"
	      "\nCommands:\n",
	      to);
	for (size_t i = 0; commands[i]; i++)
		if (!commands[i]->hidden)
			print_entry(to, commands[i]->name, commands[i]->summary);
	print_options(to, ALWAYS | OPTION_BIT(OPTION_VERSION));
	fputs("\nEnvironment:\n", to);
	print_entry(to, "VHOSTEL_URL",
		    "the server when there is no --url;\nwithout both: " DEFAULT_URL);
	print_entry(to, "SSL_CERT_FILE", "certificates to trust with https://");
	fputs("\nExit status:\n", to);
	print_entry(to, "0", "PASS");
	print_entry(to, "1", "FAIL: the server said no; its words are on standard error");
	print_entry(to, "2", "a word or an option was wrong; nothing was called");
	print_entry(to, "3", "no server, or it let nobody in");
	print_entry(to, "130", "Ctrl-C, which cancels the call on the server");
	fputs("\n`vhostelctl COMMAND --help` shows more.\n", to);
}

void options_help(const struct command *command, FILE *to)
{
	if (!command) {
		print_program_help(to);
		return;
	}
	fprintf(to, "Usage: vhostelctl %s [OPTION]...%s%s\n%s", command->name,
		*command->words ? " " : "", command->words, command->help);
	print_options(to, ALWAYS | command->options);
}
