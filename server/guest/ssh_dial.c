/*
 * Reaching an SSH server: a TCP connection on which the server's banner has arrived.
 *
 * How it works: user-mode networking accepts a forwarded connection before the guest does, so
 * only the banner shows that a server is there. It is looked at and left in the socket for the
 * handshake. The socket's low-water mark makes poll() wait for more than what was seen already.
 * A patient dial opens another connection from time to time, as one that was opened before the
 * guest's network came up may take long to get through, and keeps the last few: the first
 * banner wins. The time between two grows with the time that has passed, so that it costs a
 * slow boot no more than a small part of itself.
 */
#include "guest/ssh_session.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/own.h"

/* Lines before the banner and the banner. Source: RFC 4253, section 4.2. */
#define GREETING_MAX 4096
#define SHOWN_MAX    200
#define ATTEMPTS_MAX 4
#define PACE_MIN_MS  100
#define PACE_MAX_MS  5000
/* Between two attempts passes at most this part of the time that has passed already. */
#define PACE_PART 8

/* @events: what the next step waits for. @why: the last failure, or what is waited for. */
struct attempt {
	int fd;
	bool connected;
	short events;
	struct error why;
};

static void attempt_close(struct attempt *a)
{
	own_close(&a->fd);
}

static int set_why(struct attempt *a, int code, const char *text)
{
	return error_set(&a->why, code, "%s", text);
}

static int attempt_start(struct attempt *a, const struct addrinfo *ai)
{
	int yes = 1;

	*a = (struct attempt) { .events = POLLOUT };
	set_why(a, ETIMEDOUT, "no answer to the TCP connection");
	a->fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0)
		return error_set_errno(&a->why, errno, "socket");
	setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	setsockopt(a->fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
	if (connect(a->fd, ai->ai_addr, ai->ai_addrlen) < 0 && errno != EINPROGRESS)
		return error_set_errno(&a->why, errno, "cannot connect");
	return 0;
}

static bool has_banner(const char *text)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (str_starts(line, "SSH-") && strchr(line, '\n'))
			return true;
	}
	return false;
}

static int say_received(struct attempt *a, int code, const char *what, const char *bytes, size_t n)
{
	auto_free char *shown = str_printable(bytes, n < SHOWN_MAX ? n : SHOWN_MAX);

	return error_set(&a->why, code, "%s; received: '%s'", what, shown);
}

/* 1: the banner is there, 0: not yet, -1: there will be none. */
static int look_for_banner(struct attempt *a)
{
	struct pollfd hangup = { .fd = a->fd, .events = POLLRDHUP };
	char text[GREETING_MAX + 1];
	ssize_t n = recv(a->fd, text, GREETING_MAX, MSG_PEEK);
	int enough;

	if (n < 0 && errno != EAGAIN)
		return error_set_errno(&a->why, errno, "the connection ended before an SSH banner");
	if (n == 0)
		return set_why(a, ECONNRESET, "the connection was closed before an SSH banner");
	n = n < 0 ? 0 : n;
	text[n] = '\0';
	if (has_banner(text))
		return 1;
	if (poll(&hangup, 1, 0) > 0)
		return say_received(a, ECONNRESET, "the connection was closed before an SSH banner",
				    text, (size_t)n);
	if (n == GREETING_MAX)
		return say_received(a, EPROTO, "this is no SSH server", text, (size_t)n);
	if (n)
		say_received(a, ETIMEDOUT, "connected, but no SSH banner came", text, (size_t)n);
	enough = (int)n + 1;
	setsockopt(a->fd, SOL_SOCKET, SO_RCVLOWAT, &enough, sizeof(enough));
	return 0;
}

/* One step after poll(): 1 when the banner is there, 0: go on waiting, -1: failed. */
static int attempt_step(struct attempt *a)
{
	int code = 0, one = 1, rc;
	socklen_t length = sizeof(code);

	if (!a->connected) {
		getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &code, &length);
		if (code)
			return error_set_errno(&a->why, code, "cannot connect%s",
					       code == ECONNREFUSED ? " (nothing listens there)"
								    : "");
		a->connected = true;
		a->events = POLLIN | POLLRDHUP;
		set_why(a, ETIMEDOUT, "connected, but no SSH banner came and nothing was received");
		return 0;
	}
	rc = look_for_banner(a);
	if (rc == 1)
		setsockopt(a->fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
	return rc;
}

