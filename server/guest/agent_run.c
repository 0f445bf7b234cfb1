/*
 * Programs in the guest, through the agent's guest-exec.
 *
 * The agent has no event for the end of a program, so its status is asked for, at first every few
 * milliseconds. Each command is a conversation of its own: others may come in between.
 *
 * How it works: the agent knows only the process that it started, and sends all that this prints.
 * So that process is our runner where the guest has it: it drops what nobody will read, and ends
 * everything that the program started. Whether it is there shows when it is used: a guest without
 * it, or with one that does not know --exec, gets the program itself.
 */
#include "guest/agent_inside.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "value/base64.h"
#include "value/value.h"

#define STATUS_FIRST_MS 2
#define STATUS_LAST_MS	50
/* Of AGENT_KILL_MS: how long the pid of a program is waited for that started too late. */
#define GRACE_MS 300
/* What a runner answers that cannot do what it is told, and its words (payload-run.c). */
#define RUNNER_FAILED	  127
#define RUNNER_USAGE	  "vhostel: usage: "
#define RUNNER_CANNOT_RUN "vhostel: cannot run '%s': "

/*
 * @runner: started through it, or NULL
 */
struct run {
	struct agent *agent;
	char *const *argv;
	const struct str *input;
	size_t limit;
	const struct wait *w;
	const char *runner;
	int pid;
	struct process_result *result;
};

static int make_arguments(char *const *argv, const struct str *input, bool capture, json_t **ret,
			  struct error *err)
{
	auto_json *arguments =
		json_pack("{s:s,s:[],s:b}", "path", argv[0], "arg", "capture-output", capture);

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
	*ret = take_ptr(arguments);
	return 0;
}

/* -1 with *@ret_pid set when the wait ended and the answer came in the grace after it. */
static int start(struct agent *agent, char *const *argv, const struct str *input, bool capture,
		 const struct wait *w, int64_t grace_ms, int *ret_pid, struct error *err)
{
	auto_json *arguments = NULL, *value = NULL;
	int rc;

	*ret_pid = 0;
	if (make_arguments(argv, input, capture, &arguments, err) < 0)
		return -1;
	rc = agent_begin(agent, "guest-exec", arguments, w, grace_ms, &value, err);
	*ret_pid = (int)json_integer_value(json_object_get(value, "pid"));
	return rc;
}

static int decode(const json_t *status, const char *member, struct str *ret, struct error *err)
{
	const char *text = json_string_value(json_object_get(status, member));

	if (text && base64_decode(text, strlen(text), ret) < 0)
		return error_set(err, EPROTO, "guest-exec-status: %s: bad base64", member);
	return 0;
}

static int read_status(const json_t *status, struct process_result *ret, struct error *err)
{
	const json_t *code = json_object_get(status, "exitcode");
	const json_t *signal = json_object_get(status, "signal");

	ret->rc = code ? (int)json_integer_value(code) : -1;
	ret->signal = (int)json_integer_value(signal);
	ret->cut = json_is_true(json_object_get(status, "out-truncated")) ||
		   json_is_true(json_object_get(status, "err-truncated"));
	if (decode(status, "out-data", &ret->out, err) < 0)
		return -1;
	return decode(status, "err-data", &ret->err, err);
}

/* An agent that does not know the process is not the one that started it. */
static int ask_status(struct agent *agent, int pid, const struct wait *w, json_t **ret,
		      struct error *err)
{
	auto_json *arguments = json_pack("{s:i}", "pid", pid);

	if (!agent_execute(agent, "guest-exec-status", arguments, w, ret, err))
		return 0;
	if (err->code != EREMOTEIO)
		return -1;
	error_prefix(err, "the guest agent has restarted (or an answer was lost) and does not know "
			  "the program any more, which may still run");
	err->code = ECONNRESET;
	return -1;
}

static int await_end(struct agent *agent, int pid, const struct wait *w, struct process_result *ret,
		     struct error *err)
{
	int64_t pause_ms = STATUS_FIRST_MS;

	for (;;) {
		auto_json *status = NULL;

		/* A lost question is asked again: the next answer tells whether the agent knows. */
		if (ask_status(agent, pid, w, &status, err) < 0 && err->code != ECONNABORTED)
			return -1;
		if (json_is_true(json_object_get(status, "exited")))
			return read_status(status, ret, err);
		if (wait_pause(w, pause_ms, err) < 0)
			return -1;
		pause_ms = pause_ms * 3 / 2 + 1 < STATUS_LAST_MS ? pause_ms * 3 / 2 + 1
								 : STATUS_LAST_MS;
	}
}

