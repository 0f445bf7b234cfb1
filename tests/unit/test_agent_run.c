/*
 * Programs through the guest agent: in a guest with our runner, and in one without.
 */
#include "agent_fixture.h"
#include "guest/agent_inside.h"

static void run_script(void **state, const char *script, const char *input, size_t limit,
		       struct process_result *ret)
{
	char *argv[] = { (char[]) { "sh" }, (char[]) { "-c" }, (char *)script, NULL };
	const struct str bytes = { .text = (char *)input, .length = input ? strlen(input) : 0 };
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	if (agent_run(real_agent(state), argv, input ? &bytes : NULL, limit, &w, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void a_program_is_run_to_its_end(void **state)
{
	auto_process_result r = { 0 };

	run_script(state, "cat; echo err >&2; exit 7", "caf\xc3\xa9 \xff", LIMIT, &r);
	assert_int_equal(r.rc, 7);
	assert_int_equal(r.signal, 0);
	assert_string_equal(str_text(&r.out), "caf\xc3\xa9 \xff");
	assert_string_equal(str_text(&r.err), "err\n");
	assert_false(r.cut);
}

static void a_program_that_a_signal_ended(void **state)
{
	auto_process_result r = { 0 };

	run_script(state, "kill -TERM $$", NULL, LIMIT, &r);
	assert_int_equal(r.rc, -1);
	assert_int_equal(r.signal, SIGTERM);
}

static void output_over_the_limit_is_cut(void **state)
{
	auto_process_result r = { 0 };

	run_script(state, "printf 123456", NULL, 5, &r);
	assert_true(r.cut);
	assert_string_equal(str_text(&r.out), "12345");
	process_result_clear(&r);
	run_script(state, "printf 12345", NULL, 5, &r);
	assert_false(r.cut);
}

static void a_program_that_does_not_exist_is_an_error(void **state)
{
	char *argv[] = { (char[]) { "vhostel-no-such-program" }, NULL };
	struct wait w = wait_for_ms(LONG_MS);
	struct process_result r;
	struct error err;

	assert_int_equal(agent_run(real_agent(state), argv, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, EREMOTEIO);
	assert_non_null(strstr(err.text, "vhostel-no-such-program"));
	assert_non_null(strstr(err.text, "No such file"));
}

/* The pid in a file that a script writes, once it is there. */
static pid_t await_pid(const char *path)
{
	struct wait w = wait_for_ms(LONG_MS);
	long long pid;

	while (file_read_int(path, &pid) < 0)
		if (wait_pause(&w, 5, NULL) < 0)
			fail_msg("no %s", path);
	return (pid_t)pid;
}

/* The process ends, or has ended. */
static void assert_ends(pid_t pid)
{
	struct process held = PROCESS_NONE;
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	if (!process_open(pid, &held, NULL) && process_wait(&held, &w, NULL, &err) < 0)
		fail_msg("process %d: %s", pid, err.text);
	process_clear(&held);
}

/* Runs a script whose wait ends first; the call is over soon after. */
static void outlive(void **state, const char *script, struct error *err)
{
	char *argv[] = { (char[]) { "sh" }, (char[]) { "-c" }, (char *)script, NULL };
	struct wait w = wait_for_ms(1000);
	int64_t began_ms = clock_ms();
	struct process_result r;

	assert_int_equal(agent_run(real_agent(state), argv, NULL, LIMIT, &w, &r, err), -1);
	assert_int_equal(err->code, ETIMEDOUT);
	assert_in_range(clock_ms() - began_ms, 1000, 1000 + AGENT_KILL_MS + 100);
}

static void a_program_that_outlives_its_wait_is_killed(void **state)
{
	auto_free char *path = path_of("outlives.pid");
	auto_free char *script =
		own_printf("echo $$ > %s.new; mv %s.new %s; exec sleep 600", path, path, path);
	struct error err;

	outlive(state, script, &err);
	assert_non_null(strstr(err.text, "; it was killed there, but what it started may"));
	assert_ends(await_pid(path));
}

static void what_it_started_is_killed_with_it(void **state)
{
	auto_free char *child = path_of("child.pid"), *grandchild = path_of("grandchild.pid");
	auto_free char *script = own_printf(
		"sleep 600 & echo $! > %s.new; mv %s.new %s; "
		"sh -c 'trap \"\" TERM HUP; echo $$ > %s.new; mv %s.new %s; sleep 600; :' & wait",
		child, child, child, grandchild, grandchild, grandchild);
	struct error err;

	outlive(state, script, &err);
	assert_true(str_ends(err.text, "; it was killed there"));
	assert_ends(await_pid(child));
	assert_ends(await_pid(grandchild));
}

static void what_holds_its_output_is_killed_too(void **state)
{
	auto_free char *path = path_of("holder.pid");
	auto_free char *script =
		own_printf("sleep 600 & echo $! > %s.new; mv %s.new %s", path, path, path);
	struct error err;

	outlive(state, script, &err);
	assert_ends(await_pid(path));
}

static void the_runner_passes_no_more_than_is_kept(void **state)
{
	char *argv[] = { (char *)"",
			 (char[]) { "--exec" },
			 (char[]) { "3" },
			 (char[]) { "--" },
			 (char[]) { "sh" },
			 (char[]) { "-c" },
			 (char[]) { "head -c 50000000 /dev/zero | tr '\\0' x; echo bad >&2" },
			 NULL };
	auto_process_result r = { 0 };
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	/* As a plain program: what it prints is what the agent would have to send. */
	argv[0] = (char *)real_agent(state)->runners[0];
	assert_int_equal(process_run(argv, NULL, LIMIT, &w, &r, &err), 0);
	assert_string_equal(str_text(&r.out), "xxx");
	assert_string_equal(str_text(&r.err), "bad");
}

static void only_a_runner_is_ended(void **state)
{
	auto_free char *number = own_printf("%d", getpid());
	char *argv[] = { (char *)real_agent(state)->runners[0], (char[]) { "--end" }, number,
			 NULL };
	auto_process_result r = { 0 };
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	assert_int_equal(process_run(argv, NULL, LIMIT, &w, &r, &err), 0);
	assert_int_equal(r.rc, 127);
	assert_non_null(strstr(str_text(&r.err), "is no runner"));
}

/* A runner that does not know --exec says how it is used. */
static void a_guest_with_an_old_runner_runs_the_program_itself(void **state)
{
	static const char usage[] = "#!/bin/sh\necho 'vhostel: usage: run' >&2\nexit 127\n";
	auto_free char *old = path_of("old-runner");
	auto_process_result r = { 0 };
	struct error err;

	assert_int_equal(file_write(old, usage, strlen(usage), 0755, &err), 0);
	agent_set_runner(real_agent(state), old);
	run_script(state, "echo here", NULL, LIMIT, &r);
	assert_string_equal(str_text(&r.out), "here\n");
	assert_string_equal(str_text(&r.err), "");
}

static void a_spawned_program_is_not_waited_for(void **state)
{
	char *argv[] = { (char[]) { "sleep" }, (char[]) { "600" }, NULL };
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;
	int pid = 0;

	assert_int_equal(agent_spawn(real_agent(state), argv, &w, &pid, &err), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

static void arguments_that_are_no_text_are_refused(void **state)
{
	char *argv[] = { (char[]) { "echo" }, (char[]) { "\xff" }, NULL };
	struct wait w = wait_for_ms(LONG_MS);
	struct process_result r;
	struct error err;

	assert_int_equal(agent_run(real_agent(state), argv, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, EINVAL);
}

static void stop_reading(struct peer *peer)
{
	struct pollfd one = { .fd = peer->fd, .events = POLLRDHUP };

	sync_with(peer, expect_sync(peer));
	if (poll(&one, 1, PEER_MS) < 1)
		peer_die("no end");
}

static void an_agent_that_stops_reading_times_out(void **state)
{
	auto_free char *large = own_alloc(MANY + 1);
	char *argv[] = { (char[]) { "echo" }, large, NULL };
	struct wait w = wait_for_ms(1000);
	struct process_result r;
	struct scripted s;
	struct error err;

	(void)state;
	memset(large, 'x', MANY);
	open_scripted(&s, stop_reading);
	assert_int_equal(agent_run(s.agent, argv, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	close_scripted(&s);
}

static struct cancel cancelled;

static int run_scripted(struct scripted *s, const struct wait *w, struct error *err)
{
	char *argv[] = { (char[]) { "program" }, NULL };
	struct process_result r;

	agent_set_runner(s->agent, "/runner");
	return agent_run(s->agent, argv, NULL, LIMIT, w, &r, err);
}

/* The wait ends while guest-exec is under way; its answer comes after that. */
static void answer_too_late(struct peer *peer)
{
	long id;

	sync_with(peer, expect_sync(peer));
	id = expect_command(peer, "guest-exec");
	cancel_throw(&cancelled);
	answer(peer, id, "{\"pid\": 77}");
	id = expect_command(peer, "[\"--end\",\"77\"]");
	answer(peer, id, "{\"pid\": 78}");
	answer(peer, expect_command(peer, "\"pid\":77"), "{\"exited\": true, \"signal\": 9}");
}

static void a_program_whose_start_is_told_too_late_is_killed(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct scripted s;
	struct error err;

	(void)state;
	assert_int_equal(cancel_init(&cancelled, &err), 0);
	wait_add_cancel(&w, cancelled.fd, POLLIN, "the client is gone");
	open_scripted(&s, answer_too_late);
	assert_int_equal(run_scripted(&s, &w, &err), -1);
	assert_int_equal(err.code, ECANCELED);
	assert_true(str_ends(err.text, "; it was killed there"));
	close_scripted(&s);
	cancel_clear(&cancelled);
}

static void never_answer(struct peer *peer)
{
	sync_with(peer, expect_sync(peer));
	expect_command(peer, "guest-exec");
	while (peer_fill(peer))
		;
}

static void a_program_that_may_have_started_is_said_to_have(void **state)
{
	struct wait w = wait_for_ms(1000);
	struct scripted s;
	struct error err;

	(void)state;
	open_scripted(&s, never_answer);
	assert_int_equal(run_scripted(&s, &w, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_true(str_ends(err.text, "; the guest may have done it all the same"));
	close_scripted(&s);
}

static void forget(struct peer *peer)
{
	auto_free char *line = NULL;

	sync_with(peer, expect_sync(peer));
	answer(peer, expect_command(peer, "guest-exec"), "{\"pid\": 77}");
	/* It dies with the question. Another one answers the next synchronisation. */
	expect_command(peer, "guest-exec-status");
	sync_with(peer, expect_sync(peer));
	line = own_printf("{\"error\": {\"class\": \"GenericError\", \"desc\": \"Invalid "
			  "parameter 'pid'\"}, \"id\": %ld}\n",
			  expect_command(peer, "guest-exec-status"));
	peer_say(peer, line);
}

static void an_agent_that_restarts_forgets_its_programs(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct scripted s;
	struct error err;

	(void)state;
	open_scripted(&s, forget);
	assert_int_equal(run_scripted(&s, &w, &err), -1);
	assert_int_equal(err.code, ECONNRESET);
	assert_true(str_starts(err.text, "program: the guest agent has restarted"));
	assert_non_null(strstr(err.text, "may still run"));
	close_scripted(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		real(a_program_is_run_to_its_end),
		wrapped(a_program_is_run_to_its_end),
		real(a_program_that_a_signal_ended),
		wrapped(a_program_that_a_signal_ended),
		real(output_over_the_limit_is_cut),
		wrapped(output_over_the_limit_is_cut),
		real(a_program_that_does_not_exist_is_an_error),
		wrapped(a_program_that_does_not_exist_is_an_error),
		real(a_program_that_outlives_its_wait_is_killed),
		wrapped(what_it_started_is_killed_with_it),
		wrapped(what_holds_its_output_is_killed_too),
		wrapped(the_runner_passes_no_more_than_is_kept),
		wrapped(only_a_runner_is_ended),
		real(a_guest_with_an_old_runner_runs_the_program_itself),
		real(a_spawned_program_is_not_waited_for),
		real(arguments_that_are_no_text_are_refused),
		cmocka_unit_test(an_agent_that_stops_reading_times_out),
		cmocka_unit_test(a_program_whose_start_is_told_too_late_is_killed),
		cmocka_unit_test(a_program_that_may_have_started_is_said_to_have),
		cmocka_unit_test(an_agent_that_restarts_forgets_its_programs),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
