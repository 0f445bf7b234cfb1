/*
 * vhostelctl console: what a VM wrote on its console, and what it goes on to write.
 *
 * How it works: the protocol has no event for "more text", so --follow asks for all of it again and
 * again and prints what is behind the text of the time before. The server sends no more than the
 * last limit.output_kib; from there on the text loses its beginning while it grows, and the two are
 * laid over each other at the start of a line. Only the last lines would be less to send, but
 * could not be told from equal lines before them.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"
#include "tools/vhostelctl/answer.h"
#include "tools/vhostelctl/command.h"
#include "tools/vhostelctl/interrupt.h"
#include "tools/vhostelctl/show.h"
#include "value/value.h"

#define INTERVAL_MS 200

/* What str_printable() makes of a carriage return and of half a character: the next byte may
 * change both. */
#define CARRIAGE_RETURN "\xe2\x90\x8d"
#define BROKEN		"\xef\xbf\xbd"

static int ask_console(struct client *c, const char *vm, long long lines, char **ret,
		       struct error *err)
{
	auto_json *text = NULL;
	size_t n;

	if (answer_value(c, "Get VM Console", json_pack("[s, I]", vm, (json_int_t)lines), &text,
			 err) < 0)
		return -1;
	*ret = show_scalar(text);
	while (str_ends(*ret, CARRIAGE_RETURN) || str_ends(*ret, BROKEN)) {
		n = strlen(*ret);
		(*ret)[n - strlen(BROKEN)] = '\0';
	}
	return 0;
}

/* The end of @text that begins @lines lines before its end; 0: all. */
static const char *last_lines(const char *text, long long lines)
{
	const char *p = text + strlen(text);

	if (!lines)
		return text;
	if (p > text && p[-1] == '\n')
		p--;
	for (; p > text; p--)
		if (p[-1] == '\n' && --lines == 0)
			break;
	return p;
}

/* What @now has behind @before; NULL when they have nothing in common. */
static const char *news(const char *before, const char *now)
{
	const char *line = strchr(now, '\n');

	if (str_starts(now, before))
		return now + strlen(before);
	/* The server cuts where a line need not begin. */
	for (const char *p = before; line && *p; p = *p ? p + 1 : p) {
		if (str_starts(line + 1, p))
			return line + 1 + strlen(p);
		p += strcspn(p, "\n");
	}
	return NULL;
}

static int show_news(struct client *c, const char *vm, char **before, struct error *err)
{
	auto_free char *now = NULL;
	const char *more;

	if (ask_console(c, vm, 0, &now, err) < 0)
		return -1;
	more = news(*before, now);
	if (!more)
		fputs("vhostelctl: some lines came too fast and are missing here\n", stderr);
	fputs(more ? more : now, stdout);
	fflush(stdout);
	free(*before);
	*before = take_ptr(now);
	return 0;
}

/* Whether a VM in @state will write on its console, now or later. */
static int ask_state(struct client *c, const char *vm, bool *ret_begun, bool *ret_ended,
		     struct error *err)
{
	auto_json *value = NULL;
	const char *state;

	if (answer_value(c, "Get VM State", json_pack("[s]", vm), &value, err) < 0)
		return -1;
	state = json_string_value(value);
	*ret_begun = !str_equal(state, "defined") && !str_equal(state, "starting");
	*ret_ended = str_equal(state, "stopped") || str_equal(state, "failed");
	return 0;
}

static int show_begin(struct client *c, const char *vm, long long lines, char **before,
		      struct error *err)
{
	if (ask_console(c, vm, 0, before, err) < 0)
		return -1;
	fputs(last_lines(*before, lines), stdout);
	fflush(stdout);
	return 0;
}

/* One turn; when the VM is gone after its console was seen, that is its end. */
static int turn(struct client *c, const char *vm, long long lines, char **before, bool *ret_ended,
		struct error *err)
{
	bool begun = false, seen = *before;
	int rc = ask_state(c, vm, &begun, ret_ended, err);

	if (!rc && begun)
		rc = seen ? show_news(c, vm, before, err) : show_begin(c, vm, lines, before, err);
	if (rc < 0 && seen && err->code == EREMOTEIO) {
		*ret_ended = true;
		return 0;
	}
	return rc;
}

static int follow(struct client *c, const char *vm, long long lines, struct error *err)
{
	auto_free char *before = NULL;
	bool ended = false;
	auto_interrupt in;

	interrupt_begin(&in);
	for (;;) {
		if (turn(c, vm, lines, &before, &ended, err) < 0)
			return -1;
		if (ended)
			return 0;
		if (!interrupt_wait(&in, -1, INTERVAL_MS))
			return error_set(err, ERROR_INTERRUPTED, "%s", "");
	}
}

static int show_once(struct client *c, const struct options *o, long long lines, struct error *err)
{
	auto_free char *text = NULL;
	auto_json *value = NULL;

	if (ask_console(c, o->words[0], lines, &text, err) < 0)
		return -1;
	value = json_string(text);
	show_value(value, option_given(o, OPTION_JSON));
	return 0;
}

static int run(const struct options *o, struct error *err)
{
	auto_client *c = NULL;
	long long lines = 0;

	if (option_given(o, OPTION_LINES) &&
	    str_to_int(o->value[OPTION_LINES], 1, 1000000, &lines) < 0)
		return error_set(err, EINVAL,
				 "--lines: expected an integer from 1 to 1000000, "
				 "got '%s'",
				 o->value[OPTION_LINES]);
	if (option_given(o, OPTION_FOLLOW) && option_given(o, OPTION_JSON))
		return error_set(err, EINVAL, "--follow and --json do not go together");
	if (client_open(options_url(o), &c, err) < 0)
		return -1;
	if (option_given(o, OPTION_FOLLOW))
		return follow(c, o->words[0], lines, err);
	return show_once(c, o, lines, err);
}

const struct command command_console = {
	.name = "console",
	.words = "VM",
	.summary = "a VM's console",
	.help = "Prints what a VM wrote on its console. With --follow it waits for a VM that is\n"
		"being started, goes on with what comes, asking five times a second, and ends with\n"
		"the VM. Control characters are shown, not sent to the terminal.\n",
	.options = OPTION_BIT(OPTION_FOLLOW) | OPTION_BIT(OPTION_LINES) | OPTION_BIT(OPTION_JSON),
	.least = 1,
	.most = 1,
	.run = run,
};
