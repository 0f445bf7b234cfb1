/*
 * Files through the guest agent.
 */
#include "agent_fixture.h"

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

static void what_is_no_file_is_not_copied(void **state)
{
	auto_free char *path = path_of("none.sock"), *fifo = path_of("fifo");
	struct wait w = wait_for_ms(LONG_MS);
	struct agent *agent;
	struct error err;
	uint64_t bytes;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(agent_new(node, path, &agent, &err), 0);
	/* Nobody ever writes into the FIFO. */
	assert_int_equal(agent_copy_to(agent, fifo, "/tmp/there", &w, &bytes, &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_non_null(strstr(err.text, fifo));
	assert_int_equal(agent_copy_to(agent, directory, "/tmp/there", &w, &bytes, &err), -1);
	assert_int_equal(err.code, EISDIR);
	agent_free(agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		real(a_file_is_written),
		cmocka_unit_test(what_is_no_file_is_not_copied),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
