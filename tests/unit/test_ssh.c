/*
 * Programs over SSH, against a real sshd.
 */
#include "sshd_fixture.h"

#include <dirent.h>
#include <sys/resource.h>

#include "base/thread.h"

static void every_argument_passes_unchanged(void **state)
{
	static const char expected[] = "[a b][][it's][\"$HOME\" `id` $(id)][two\nlines\n][\\n\\]"
				       "[caf\xc3\xa9 \xf0\x9f\x90\xa7][*][-n][;|&<>!#~]";
	char *const *argv = ARGV(W("printf"), W("[%s]"), W("a b"), W(""), W("it's"),
				 W("\"$HOME\" `id` $(id)"), W("two\nlines\n"), W("\\n\\"),
				 W("caf\xc3\xa9 \xf0\x9f\x90\xa7"), W("*"), W("-n"), W(";|&<>!#~"));
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	assert_output(ssh, argv, expected);
}

static void outputs_and_exit_status_are_apart(void **state)
{
	auto_process_result result = { 0 };
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	run_ok(ssh, ARGV(W("sh"), W("-c"), W("echo out; echo err >&2; exit 7")), &result);
	assert_string_equal(str_text(&result.out), "out\n");
	assert_string_equal(str_text(&result.err), "err\n");
	assert_int_equal(result.rc, 7);
	assert_int_equal(result.signal, 0);
	assert_false(result.cut);
}

static void a_signal_is_told_by_its_number(void **state)
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGSEGV, SIGABRT, SIGUSR1 };
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		auto_free char *script = own_printf("kill -%d $$; sleep 10", signals[i]);
		auto_process_result result = { 0 };

		run_ok(ssh, ARGV(W("sh"), W("-c"), script), &result);
		assert_int_equal(result.rc, -1);
		assert_int_equal(result.signal, signals[i]);
	}
}

static void a_signal_without_a_name_is_told_apart(void **state)
{
	auto_process_result result = { 0 };
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	run_ok(ssh, ARGV(W("sh"), W("-c"), W("ulimit -c 0; kill -BUS $$; sleep 10")), &result);
	assert_int_equal(result.rc, -1);
	assert_int_equal(result.signal, SSH_SIGNAL_UNKNOWN);
}

/* Runs true with an argument of so many bytes. */
static int run_with_argument(struct ssh *ssh, size_t length, struct error *err)
{
	auto_free char *argument = own_alloc(length + 1);
	auto_process_result result = { 0 };
	struct wait w = wait_for_ms(20000);

	memset(argument, 'x', length);
	return ssh_run(ssh, ARGV(W("true"), argument), NULL, 0, &w, &result, err);
}

