/*
 * Files through the guest agent.
 */
#include "agent_fixture.h"

#include <dirent.h>

static void a_file_is_written(void **state)
{
	auto_free char *path = path_of("written");
	auto_free char *missing = path_of("missing/file");
	auto_free char *text = NULL;
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	assert_int_equal(agent_write_file(real_agent(state), path, "some text\n", &w, &err), 0);
	assert_int_equal(file_read(path, LIMIT, &text, NULL, &err), 0);
	assert_string_equal(text, "some text\n");
	assert_int_equal(agent_write_file(real_agent(state), missing, "x", &w, &err), -1);
	assert_int_equal(err.code, EREMOTEIO);
	assert_true(str_starts(err.text, missing));
	/* What the file itself refuses shows only when it is flushed. */
	assert_int_equal(agent_write_file(real_agent(state), "/dev/full", "x", &w, &err), -1);
	assert_int_equal(err.code, EREMOTEIO);
}

/* How many names in the directory end in ".part". */
static int parts(void)
{
	DIR *names = opendir(directory);
	struct dirent *entry;
	int count = 0;

	while ((entry = readdir(names)))
		count += str_ends(entry->d_name, ".part");
	closedir(names);
	return count;
}

static void make_file(const char *path, size_t length, mode_t mode)
{
	auto_free char *bytes = own_alloc(length + 1);
	struct error err;

	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	if (file_write(path, bytes, length, mode, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_same(const char *a, const char *b)
{
	auto_free char *left = NULL, *right = NULL;
	size_t left_length, right_length;
	struct stat left_st, right_st;

	assert_int_equal(file_read(a, MANY, &left, &left_length, NULL), 0);
	assert_int_equal(file_read(b, MANY, &right, &right_length, NULL), 0);
	assert_int_equal(left_length, right_length);
	assert_memory_equal(left, right, left_length);
	assert_int_equal(stat(a, &left_st) + stat(b, &right_st), 0);
	assert_int_equal(left_st.st_mode, right_st.st_mode);
}

static void a_file_goes_there_and_back(void **state)
{
	auto_free char *here = path_of("here"), *there = path_of("there it's"),
		       *back = path_of("back");
	static const size_t lengths[] = { 0, 1, 65536, 200000 };
	struct wait w = wait_for_ms(LONG_MS);
	struct guest_copy copy;
	struct error err;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_file(here, lengths[i], i % 2 ? 0750 : 0604);
		if (agent_copy_to(real_agent(state), here, there, &w, &copy, &err) < 0 ||
		    agent_copy_from(real_agent(state), there, back, &w, &copy, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(copy.bytes, lengths[i]);
		assert_int_equal(strlen(copy.sha256), 64);
		assert_true(copy.verified);
		assert_same(here, there);
		assert_same(here, back);
	}
	assert_int_equal(parts(), 0);
}

static void a_file_of_the_kernel_comes_as_it_is(void **state)
{
	auto_free char *back = path_of("version");
	struct wait w = wait_for_ms(LONG_MS);
	struct guest_copy copy;
	struct error err;

	assert_int_equal(agent_copy_from(real_agent(state), "/proc/version", back, &w, &copy, &err),
			 0);
	assert_true(copy.bytes > 0);
	assert_false(copy.verified);
}

static void refuse(void **state, bool to_guest, const char *from, const char *to, int code,
		   const char *part)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct guest_copy copy;
	struct error err;
	int rc = to_guest ? agent_copy_to(real_agent(state), from, to, &w, &copy, &err)
			  : agent_copy_from(real_agent(state), from, to, &w, &copy, &err);

	assert_int_equal(rc, -1);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, part))
		fail_msg("'%s' is not in: %s", part, err.text);
	assert_int_equal(parts(), 0);
}

static void what_cannot_be_copied_leaves_nothing(void **state)
{
	auto_free char *here = path_of("here"), *none = path_of("none"),
		       *deep = path_of("none/deep");

	make_file(here, 100000, 0644);
	refuse(state, true, none, "/tmp/none", ENOENT, none);
	refuse(state, true, here, deep, EREMOTEIO, deep);
	refuse(state, true, here, directory, EISDIR, "in the guest is a directory");
	refuse(state, true, here, "/dev/null", EINVAL, "in the guest is not a regular file");
	refuse(state, false, none, here, EREMOTEIO, none);
	refuse(state, false, directory, none, EISDIR, "in the guest is a directory");
	refuse(state, false, here, directory, EISDIR, "is a directory");
	refuse(state, false, here, deep, ENOENT, deep);
	assert_int_equal(access(none, F_OK), -1);
}

/* An agent whose programs come from our directory first. */
static int start_real_with_liar(void **state)
{
	static const char liar[] =
		"#!/bin/sh\n"
		"echo 0000000000000000000000000000000000000000000000000000000000000000\n";
	auto_free char *before = own_strdup(getenv("PATH"));
	auto_free char *path = own_printf("%s:%s", directory, before);
	auto_free char *program = path_of("sha256sum");
	int rc;

	if (file_write(program, liar, strlen(liar), 0755, NULL) < 0)
		return -1;
	setenv("PATH", path, 1);
	rc = start_real(state);
	setenv("PATH", before, 1);
	return rc;
}

static void a_checksum_that_differs_is_an_error(void **state)
{
	auto_free char *here = path_of("here"), *other = path_of("other"),
		       *program = path_of("sha256sum");

	make_file(here, 10, 0644);
	refuse(state, true, here, other, EIO, "the checksum differs");
	refuse(state, false, here, other, EIO, "the checksum differs");
	assert_int_equal(access(other, F_OK), -1);
	unlink(program);
}

/* The wait ends in the middle; what was written so far is removed in the time that is left. */
static void a_copy_that_takes_too_long_leaves_nothing(void **state)
{
	auto_free char *here = path_of("here"), *other = path_of("other");
	struct guest_copy copy = { 0 };
	struct error err = { 0 };
	struct wait w;

	make_file(here, MANY - 1, 0644);
	/* Long enough to begin, too short to end. */
	for (int64_t ms = 50; !(err.code == ETIMEDOUT && copy.bytes); ms += 25) {
		int64_t began_ms = clock_ms();

		w = wait_for_ms(ms);
		assert_int_equal(agent_copy_to(real_agent(state), here, other, &w, &copy, &err),
				 -1);
		assert_in_range(clock_ms() - began_ms, 0, ms + 1000);
	}
	assert_null(strstr(err.text, "was left"));
	assert_int_equal(parts(), 0);
	assert_int_equal(access(other, F_OK), -1);
}

static void what_is_no_file_is_not_copied(void **state)
{
	auto_free char *path = path_of("none.sock"), *fifo = path_of("fifo");
	struct wait w = wait_for_ms(LONG_MS);
	struct agent *agent;
	struct error err;
	struct guest_copy copy;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(agent_new(node, path, &agent, &err), 0);
	/* Nobody ever writes into the FIFO. */
	assert_int_equal(agent_copy_to(agent, fifo, "/tmp/there", &w, &copy, &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_non_null(strstr(err.text, fifo));
	assert_int_equal(agent_copy_to(agent, directory, "/tmp/there", &w, &copy, &err), -1);
	assert_int_equal(err.code, EISDIR);
	agent_free(agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		real(a_file_is_written),
		wrapped(a_file_goes_there_and_back),
		real(a_file_of_the_kernel_comes_as_it_is),
		real(what_cannot_be_copied_leaves_nothing),
		cmocka_unit_test_setup_teardown(a_checksum_that_differs_is_an_error,
						start_real_with_liar, stop_real),
		wrapped(a_copy_that_takes_too_long_leaves_nothing),
		cmocka_unit_test(what_is_no_file_is_not_copied),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
