/*
 * Child processes: how they start, end, and what is left of them.
 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"

#define LONG_MS	 60000
#define SHORT_MS 50
#define LIMIT	 65536

/* Orphans come to this program, so that a test can wait for their end. */
static int adopt_orphans(void **state)
{
	(void)state;
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

/* Runs a shell script; the tests that expect it to work use this. */
static void run_script(const char *script, const char *input, size_t limit,
		       struct process_result *ret)
{
	char *argv[] = { (char[]) { "sh" }, (char[]) { "-c" }, (char *)script, NULL };
	const struct str bytes = { .text = (char *)input, .length = input ? strlen(input) : 0 };
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	if (process_run(argv, input ? &bytes : NULL, limit, &w, ret, &err) < 0)
		fail_msg("%s: %s", script, err.text);
}

static void the_exit_status_and_both_outputs_come_back(void **state)
{
	auto_process_result r = { 0 };

	(void)state;
	run_script("echo out; echo err >&2; exit 7", NULL, LIMIT, &r);
	assert_int_equal(r.rc, 7);
	assert_int_equal(r.signal, 0);
	assert_string_equal(str_text(&r.out), "out\n");
	assert_string_equal(str_text(&r.err), "err\n");
	assert_false(r.cut);
}

static void a_pid_file_is_there_before_the_program_runs(void **state)
{
	char path[] = "/tmp/vh-pid-XXXXXX";
	char *argv[] = { (char[]) { "sh" }, (char[]) { "-c" },
			 (char[]) { "read -r pid <\"$0\" && test \"$pid\" = $$" }, path, NULL };
	struct process_spec spec = { .argv = argv, .fds = { -1, -1, -1 }, .pid_path = path };
	auto_close int fd = mkstemp(path);
	struct wait w = wait_for_ms(LONG_MS);
	struct process p;
	struct error err;
	int status = -1;

	(void)state;
	assert_true(fd >= 0);
	/* What an earlier program left there is gone. */
	assert_int_equal(write(fd, "123456789\n", 10), 10);
	assert_int_equal(process_start(&spec, &p, &err), 0);
	assert_int_equal(process_wait(&p, &w, &status, &err), 0);
	process_clear(&p);
	assert_int_equal(status, 0);
	unlink(path);
	spec.pid_path = "/proc/none/pid";
	assert_int_equal(process_start(&spec, &p, &err), -1);
	assert_non_null(strstr(err.text, "/proc/none/pid"));
}

static void death_by_a_signal_is_told(void **state)
{
	auto_process_result r = { 0 };

	(void)state;
	run_script("kill -TERM $$", NULL, LIMIT, &r);
	assert_int_equal(r.rc, -1);
	assert_int_equal(r.signal, SIGTERM);
}

static void arguments_reach_the_program_as_they_are(void **state)
{
	char *argv[] = { (char[]) { "printf" }, (char[]) { "%s|%s|%s" }, (char[]) { "$(id)" },
			 (char[]) { "a  'b'" }, (char[]) { "" },	 NULL };
	auto_process_result r = { 0 };
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	(void)state;
	assert_int_equal(process_run(argv, NULL, LIMIT, &w, &r, &err), 0);
	assert_string_equal(str_text(&r.out), "$(id)|a  'b'|");
}

static void a_program_that_does_not_exist_is_named(void **state)
{
	char *argv[] = { (char[]) { "/no/such/program" }, NULL };
	char *in_path[] = { (char[]) { "vhostel-no-such-program" }, NULL };
	char *no_program[] = { (char[]) { "/etc/passwd" }, NULL };
	auto_process_result r = { 0 };
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	(void)state;
	assert_int_equal(process_run(argv, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_non_null(strstr(err.text, "/no/such/program"));
	assert_int_equal(process_run(in_path, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, ENOENT);
	assert_int_equal(process_run(no_program, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, EACCES);
	/* The child that could not exec is reaped. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void input_is_written_whole(void **state)
{
	size_t size = 1024 * 1024;
	auto_free char *input = own_alloc(size + 1);
	auto_process_result r = { 0 };

	(void)state;
	memset(input, 'x', size);
	run_script("cat", input, 2 * size, &r);
	assert_int_equal(r.rc, 0);
	assert_int_equal(r.out.length, size);
	assert_false(r.cut);
}

static void a_program_need_not_read_its_input(void **state)
{
	size_t size = 1024 * 1024;
	auto_free char *input = own_alloc(size + 1);
	auto_process_result r = { 0 };

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	memset(input, 'x', size);
	run_script("exit 3", input, LIMIT, &r);
	assert_int_equal(r.rc, 3);
	signal(SIGPIPE, SIG_DFL);
}

static void without_input_there_is_none(void **state)
{
	auto_process_result r = { 0 };

	(void)state;
	run_script("cat; echo end", NULL, LIMIT, &r);
	assert_string_equal(str_text(&r.out), "end\n");
	process_result_clear(&r);
	run_script("cat; echo end", "", LIMIT, &r);
	assert_string_equal(str_text(&r.out), "end\n");
}

static void output_over_the_limit_is_cut_and_told(void **state)
{
	auto_process_result r = { 0 };

	(void)state;
	run_script("printf 12345", NULL, 5, &r);
	assert_false(r.cut);
	process_result_clear(&r);
	run_script("printf 123456; printf ab >&2", NULL, 5, &r);
	assert_true(r.cut);
	assert_string_equal(str_text(&r.out), "12345");
	assert_string_equal(str_text(&r.err), "ab");
	process_result_clear(&r);
	/* Far beyond: the program is not blocked by what nobody keeps. */
	run_script("head -c 3000000 /dev/zero; exit 4", NULL, 5, &r);
	assert_int_equal(r.rc, 4);
	assert_int_equal(r.out.length, 5);
}

static bool is_gone(pid_t pid)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct process p = PROCESS_NONE;
	bool gone = true;

	if (!process_open(pid, &p, NULL))
		gone = !process_wait(&p, &w, NULL, NULL);
	process_clear(&p);
	return gone;
}

static void a_timeout_kills_the_whole_group(void **state)
{
	char path[] = "/tmp/vh-process-XXXXXX";
	auto_close int fd = mkstemp(path);
	auto_free char *script =
		own_printf("sleep 600 & echo $! > %s; trap '' TERM; echo ready; wait", path);
	char *argv[] = { (char[]) { "sh" }, (char[]) { "-c" }, script, NULL };
	struct wait w = wait_for_ms(1000);
	struct process_result r;
	long long grandchild = 0;
	struct error err;

	(void)state;
	assert_int_equal(process_run(argv, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_null(r.out.text);
	assert_int_equal(file_read_int(path, &grandchild), 0);
	assert_true(is_gone((pid_t)grandchild));
	unlink(path);
}

static void a_cancelled_run_says_why(void **state)
{
	char *argv[] = { (char[]) { "sleep" }, (char[]) { "600" }, NULL };
	struct wait w = wait_for_ms(LONG_MS);
	struct cancel cancel;
	struct process_result r;
	struct error err;

	(void)state;
	assert_int_equal(cancel_init(&cancel, &err), 0);
	wait_add_cancel(&w, cancel.fd, POLLIN, "the client closed its connection");
	cancel_throw(&cancel);
	assert_int_equal(process_run(argv, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, ECANCELED);
	assert_string_equal(err.text, "the client closed its connection");
	cancel_clear(&cancel);
}

static void a_grandchild_with_the_outputs_open_does_not_delay_the_end(void **state)
{
	int64_t began = clock_ms();
	auto_process_result r = { 0 };
	long long pid;

	(void)state;
	run_script("sleep 600 & echo $!", NULL, LIMIT, &r);
	assert_true(clock_ms() - began < LONG_MS / 2);
	str_text(&r.out);
	r.out.text[strcspn(r.out.text, "\n")] = '\0';
	assert_int_equal(str_to_int(r.out.text, 2, 1 << 30, &pid), 0);
	kill((pid_t)pid, SIGKILL);
	assert_true(is_gone((pid_t)pid));
}

static void a_grandchild_that_goes_on_writing_does_not_delay_the_end(void **state)
{
	int64_t began = clock_ms();
	auto_process_result r = { 0 };

	(void)state;
	run_script("yes & echo $! >&2", NULL, LIMIT, &r);
	assert_true(clock_ms() - began < LONG_MS / 2);
	kill((pid_t)atoi(str_text(&r.err)), SIGKILL);
	assert_true(is_gone((pid_t)atoi(str_text(&r.err))));
}

static void a_child_inherits_no_descriptor(void **state)
{
	auto_close int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	auto_process_result r = { 0 };

	(void)state;
	run_script("ls /proc/self/fd", NULL, LIMIT, &r);
	/* ls itself opens descriptor 3. */
	assert_string_equal(str_text(&r.out), "0\n1\n2\n3\n");
}

static void a_child_inherits_no_signal_mask(void **state)
{
	/* Not by way of a shell: dash clears the mask itself. */
	char *argv[] = { (char[]) { "grep" }, (char[]) { "SigBlk" },
			 (char[]) { "/proc/self/status" }, NULL };
	auto_process_result r = { 0 };
	struct wait w = wait_for_ms(LONG_MS);
	sigset_t all, before;
	struct error err;
	int rc;

	(void)state;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = process_run(argv, NULL, LIMIT, &w, &r, &err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	assert_int_equal(rc, 0);
	assert_string_equal(str_text(&r.out), "SigBlk:\t0000000000000000\n");
}

static void start_sleep(bool group, struct process *ret)
{
	char *argv[] = { (char[]) { "sleep" }, (char[]) { "600" }, NULL };
	struct process_spec spec = { .argv = argv, .fds = { -1, -1, -1 }, .group = group };
	struct error err;

	if (process_start(&spec, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void a_process_that_runs_is_waited_for_and_signalled(void **state)
{
	struct wait w = wait_for_ms(LONG_MS), brief = wait_for_ms(SHORT_MS);
	struct process p;
	struct error err;
	int status = 0;

	(void)state;
	start_sleep(false, &p);
	assert_false(process_ended(&p));
	assert_int_equal(process_wait(&p, &brief, &status, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_int_equal(process_signal(&p, SIGTERM, &err), 0);
	assert_int_equal(process_wait(&p, &w, &status, &err), 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_true(process_ended(&p));
	/* It is gone, and reaped: neither is an error. */
	assert_int_equal(process_signal(&p, SIGTERM, &err), 0);
	assert_int_equal(process_wait(&p, &w, &status, &err), 0);
	assert_int_equal(status, -1);
	process_clear(&p);
	process_clear(&p);
	assert_true(process_ended(&p));
}

static void a_group_is_killed_with_its_leader(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct process p;
	int status = 0;

	(void)state;
	start_sleep(true, &p);
	assert_int_equal(getpgid(p.pid), p.pid);
	process_kill_group(&p);
	assert_int_equal(process_wait(&p, &w, &status, NULL), 0);
	assert_int_equal(WTERMSIG(status), SIGKILL);
	process_clear(&p);
}

static void a_process_that_is_gone_cannot_be_held(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct process p, again;
	struct error err;
	pid_t pid;

	(void)state;
	start_sleep(false, &p);
	pid = p.pid;
	assert_int_equal(process_open(pid, &again, &err), 0);
	process_clear(&again);
	process_signal(&p, SIGKILL, NULL);
	assert_int_equal(process_wait(&p, &w, NULL, NULL), 0);
	process_clear(&p);
	assert_int_equal(process_open(pid, &again, &err), -1);
	assert_int_equal(err.code, ESRCH);
	assert_int_equal(again.pidfd, -1);
}

static void the_working_directory_can_be_chosen(void **state)
{
	char *argv[] = { (char[]) { "true" }, NULL };
	struct process_spec spec = { .argv = argv, .fds = { -1, -1, -1 }, .cwd = "/no/such" };
	struct process p;
	struct error err;

	(void)state;
	assert_int_equal(process_start(&spec, &p, &err), -1);
	assert_int_equal(err.code, ENOENT);
}

static void pid_and_start_time_name_one_process(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	uint64_t ours = 0, again = 0, childs = 0;
	struct process p;
	pid_t pid;

	(void)state;
	assert_int_equal(process_start_time(getpid(), &ours), 0);
	assert_int_equal(process_start_time(getpid(), &again), 0);
	assert_true(ours > 0 && ours == again);
	start_sleep(false, &p);
	pid = p.pid;
	assert_int_equal(process_start_time(pid, &childs), 0);
	assert_true(childs >= ours);
	process_signal(&p, SIGKILL, NULL);
	assert_int_equal(process_wait(&p, &w, NULL, NULL), 0);
	process_clear(&p);
	assert_int_equal(process_start_time(pid, &childs), -1);
}

static void a_name_with_brackets_does_not_hide_the_start_time(void **state)
{
	uint64_t before = 0, after = 0;

	(void)state;
	assert_int_equal(process_start_time(getpid(), &before), 0);
	prctl(PR_SET_NAME, "a) 1 (b) 2");
	assert_int_equal(process_start_time(getpid(), &after), 0);
	assert_true(before == after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_exit_status_and_both_outputs_come_back),
		cmocka_unit_test(death_by_a_signal_is_told),
		cmocka_unit_test(arguments_reach_the_program_as_they_are),
		cmocka_unit_test(a_program_that_does_not_exist_is_named),
		cmocka_unit_test(input_is_written_whole),
		cmocka_unit_test(a_program_need_not_read_its_input),
		cmocka_unit_test(without_input_there_is_none),
		cmocka_unit_test(output_over_the_limit_is_cut_and_told),
		cmocka_unit_test(a_timeout_kills_the_whole_group),
		cmocka_unit_test(a_cancelled_run_says_why),
		cmocka_unit_test(a_grandchild_with_the_outputs_open_does_not_delay_the_end),
		cmocka_unit_test(a_grandchild_that_goes_on_writing_does_not_delay_the_end),
		cmocka_unit_test(a_child_inherits_no_descriptor),
		cmocka_unit_test(a_child_inherits_no_signal_mask),
		cmocka_unit_test(a_process_that_runs_is_waited_for_and_signalled),
		cmocka_unit_test(a_group_is_killed_with_its_leader),
		cmocka_unit_test(a_pid_file_is_there_before_the_program_runs),
		cmocka_unit_test(a_process_that_is_gone_cannot_be_held),
		cmocka_unit_test(the_working_directory_can_be_chosen),
		cmocka_unit_test(pid_and_start_time_name_one_process),
		cmocka_unit_test(a_name_with_brackets_does_not_hide_the_start_time),
	};

	return cmocka_run_group_tests(tests, adopt_orphans, NULL);
}