static void free_addresses(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

/* A name is looked up without a deadline of ours; VMs are reached by number. */
static int find_addresses(const char *host, int port, struct addrinfo **ret, struct error *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	char service[16];
	int rc;

	snprintf(service, sizeof(service), "%d", port);
	rc = getaddrinfo(host, service, &hints, ret);
	if (rc)
		return error_set(err, EHOSTUNREACH, "host '%s': %s", host, gai_strerror(rc));
	return 0;
}

/* What the wait says, and what the attempt had to say last. */
static int end_of_wait(const struct attempt *a, struct error *err)
{
	if (a->why.text[0])
		error_append(err, ": %s", a->why.text);
	return -1;
}

int ssh_dial(const char *host, int port, const struct wait *w, int *ret_fd, struct error *err)
{
	auto_cleanup(free_addresses) struct addrinfo *list = NULL;
	auto_cleanup(attempt_close) struct attempt a = { .fd = -1 };
	int rc;

	if (find_addresses(host, port, &list, err) < 0)
		return -1;
	for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		attempt_close(&a);
		rc = attempt_start(&a, ai);
		while (!rc) {
			if (wait_fd(w, a.fd, a.events, err) < 0)
				return end_of_wait(&a, err);
			rc = attempt_step(&a);
		}
		if (rc > 0) {
			*ret_fd = take_fd(&a.fd);
			return 0;
		}
	}
	*err = a.why;
	return -1;
}

/* @slots: the newest attempt last. @last: what the newest ended one said. */
struct patience {
	struct attempt slots[ATTEMPTS_MAX];
	size_t count;
	const struct addrinfo *next;
	struct attempt last;
};

static void patience_clear(struct patience *p)
{
	for (size_t i = 0; i < p->count; i++)
		attempt_close(&p->slots[i]);
	p->count = 0;
}

static void drop_slot(struct patience *p, size_t i)
{
	p->last = p->slots[i];
	attempt_close(&p->slots[i]);
	p->last.fd = -1;
	memmove(&p->slots[i], &p->slots[i + 1], (p->count - i - 1) * sizeof(p->slots[0]));
	p->count--;
}

static void one_more(struct patience *p, const struct addrinfo *list)
{
	if (p->count == ATTEMPTS_MAX)
		drop_slot(p, 0);
	p->next = p->next && p->next->ai_next ? p->next->ai_next : list;
	if (attempt_start(&p->slots[p->count++], p->next) < 0)
		drop_slot(p, p->count - 1);
}

/* Until a banner is there (1), the wait ends (0, @err filled in), or no SSH answers (-1). */
static int watch(struct patience *p, const struct wait *w, int *ret_fd, struct error *err)
{
	for (;;) {
		struct pollfd fds[ATTEMPTS_MAX];

		for (size_t i = 0; i < p->count; i++)
			fds[i] = (struct pollfd) { .fd = p->slots[i].fd,
						   .events = p->slots[i].events };
		if (wait_fds(w, fds, p->count, err) < 0)
			return 0;
		for (size_t i = p->count; i-- > 0;) {
			int rc = fds[i].revents ? attempt_step(&p->slots[i]) : 0;

			if (rc > 0) {
				*ret_fd = take_fd(&p->slots[i].fd);
				return 1;
			}
			if (rc < 0)
				drop_slot(p, i);
			if (rc < 0 && p->last.why.code == EPROTO) {
				*err = p->last.why;
				return -1;
			}
		}
	}
}

static int64_t pace_ms(int64_t start_ms)
{
	int64_t pace = (clock_ms() - start_ms) / PACE_PART;

	return pace < PACE_MIN_MS ? PACE_MIN_MS : pace > PACE_MAX_MS ? PACE_MAX_MS : pace;
}

int ssh_dial_patiently(const char *host, int port, const struct wait *w, int *ret_fd,
		       struct error *err)
{
	auto_cleanup(free_addresses) struct addrinfo *list = NULL;
	auto_cleanup(patience_clear) struct patience p = { .last = { .fd = -1 } };
	int64_t start_ms = clock_ms();

	if (find_addresses(host, port, &list, err) < 0)
		return -1;
	for (;;) {
		struct wait slice = wait_within(w, pace_ms(start_ms));
		int rc;

		one_more(&p, list);
		rc = watch(&p, &slice, ret_fd, err);
		if (rc)
			return rc > 0 ? 0 : -1;
		if (err->code != ETIMEDOUT || !wait_left_ms(w))
			return end_of_wait(p.count ? &p.slots[0] : &p.last, err);
	}
}

int ssh_banner_wait(const char *host, int port, const struct wait *w, struct error *err)
{
	auto_close int fd = -1;

	if (!ssh_dial_patiently(host, port, w, &fd, err))
		return 0;
	return error_prefix(err, "waiting for the SSH banner of %s port %d", host, port);
}
