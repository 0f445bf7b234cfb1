/*
 * A scripted peer on a thread of its own: for what a real QEMU or agent cannot be made to do, such
 * as a garbled line. It speaks lines; whatever goes wrong in it ends the test program.
 */
#ifndef TESTS_UNIT_PEER_H
#define TESTS_UNIT_PEER_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "base/wait.h"

#define PEER_MS 60000

/*
 * @fd:        the peer's end
 * @listen_fd: where clients connect, or -1
 * @in:        read from @fd and not yet taken
 */
struct peer {
	int fd;
	int listen_fd;
	struct str in;
	void (*script)(struct peer *peer);
	pthread_t thread;
};

static inline void peer_die(const char *what)
{
	fprintf(stderr, "scripted peer: %s\n", what);
	abort();
}

static inline void peer_send(struct peer *peer, const char *bytes, size_t count)
{
	struct wait w = wait_for_ms(PEER_MS);
	struct error err;

	if (wait_write(&w, peer->fd, bytes, count, &err) < 0)
		peer_die(err.text);
}

static inline void peer_say(struct peer *peer, const char *text)
{
	peer_send(peer, text, strlen(text));
}

/* More bytes; false at the end of file. */
static inline bool peer_fill(struct peer *peer)
{
	struct wait w = wait_for_ms(PEER_MS);
	char buffer[4096];
	struct error err;
	size_t n;

	if (wait_fd(&w, peer->fd, POLLIN, &err) < 0 ||
	    wait_read(&w, peer->fd, buffer, sizeof(buffer), &n, &err) < 0)
		peer_die(err.text);
	str_add(&peer->in, buffer, n);
	return n > 0;
}

/* The next line without its end, owned by the caller; NULL at the end of file. */
static inline char *peer_line(struct peer *peer)
{
	char *end, *line;

	while (!peer->in.length || !(end = memchr(peer->in.text, '\n', peer->in.length)))
		if (!peer_fill(peer))
			return NULL;
	line = own_strndup(peer->in.text, (size_t)(end - peer->in.text));
	str_cut(&peer->in, (size_t)(end - peer->in.text) + 1);
	return line;
}

/* The number behind "NAME": in a line of JSON, which both sides write compactly or with a space. */
static inline long peer_number(const char *line, const char *name)
{
	auto_free char *key = own_printf("\"%s\":", name);
	const char *p = strstr(line, key);

	if (!p)
		peer_die(line);
	return strtol(p + strlen(key), NULL, 10);
}

/* One client, as QEMU's sockets have it. */
static inline void peer_accept(struct peer *peer)
{
	struct wait w = wait_for_ms(PEER_MS);
	struct error err;

	own_close(&peer->fd);
	str_clear(&peer->in);
	if (wait_fd(&w, peer->listen_fd, POLLIN, &err) < 0)
		peer_die(err.text);
	peer->fd = accept4(peer->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (peer->fd < 0)
		peer_die("accept");
}

static inline void *peer_run(void *argument)
{
	struct peer *peer = argument;

	if (peer->listen_fd >= 0)
		peer_accept(peer);
	peer->script(peer);
	return NULL;
}

/* peer_start - run @script on a socketpair; returns the other end, non-blocking */
static inline int peer_start(struct peer *peer, void (*script)(struct peer *peer))
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
		peer_die("socketpair");
	*peer = (struct peer) { .fd = ends[1], .listen_fd = -1, .script = script };
	if (pthread_create(&peer->thread, NULL, peer_run, peer))
		peer_die("pthread_create");
	return ends[0];
}

/* peer_listen - run @script with the first client that connects to the socket @path */
static inline void peer_listen(struct peer *peer, const char *path, void (*script)(struct peer *))
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	*peer = (struct peer) { .fd = -1, .script = script };
	peer->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bind(peer->listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(peer->listen_fd, 1) < 0 || pthread_create(&peer->thread, NULL, peer_run, peer))
		peer_die(path);
}

static inline void peer_stop(struct peer *peer)
{
	pthread_join(peer->thread, NULL);
	own_close(&peer->listen_fd);
	own_close(&peer->fd);
	str_clear(&peer->in);
}

#endif