static void a_command_line_may_have_so_many_bytes(void **state)
{
	static const size_t tried = 40000;
	size_t length = 0, limit = 0;
	auto_ssh *ssh = NULL;
	struct error err;

	(void)state;
	need_sshd();
	ssh = tester();
	assert_int_equal(run_with_argument(ssh, tried, &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_int_equal(sscanf(strstr(err.text, "has "), "has %zu bytes, quoted; SSH takes %zu",
				&length, &limit),
			 2);
	assert_non_null(strstr(err.text, "Copy File To VM"));
	/* What is not the argument is the same each time. */
	assert_int_equal(run_with_argument(ssh, limit - (length - tried) + 1, &err), -1);
	assert_int_equal(err.code, EINVAL);
	if (run_with_argument(ssh, limit - (length - tried), &err) < 0)
		fail_msg("%s", err.text);
}

static void a_missing_program_is_127(void **state)
{
	auto_process_result result = { 0 };
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	run_ok(ssh, ARGV(W("no-such-program")), &result);
	assert_int_equal(result.rc, 127);
	assert_non_null(strstr(str_text(&result.err), "no-such-program"));
}

static void make_input(struct str *input, size_t size)
{
	while (input->length < size)
		str_addf(input, "line %zu of the input\n", input->length);
}

static void input_of_megabytes_comes_back(void **state)
{
	auto_process_result result = { 0 };
	struct wait w = wait_for_ms(60000);
	auto_str input = { 0 };
	auto_ssh *ssh = NULL;
	struct error err;

	(void)state;
	need_sshd();
	ssh = tester();
	make_input(&input, 8 << 20);
	if (ssh_run(ssh, ARGV(W("cat")), &input, 16 << 20, &w, &result, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(result.out.length, input.length);
	assert_memory_equal(result.out.text, input.text, input.length);
}

static void no_input_reads_as_its_end(void **state)
{
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	assert_output(ssh, ARGV(W("wc"), W("-c")), "0\n");
}

static void a_program_need_not_read_its_input(void **state)
{
	auto_process_result result = { 0 };
	struct wait w = wait_for_ms(20000);
	auto_str input = { 0 };
	auto_ssh *ssh = NULL;
	struct error err;

	(void)state;
	need_sshd();
	ssh = tester();
	make_input(&input, 8 << 20);
	if (ssh_run(ssh, ARGV(W("true")), &input, 1024, &w, &result, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(result.rc, 0);
	assert_output(ssh, ARGV(W("echo"), W("next")), "next\n");
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void much_output_takes_little_memory(void **state)
{
	auto_process_result result = { 0 };
	struct wait w = wait_for_ms(120000);
	auto_ssh *ssh = NULL;
	struct error err;
	long before;

	(void)state;
	need_sshd();
	ssh = tester();
	assert_output(ssh, ARGV(W("echo")), "\n");
	before = peak_kib();
	assert_true(before > 0);
	if (ssh_run(ssh, ARGV(W("head"), W("-c"), W("200000000"), W("/dev/zero")), NULL, 1000, &w,
		    &result, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(result.rc, 0);
	assert_int_equal(result.out.length, 1000);
	assert_true(result.cut);
#ifndef __SANITIZE_ADDRESS__ /* which keeps freed memory for a while */
	assert_true(peak_kib() - before < 32 * 1024);
#endif
	assert_output(ssh, ARGV(W("echo"), W("next")), "next\n");
}

static bool lives_in_group(const char *pid, long long group)
{
	auto_free char *path = own_printf("/proc/%s/stat", pid);
	auto_free char *text = NULL;
	long long its_group;
	const char *p;
	char state;

	if (file_read(path, 4096, &text, NULL, NULL) < 0)
		return false;
	p = strrchr(text, ')');
	return p && sscanf(p, ") %c %*d %lld", &state, &its_group) == 2 && its_group == group &&
	       state != 'Z';
}

/* Zombies, which somebody else has to reap, do not count. */
static void assert_group_gone(long long group)
{
	struct wait w = wait_for_ms(1000);
	bool lives = true;

	while (lives) {
		DIR *proc = opendir("/proc");
		struct dirent *entry;

		lives = false;
		while ((entry = readdir(proc)))
			lives |= lives_in_group(entry->d_name, group);
		closedir(proc);
		if (lives && wait_pause(&w, 10, NULL) < 0)
			fail_msg("group %lld still lives", group);
	}
}

/* A command that writes its group's id into a file, runs out of time, and must be gone then. */
static void assert_killed(struct ssh *ssh, const char *script, const struct wait *w, int code,
			  const char *text)
{
	auto_free char *pid_file = at("home/pid");
	auto_free char *whole = own_printf("echo $$ > %s; %s", pid_file, script);
	auto_process_result result = { 0 };
	int64_t start_ms = clock_ms();
	long long pid = 0;
	struct error err;

	unlink(pid_file);
	assert_int_equal(ssh_run(ssh, ARGV(W("sh"), W("-c"), whole), NULL, 1000, w, &result, &err),
			 -1);
	assert_says(&err, code, text);
	assert_true(clock_ms() - start_ms < 1500);
	assert_int_equal(file_read_int(pid_file, &pid), 0);
	assert_group_gone(pid);
}

static void a_timeout_kills_the_whole_group(void **state)
{
	struct wait w;
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	assert_output(ssh, ARGV(W("echo")), "\n");
	w = wait_for_ms(500);
	assert_killed(ssh, "sleep 1000 & sleep 1000; echo", &w, ETIMEDOUT, "it was killed there");
	w = wait_for_ms(500);
	assert_killed(ssh, "while :; do echo flood; done", &w, ETIMEDOUT, "it was killed there");
	w = wait_for_ms(500);
	assert_killed(ssh, "trap '' TERM HUP INT; sleep 1000; sleep 1000", &w, ETIMEDOUT,
		      "it was killed there");
	assert_output(ssh, ARGV(W("echo"), W("next")), "next\n");
}

static void a_daemon_that_holds_the_output_is_explained(void **state)
{
	struct wait w;
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	assert_output(ssh, ARGV(W("echo")), "\n");
	w = wait_for_ms(500);
	assert_killed(ssh, "sleep 1000 &", &w, ETIMEDOUT, "it had ended, but something");
}

static void a_half_read_input_does_not_hinder_the_kill(void **state)
{
	auto_process_result result = { 0 };
	auto_free char *path = at("home/pid");
	auto_free char *script = own_printf("echo $$ > %s; exec sleep 1000", path);
	auto_str input = { 0 };
	auto_ssh *ssh = NULL;
	long long pid = 0;
	struct error err;
	struct wait w;

	(void)state;
	need_sshd();
	ssh = tester();
	assert_output(ssh, ARGV(W("echo")), "\n");
	make_input(&input, 16 << 20);
	w = wait_for_ms(1000);
	assert_int_equal(
		ssh_run(ssh, ARGV(W("sh"), W("-c"), script), &input, 1000, &w, &result, &err), -1);
	assert_says(&err, ETIMEDOUT, "it was killed there");
	assert_int_equal(file_read_int(path, &pid), 0);
	assert_group_gone(pid);
	assert_output(ssh, ARGV(W("echo"), W("next")), "next\n");
}

static void *throw_when_it_runs(void *argument)
{
	auto_free char *path = at("home/pid");
	long long pid;

	while (file_read_int(path, &pid) < 0) {
		struct wait w = wait_for_ms(1000);

		wait_pause(&w, 5, NULL);
	}
	cancel_throw(argument);
	return NULL;
}

static void cancelling_kills_too(void **state)
{
	auto_free char *path = at("home/pid");
	struct wait w = wait_for_ms(20000);
	auto_ssh *ssh = NULL;
	struct cancel cancel;
	struct error err;
	pthread_t thread;

	(void)state;
	need_sshd();
	ssh = tester();
	assert_output(ssh, ARGV(W("echo")), "\n");
	unlink(path);
	assert_int_equal(cancel_init(&cancel, &err), 0);
	wait_add_cancel(&w, cancel.fd, POLLIN, "the test says so");
	assert_int_equal(thread_start(&thread, "cancel", throw_when_it_runs, &cancel, &err), 0);
	assert_killed(ssh, "sleep 1000; echo", &w, ECANCELED,
		      "the test says so; it was killed there");
	pthread_join(thread, NULL);
	cancel_clear(&cancel);
}

/* The sshd process that serves the session. */
static long long session_pid(struct ssh *ssh)
{
	auto_process_result result = { 0 };
	long long pid;

	/* The program replaced the shell, so its parent is the session's sshd. */
	run_ok(ssh, ARGV(W("sh"), W("-c"), W("echo $PPID")), &result);
	result.out.text[strcspn(result.out.text, "\n")] = '\0';
	assert_int_equal(str_to_int(result.out.text, 2, INT32_MAX, &pid), 0);
	return pid;
}

static void the_session_is_kept_and_renewed_when_it_died(void **state)
{
	auto_ssh *ssh = NULL;
	long long first;

	(void)state;
	need_sshd();
	ssh = tester();
	first = session_pid(ssh);
	assert_int_equal(session_pid(ssh), first);
	kill((pid_t)first, SIGKILL);
	assert_int_not_equal(session_pid(ssh), first);
}

static void a_session_that_hangs_is_renewed(void **state)
{
	auto_ssh *ssh = NULL;
	long long first, second;

	(void)state;
	need_sshd();
	ssh = tester();
	first = session_pid(ssh);
	kill((pid_t)first, SIGSTOP);
	second = session_pid(ssh);
	kill((pid_t)first, SIGKILL);
	assert_int_not_equal(second, first);
}

/* Ends or stops the session's sshd while a program runs. */
static void assert_lost(int signal, int64_t limit_ms, const char *text)
{
	auto_free char *script = own_printf("kill -%d $PPID; sleep 15", signal);
	auto_process_result result = { 0 };
	struct ssh_target t = target();
	auto_ssh *ssh = NULL;
	struct wait w = wait_for_ms(20000);
	int64_t start_ms;
	struct error err;
	long long pid;
	int rc;

	t.silence_timeout_ms = SSH_SILENCE_MS_MIN;
	ssh = new_ssh(&t);
	pid = session_pid(ssh);
	start_ms = clock_ms();
	rc = ssh_run(ssh, ARGV(W("sh"), W("-c"), script), NULL, 1000, &w, &result, &err);
	kill((pid_t)pid, SIGKILL);
	assert_int_equal(rc, -1);
	assert_says(&err, ECONNRESET, text);
	assert_true(clock_ms() - start_ms < limit_ms);
	assert_output(ssh, ARGV(W("echo"), W("next")), "next\n");
}

static void a_connection_that_breaks_is_told_at_once(void **state)
{
	(void)state;
	need_sshd();
	assert_lost(SIGKILL, 1000, "it may still run");
}

static void a_peer_that_falls_silent_is_noticed(void **state)
{
	(void)state;
	need_sshd();
	assert_lost(SIGSTOP, SSH_SILENCE_MS_MIN + 1500, "keepalives unanswered");
}

static void a_quiet_program_is_no_dead_peer(void **state)
{
	struct ssh_target t = target();
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	t.silence_timeout_ms = SSH_SILENCE_MS_MIN;
	ssh = new_ssh(&t);
	assert_output(ssh, ARGV(W("sh"), W("-c"), W("sleep 8; echo done")), "done\n");
}

static void *run_some(void *argument)
{
	for (int i = 0; i < 20; i++) {
		auto_free char *text = own_printf("%d", i);
		auto_free char *expected = own_printf("%d\n", i);

		assert_output(argument, ARGV(W("echo"), text), expected);
	}
	return NULL;
}

static void threads_take_turns(void **state)
{
	pthread_t threads[4];
	auto_ssh *ssh = NULL;
	struct error err;

	(void)state;
	need_sshd();
	ssh = tester();
	for (int i = 0; i < 4; i++)
		assert_int_equal(thread_start(&threads[i], "run", run_some, ssh, &err), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static void *run_long(void *argument)
{
	assert_output(argument, ARGV(W("sh"), W("-c"), W("echo $$ > pid; sleep 1; echo long")),
		      "long\n");
	return NULL;
}

static void a_queued_call_keeps_its_deadline(void **state)
{
	auto_free char *path = at("home/pid");
	auto_process_result result = { 0 };
	struct wait w, again = wait_for_ms(5000);
	auto_ssh *ssh = NULL;
	struct error err;
	pthread_t thread;
	long long pid;

	(void)state;
	need_sshd();
	ssh = tester();
	unlink(path);
	assert_int_equal(thread_start(&thread, "long", run_long, ssh, &err), 0);
	while (file_read_int(path, &pid) < 0)
		assert_int_equal(wait_pause(&again, 5, NULL), 0);
	w = wait_for_ms(100);
	assert_int_equal(ssh_run(ssh, ARGV(W("true")), NULL, 10, &w, &result, &err), -1);
	assert_says(&err, ETIMEDOUT, "waiting for another user of the session");
	pthread_join(thread, NULL);
}

static void set_shell(const char *shell)
{
	shf("cd %s; sed 's|^\\(" TESTER ":.*:\\).*|\\1%s|' passwd > p; cat p > passwd", dir, shell);
}

static void noise_of_the_login_shell_is_no_output(void **state)
{
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	set_shell("/bin/bash");
	write_text("home/.bashrc", "echo noise; echo more noise >&2\n", 0644);
	ssh = tester();
	assert_output(ssh, ARGV(W("echo"), W("mine")), "mine\n");
	set_shell("/bin/sh");
}

static void a_login_shell_that_refuses_is_quoted(void **state)
{
	auto_process_result result = { 0 };
	struct wait w = wait_for_ms(10000);
	auto_ssh *ssh = NULL;
	struct error err;

	(void)state;
	need_sshd();
	set_shell("/usr/sbin/nologin");
	ssh = tester();
	assert_int_equal(ssh_run(ssh, ARGV(W("true")), NULL, 10, &w, &result, &err), -1);
	set_shell("/bin/sh");
	assert_says(&err, EREMOTEIO, "did not run the command (exit status 1");
	assert_says(&err, EREMOTEIO, "not available");
}

static int by_value(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void a_warm_session_answers_fast(void **state)
{
	int64_t took_us[51];
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	for (int i = 0; i < 51; i++) {
		int64_t start_us = clock_us();

		assert_output(ssh, ARGV(W("true")), "");
		took_us[i] = clock_us() - start_us;
	}
	qsort(took_us, 51, sizeof(took_us[0]), by_value);
	print_message("true over a warm session: median %.1f ms\n", (double)took_us[25] / 1000);
	assert_true(took_us[25] < 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_argument_passes_unchanged),
		cmocka_unit_test(outputs_and_exit_status_are_apart),
		cmocka_unit_test(a_signal_is_told_by_its_number),
		cmocka_unit_test(a_signal_without_a_name_is_told_apart),
		cmocka_unit_test(a_command_line_may_have_so_many_bytes),
		cmocka_unit_test(a_missing_program_is_127),
		cmocka_unit_test(input_of_megabytes_comes_back),
		cmocka_unit_test(no_input_reads_as_its_end),
		cmocka_unit_test(a_program_need_not_read_its_input),
		cmocka_unit_test(much_output_takes_little_memory),
		cmocka_unit_test(a_timeout_kills_the_whole_group),
		cmocka_unit_test(a_daemon_that_holds_the_output_is_explained),
		cmocka_unit_test(a_half_read_input_does_not_hinder_the_kill),
		cmocka_unit_test(cancelling_kills_too),
		cmocka_unit_test(the_session_is_kept_and_renewed_when_it_died),
		cmocka_unit_test(a_session_that_hangs_is_renewed),
		cmocka_unit_test(a_connection_that_breaks_is_told_at_once),
		cmocka_unit_test(a_peer_that_falls_silent_is_noticed),
		cmocka_unit_test(a_quiet_program_is_no_dead_peer),
		cmocka_unit_test(threads_take_turns),
		cmocka_unit_test(a_queued_call_keeps_its_deadline),
		cmocka_unit_test(noise_of_the_login_shell_is_no_output),
		cmocka_unit_test(a_login_shell_that_refuses_is_quoted),
		cmocka_unit_test(a_warm_session_answers_fast),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_end);
}
