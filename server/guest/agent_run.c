/*
 * Programs in the guest, through the agent's guest-exec.
 *
 * The agent has no event for the end of a program, so its status is asked for, at first every few
 * milliseconds. Each command is a conversation of its own: others may come in between.
 */
#include "guest/agent.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "value/base64.h"
#include "value/value.h"

#define STATUS_FIRST_MS 2
#define STATUS_LAST_MS	50
/* What killing a program that outlived its wait may take. */
#define KILL_MS 2000

static int start(struct agent *agent, char *const *argv, const struct str *input, bool capture,
		 const struct wait *w, int *ret_pid, struct error *err)
{
	auto_json *arguments =
		json_pack("{s:s,s:[],s:b}", "path", argv[0], "arg", "capture-output", capture);
	auto_json *value = NULL;

	if (!arguments)
		return error_set(err, EINVAL, "'%s': not valid UTF-8", argv[0]);
	for (int i = 1; argv[i]; i++)
		if (json_array_append_new(json_object_get(arguments, "arg"), json_string(argv[i])) <
		    0)
			return error_set(err, EINVAL, "argument %d of %s: not valid UTF-8", i,
					 argv[0]);
	if (input) {
		auto_str encoded = { 0 };

		base64_encode(str_text(input), input->length, &encoded);
		json_object_set_new(arguments, "input-data", json_string(str_text(&encoded)));
	}
	if (agent_execute(agent, "guest-exec", arguments, w, &value, err) < 0)
		return -1;
	*ret_pid = (int)json_integer_value(json_object_get(value, "pid"));
	return 0;
}

int agent_spawn(struct agent *agent, char *const *argv, const struct wait *w, int *ret_pid,
		struct error *err)
{
	return start(agent, argv, NULL, false, w, ret_pid, err);
}

static int decode(const json_t *status, const char *member, size_t limit, struct str *ret,
		  bool *cut, struct error *err)
{
	const char *text = json_string_value(json_object_get(status, member));

	if (!text)
		return 0;
	if (base64_decode(text, strlen(text), ret) < 0)
		return error_set(err, EPROTO, "guest-exec-status: %s: bad base64", member);
	if (ret->length > limit) {
		ret->length = limit;
		ret->text[limit] = '\0';
		*cut = true;
	}
	return 0;
}

static int read_status(const json_t *status, size_t limit, struct process_result *ret,
		       struct error *err)
{
	const json_t *code = json_object_get(status, "exitcode");
	const json_t *signal = json_object_get(status, "signal");

	ret->rc = code ? (int)json_integer_value(code) : -1;
	ret->signal = (int)json_integer_value(signal);
	ret->cut = json_is_true(json_object_get(status, "out-truncated")) ||
		   json_is_true(json_object_get(status, "err-truncated"));
	if (decode(status, "out-data", limit, &ret->out, &ret->cut, err) < 0)
		return -1;
	return decode(status, "err-data", limit, &ret->err, &ret->cut, err);
}

static int await_end(struct agent *agent, int pid, size_t limit, const struct wait *w,
		     struct process_result *ret, struct error *err)
{
	auto_json *arguments = json_pack("{s:i}", "pid", pid);
	int64_t pause_ms = STATUS_FIRST_MS;

	for (;;) {
		auto_json *status = NULL;

		if (agent_execute(agent, "guest-exec-status", arguments, w, &status, err) < 0)
			return -1;
		if (json_is_true(json_object_get(status, "exited")))
			return read_status(status, limit, ret, err);
		if (wait_pause(w, pause_ms, err) < 0)
			return -1;
		pause_ms = pause_ms * 3 / 2 + 1 < STATUS_LAST_MS ? pause_ms * 3 / 2 + 1
								 : STATUS_LAST_MS;
	}
}

static void kill_in_guest(struct agent *agent, int pid)
{
	struct wait w = wait_for_ms(KILL_MS);
	auto_free char *number = own_printf("%d", pid);
	char *argv[] = { (char[]) { "kill" }, (char[]) { "-KILL" }, number, NULL };
	struct error ignored;
	int kill_pid;

	agent_spawn(agent, argv, &w, &kill_pid, &ignored);
}

int agent_run(struct agent *agent, char *const *argv, const struct str *input, size_t limit,
	      const struct wait *w, struct process_result *ret, struct error *err)
{
	struct error own;
	int pid;

	err = error_or(err, &own);
	*ret = (struct process_result) { 0 };
	if (start(agent, argv, input, true, w, &pid, err) < 0)
		return -1;
	if (!await_end(agent, pid, limit, w, ret, err))
		return 0;
	process_result_clear(ret);
	if (err->code == ETIMEDOUT || err->code == ECANCELED) {
		kill_in_guest(agent, pid);
		error_append(err, "; it was killed in the guest");
	}
	return error_prefix(err, "%s", argv[0]);
}
