/*
 * The one thread that reads every QMP, console and payload socket.
 *
 * How it works: epoll tells one descriptor at a time, by the number its watch was given. The
 * mutex is held while a watch's function runs, so a watch that is removed is either not yet
 * looked up, and then not found, or has returned. Numbers are never used twice.
 */
#include "qemu/watcher.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/own.h"
#include "base/thread.h"

/* The number of the event that ends the thread. */
#define STOP_ID 0

struct watcher {
	int epoll_fd;
	int stop_fd;
	pthread_t thread;
	pthread_mutex_t mutex;
	struct watch **watches;
	size_t count;
	uint64_t last_id;
};

static struct watch *find(struct watcher *watcher, uint64_t id)
{
	for (size_t i = 0; i < watcher->count; i++)
		if (watcher->watches[i]->id == id)
			return watcher->watches[i];
	return NULL;
}

static void forget(struct watcher *watcher, struct watch *watch)
{
	for (size_t i = 0; i < watcher->count; i++)
		if (watcher->watches[i] == watch) {
			watcher->watches[i] = watcher->watches[--watcher->count];
			epoll_ctl(watcher->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
			return;
		}
}

static void *watcher_run(void *argument)
{
	struct watcher *watcher = argument;
	struct epoll_event event;

	for (;;) {
		struct watch *watch;

		if (epoll_wait(watcher->epoll_fd, &event, 1, -1) < 1)
			continue;
		if (event.data.u64 == STOP_ID)
			return NULL;
		lock_scope(&watcher->mutex);
		watch = find(watcher, event.data.u64);
		if (watch && watch->ready(watch) < 0)
			forget(watcher, watch);
	}
}

static int add_fd(struct watcher *watcher, int fd, uint64_t id)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = id };

	return epoll_ctl(watcher->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

int watcher_new(struct watcher **ret, struct error *err)
{
	struct watcher *watcher = own_alloc(sizeof(*watcher));

	pthread_mutex_init(&watcher->mutex, NULL);
	watcher->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	watcher->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (watcher->epoll_fd < 0 || watcher->stop_fd < 0 ||
	    add_fd(watcher, watcher->stop_fd, STOP_ID) < 0) {
		error_set_errno(err, errno, "cannot make the watcher");
		goto failed;
	}
	if (thread_start(&watcher->thread, "watcher", watcher_run, watcher, err) < 0)
		goto failed;
	*ret = watcher;
	return 0;
failed:
	own_close(&watcher->epoll_fd);
	own_close(&watcher->stop_fd);
	free(watcher);
	return -1;
}

void watcher_free(struct watcher *watcher)
{
	if (!watcher)
		return;
	eventfd_write(watcher->stop_fd, 1);
	pthread_join(watcher->thread, NULL);
	close(watcher->epoll_fd);
	close(watcher->stop_fd);
	pthread_mutex_destroy(&watcher->mutex);
	free(watcher->watches);
	free(watcher);
}

int watcher_add(struct watcher *watcher, struct watch *watch, struct error *err)
{
	lock_scope(&watcher->mutex);

	watch->watcher = watcher;
	watch->id = ++watcher->last_id;
	if (add_fd(watcher, watch->fd, watch->id) < 0)
		return error_set_errno(err, errno, "cannot watch a socket");
	watcher->watches =
		own_realloc(watcher->watches, (watcher->count + 1) * sizeof(*watcher->watches));
	watcher->watches[watcher->count++] = watch;
	return 0;
}

void watcher_remove(struct watch *watch)
{
	if (!watch->watcher)
		return;
	pthread_mutex_lock(&watch->watcher->mutex);
	forget(watch->watcher, watch);
	pthread_mutex_unlock(&watch->watcher->mutex);
	watch->watcher = NULL;
}
