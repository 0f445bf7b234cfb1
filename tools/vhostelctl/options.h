/*
 * The command line: options, the command's name, and its words.
 */
#ifndef VHOSTELCTL_OPTIONS_H
#define VHOSTELCTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

enum option_id {
	OPTION_URL,
	OPTION_JSON,
	OPTION_VERBOSE,
	OPTION_QUIET,
	OPTION_FOLLOW,
	OPTION_LINES,
	OPTION_DELETE,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_COUNT,
};

#define OPTION_BIT(id) (1u << (id))

/*
 * @name:   after two dashes
 * @letter: after one dash, or NUL
 * @value:  what the value is called in --help, NULL when it takes none
 */
struct option_spec {
	const char *name;
	char letter;
	const char *value;
	const char *doc;
};

extern const struct option_spec option_specs[OPTION_COUNT];

struct command;

/*
 * @given:  bit for each option that was given
 * @value:  of options that take one; borrowed from the command line
 * @words:  behind the command's name; borrowed
 */
struct options {
	const struct command *command;
	unsigned int given;
	const char *value[OPTION_COUNT];
	const char **words;
	size_t word_count;
};

/*
 * options_parse - the command line without the program's name
 *
 * Options stand anywhere before "--". With a command whose any_word is set, short options end at
 * its first word, and so do options that it does not know. Cleared by options_clear() in any case.
 * Errors: EINVAL.
 */
int options_parse(size_t count, char *const *arguments, struct options *ret, struct error *err);
void options_clear(struct options *o);
static inline bool option_given(const struct options *o, enum option_id id)
{
	return o->given & OPTION_BIT(id);
}
/* options_url - from --url, VHOSTEL_URL, or the default; borrowed */
const char *options_url(const struct options *o);
/* options_help - the help of @command, or of the program when it is NULL */
void options_help(const struct command *command, FILE *to);

#endif
