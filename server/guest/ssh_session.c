/*
 * One SSH session: its life from the handshake to the goodbye, and waiting for its peer.
 *
 * How it works: libssh2 runs non-blocking. A call that returns LIBSSH2_ERROR_EAGAIN is repeated
 * when the socket is ready (ssh_await), so every wait has our deadline and can be cancelled. A
 * call that is given up leaves libssh2 in the middle of something, so the session is UNSURE and
 * must not be used again. While an answer is due and nothing comes, keepalives go out that the
 * peer has to answer; one that stays silent for the target's time is LOST.
 */
#include "guest/ssh_session.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "base/own.h"

/* Enough for the banner and SSH_MSG_KEXINIT. */
#define GREETING_MAX 8192
/* A silence is divided into as many parts, with a keepalive at the end of each but the last. */
#define SILENCE_PARTS 3

/* libssh2's receive function; -errno for an error. */
static LIBSSH2_RECV_FUNC(receive)
{
	struct ssh_session *s = *abstract;
	ssize_t n = recv(socket, buffer, length, flags);
	size_t room = GREETING_MAX - s->greeting.length;

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (n > 0) {
		s->heard_ms = clock_ms();
		s->unanswered = 0;
		if (!s->logged_in && room)
			str_add(&s->greeting, buffer, (size_t)n < room ? (size_t)n : room);
	}
	return n;
}

static int fell_silent(struct ssh_session *s, struct error *err)
{
	s->state = SSH_LOST;
	return error_set(err, ECONNRESET,
			 "the peer has been silent for %lld ms (%d keepalives unanswered)",
			 (long long)(clock_ms() - s->heard_ms), s->unanswered);
}

bool ssh_session_outbound(const struct ssh_session *s)
{
	return libssh2_session_block_directions(s->libssh2) & LIBSSH2_SESSION_BLOCK_OUTBOUND;
}

static int keep_alive(struct ssh_session *s, struct error *err)
{
	int next;

	if (clock_ms() - s->heard_ms >= s->silence_ms)
		return fell_silent(s, err);
	/* A half-sent packet must be finished before another one may start. */
	if (ssh_session_outbound(s))
		return 0;
	libssh2_keepalive_config(s->libssh2, 1, 1);
	if (libssh2_keepalive_send(s->libssh2, &next) < 0)
		return ssh_session_error(s, LIBSSH2_ERROR_SOCKET_SEND, err, "keepalive");
	s->unanswered++;
	return 0;
}

/* Until the next keepalive is due, or the silence has lasted long enough. */
static struct wait quiet_wait(const struct ssh_session *s, const struct wait *w)
{
	int64_t part = s->silence_ms / SILENCE_PARTS;
	int64_t due = s->heard_ms + part * (s->unanswered + 1);
	int64_t last = s->heard_ms + s->silence_ms;
	int64_t left = (due < last ? due : last) - clock_ms();

	return wait_within(w, left > 0 ? left : 0);
}

int ssh_session_wait(struct ssh_session *s, const struct wait *w, struct error *err)
{
	for (;;) {
		struct wait slice = s->logged_in ? quiet_wait(s, w) : *w;
		int directions = libssh2_session_block_directions(s->libssh2);
		short events = 0;

		if (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND)
			events |= POLLOUT;
		if (directions & LIBSSH2_SESSION_BLOCK_INBOUND || !events)
			events |= POLLIN;
		if (!wait_fd(&slice, s->fd, events, err))
			return 0;
		if (err->code != ETIMEDOUT || !wait_left_ms(w))
			return -1;
		if (keep_alive(s, err) < 0)
			return -1;
	}
}

static bool is_loss(long rc)
{
	static const long losses[] = {
		LIBSSH2_ERROR_SOCKET_NONE, LIBSSH2_ERROR_SOCKET_SEND,
		LIBSSH2_ERROR_SOCKET_RECV, LIBSSH2_ERROR_SOCKET_DISCONNECT,
		LIBSSH2_ERROR_BAD_SOCKET,  LIBSSH2_ERROR_INVALID_MAC,
		LIBSSH2_ERROR_DECRYPT,	   LIBSSH2_ERROR_PROTO,
	};

	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		if (rc == losses[i])
			return true;
	return false;
}

