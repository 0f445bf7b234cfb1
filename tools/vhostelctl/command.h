/*
 * What a subcommand is: one entry of the table in main.c, one file.
 */
#ifndef VHOSTELCTL_COMMAND_H
#define VHOSTELCTL_COMMAND_H

#include "base/error.h"
#include "tools/vhostelctl/options.h"

/* How the program ends. A signal ends it with 128 and the signal's number, as a shell counts. */
enum exit_code {
	EXIT_PASS = 0,
	EXIT_FAIL = 1,
	EXIT_USAGE = 2,
	EXIT_NO_SERVER = 3,
};

/*
 * Codes of errors that decide how the program ends: EINVAL is EXIT_USAGE, these two as they say,
 * every other one EXIT_FAIL.
 */
#define ERROR_NO_SERVER	  ECONNREFUSED
#define ERROR_INTERRUPTED ECANCELED

/*
 * @words:    how the arguments stand in the usage line
 * @summary:  one line, in the list of commands
 * @help:     what --help says below the usage line
 * @options:  bit (1u << enum option_id) for each that it takes; --url and --help go without saying
 * @least, @most: how many words it takes
 * @any_word: words that begin with a dash are arguments once there is one word before them
 * @hidden:   for the completion only, in no list
 * @run:      0 for EXIT_PASS, or -1 with @err; an empty error text: all was said already
 */
struct command {
	const char *name;
	const char *words;
	const char *summary;
	const char *help;
	unsigned int options;
	size_t least, most;
	bool any_word;
	bool hidden;
	int (*run)(const struct options *options, struct error *err);
};

extern const struct command command_call;
extern const struct command command_keywords;
extern const struct command command_doc;
extern const struct command command_list;
extern const struct command command_console;
extern const struct command command_passwd;
extern const struct command command_complete;

/* Every command in the order of --help, NULL at the end. */
extern const struct command *const commands[];

/* command_find - by its name; or NULL */
const struct command *command_find(const char *name);

#endif
