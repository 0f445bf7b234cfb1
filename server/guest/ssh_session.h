/*
 * Inside the SSH client: the session and the steps that build it. Only ssh*.c include this.
 */
#ifndef GUEST_SSH_SESSION_H
#define GUEST_SSH_SESSION_H

#include <libssh2.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/wait.h"
#include "guest/ssh.h"

/*
 * GOOD:   fit for the next operation
 * UNSURE: an operation was left in the middle; libssh2 would mix it up with the next one
 * LOST:   the peer is gone or fell silent
 */
enum ssh_state { SSH_GOOD, SSH_UNSURE, SSH_LOST };

/*
 * @greeting: the first bytes that the server sent, for a message about its algorithms
 * @password: what prompts are answered with, during the login only; borrowed
 * @heard_ms: when bytes last came, on clock_ms()'s scale
 */
struct ssh_session {
	LIBSSH2_SESSION *libssh2;
	int fd;
	enum ssh_state state;
	bool logged_in;
	struct str greeting;
	const char *password;
	int64_t heard_ms;
	int64_t silence_ms;
	int unanswered;
};

/*
 * @target: its strings are owned here
 * @fixed:  a copy has things open in the session: it must not be replaced by a new one
 */
struct ssh {
	struct ssh_target target;
	struct gate gate;
	struct ssh_session *session;
	bool fixed;
};

/* ssh_enter - be the only user of the session; ended by ssh_leave(), which drops a bad session */
int ssh_enter(struct ssh *ssh, const struct wait *w, struct error *err);
void ssh_leave(struct ssh *ssh);
/* ssh_connect - as ssh_login(), inside the gate; @ret_kept: the session was there before, and may
 * turn out to be dead; may be NULL */
int ssh_connect(struct ssh *ssh, const struct wait *w, bool *ret_kept, struct error *err);
void ssh_drop(struct ssh *ssh);
/* ssh_prefix - put who and where in front of the error; returns -1 */
int ssh_prefix(const struct ssh *ssh, struct error *err);
/* ssh_exec - as ssh_run(), inside the gate */
int ssh_exec(struct ssh *ssh, char *const *argv, const struct str *input, size_t limit,
	     const struct wait *w, struct process_result *ret, struct error *err);
/*
 * ssh_first_wait - the wait for the first answer of a session
 *
 * A kept session may be dead without our knowing: then the time for a new one must remain.
 */
struct wait ssh_first_wait(bool kept, const struct wait *w);
/* ssh_try_anew - whether the first answer failed because the kept session is dead; it is dropped */
bool ssh_try_anew(struct ssh *ssh, bool kept, const struct wait *w, const struct error *err);

/* ssh_dial - a connection on which the banner waits to be read; the caller owns it */
int ssh_dial(const char *host, int port, const struct wait *w, int *ret_fd, struct error *err);
/* ssh_dial_patiently - the same, trying again until @w ends */
int ssh_dial_patiently(const char *host, int port, const struct wait *w, int *ret_fd,
		       struct error *err);

/* ssh_session_new - handshake, host key and login on @fd, which is taken in any case */
int ssh_session_new(const struct ssh_target *target, int fd, const struct wait *w,
		    struct ssh_session **ret, struct error *err);
/* ssh_session_free - says goodbye when the session is good; never waits long; NULL is fine */
void ssh_session_free(struct ssh_session *s);
/* ssh_session_alive - nothing says that the peer has hung up */
bool ssh_session_alive(const struct ssh_session *s);
/* ssh_session_abandon - cut the connection, so that what is left can be freed without waiting */
void ssh_session_abandon(struct ssh_session *s);
/* ssh_session_wait - wait for what libssh2 waits for, keeping the session alive meanwhile */
int ssh_session_wait(struct ssh_session *s, const struct wait *w, struct error *err);
/* ssh_session_outbound - whether libssh2 holds a half-sent packet: repeat that call first */
bool ssh_session_outbound(const struct ssh_session *s);
/*
 * ssh_session_error - the error of a libssh2 call, and what it means for the session
 * @rc: what the call returned; LIBSSH2_ERROR_EAGAIN: the wait failed and @err is filled in
 *
 * Returns -1. Errors: ECONNRESET when the connection is lost; EREMOTEIO otherwise.
 */
