/*
 * Files over SFTP, against a real sshd.
 */
#include "sshd_fixture.h"

#include <dirent.h>

#include "base/thread.h"

#define BIG_SIZE 104857600

static void make_file(const char *name, long size)
{
	shf("head -c %ld /dev/urandom > %s/%s", size, dir, name);
}

static void assert_same(const char *a, const char *b)
{
	shf("cd %s; cmp %s %s", dir, a, b);
}

static void copy_to_ok(struct ssh *ssh, const char *local, const char *remote,
		       struct guest_copy *ret)
{
	struct wait w = wait_for_ms(60000);
	struct error err;

	if (ssh_copy_to(ssh, local, remote, &w, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void copy_from_ok(struct ssh *ssh, const char *remote, const char *local,
			 struct guest_copy *ret)
{
	struct wait w = wait_for_ms(60000);
	struct error err;

	if (ssh_copy_from(ssh, remote, local, &w, ret, &err) < 0)
		fail_msg("%s", err.text);
}

/* How many names in @where end in ".part". */
static int parts(const char *where)
{
	auto_free char *path = at(where);
	DIR *d = opendir(path);
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(d)))
		count += str_ends(entry->d_name, ".part");
	closedir(d);
	return count;
}

static void a_hundred_megabytes_pass_both_ways(void **state)
{
	auto_free char *local = NULL, *remote = NULL, *back = NULL;
	struct guest_copy there = { 0 }, here = { 0 };
	auto_ssh *ssh = NULL;
	int64_t start_ms, middle_ms, end_ms;

	(void)state;
	need_sshd();
	ssh = tester();
	local = at("big");
	remote = at("home/big");
	back = at("big_back");
	make_file("big", BIG_SIZE);
	start_ms = clock_ms();
	copy_to_ok(ssh, local, remote, &there);
	middle_ms = clock_ms();
	copy_from_ok(ssh, remote, back, &here);
	end_ms = clock_ms();
	print_message("100 MiB: %.0f MB/s there, %.0f MB/s back, checksums included\n",
		      BIG_SIZE / 1000.0 / (double)(middle_ms - start_ms),
		      BIG_SIZE / 1000.0 / (double)(end_ms - middle_ms));
	assert_true(there.verified && here.verified);
	assert_int_equal(there.bytes, BIG_SIZE);
	assert_string_equal(there.sha256, here.sha256);
	assert_same("big", "home/big");
	assert_same("big", "big_back");
	assert_int_equal(parts("home") + parts("."), 0);
	shf("cd %s; rm big home/big big_back", dir);
}

static void small_and_odd_sizes_pass(void **state)
{
	static const long sizes[] = { 0, 1, 29999, 30000, 30001, 2097152, 2097153, 5000000 };
	auto_free char *local = NULL, *back = NULL;
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	local = at("odd");
	back = at("odd_back");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make_file("odd", sizes[i]);
		/* A relative path starts at the home. */
		copy_to_ok(ssh, local, "odd", NULL);
		copy_from_ok(ssh, "odd", back, NULL);
		assert_same("odd", "home/odd");
		assert_same("odd", "odd_back");
	}
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void a_file_is_replaced_and_keeps_its_permissions(void **state)
{
	auto_free char *local = NULL, *remote = NULL, *back = NULL;
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	local = at("new");
	remote = at("home/a name with 'quotes' $x\n");
	back = at("back");
	write_text("home/a name with 'quotes' $x\n", "old\n", 0666);
	write_text("new", "new\n", 0755);
	write_text("back", "older\n", 0644);
	copy_to_ok(ssh, local, remote, NULL);
	copy_from_ok(ssh, remote, back, NULL);
	assert_same("new", "back");
	assert_int_equal(mode_of(remote), 0755);
	assert_int_equal(mode_of(back), 0755);
	assert_int_equal(parts("home") + parts("."), 0);
}

static void without_programs_there_the_length_is_compared(void **state)
{
	auto_free char *local = NULL;
	struct guest_copy copy = { .verified = true };
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	sshd_start("-o SetEnv=PATH=/nonexistent");
	ssh = tester();
	local = at("new");
	write_text("new", "newer\n", 0644);
	write_text("home/file", "old\n", 0666);
	copy_to_ok(ssh, local, "file", &copy);
	assert_false(copy.verified);
	assert_int_equal(copy.bytes, 6);
	assert_same("new", "home/file");
	sshd_start("");
}

static void assert_to_fails(struct ssh *ssh, const char *local, const char *remote, int code,
			    const char *part)
{
	struct wait w = wait_for_ms(10000);
	struct error err;

	assert_int_equal(ssh_copy_to(ssh, local, remote, &w, NULL, &err), -1);
	assert_says(&err, code, part);
}

static void assert_from_fails(struct ssh *ssh, const char *remote, const char *local, int code,
			      const char *part)
{
	struct wait w = wait_for_ms(10000);
	struct error err;

	assert_int_equal(ssh_copy_from(ssh, remote, local, &w, NULL, &err), -1);
	assert_says(&err, code, part);
}

static void what_is_no_file_is_refused(void **state)
{
	auto_free char *home = NULL, *local = NULL;
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	home = at("home");
	local = at("new");
	write_text("new", "text\n", 0644);
	assert_to_fails(ssh, dir, "x", EISDIR, "is a directory: name the file");
	assert_to_fails(ssh, local, home, EISDIR, "in the guest is a directory");
	assert_from_fails(ssh, home, local, EISDIR, "in the guest is a directory");
	assert_from_fails(ssh, "/etc/passwd", dir, EISDIR, "is a directory: name the file");
	assert_to_fails(ssh, "/dev/null", "x", EINVAL, "not a regular file");
	assert_from_fails(ssh, "/dev/zero", local, EINVAL, "not a regular file");
	assert_to_fails(ssh, "/nonexistent", "x", ENOENT, "/nonexistent");
	assert_from_fails(ssh, "/nonexistent", local, ENOENT, "/nonexistent: no such file");
	assert_to_fails(ssh, local, "/nonexistent/x", ENOENT, "no such file or directory");
	assert_to_fails(ssh, local, "/etc/not-mine", EACCES, "permission denied");
	assert_from_fails(ssh, "/etc/passwd", "/nonexistent/x", ENOENT, "/nonexistent/x");
	assert_same("new", "new");
	assert_int_equal(parts("home") + parts("."), 0);
}

static void a_file_of_the_kernel_passes(void **state)
{
	auto_free char *local = NULL;
	struct guest_copy copy;
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	local = at("cpuinfo");
	copy_from_ok(ssh, "/proc/cpuinfo", local, &copy);
	assert_true(copy.bytes > 100);
	assert_false(copy.verified);
}

/* Kills or stops the session's sshd when a temporary file in @where has some bytes. */
struct breaker {
	const char *where;
	pid_t pid;
	int signal;
};

static bool has_bytes(const char *where)
{
	auto_free char *path = at(where);
	DIR *d = opendir(path);
	struct dirent *entry;
	bool found = false;

	while ((entry = readdir(d))) {
		struct stat st;

		found |= str_ends(entry->d_name, ".part") &&
			 !fstatat(dirfd(d), entry->d_name, &st, 0) && st.st_size > 1000000;
	}
	closedir(d);
	return found;
}

static void *break_in_the_middle(void *argument)
{
	const struct breaker *b = argument;
	struct wait w = wait_for_ms(10000);

	while (!has_bytes(b->where) && !wait_pause(&w, 2, NULL))
		;
	kill(b->pid, b->signal);
	return NULL;
}

static void assert_breaks(bool to_guest, int signal, const char *part)
{
	auto_free char *local = at("big"), *remote = at("home/big");
	struct ssh_target t = target();
	struct wait w = wait_for_ms(30000);
	auto_process_result result = { 0 };
	struct breaker b = { .where = to_guest ? "home" : ".", .signal = signal };
	auto_ssh *ssh = NULL;
	int64_t start_ms, took_ms;
	pthread_t thread;
	struct error err;
	int rc;

	shf("cd %s; rm -f home/*.part", dir);
	t.silence_timeout_ms = SSH_SILENCE_MS_MIN;
	ssh = new_ssh(&t);
	run_ok(ssh, ARGV(W("sh"), W("-c"), W("echo $PPID")), &result);
	b.pid = (pid_t)strtol(result.out.text, NULL, 10);
	assert_int_equal(thread_start(&thread, "break", break_in_the_middle, &b, &err), 0);
	start_ms = clock_ms();
	rc = to_guest ? ssh_copy_to(ssh, local, remote, &w, NULL, &err)
		      : ssh_copy_from(ssh, remote, local, &w, NULL, &err);
	pthread_join(thread, NULL);
	took_ms = clock_ms() - start_ms;
	kill(b.pid, SIGKILL);
	if (!rc)
		fail_msg("to_guest %d, signal %d: copied after all", to_guest, signal);
	assert_says(&err, ECONNRESET, part);
	assert_null(strstr(err.text, "was left"));
	assert_true(took_ms < SSH_SILENCE_MS_MIN + 3000);
	assert_int_equal(parts("home") + parts("."), 0);
	/* The next call works again. */
	process_result_clear(&result);
	assert_output(ssh, ARGV(W("echo"), W("next")), "next\n");
}

static void a_guest_that_goes_away_ends_the_copy(void **state)
{
	(void)state;
	need_sshd();
	make_file("big", BIG_SIZE);
	assert_breaks(true, SIGKILL, "the connection was lost");
	assert_breaks(true, SIGSTOP, "the peer has been silent for");
	shf("cd %s; mv big home/big", dir);
	assert_breaks(false, SIGKILL, "the connection was lost");
	assert_breaks(false, SIGSTOP, "the peer has been silent for");
	shf("rm %s/home/big", dir);
}

static void a_deadline_ends_the_copy_and_leaves_nothing(void **state)
{
	auto_free char *local = NULL, *remote = NULL;
	struct wait w = wait_for_ms(10000);
	int64_t start_ms;
	auto_ssh *ssh = NULL;
	struct error err;

	(void)state;
	need_sshd();
	ssh = tester();
	make_file("big", BIG_SIZE);
	local = at("big");
	remote = at("home/big");
	assert_int_equal(ssh_login(ssh, &w, &err), 0);
	w = wait_for_ms(150);
	start_ms = clock_ms();
	assert_int_equal(ssh_copy_to(ssh, local, remote, &w, NULL, &err), -1);
	assert_says(&err, ETIMEDOUT, "timed out");
	assert_true(clock_ms() - start_ms < 1100);
	assert_int_equal(access(remote, F_OK), -1);
	assert_int_equal(parts("home"), 0);
	assert_output(ssh, ARGV(W("echo"), W("next")), "next\n");
}

static void what_cannot_be_removed_is_named(void **state)
{
	auto_free char *local = NULL, *remote = NULL;
	struct wait w = wait_for_ms(10000);
	struct breaker b = { .where = "home", .signal = SIGKILL };
	auto_process_result result = { 0 };
	auto_ssh *ssh = NULL;
	pthread_t thread;
	struct error err;

	(void)state;
	need_sshd();
	ssh = tester();
	local = at("big");
	remote = at("home/big");
	make_file("big", BIG_SIZE);
	run_ok(ssh, ARGV(W("sh"), W("-c"), W("echo $PPID")), &result);
	b.pid = (pid_t)strtol(result.out.text, NULL, 10);
	/* The server goes too: nobody can log in again. */
	kill(sshd.pid, SIGKILL);
	assert_int_equal(thread_start(&thread, "break", break_in_the_middle, &b, &err), 0);
	assert_int_equal(ssh_copy_to(ssh, local, remote, &w, NULL, &err), -1);
	pthread_join(thread, NULL);
	assert_says(&err, ECONNRESET, ".part was left in the guest");
	sshd_start("");
}

static void a_copy_finds_its_session_dead(void **state)
{
	auto_process_result result = { 0 };
	auto_free char *local = NULL;
	auto_ssh *ssh = NULL;

	(void)state;
	need_sshd();
	ssh = tester();
	local = at("new");
	write_text("new", "text\n", 0644);
	run_ok(ssh, ARGV(W("sh"), W("-c"), W("echo $PPID")), &result);
	kill((pid_t)strtol(result.out.text, NULL, 10), SIGKILL);
	copy_to_ok(ssh, local, "fresh", NULL);
	assert_same("new", "home/fresh");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hundred_megabytes_pass_both_ways),
		cmocka_unit_test(small_and_odd_sizes_pass),
		cmocka_unit_test(a_file_is_replaced_and_keeps_its_permissions),
		cmocka_unit_test(without_programs_there_the_length_is_compared),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(a_file_of_the_kernel_passes),
		cmocka_unit_test(a_guest_that_goes_away_ends_the_copy),
		cmocka_unit_test(a_deadline_ends_the_copy_and_leaves_nothing),
		cmocka_unit_test(what_cannot_be_removed_is_named),
		cmocka_unit_test(a_copy_finds_its_session_dead),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_end);
}