/* Ends a program whose wait ended first, and says in @err what became of it. */
static void kill_in_guest(struct run *r, int64_t kill_ms, struct error *err)
{
	struct wait w = wait_for_ms(kill_ms);
	auto_free char *number = own_printf("%d", r->pid);
	char *end[] = { (char *)r->runner, (char[]) { "--end" }, number, NULL };
	char *kill[] = { (char[]) { "kill" }, (char[]) { "-KILL" }, number, NULL };
	auto_process_result last = { 0 };
	struct error why;
	int kill_pid;

	if (start(r->agent, r->runner ? end : kill, NULL, false, &w, 0, &kill_pid, &why) < 0) {
		/* Without QEMU nothing runs. */
		if (why.code != ECONNRESET && why.code != ECONNREFUSED && why.code != ENOENT)
			error_append(err, "; it may still run: %s", why.text);
		return;
	}
	if (await_end(r->agent, r->pid, &w, &last, &why) < 0) {
		error_append(err, "; it was sent SIGKILL, but its end has not been seen");
		return;
	}
	/* So the agent answers: it is the program that took too long, not the last question. */
	if (err->code == ETIMEDOUT)
		error_set(err, ETIMEDOUT, "timed out");
	error_append(err, "; it was killed there%s",
		     r->runner ? "" : ", but what it started may still run");
}

static void cut(struct str *s, size_t limit, bool *cut)
{
	if (s->length <= limit)
		return;
	s->length = limit;
	s->text[limit] = '\0';
	*cut = true;
}

static bool is_runner_failure(const struct run *r, const char *words)
{
	return r->runner && r->result->rc == RUNNER_FAILED &&
	       str_starts(str_text(&r->result->err), words);
}

/* What the runner says of itself is an error; all else is the program's. */
static int check_runner(struct run *r, struct error *err)
{
	auto_free char *words = own_printf(RUNNER_CANNOT_RUN, r->argv[0]);
	auto_free char *said = NULL;

	if (!is_runner_failure(r, words))
		return 0;
	said = own_strdup(str_text(&r->result->err) + strlen(words));
	said[strcspn(said, "\n")] = '\0';
	return error_set(err, EREMOTEIO, "cannot run it: %s", said);
}

static int start_run(struct run *r, struct error *err)
{
	size_t passed = r->limit < AGENT_OUTPUT_MAX ? r->limit + 1 : AGENT_OUTPUT_MAX;
	auto_strv argv = { 0 };

	if (r->runner) {
		strv_add(&argv, r->runner);
		strv_add(&argv, "--exec");
		strv_addf(&argv, "%zu", passed);
		strv_add(&argv, "--");
	}
	for (int i = 0; r->argv[i]; i++)
		strv_add(&argv, r->argv[i]);
	return start(r->agent, argv.items, r->input, true, r->w, GRACE_MS, &r->pid, err);
}

static int run(struct run *r, struct error *err)
{
	bool started = !start_run(r, err);

	if (started && !await_end(r->agent, r->pid, r->w, r->result, err))
		return 0;
	process_result_clear(r->result);
	if (r->pid && (err->code == ETIMEDOUT || err->code == ECANCELED))
		kill_in_guest(r, started ? AGENT_KILL_MS : AGENT_KILL_MS - GRACE_MS, err);
	return -1;
}

/* Whether the runner is not there, or too old: then the program has not been started. */
static bool lacks_runner(struct run *r, int rc, const struct error *err)
{
	int missing;

	if (!r->runner || atomic_load(&r->agent->runner_proven))
		return false;
	if (rc < 0 ? err->code != EREMOTEIO : !is_runner_failure(r, RUNNER_USAGE)) {
		atomic_store(&r->agent->runner_proven, !rc);
		return false;
	}
	process_result_clear(r->result);
	missing = atomic_load(&r->agent->runner);
	if (r->agent->runners[missing] == r->runner)
		atomic_compare_exchange_strong(&r->agent->runner, &missing, missing + 1);
	return true;
}

int agent_run(struct agent *agent, char *const *argv, const struct str *input, size_t limit,
	      const struct wait *w, struct process_result *ret, struct error *err)
{
	struct run r = {
		.agent = agent, .argv = argv, .input = input, .limit = limit, .w = w, .result = ret
	};
	struct error own;
	int rc;

	err = error_or(err, &own);
	*ret = (struct process_result) { 0 };
	do {
		r.runner = agent->runners[atomic_load(&agent->runner)];
		rc = run(&r, err);
	} while (lacks_runner(&r, rc, err));
	if (!rc)
		rc = check_runner(&r, err);
	if (rc < 0) {
		process_result_clear(ret);
		return error_prefix(err, "%s", argv[0]);
	}
	cut(&ret->out, limit, &ret->cut);
	cut(&ret->err, limit, &ret->cut);
	return 0;
}

int agent_spawn(struct agent *agent, char *const *argv, const struct wait *w, int *ret_pid,
		struct error *err)
{
	struct error own;

	return start(agent, argv, NULL, false, w, 0, ret_pid, error_or(err, &own));
}

int agent_tidy(struct agent *agent, char *const *argv, const struct wait *w, struct error *err)
{
	auto_process_result r = { 0 };
	int pid;

	if (start(agent, argv, NULL, true, w, 0, &pid, err) < 0 ||
	    await_end(agent, pid, w, &r, err) < 0)
		return -1;
	return r.rc ? error_set(err, EREMOTEIO, "%s: exit status %d", argv[0], r.rc) : 0;
}