int ssh_session_error(struct ssh_session *s, long rc, struct error *err, const char *what);

/* ssh_await - repeat a libssh2 call until it does not want to wait; LIBSSH2_ERROR_EAGAIN then means
 * that the wait failed and filled in @err */
#define ssh_await(s, w, err, call)                               \
	__extension__({                                          \
		long rc_;                                        \
		while ((rc_ = (call)) == LIBSSH2_ERROR_EAGAIN && \
		       !ssh_session_wait((s), (w), (err)))       \
			;                                        \
		rc_;                                             \
	})

/* ssh_await_ptr - the same for a call that returns a pointer, NULL for failure */
#define ssh_await_ptr(s, w, err, call)                                                     \
	__extension__({                                                                    \
		__typeof__(call) p_;                                                       \
		while (!(p_ = (call)) &&                                                   \
		       libssh2_session_last_errno((s)->libssh2) == LIBSSH2_ERROR_EAGAIN && \
		       !ssh_session_wait((s), (w), (err)))                                 \
			;                                                                  \
		p_;                                                                        \
	})

/* ssh_dispose - a call that frees something: politely on a good session, at once on another */
#define ssh_dispose(s, call)                                                                \
	do {                                                                                \
		struct wait end_ = wait_for_ms(SSH_DISPOSE_MS);                             \
		struct error ignored_;                                                      \
		if ((s)->state != SSH_GOOD ||                                               \
		    ssh_await((s), &end_, &ignored_, (call)) == LIBSSH2_ERROR_EAGAIN) {     \
			ssh_session_abandon(s);                                             \
			for (int i_ = 0; i_ < 1000 && (call) == LIBSSH2_ERROR_EAGAIN; i_++) \
				;                                                           \
		}                                                                           \
	} while (0)

/* How long ending something in order may take. */
#define SSH_DISPOSE_MS 300

/* ssh_login_session - authenticate; the error tells what was tried and refused */
int ssh_login_session(struct ssh_session *s, const struct ssh_target *t, const struct wait *w,
		      struct error *err);
/* ssh_keyagent_login - try the keys of an SSH agent; *@ret_done when one was taken, else a reason
 * is added to @reasons. -1 only when the session failed. */
int ssh_keyagent_login(struct ssh_session *s, const struct ssh_target *t, const struct wait *w,
		       bool *ret_done, struct str *reasons, struct error *err);
/* ssh_hostkey_prefer - ask for the key types that known_hosts has for the target, if any */
int ssh_hostkey_prefer(struct ssh_session *s, const struct ssh_target *t, struct error *err);
/* ssh_hostkey_check - whether the server's host key is one that the policy takes */
int ssh_hostkey_check(struct ssh_session *s, const struct ssh_target *t, struct error *err);
/* ssh_offer_mismatch - set @err and return true when @greeting shows that no algorithm is common */
bool ssh_offer_mismatch(const struct ssh_session *s, struct error *err);

/* A piece of SSH's binary format. Source: RFC 4251, section 5. */
struct ssh_wire {
	const unsigned char *bytes;
	size_t left;
};

/* ssh_wire_u32, ssh_wire_string - take one off the front; -1 when it does not fit */
int ssh_wire_u32(struct ssh_wire *wire, uint32_t *ret);
int ssh_wire_string(struct ssh_wire *wire, struct ssh_wire *ret);
void ssh_wire_add_u32(struct str *s, uint32_t n);
void ssh_wire_add_string(struct str *s, const void *bytes, size_t length);

/* ssh_text_given - neither NULL nor "" */
static inline bool ssh_text_given(const char *text)
{
	return text && *text;
}

#endif