int ssh_session_error(struct ssh_session *s, long rc, struct error *err, const char *what)
{
	char *text = NULL;

	if (rc == LIBSSH2_ERROR_EAGAIN) {
		if (s->state == SSH_GOOD)
			s->state = SSH_UNSURE;
		return error_prefix(err, "%s", what);
	}
	libssh2_session_last_error(s->libssh2, &text, NULL, 0);
	/* Some functions of libssh2 replace the reason for their failure by their own. */
	if (!is_loss(rc) && ssh_session_alive(s))
		return error_set(err, EREMOTEIO, "%s: %s (libssh2 error %ld)", what,
				 ssh_text_given(text) ? text : "no reason given", rc);
	s->state = SSH_LOST;
	return error_set(err, ECONNRESET, "%s: the connection was lost (%s)", what,
			 ssh_text_given(text) ? text : "no reason given");
}

static int handshake(struct ssh_session *s, const struct wait *w, struct error *err)
{
	long rc = ssh_await(s, w, err, libssh2_session_handshake(s->libssh2, s->fd));

	if (!rc)
		return 0;
	/* A server that finds nothing in common may hang up before we see the same. */
	if (rc != LIBSSH2_ERROR_EAGAIN && ssh_offer_mismatch(s, err))
		return -1;
	return ssh_session_error(s, rc, err, "SSH handshake");
}

static struct ssh_session *session_alloc(const struct ssh_target *target, int fd)
{
	struct ssh_session *s = own_alloc(sizeof(*s));

	*s = (struct ssh_session) { .fd = fd, .heard_ms = clock_ms() };
	s->silence_ms =
		target->silence_timeout_ms ? target->silence_timeout_ms : SSH_SILENCE_MS_DEFAULT;
	if (s->silence_ms < SSH_SILENCE_MS_MIN)
		s->silence_ms = SSH_SILENCE_MS_MIN;
	return s;
}

static int session_build(struct ssh_session *s, const struct ssh_target *target,
			 const struct wait *w, struct error *err)
{
	unsigned int user_timeout_ms = (unsigned int)s->silence_ms;

	s->libssh2 = libssh2_session_init_ex(NULL, NULL, NULL, s);
	if (!s->libssh2)
		return error_set(err, ENOMEM, "libssh2: no memory for a session");
	setsockopt(s->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout_ms, sizeof(user_timeout_ms));
	libssh2_session_set_blocking(s->libssh2, 0);
	libssh2_session_callback_set(s->libssh2, LIBSSH2_CALLBACK_RECV, (void *)receive);
	if (ssh_hostkey_prefer(s, target, err) < 0 || handshake(s, w, err) < 0 ||
	    ssh_hostkey_check(s, target, err) < 0 || ssh_login_session(s, target, w, err) < 0)
		return -1;
	s->logged_in = true;
	str_clear(&s->greeting);
	return 0;
}

int ssh_session_new(const struct ssh_target *target, int fd, const struct wait *w,
		    struct ssh_session **ret, struct error *err)
{
	struct ssh_session *s = session_alloc(target, fd);

	if (session_build(s, target, w, err) < 0) {
		ssh_session_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

bool ssh_session_alive(const struct ssh_session *s)
{
	struct pollfd one = { .fd = s->fd, .events = POLLRDHUP };

	return s->state == SSH_GOOD && !poll(&one, 1, 0);
}

void ssh_session_abandon(struct ssh_session *s)
{
	if (s->state == SSH_GOOD)
		s->state = SSH_UNSURE;
	shutdown(s->fd, SHUT_RDWR);
}

void ssh_session_free(struct ssh_session *s)
{
	if (!s)
		return;
	if (s->libssh2 && s->logged_in && s->state == SSH_GOOD)
		libssh2_session_disconnect(s->libssh2, "done");
	if (s->libssh2) {
		ssh_session_abandon(s);
		ssh_dispose(s, libssh2_session_free(s->libssh2));
	}
	close(s->fd);
	str_clear(&s->greeting);
	free(s);
}
