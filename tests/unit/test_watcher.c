/*
 * The watcher: calls on its own thread, removal that is certain, and no second call after the end.
 */
#include "qemu/watcher.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own.h"
#include "base/wait.h"

#define LONG_MS 60000
#define WATCHES 200

/* Something that is watched: counts bytes, rings. */
struct counter {
	struct watch watch;
	struct bell bell;
	pthread_mutex_t mutex;
	size_t bytes;
	int ends;
	pthread_t thread;
	int write_fd;
};

static int counter_ready(struct watch *watch)
{
	struct counter *c = (struct counter *)((char *)watch - offsetof(struct counter, watch));
	char buffer[16];
	ssize_t n = read(watch->fd, buffer, sizeof(buffer));

	pthread_mutex_lock(&c->mutex);
	c->thread = pthread_self();
	if (n > 0)
		c->bytes += (size_t)n;
	else
		c->ends++;
	pthread_mutex_unlock(&c->mutex);
	bell_ring(&c->bell);
	return n > 0 ? 0 : -1;
}

static void counter_open(struct counter *c)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	*c = (struct counter) { .watch = { .fd = ends[0], .ready = counter_ready },
				.write_fd = ends[1] };
	pthread_mutex_init(&c->mutex, NULL);
	bell_init(&c->bell);
}

static void counter_close(struct counter *c)
{
	watcher_remove(&c->watch);
	own_close(&c->watch.fd);
	own_close(&c->write_fd);
	bell_clear(&c->bell);
}

static size_t bytes_of(struct counter *c, int *ret_ends)
{
	lock_scope(&c->mutex);

	*ret_ends = c->ends;
	return c->bytes;
}

static void await_count(struct counter *c, size_t bytes, int ends)
{
	auto_listener listener = { .fd = -1 };
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;
	int seen;

	assert_int_equal(bell_listen(&c->bell, &listener, &err), 0);
	while (bytes_of(c, &seen) != bytes || seen != ends)
		if (bell_wait(&listener, &w, &err) < 0)
			fail_msg("%s", err.text);
	bell_leave(&listener);
}

static int make_watcher(void **state)
{
	struct watcher *watcher;

	if (watcher_new(&watcher, NULL) < 0)
		return -1;
	*state = watcher;
	return 0;
}

static int free_watcher(void **state)
{
	watcher_free(*state);
	return 0;
}

static void what_arrives_is_read_on_the_watchers_thread(void **state)
{
	struct counter c;
	struct error err;

	counter_open(&c);
	assert_int_equal(watcher_add(*state, &c.watch, &err), 0);
	assert_int_equal(write(c.write_fd, "abc", 3), 3);
	await_count(&c, 3, 0);
	assert_false(pthread_equal(c.thread, pthread_self()));
	/* More than one call's worth: it is called again until nothing is left. */
	assert_int_equal(write(c.write_fd, "0123456789012345678901234567890123456789", 40), 40);
	await_count(&c, 43, 0);
	counter_close(&c);
}

static void what_was_there_before_is_seen(void **state)
{
	struct counter c;
	struct error err;

	counter_open(&c);
	assert_int_equal(write(c.write_fd, "abc", 3), 3);
	assert_int_equal(watcher_add(*state, &c.watch, &err), 0);
	await_count(&c, 3, 0);
	counter_close(&c);
}

static void the_end_is_told_once(void **state)
{
	struct counter c, other;
	struct error err;
	int ends;

	counter_open(&c);
	counter_open(&other);
	assert_int_equal(watcher_add(*state, &c.watch, &err), 0);
	assert_int_equal(watcher_add(*state, &other.watch, &err), 0);
	own_close(&c.write_fd);
	await_count(&c, 0, 1);
	/* The hang-up would show for ever; later events go by it. */
	for (size_t i = 1; i <= 20; i++) {
		assert_int_equal(write(other.write_fd, "x", 1), 1);
		await_count(&other, i, 0);
	}
	assert_int_equal(bytes_of(&c, &ends), 0);
	assert_int_equal(ends, 1);
	counter_close(&c);
	counter_close(&other);
}

static void a_removed_watch_is_never_called(void **state)
{
	struct error err;

	/* Each time something is on its way while it is removed. */
	for (int i = 0; i < WATCHES; i++) {
		struct counter c;
		size_t before;
		int ends;

		counter_open(&c);
		assert_int_equal(watcher_add(*state, &c.watch, &err), 0);
		assert_int_equal(write(c.write_fd, "x", 1), 1);
		watcher_remove(&c.watch);
		before = bytes_of(&c, &ends);
		assert_int_equal(write(c.write_fd, "y", 1), 1);
		assert_int_equal(bytes_of(&c, &ends), before);
		watcher_remove(&c.watch);
		counter_close(&c);
		memset(&c, 0xff, sizeof(c));
	}
}

static void many_are_watched_by_one_thread(void **state)
{
	auto_free struct counter *counters = own_alloc(WATCHES * sizeof(*counters));
	struct error err;

	for (int i = 0; i < WATCHES; i++) {
		counter_open(&counters[i]);
		assert_int_equal(watcher_add(*state, &counters[i].watch, &err), 0);
	}
	for (int i = WATCHES; i-- > 0;)
		assert_int_equal(write(counters[i].write_fd, "x", 1), 1);
	for (int i = 0; i < WATCHES; i++) {
		await_count(&counters[i], 1, 0);
		assert_true(pthread_equal(counters[i].thread, counters[0].thread));
	}
	for (int i = 0; i < WATCHES; i++)
		counter_close(&counters[i]);
}

static void what_cannot_be_watched_is_refused(void **state)
{
	struct watch watch = { .fd = -1 };
	struct error err;

	assert_int_equal(watcher_add(*state, &watch, &err), -1);
	assert_int_equal(err.code, EBADF);
	watcher_remove(&watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_arrives_is_read_on_the_watchers_thread),
		cmocka_unit_test(what_was_there_before_is_seen),
		cmocka_unit_test(the_end_is_told_once),
		cmocka_unit_test(a_removed_watch_is_never_called),
		cmocka_unit_test(many_are_watched_by_one_thread),
		cmocka_unit_test(what_cannot_be_watched_is_refused),
	};

	return cmocka_run_group_tests(tests, make_watcher, free_watcher);
}
