/*
 * Waits: deadlines, cancellation, bells, gates.
 */
#include "base/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own.h"
#include "base/thread.h"

/* Long enough for every machine; no test that passes waits for it. */
#define LONG_MS 60000
/* A wait that is to time out. */
#define SHORT_MS 30

static void make_pipe(int ends[2])
{
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
}

static void close_pipe(int (*ends)[2])
{
	own_close(&(*ends)[0]);
	own_close(&(*ends)[1]);
}

#define auto_pipe auto_cleanup(close_pipe) int

static void a_wait_ends_at_its_deadline(void **state)
{
	struct wait w = wait_for_ms(SHORT_MS);
	auto_pipe ends[2] = { -1, -1 };
	int64_t began = clock_ms();
	struct error err;

	(void)state;
	make_pipe(ends);
	assert_int_equal(wait_fd(&w, ends[0], POLLIN, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_true(clock_ms() - began >= SHORT_MS - 1);
	assert_int_equal(wait_left_ms(&w), 0);
	assert_int_equal(wait_check(&w, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
}

static void what_is_ready_is_seen_after_the_deadline_too(void **state)
{
	struct wait w = wait_for_ms(-1000);
	auto_pipe ends[2] = { -1, -1 };
	struct error err;

	(void)state;
	make_pipe(ends);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(wait_fd(&w, ends[0], POLLIN, &err), 0);
}

static void only_what_is_ready_has_events(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_pipe one[2] = { -1, -1 };
	auto_pipe two[2] = { -1, -1 };
	struct pollfd fds[3];

	(void)state;
	make_pipe(one);
	make_pipe(two);
	assert_int_equal(write(two[1], "x", 1), 1);
	fds[0] = (struct pollfd) { .fd = one[0], .events = POLLIN };
	fds[1] = (struct pollfd) { .fd = two[0], .events = POLLIN };
	fds[2] = (struct pollfd) { .fd = -1, .events = POLLIN };
	assert_int_equal(wait_fds(&w, fds, 3, NULL), 0);
	assert_int_equal(fds[0].revents, 0);
	assert_int_equal(fds[1].revents, POLLIN);
	assert_int_equal(fds[2].revents, 0);
}

static void a_hang_up_counts_as_ready(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_pipe ends[2] = { -1, -1 };
	char byte;
	size_t n = 1;

	(void)state;
	make_pipe(ends);
	own_close(&ends[1]);
	assert_int_equal(wait_fd(&w, ends[0], POLLIN, NULL), 0);
	assert_int_equal(wait_read(&w, ends[0], &byte, 1, &n, NULL), 0);
	assert_int_equal(n, 0);
}

static void too_many_descriptors_are_refused(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct pollfd fds[17];
	struct error err;

	(void)state;
	for (size_t i = 0; i < 17; i++)
		fds[i] = (struct pollfd) { .fd = -1 };
	assert_int_equal(wait_fds(&w, fds, 17, &err), -1);
	assert_int_equal(err.code, E2BIG);
}

static void cancellation_wins_over_readiness(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_pipe ends[2] = { -1, -1 };
	struct cancel cancel;
	struct error err;

	(void)state;
	make_pipe(ends);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(cancel_init(&cancel, &err), 0);
	wait_add_cancel(&w, cancel.fd, POLLIN, "the VM is being killed");
	assert_int_equal(wait_fd(&w, ends[0], POLLIN, &err), 0);
	assert_int_equal(wait_check(&w, &err), 0);
	assert_false(cancel_thrown(&cancel));
	cancel_throw(&cancel);
	assert_true(cancel_thrown(&cancel));
	assert_int_equal(wait_fd(&w, ends[0], POLLIN, &err), -1);
	assert_int_equal(err.code, ECANCELED);
	assert_string_equal(err.text, "the VM is being killed");
	/* It stays thrown, for everyone who looks. */
	assert_int_equal(wait_check(&w, &err), -1);
	assert_int_equal(err.code, ECANCELED);
	cancel_clear(&cancel);
}

static void each_canceller_has_its_own_reason(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct cancel cancels[WAIT_CANCEL_MAX];
	struct error err;

	(void)state;
	for (size_t i = 0; i < WAIT_CANCEL_MAX; i++) {
		assert_int_equal(cancel_init(&cancels[i], &err), 0);
		wait_add_cancel(&w, cancels[i].fd, POLLIN, i == 1 ? "stopping" : "killed");
	}
	cancel_throw(&cancels[WAIT_CANCEL_MAX - 1]);
	assert_int_equal(wait_fds(&w, NULL, 0, &err), -1);
	assert_string_equal(err.text, "killed");
	cancel_throw(&cancels[1]);
	assert_int_equal(wait_fds(&w, NULL, 0, &err), -1);
	assert_string_equal(err.text, "stopping");
	for (size_t i = 0; i < WAIT_CANCEL_MAX; i++)
		cancel_clear(&cancels[i]);
}

static void a_client_that_hangs_up_cancels(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_pipe ends[2] = { -1, -1 };
	struct error err;

	(void)state;
	make_pipe(ends);
	wait_add_cancel(&w, ends[0], POLLRDHUP, "the client closed its connection");
	own_close(&ends[1]);
	assert_int_equal(wait_pause(&w, LONG_MS, &err), -1);
	assert_int_equal(err.code, ECANCELED);
	assert_string_equal(err.text, "the client closed its connection");
	assert_int_equal(wait_pause(&w, LONG_MS, NULL), -1);
}

static void *throw_cancel(void *cancel)
{
	cancel_throw(cancel);
	return NULL;
}

static void a_wait_under_way_is_cancelled(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct cancel cancel;
	struct error err;
	pthread_t thread;

	(void)state;
	assert_int_equal(cancel_init(&cancel, &err), 0);
	wait_add_cancel(&w, cancel.fd, POLLIN, "cancelled");
	assert_int_equal(thread_start(&thread, "throws", throw_cancel, &cancel, &err), 0);
	assert_int_equal(wait_pause(&w, LONG_MS, &err), -1);
	assert_int_equal(err.code, ECANCELED);
	assert_true(wait_left_ms(&w) > LONG_MS / 2);
	pthread_join(thread, NULL);
	cancel_clear(&cancel);
}

static void a_wait_within_another_is_never_longer(void **state)
{
	struct wait outer = wait_for_ms(LONG_MS), inner;
	struct cancel cancel;
	struct error err;

	(void)state;
	assert_int_equal(cancel_init(&cancel, &err), 0);
	wait_add_cancel(&outer, cancel.fd, POLLIN, "cancelled");
	inner = wait_within(&outer, 2 * LONG_MS);
	assert_int_equal(inner.deadline_ms, outer.deadline_ms);
	inner = wait_within(&outer, 10);
	assert_true(wait_left_ms(&inner) <= 10);
	cancel_throw(&cancel);
	assert_int_equal(wait_check(&inner, &err), -1);
	assert_int_equal(err.code, ECANCELED);
	cancel_clear(&cancel);
}

static void a_pause_passes_unless_the_wait_ends(void **state)
{
	struct wait w = wait_for_ms(LONG_MS), brief = wait_for_ms(SHORT_MS);
	int64_t began = clock_ms();
	struct error err;

	(void)state;
	assert_int_equal(wait_pause(&w, SHORT_MS, &err), 0);
	assert_true(clock_ms() - began >= SHORT_MS - 1);
	assert_int_equal(wait_pause(&brief, LONG_MS, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_int_equal(wait_pause(&brief, LONG_MS, NULL), -1);
}

struct transfer {
	int fd;
	size_t count;
};

static void *read_all(void *argument)
{
	struct transfer *t = argument;
	struct wait w = wait_for_ms(LONG_MS);
	char buffer[4096];
	size_t n;

	while (!wait_read(&w, t->fd, buffer, sizeof(buffer), &n, NULL) && n)
		t->count += n;
	return NULL;
}

static void more_than_a_pipe_holds_is_written_whole(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	size_t size = 4 * 1024 * 1024;
	auto_free char *bytes = own_alloc(size);
	auto_pipe ends[2] = { -1, -1 };
	struct transfer t = { 0 };
	pthread_t thread;
	struct error err;

	(void)state;
	make_pipe(ends);
	t.fd = ends[0];
	assert_int_equal(thread_start(&thread, "reader", read_all, &t, &err), 0);
	assert_int_equal(wait_write(&w, ends[1], bytes, size, &err), 0);
	own_close(&ends[1]);
	pthread_join(thread, NULL);
	assert_int_equal(t.count, size);
}

static void a_write_that_nobody_reads_times_out(void **state)
{
	struct wait w = wait_for_ms(SHORT_MS);
	size_t size = 4 * 1024 * 1024;
	auto_free char *bytes = own_alloc(size);
	auto_pipe ends[2] = { -1, -1 };
	struct error err;

	(void)state;
	make_pipe(ends);
	assert_int_equal(wait_write(&w, ends[1], bytes, size, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
}

static void a_bell_that_rang_before_the_wait_is_heard(void **state)
{
	struct wait w = wait_for_ms(LONG_MS), brief = wait_for_ms(SHORT_MS);
	auto_listener first = { .fd = -1 }, second = { .fd = -1 };
	struct bell bell = BELL_INIT;
	struct error err;

	(void)state;
	assert_int_equal(bell_listen(&bell, &first, &err), 0);
	assert_int_equal(bell_listen(&bell, &second, &err), 0);
	bell_ring(&bell);
	bell_ring(&bell);
	/* Both hear it, two rings are one, and what was heard is over. */
	assert_int_equal(bell_wait(&first, &w, &err), 0);
	assert_int_equal(bell_wait(&second, &w, &err), 0);
	assert_int_equal(bell_wait(&first, &brief, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	bell_leave(&first);
	bell_ring(&bell);
	assert_int_equal(bell_wait(&second, &w, &err), 0);
	bell_leave(&second);
	assert_null(bell.first);
	bell_clear(&bell);
}

static void who_begins_to_listen_late_hears_nothing_old(void **state)
{
	struct wait w = wait_for_ms(SHORT_MS);
	auto_listener listener = { .fd = -1 };
	struct bell bell = BELL_INIT;
	struct error err;

	(void)state;
	bell_ring(&bell);
	assert_int_equal(bell_listen(&bell, &listener, &err), 0);
	assert_int_equal(bell_wait(&listener, &w, &err), -1);
	bell_leave(&listener);
	bell_leave(&listener);
	bell_clear(&bell);
}

#define CHANGES 2000

/* A number that changes under a bell, as a VM's state does. */
struct changing {
	struct bell bell;
	pthread_mutex_t mutex;
	int value;
};

static void *change(void *argument)
{
	struct changing *c = argument;

	for (int i = 0; i < CHANGES; i++) {
		pthread_mutex_lock(&c->mutex);
		c->value++;
		pthread_mutex_unlock(&c->mutex);
		bell_ring(&c->bell);
	}
	return NULL;
}

static int value_of(struct changing *c)
{
	lock_scope(&c->mutex);

	return c->value;
}

static void no_change_is_missed(void **state)
{
	struct changing c = { .bell = BELL_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER };
	struct wait w = wait_for_ms(LONG_MS);
	auto_listener listener = { .fd = -1 };
	pthread_t thread;
	struct error err;

	(void)state;
	assert_int_equal(bell_listen(&c.bell, &listener, &err), 0);
	assert_int_equal(thread_start(&thread, "changes", change, &c, &err), 0);
	while (value_of(&c) < CHANGES)
		if (bell_wait(&listener, &w, &err) < 0)
			fail_msg("at %d of %d: %s", value_of(&c), CHANGES, err.text);
	pthread_join(thread, NULL);
	bell_leave(&listener);
	bell_clear(&c.bell);
}

static void a_gate_lets_one_at_a_time_pass(void **state)
{
	struct wait w = wait_for_ms(LONG_MS), brief = wait_for_ms(SHORT_MS);
	struct gate gate;
	struct error err;

	(void)state;
	assert_int_equal(gate_init(&gate, &err), 0);
	assert_int_equal(gate_enter(&gate, &w, &err), 0);
	assert_int_equal(gate_enter(&gate, &brief, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	gate_leave(&gate);
	assert_int_equal(gate_enter(&gate, &w, &err), 0);
	gate_leave(&gate);
	gate_clear(&gate);
	gate_clear(&gate);
}

static void who_waits_at_a_gate_can_be_cancelled(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct cancel cancel;
	struct gate gate;
	struct error err;

	(void)state;
	assert_int_equal(gate_init(&gate, &err), 0);
	assert_int_equal(cancel_init(&cancel, &err), 0);
	wait_add_cancel(&w, cancel.fd, POLLIN, "cancelled");
	assert_int_equal(gate_enter(&gate, &w, &err), 0);
	cancel_throw(&cancel);
	assert_int_equal(gate_enter(&gate, &w, &err), -1);
	assert_int_equal(err.code, ECANCELED);
	gate_clear(&gate);
	cancel_clear(&cancel);
}

struct crowd {
	struct gate gate;
	int inside;
	int most;
	int passed;
};

static void *pass_often(void *argument)
{
	struct crowd *crowd = argument;
	struct wait w = wait_for_ms(LONG_MS);

	for (int i = 0; i < 500 && !gate_enter(&crowd->gate, &w, NULL); i++) {
		crowd->inside++;
		if (crowd->inside > crowd->most)
			crowd->most = crowd->inside;
		crowd->passed++;
		crowd->inside--;
		gate_leave(&crowd->gate);
	}
	return NULL;
}

static void a_gate_guards_what_is_behind_it(void **state)
{
	struct crowd crowd = { 0 };
	pthread_t threads[4];
	struct error err;

	(void)state;
	assert_int_equal(gate_init(&crowd.gate, &err), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(thread_start(&threads[i], "passes", pass_often, &crowd, &err), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(crowd.most, 1);
	assert_int_equal(crowd.passed, 4 * 500);
	gate_clear(&crowd.gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_ends_at_its_deadline),
		cmocka_unit_test(what_is_ready_is_seen_after_the_deadline_too),
		cmocka_unit_test(only_what_is_ready_has_events),
		cmocka_unit_test(a_hang_up_counts_as_ready),
		cmocka_unit_test(too_many_descriptors_are_refused),
		cmocka_unit_test(cancellation_wins_over_readiness),
		cmocka_unit_test(each_canceller_has_its_own_reason),
		cmocka_unit_test(a_client_that_hangs_up_cancels),
		cmocka_unit_test(a_wait_under_way_is_cancelled),
		cmocka_unit_test(a_wait_within_another_is_never_longer),
		cmocka_unit_test(a_pause_passes_unless_the_wait_ends),
		cmocka_unit_test(more_than_a_pipe_holds_is_written_whole),
		cmocka_unit_test(a_write_that_nobody_reads_times_out),
		cmocka_unit_test(a_bell_that_rang_before_the_wait_is_heard),
		cmocka_unit_test(who_begins_to_listen_late_hears_nothing_old),
		cmocka_unit_test(no_change_is_missed),
		cmocka_unit_test(a_gate_lets_one_at_a_time_pass),
		cmocka_unit_test(who_waits_at_a_gate_can_be_cancelled),
		cmocka_unit_test(a_gate_guards_what_is_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
