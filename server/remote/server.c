/*
 * The remote server: worker threads that accept connections and serve them.
 *
 * How it works: free workers wait for connections, each on an epoll instance of its own that holds
 * the listening sockets exclusively, so that a connection wakes one of them. It serves the
 * connection to its end on the same thread: no hand-over, and no thread made while another is free.
 * A worker that takes a connection and leaves nobody waiting starts another; those beyond
 * WORKERS_SPARE end when they come back, and all but one when no connection came for a while: what
 * calls side by side took goes back to the system. An idle or half-open connection so costs one
 * thread that sleeps.
 *
 * The list of connections, guarded by @mutex, serves the limits and the stop.
 */
#include "remote/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/thread.h"
#include "base/wait.h"
#include "remote/http.h"
#include "remote/listener.h"
#include "remote/policy.h"
#include "remote/robot.h"
#include "remote/rpc.h"

/* Workers that wait for a connection: enough for the usual parallel suites. */
#define WORKERS_SPARE 8

/* How long a worker waits for a connection before it leaves that to the others. */
#define WORKER_IDLE_MS 2000

/* A peer that vanished without a word is noticed after 30 s, and 3 probes 10 s apart. */
#define KEEPALIVE_IDLE_S     30
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_PROBES     3
#define USER_TIMEOUT_MS	     60000

/* A connection from its accept to its end; @address is IPv4's, or an IPv6 network's (/64). */
struct connection {
	struct connection *next;
	int fd;
	bool local;
	uint8_t address[8];
	char peer[64];
	struct http *http;
};

struct server {
	struct robot robot;
	struct http_shared shared;
	struct listeners listeners;
	struct constants_box *constants;
	char *host;
	struct cancel stop;
	pthread_mutex_t mutex;
	pthread_cond_t worker_ended;
	struct connection *connections;
	int connection_count;
	int workers;
	int waiting;
	int spare_fd;
	bool one_ended;
	pthread_t last_ended; /* to be joined by the next one that ends */
};

static void describe_peer(const struct sockaddr_storage *from, struct connection *c)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
	char text[INET6_ADDRSTRLEN];

	if (from->ss_family == AF_INET) {
		memcpy(c->address, &v4->sin_addr, 4);
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		snprintf(c->peer, sizeof(c->peer), "%s:%d", text, ntohs(v4->sin_port));
	} else if (from->ss_family == AF_INET6) {
		memcpy(c->address, &v6->sin6_addr, 8);
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
		snprintf(c->peer, sizeof(c->peer), "[%s]:%d", text, ntohs(v6->sin6_port));
	} else {
		snprintf(c->peer, sizeof(c->peer), "unix");
	}
}

