/*
 * vhostelctl: calls the keywords of a vhosteld server from a shell.
 */
#include <errno.h>
#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "tools/vhostelctl/command.h"
#include "tools/vhostelctl/interrupt.h"

const struct command *const commands[] = {
	&command_call,	  &command_keywords, &command_doc,	&command_list,
	&command_console, &command_passwd,   &command_complete, NULL,
};

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int exit_code_of(const struct error *err)
{
	switch (err->code) {
	case EINVAL:
		return EXIT_USAGE;
	case ERROR_NO_SERVER:
		return EXIT_NO_SERVER;
	case ERROR_INTERRUPTED:
		return 128 + interrupt_signal();
	default:
		return EXIT_FAIL;
	}
}

static int run(const struct options *o, struct error *err)
{
	if (option_given(o, OPTION_HELP))
		options_help(o->command, stdout);
	else if (option_given(o, OPTION_VERSION))
		puts("vhostelctl " VHOSTEL_VERSION);
	else if (o->command->run(o, err) < 0)
		return -1;
	if (fflush(stdout) || ferror(stdout))
		return error_set_errno(err, errno ? errno : EIO, "standard output");
	return 0;
}

int main(int argc, char **argv)
{
	auto_cleanup(options_clear) struct options options = { 0 };
	struct error err = { 0 };

	setlocale(LC_CTYPE, "");
	json_object_seed(0);
	if (!options_parse(argc > 0 ? (size_t)argc - 1 : 0, argv + 1, &options, &err) &&
	    !run(&options, &err))
		return EXIT_PASS;
	fflush(stdout);
	if (*err.text)
		fprintf(stderr, "vhostelctl: %s\n", err.text);
	return exit_code_of(&err);
}
