/*
 * What an earlier server left of a vswitch is found by its pid file and ended; nothing else is.
 */
#include "vm/vswitch_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"

struct fixture {
	struct node *node;
	char *top;
	char *dir;
	struct node_process process;
};

static int set_up(void **state)
{
	char program[] = "cat";
	char *const argv[] = { program, NULL };
	struct fixture *f = own_alloc(sizeof(*f));
	char template[] = "/tmp/vhostel-test-XXXXXX";
	auto_free char *own = NULL;
	struct wait w = wait_for_ms(5000);
	int ends[2];

	f->node = node_local_new("DUT1");
	f->top = own_strdup(mkdtemp(template));
	f->dir = own_printf("%s/@nf", f->top);
	own = own_printf("%s/" VSWITCH_DIR_NAME, f->dir);
	assert_int_equal(file_make_dirs(own, 0700, NULL), 0);
	/* Reads from a pipe that nobody writes to: it stays until it is ended. */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(
		process_start(&(struct process_spec) { .argv = argv, .fds = { ends[0], -1, -1 } },
			      &f->process.local, NULL),
		0);
	f->process.pid = f->process.local.pid;
	process_start_time(f->process.pid, &f->process.start_time);
	assert_int_equal(vswitch_dir_save(f->node, f->dir, "cat", &f->process, &w, NULL), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct wait w = wait_for_ms(5000);

	process_signal(&f->process.local, 9, NULL);
	process_wait(&f->process.local, &w, NULL, NULL);
	node_process_clear(&f->process);
	file_remove_tree(f->top, NULL);
	node_free(f->node);
	free(f->top);
	free(f->dir);
	free(f);
	return 0;
}

static void a_process_that_still_runs_is_ended_with_its_files(void **state)
{
	struct fixture *f = *state;
	struct wait w = wait_for_ms(5000);

	assert_false(process_ended(&f->process.local));
	vswitch_dir_clean(f->node, f->dir, &w);
	assert_true(process_ended(&f->process.local));
	assert_false(file_exists(f->dir));
}

static void a_pid_that_another_process_has_now_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct wait w = wait_for_ms(5000);
	struct node_process other = f->process;

	other.start_time--;
	assert_int_equal(vswitch_dir_save(f->node, f->dir, "cat", &other, &w, NULL), 0);
	vswitch_dir_clean(f->node, f->dir, &w);
	assert_false(process_ended(&f->process.local));
}

static void sockets_of_vms_keep_the_directory(void **state)
{
	struct fixture *f = *state;
	struct wait w = wait_for_ms(5000);
	auto_free char *socket = own_printf("%s/sock-1-1", f->dir);

	assert_int_equal(file_write(socket, "", 0, 0600, NULL), 0);
	vswitch_dir_clean(f->node, f->dir, &w);
	assert_true(file_exists(socket));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_process_that_still_runs_is_ended_with_its_files,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pid_that_another_process_has_now_is_left_alone,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(sockets_of_vms_keep_the_directory, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
