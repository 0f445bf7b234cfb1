/*
 * Waiting: every wait has a deadline, can be cancelled, and waits for a descriptor.
 */
#include "base/wait.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Descriptors of one call to wait_fds() beside the cancelling ones. */
#define WAIT_FDS_MAX 16

static int64_t clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clock_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_us(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_wall_ms(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000000;
}

struct wait wait_for_ms(int64_t timeout_ms)
{
	return (struct wait) { .deadline_ms = clock_ms() + timeout_ms };
}

struct wait wait_within(const struct wait *outer, int64_t timeout_ms)
{
	int64_t deadline_ms = clock_ms() + timeout_ms;
	struct wait w = *outer;

	if (deadline_ms < w.deadline_ms)
		w.deadline_ms = deadline_ms;
	return w;
}

void wait_add_cancel(struct wait *w, int fd, short events, const char *reason)
{
	for (size_t i = 0; i < w->cancel_count; i++)
		if (w->cancel[i].fd == fd)
			return;
	if (w->cancel_count == WAIT_CANCEL_MAX)
		abort();
	w->cancel[w->cancel_count++] =
		(struct wait_cancel) { .fd = fd, .events = events, .reason = reason };
}

int64_t wait_left_ms(const struct wait *w)
{
	int64_t left = w->deadline_ms - clock_ms();

	return left > 0 ? left : 0;
}

static int wait_poll(const struct wait *w, struct pollfd *fds, size_t count, int timeout_ms)
{
	int n;

	for (size_t i = 0; i < w->cancel_count; i++)
		fds[count + i] =
			(struct pollfd) { .fd = w->cancel[i].fd, .events = w->cancel[i].events };
	do
		n = poll(fds, count + w->cancel_count, timeout_ms);
	while (n < 0 && errno == EINTR && timeout_ms == 0);
	return n;
}

int wait_fds(const struct wait *w, struct pollfd *fds, size_t count, struct error *err)
{
	struct pollfd all[WAIT_FDS_MAX + WAIT_CANCEL_MAX];

	if (count > WAIT_FDS_MAX)
		return error_set(err, E2BIG, "more than %d descriptors in one wait", WAIT_FDS_MAX);
	for (;;) {
		int64_t left = wait_left_ms(w);
		int n;

		for (size_t i = 0; i < count; i++)
			all[i] = fds[i];
		n = wait_poll(w, all, count, left > INT_MAX ? INT_MAX : (int)left);
		if (n < 0 && errno != EINTR)
			return error_set_errno(err, errno, "poll");
		if (n < 0)
			continue;
		for (size_t i = 0; i < w->cancel_count; i++)
			if (all[count + i].revents)
				return error_set(err, ECANCELED, "%s", w->cancel[i].reason);
		for (size_t i = 0; i < count; i++)
			fds[i].revents = all[i].revents;
		if (n > 0)
			return 0;
		if (!wait_left_ms(w))
			return error_set(err, ETIMEDOUT, "timed out");
	}
}

int wait_fd(const struct wait *w, int fd, short events, struct error *err)
{
	struct pollfd one = { .fd = fd, .events = events };

	return wait_fds(w, &one, 1, err);
}

int wait_check(const struct wait *w, struct error *err)
{
	struct pollfd all[WAIT_CANCEL_MAX];

	if (wait_poll(w, all, 0, 0) > 0)
		for (size_t i = 0; i < w->cancel_count; i++)
			if (all[i].revents)
				return error_set(err, ECANCELED, "%s", w->cancel[i].reason);
	if (!wait_left_ms(w))
		return error_set(err, ETIMEDOUT, "timed out");
	return 0;
}

int wait_pause(const struct wait *w, int64_t ms, struct error *err)
{
	struct wait pause = wait_within(w, ms);
	struct error ignored;

	if (!wait_fds(&pause, NULL, 0, &ignored) || ignored.code == ETIMEDOUT)
		return wait_check(w, err);
	return error_set(err, ignored.code, "%s", ignored.text);
}

int wait_read(const struct wait *w, int fd, void *buffer, size_t size, size_t *ret_count,
	      struct error *err)
{
	for (;;) {
		ssize_t n = read(fd, buffer, size);

		if (n >= 0) {
			*ret_count = (size_t)n;
			return 0;
		}
		if (errno != EAGAIN && errno != EINTR)
			return error_set_errno(err, errno, "read");
		if (wait_fd(w, fd, POLLIN, err) < 0)
			return -1;
	}
}

int wait_write(const struct wait *w, int fd, const void *bytes, size_t count, struct error *err)
{
	const char *p = bytes;

	while (count) {
		ssize_t n = write(fd, p, count);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return error_set_errno(err, errno, "write");
		if (n < 0) {
			if (wait_fd(w, fd, POLLOUT, err) < 0)
				return -1;
			continue;
		}
		p += n;
		count -= (size_t)n;
	}
	return 0;
}

static int new_eventfd(unsigned int count, int flags, struct error *err)
{
	int fd = eventfd(count, EFD_CLOEXEC | EFD_NONBLOCK | flags);

	return fd >= 0 ? fd : error_set_errno(err, errno, "eventfd");
}

void bell_init(struct bell *bell)
{
	pthread_mutex_init(&bell->mutex, NULL);
	bell->first = NULL;
}

void bell_clear(struct bell *bell)
{
	pthread_mutex_destroy(&bell->mutex);
}

void bell_ring(struct bell *bell)
{
	pthread_mutex_lock(&bell->mutex);
	for (struct bell_listener *l = bell->first; l; l = l->next)
		eventfd_write(l->fd, 1);
	pthread_mutex_unlock(&bell->mutex);
}

int bell_listen(struct bell *bell, struct bell_listener *listener, struct error *err)
{
	*listener = (struct bell_listener) { .fd = -1 };
	listener->fd = new_eventfd(0, 0, err);
	if (listener->fd < 0)
		return -1;
	pthread_mutex_lock(&bell->mutex);
	listener->bell = bell;
	listener->next = bell->first;
	bell->first = listener;
	pthread_mutex_unlock(&bell->mutex);
	return 0;
}

void bell_leave(struct bell_listener *listener)
{
	struct bell_listener **link;

	if (!listener->bell)
		return;
	pthread_mutex_lock(&listener->bell->mutex);
	for (link = &listener->bell->first; *link != listener; link = &(*link)->next)
		;
	*link = listener->next;
	pthread_mutex_unlock(&listener->bell->mutex);
	close(listener->fd);
	*listener = (struct bell_listener) { .fd = -1 };
}

int bell_wait(struct bell_listener *listener, const struct wait *w, struct error *err)
{
	if (wait_fd(w, listener->fd, POLLIN, err) < 0)
		return -1;
	bell_heard(listener);
	return 0;
}

void bell_heard(struct bell_listener *listener)
{
	eventfd_t count;

	eventfd_read(listener->fd, &count);
}

int gate_init(struct gate *gate, struct error *err)
{
	gate->fd = new_eventfd(1, EFD_SEMAPHORE, err);
	return gate->fd < 0 ? -1 : 0;
}

void gate_clear(struct gate *gate)
{
	if (gate->fd >= 0)
		close(gate->fd);
	gate->fd = -1;
}

int gate_enter(struct gate *gate, const struct wait *w, struct error *err)
{
	eventfd_t one;

	while (eventfd_read(gate->fd, &one) < 0)
		if (wait_fd(w, gate->fd, POLLIN, err) < 0)
			return -1;
	return 0;
}

void gate_leave(struct gate *gate)
{
	eventfd_write(gate->fd, 1);
}

int cancel_init(struct cancel *c, struct error *err)
{
	c->fd = new_eventfd(0, 0, err);
	return c->fd < 0 ? -1 : 0;
}

void cancel_clear(struct cancel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

void cancel_throw(struct cancel *c)
{
	eventfd_write(c->fd, 1);
}

void cancel_reset(struct cancel *c)
{
	uint64_t count;

	/* The descriptor is non-blocking: when it was not thrown there is nothing to read. */
	if (read(c->fd, &count, sizeof(count)) < 0)
		return;
}

bool cancel_thrown(const struct cancel *c)
{
	struct pollfd one = { .fd = c->fd, .events = POLLIN };

	return poll(&one, 1, 0) > 0;
}