static void set_options(int fd)
{
	const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

/*
 * Out of descriptors: the spare one is given up for the time it takes to accept the client and tell
 * it, or the listening socket would stay ready and this loop would spin.
 */
static void reject_without_descriptor(struct server *s, int listening)
{
	struct wait w = wait_for_ms(INT32_MAX);
	int fd;

	log_warn("out of file descriptors: a client was turned away");
	own_close(&s->spare_fd);
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		http_reject(fd, 503, "The server is out of file descriptors.");
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	wait_add_cancel(&w, s->stop.fd, POLLIN, "stopping");
	if (s->spare_fd < 0)
		wait_pause(&w, 100, &(struct error) { 0 });
}

/* Whether one more connection from there is within the limits. Needs @mutex. */
static bool has_room(struct server *s, const struct policy *policy, const struct connection *c)
{
	int same = 0;

	if (s->connection_count >= policy->connections)
		return false;
	if (c->local || s->connection_count < policy->connections_per_address)
		return true;
	for (const struct connection *o = s->connections; o; o = o->next)
		same += !o->local && !memcmp(o->address, c->address, sizeof(o->address));
	return same < policy->connections_per_address;
}

static bool enter(struct server *s, const struct policy *policy, struct connection *c)
{
	lock_scope(&s->mutex);
	if (!has_room(s, policy, c))
		return false;
	c->next = s->connections;
	s->connections = c;
	s->connection_count++;
	return true;
}

static void leave(struct server *s, struct connection *c)
{
	struct connection **link = &s->connections;
	lock_scope(&s->mutex);

	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	s->connection_count--;
}

/* Takes one waiting connection; false when there was none after all. */
static bool accept_from(struct server *s, const struct listener *listener,
			const struct policy *policy, struct connection *c)
{
	struct sockaddr_storage from = { 0 };
	socklen_t length = sizeof(from);
	int fd = accept4(listener->fd, (struct sockaddr *)&from, &length,
			 SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			reject_without_descriptor(s, listener->fd);
		return false;
	}
	*c = (struct connection) { .fd = fd, .local = listener->local };
	describe_peer(&from, c);
	if (!listener_admits(listener, fd)) {
		log_warn("%s: turned away, another user", c->peer);
		http_reject(fd, 403, "This socket serves root and the server's own user.");
		return false;
	}
	if (!enter(s, policy, c)) {
		log_debug("%s: turned away, too many connections", c->peer);
		if (policy->certificate && !c->local)
			close(fd);
		else
			http_reject(fd, 503, "Too many connections.");
		return false;
	}
	if (!c->local)
		set_options(fd);
	return true;
}

static const struct listener *find_listener(const struct server *s, int fd)
{
	for (size_t i = 0; i < s->listeners.count; i++)
		if (s->listeners.items[i].fd == fd)
			return &s->listeners.items[i];
	return NULL;
}

/* A worker that waits alone waits for ever. */
static int idle_ms(struct server *s)
{
	lock_scope(&s->mutex);
	return s->waiting > 1 ? WORKER_IDLE_MS : -1;
}

/* The descriptor that is ready, -1 for none. Without an epoll instance all who wait are woken. */
static int wait_ready(struct server *s, int epoll_fd)
{
	struct pollfd fds[LISTENERS_MAX + 1] = { { .fd = s->stop.fd, .events = POLLIN } };
	struct epoll_event event;

	if (epoll_fd >= 0)
		return epoll_wait(epoll_fd, &event, 1, idle_ms(s)) == 1 ? event.data.fd : -1;
	for (size_t i = 0; i < s->listeners.count; i++)
		fds[i + 1] = (struct pollfd) { .fd = s->listeners.items[i].fd, .events = POLLIN };
	if (poll(fds, s->listeners.count + 1, idle_ms(s)) < 1)
		return -1;
	for (size_t i = 0; i <= s->listeners.count; i++)
		if (fds[i].revents)
			return fds[i].fd;
	return -1;
}

/* Whether others wait for connections, so that this worker need not. */
static bool is_spare(struct server *s)
{
	lock_scope(&s->mutex);
	if (s->waiting < 2)
		return false;
	s->waiting--;
	return true;
}

/* Waits for a connection; false when the server stops, or none comes and others wait too. */
static bool accept_one(struct server *s, int epoll_fd, struct connection *c)
{
	for (;;) {
		int ready = wait_ready(s, epoll_fd);
		const struct listener *listener;
		struct policy_ref *policy;
		bool accepted;

		if (cancel_thrown(&s->stop))
			return false;
		listener = find_listener(s, ready);
		if (!listener && is_spare(s))
			return false;
		if (!listener)
			continue;
		policy = policy_hold(&s->shared.policy);
		accepted = accept_from(s, listener, policy->policy, c);
		policy_release(&s->shared.policy, policy);
		if (accepted)
			return true;
	}
}

/* A worker's own: one daemon for plain connections, one for TLS, made by one policy. */
struct worker {
	int epoll_fd;
	struct policy_ref *policy;
	struct http plain, tls;
};

static void worker_clear(struct server *s, struct worker *w)
{
	http_close(&w->plain);
	http_close(&w->tls);
	if (w->policy)
		policy_release(&s->shared.policy, w->policy);
	w->policy = NULL;
}

static int watch(int epoll_fd, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/*
 * A connection wakes one worker only; the stop wakes all. Without descriptors to spare the worker
 * does without, so that somebody is left to turn clients away.
 */
static void worker_open(struct server *s, struct worker *w)
{
	int rc;

	*w = (struct worker) { .epoll_fd = epoll_create1(EPOLL_CLOEXEC) };
	if (w->epoll_fd < 0)
		return;
	rc = watch(w->epoll_fd, s->stop.fd, EPOLLIN);
	for (size_t i = 0; i < s->listeners.count && !rc; i++)
		rc = watch(w->epoll_fd, s->listeners.items[i].fd, EPOLLIN | EPOLLEXCLUSIVE);
	if (rc < 0)
		own_close(&w->epoll_fd);
}

/* The daemon for this connection, made anew when the policy has changed; NULL when that fails. */
static struct http *worker_http(struct server *s, struct worker *w, bool local)
{
	struct policy_ref *now = policy_hold(&s->shared.policy);
	struct error err;
	struct http *h;
	bool tls;

	if (w->policy != now) {
		worker_clear(s, w);
		w->policy = now;
	} else {
		policy_release(&s->shared.policy, now);
	}
	tls = now->policy->certificate && !local;
	h = tls ? &w->tls : &w->plain;
	if (!h->daemon && http_open(h, &s->shared, now->policy, tls, &err) < 0) {
		log_error("%s", err.text);
		return NULL;
	}
	return h;
}

static void serve(struct server *s, struct worker *w, struct connection *c)
{
	struct http *h = worker_http(s, w, c->local);

	if (!h) {
		http_reject(c->fd, 503, "The server cannot serve this connection.");
		return;
	}
	pthread_mutex_lock(&s->mutex);
	c->http = h;
	pthread_mutex_unlock(&s->mutex);
	http_serve(h, c->fd, c->peer, c->local);
}

static void *worker_main(void *argument);

static int start_worker(struct server *s, struct error *err)
{
	pthread_t thread;

	return thread_start(&thread, "worker", worker_main, s, err);
}

/* Before this worker serves: somebody must be left to accept. */
static void leave_waiting(struct server *s)
{
	struct error err;
	bool alone;

	pthread_mutex_lock(&s->mutex);
	alone = --s->waiting == 0;
	s->workers += alone;
	s->waiting += alone;
	pthread_mutex_unlock(&s->mutex);
	if (!alone || !start_worker(s, &err))
		return;
	log_error("%s", err.text);
	lock_scope(&s->mutex);
	s->workers--;
	s->waiting--;
}

static bool is_needed(struct server *s)
{
	lock_scope(&s->mutex);
	if (s->waiting >= WORKERS_SPARE)
		return false;
	s->waiting++;
	return true;
}

/* Threads are joined without a list of them: each that ends joins the one that ended before it. */
static void end_worker(struct server *s)
{
	pthread_t before;
	bool join;

	pthread_mutex_lock(&s->mutex);
	join = s->one_ended;
	before = s->last_ended;
	s->one_ended = true;
	s->last_ended = pthread_self();
	s->workers--;
	pthread_cond_signal(&s->worker_ended);
	pthread_mutex_unlock(&s->mutex);
	if (join)
		pthread_join(before, NULL);
}

static void *worker_main(void *argument)
{
	struct server *s = argument;
	struct worker worker;
	struct connection c;
	bool idle = true;

	worker_open(s, &worker);
	while (accept_one(s, worker.epoll_fd, &c)) {
		leave_waiting(s);
		serve(s, &worker, &c);
		leave(s, &c);
		if (!is_needed(s)) {
			idle = false;
			break;
		}
	}
	worker_clear(s, &worker);
	own_close(&worker.epoll_fd);
	if (idle)
		malloc_trim(0);
	end_worker(s);
	return NULL;
}

static int add_listeners(struct server *s, const struct constants *now, int port, struct error *err)
{
	const char *path = now->remote.unix_socket;

	if (listeners_inherit(&s->listeners, err) < 0)
		return -1;
	if (!s->listeners.inherited &&
	    listeners_add_tcp(&s->listeners, s->host, port < 0 ? now->server.port : port, err) < 0)
		return -1;
	if (*path && strcmp(path, "none") != 0)
		return listeners_add_unix(&s->listeners, path, err);
	return 0;
}

static int set_up(struct server *s, const struct constants *now, int port, struct error *err)
{
	struct policy *policy;

	if (policy_load(now, s->host, &policy, err) < 0)
		return -1;
	policy_box_set(&s->shared.policy, policy);
	rpc_start(policy->body_max);
	if (add_listeners(s, now, port, err) < 0)
		return -1;
	if (listeners_exposed(&s->listeners) && !policy->credentials &&
	    !now->remote.allow_anonymous)
		return error_set(
			err, EPERM,
			"%s: other machines reach this address, and whoever calls can run "
			"commands here: set remote.password_file, or remote.allow_anonymous",
			s->host);
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s->workers = s->waiting = 1;
	return start_worker(s, err);
}

static void server_free(struct server *s)
{
	listeners_clear(&s->listeners);
	policy_box_set(&s->shared.policy, NULL);
	robot_clear(&s->robot);
	cancel_clear(&s->stop);
	gate_clear(&s->shared.long_bodies);
	own_close(&s->spare_fd);
	pthread_cond_destroy(&s->worker_ended);
	pthread_mutex_destroy(&s->mutex);
	pthread_mutex_destroy(&s->shared.policy.mutex);
	free(s->host);
	free(s);
}

static struct server *server_new(void)
{
	struct server *s = own_alloc(sizeof(*s));
	pthread_condattr_t attr;

	pthread_mutex_init(&s->mutex, NULL);
	pthread_mutex_init(&s->shared.policy.mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->worker_ended, &attr);
	pthread_condattr_destroy(&attr);
	s->stop.fd = s->robot.stopping.fd = s->shared.long_bodies.fd = s->spare_fd = -1;
	return s;
}

/* Passwords, certificate, key and limits go with the constants that name them, or none does. */
static int admit_constants(void *context, const struct constants *next, struct error *err)
{
	struct server *s = context;
	struct policy *policy;

	if (policy_load(next, s->host, &policy, err) < 0)
		return -1;
	/* A file that has vanished from the constants must not open the server. */
	if (listeners_exposed(&s->listeners) && !policy->credentials &&
	    !next->remote.allow_anonymous) {
		policy_free(policy);
		return error_set(err, EPERM,
				 "remote.password_file is gone, and other machines reach %s",
				 s->host);
	}
	rpc_start(policy->body_max);
	policy_box_set(&s->shared.policy, policy);
	return 0;
}

int server_start(const struct server_options *options, struct server **ret, struct error *err)
{
	struct server *s = server_new();
	const struct constants *now = constants_hold(options->constants);
	int rc;

	s->constants = options->constants;
	s->host = own_strdup(options->host ? options->host : now->server.host);
	s->shared.robot = &s->robot;
	rc = cancel_init(&s->stop, err);
	if (!rc)
		rc = gate_init(&s->shared.long_bodies, err);
	if (!rc)
		rc = robot_init(&s->robot, options->hostel, options->constants,
				options->request_stop, err);
	if (!rc)
		rc = set_up(s, now, options->port, err);
	constants_release(options->constants, now);
	if (rc < 0) {
		server_free(s);
		return -1;
	}
	constants_on_reload(s->constants, admit_constants, s);
	*ret = s;
	return 0;
}

int server_port(const struct server *server)
{
	return listeners_port(&server->listeners);
}

/* Idle connections end; a call's connection ends when its answer is written. */
static void end_connections(struct server *s)
{
	lock_scope(&s->mutex);

	for (struct connection *c = s->connections; c; c = c->next)
		if (c->http)
			http_stop_reading(c->http);
}

static int wait_for_workers(struct server *s, int64_t timeout_ms, struct error *err)
{
	int64_t end_ms = clock_ms() + timeout_ms;
	struct timespec end = { .tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000 };
	lock_scope(&s->mutex);

	while (s->workers)
		if (pthread_cond_timedwait(&s->worker_ended, &s->mutex, &end) == ETIMEDOUT)
			return error_set(err, ETIMEDOUT, "%d connections did not end within %.1f s",
					 s->workers, (double)timeout_ms / 1000);
	return 0;
}

int server_stop(struct server *s, struct error *err)
{
	const struct constants *now = constants_hold(s->constants);
	int64_t timeout_ms = now->remote.stop_ms;

	constants_release(s->constants, now);
	atomic_store(&s->shared.stopping, true);
	/* From now on clients are refused; systemd's sockets are not ours to shut. */
	for (size_t i = 0; i < s->listeners.count && !s->listeners.inherited; i++)
		shutdown(s->listeners.items[i].fd, SHUT_RDWR);
	cancel_throw(&s->robot.stopping);
	cancel_throw(&s->stop);
	end_connections(s);
	if (wait_for_workers(s, timeout_ms, err) < 0)
		return -1;
	if (s->one_ended)
		pthread_join(s->last_ended, NULL);
	constants_on_reload(s->constants, NULL, NULL);
	server_free(s);
	return 0;
}
