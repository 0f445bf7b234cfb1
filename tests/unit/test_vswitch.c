/*
 * What a vswitch said last stands in errors, however much it said before.
 */
#include "nfv/vswitch.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own.h"

/* More than there is memory for. */
#define HOLE (1LL << 40)

static void the_end_of_a_huge_log_is_read_at_once(void **state)
{
	char path[] = "/tmp/vhostel-test-XXXXXX";
	auto_close int fd = mkstemp(path);
	struct vswitch v = { .spec.node = node_local_new("DUT1"), .log_path = path };
	char said[3000];
	struct error err;

	(void)state;
	memset(said, '.', sizeof(said));
	memcpy(said + sizeof(said) - 12, "port is down", 12);
	assert_int_equal(pwrite(fd, said, sizeof(said), HOLE), sizeof(said));
	error_set(&err, ECONNRESET, "it ended");
	vswitch_add_log(&v, &err);
	unlink(path);
	node_free(v.spec.node);
	assert_non_null(strstr(err.text, "it ended; the end of its log:"));
	assert_non_null(strstr(err.text, ".port is down"));
}

static void without_a_log_the_error_stays_as_it_is(void **state)
{
	char path[] = "/tmp/vhostel-test-none";
	struct vswitch v = { .spec.node = node_local_new("DUT1"), .log_path = path };
	struct error err;

	(void)state;
	error_set(&err, ECONNRESET, "it ended");
	vswitch_add_log(&v, &err);
	node_free(v.spec.node);
	assert_string_equal(err.text, "it ended");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_of_a_huge_log_is_read_at_once),
		cmocka_unit_test(without_a_log_the_error_stays_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
