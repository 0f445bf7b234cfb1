/*
 * vhostelctl call: run a keyword.
 */
#include <errno.h>
#include <stdint.h>

#include "base/own.h"
#include "tools/vhostelctl/answer.h"
#include "tools/vhostelctl/arguments.h"
#include "tools/vhostelctl/command.h"
#include "tools/vhostelctl/show.h"
#include "value/value.h"

static int call_keyword(struct client *c, const struct options *o, json_t **ret, struct error *err)
{
	auto_cleanup(parameters_clear) struct parameters parameters = { 0 };
	const char *keyword = o->words[0];
	json_t *args, *kwargs;

	if (parameters_ask(c, keyword, &parameters, err) < 0)
		return -1;
	if (arguments_bind(&parameters, o->words + 1, o->word_count - 1, &args, &kwargs, err) < 0)
		return error_prefix(err, "%s", keyword);
	if (!json_object_size(kwargs)) {
		json_decref(kwargs);
		kwargs = NULL;
	}
	return answer_of(c, keyword, args, kwargs, ret, err);
}

/* The steps that led to a failure are in the messages already, unless nobody saw those. */
static void show_traceback(const json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "traceback"));

	if (text && *text)
		fprintf(stderr, "%s%s", text, str_ends(text, "\n") ? "" : "\n");
}

static int run(const struct options *o, struct error *err)
{
	auto_json *answer = NULL;
	auto_client *c = NULL;

	if (client_open(options_url(o), &c, err) < 0 || call_keyword(c, o, &answer, err) < 0)
		return -1;
	answer_show_messages(answer, o);
	if (answer_check(answer, o->words[0], err) < 0) {
		const char *text = json_string_value(json_object_get(answer, "error"));

		if (option_given(o, OPTION_VERBOSE))
			show_traceback(answer);
		/* An error's text has a limit; what the server says has none. */
		fprintf(stderr, "FAIL: %s\n",
			text && *text && !str_starts(text, "*HTML*") ? text : err->text);
		*err->text = '\0';
		return -1;
	}
	show_value(json_object_get(answer, "return"), option_given(o, OPTION_JSON));
	return 0;
}

const struct command command_call = {
	.name = "call",
	.words = "KEYWORD [ARGUMENT | NAME=VALUE | NAME:=JSON]...",
	.summary = "run a keyword and print what it returns",
	.help = "Runs a keyword on the server and prints what it returns on standard output, its\n"
		"messages on standard error. Ctrl-C cancels it on the server.\n"
		"\n"
		"Spaces, underscores and case of the keyword's name do not matter. NAME=VALUE is a\n"
		"named argument when the keyword has one of that name, or takes any name; write\n"
		"NAME\\=VALUE for a value that only looks so. A list is [1, 2], or its argument is\n"
		"given several times. NAME:=JSON gives a value of any type.\n"
		"\n"
		"Once there is a keyword, words that begin with a dash are its arguments; the long\n"
		"options below still count, up to a word --.\n"
		"\n"
		"  vhostelctl call \"Start Kernel VM\" vm=nf1 cpus=2\n"
		"  vhostelctl call \"Qemu Kill All\" node=DUT1\n"
		"  vhostelctl call execute_on_node DUT1 -- ls --all /\n",
	.options = OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_VERBOSE) | OPTION_BIT(OPTION_QUIET),
	.least = 1,
	.most = SIZE_MAX,
	.any_word = true,
	.run = run,
};
