/*
 * The kept SSH session of a target: opened by the first use, shared through a gate, renewed when
 * it died.
 */
#include "guest/ssh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "guest/ssh_session.h"

/* Before a connection that broke during the login is tried again. */
#define RETRY_MS 100
/* What a living peer may take to answer the first message on a kept session. */
#define FIRST_ANSWER_MS 5000

static pthread_once_t init_once = PTHREAD_ONCE_INIT;
static int init_rc;

static void init_libssh2(void)
{
	init_rc = libssh2_init(0);
}

int ssh_init(struct error *err)
{
	pthread_once(&init_once, init_libssh2);
	if (init_rc)
		return error_set(err, EIO, "libssh2 cannot start (error %d)", init_rc);
	return 0;
}

static int check_target(const struct ssh_target *t, struct error *err)
{
	if (!ssh_text_given(t->host) || !ssh_text_given(t->username))
		return error_set(err, EINVAL, "SSH: host and user name must be given");
	if (t->port < 1 || t->port > 65535)
		return error_set(err, EINVAL, "SSH: port %d: expected 1 to 65535", t->port);
	if (t->host_key_policy != SSH_HOST_KEY_PINNED && !ssh_text_given(t->known_hosts))
		return error_set(err, EINVAL, "SSH: the host keys need a known_hosts file");
	if (t->host_key_policy == SSH_HOST_KEY_PINNED &&
	    (!t->fingerprint || !str_starts(t->fingerprint, "SHA256:")))
		return error_set(err, EINVAL,
				 "SSH: pinned fingerprint '%s': expected SHA256:... as ssh-keygen "
				 "-l prints it",
				 t->fingerprint ? t->fingerprint : "");
	return 0;
}

static const char *copy_text(const char *text)
{
	return ssh_text_given(text) ? own_strdup(text) : NULL;
}

static void wipe_text(const char *text)
{
	if (text)
		explicit_bzero((char *)text, strlen(text));
	free((char *)text);
}

int ssh_new(const struct ssh_target *target, struct ssh **ret, struct error *err)
{
	struct ssh *ssh;

	if (ssh_init(err) < 0 || check_target(target, err) < 0)
		return -1;
	ssh = own_alloc(sizeof(*ssh));
	*ssh = (struct ssh) { .target = *target, .gate = { .fd = -1 } };
	ssh->target.host = copy_text(target->host);
	ssh->target.username = copy_text(target->username);
	ssh->target.password = copy_text(target->password);
	ssh->target.private_key = copy_text(target->private_key);
	ssh->target.passphrase = copy_text(target->passphrase);
	ssh->target.agent_socket = copy_text(target->agent_socket);
	ssh->target.fingerprint = copy_text(target->fingerprint);
	ssh->target.known_hosts = copy_text(target->known_hosts);
	if (!ssh->target.connect_timeout_ms)
		ssh->target.connect_timeout_ms = SSH_CONNECT_MS_DEFAULT;
	if (gate_init(&ssh->gate, err) < 0) {
		ssh_free(ssh);
		return -1;
	}
	*ret = ssh;
	return 0;
}

void ssh_free(struct ssh *ssh)
{
	if (!ssh)
		return;
	ssh_drop(ssh);
	gate_clear(&ssh->gate);
	wipe_text(ssh->target.host);
	wipe_text(ssh->target.username);
	wipe_text(ssh->target.password);
	wipe_text(ssh->target.private_key);
	wipe_text(ssh->target.passphrase);
	wipe_text(ssh->target.agent_socket);
	wipe_text(ssh->target.fingerprint);
	wipe_text(ssh->target.known_hosts);
	free(ssh);
}

int ssh_prefix(const struct ssh *ssh, struct error *err)
{
	return error_prefix(err, "SSH %s@%s port %d", ssh->target.username, ssh->target.host,
			    ssh->target.port);
}

void ssh_drop(struct ssh *ssh)
{
	ssh_session_free(ssh->session);
	ssh->session = NULL;
}

int ssh_enter(struct ssh *ssh, const struct wait *w, struct error *err)
{
	if (gate_enter(&ssh->gate, w, err) < 0)
		return error_prefix(err, "waiting for another user of the session");
	return 0;
}

void ssh_leave(struct ssh *ssh)
{
	if (ssh->session && ssh->session->state != SSH_GOOD)
		ssh_drop(ssh);
	gate_leave(&ssh->gate);
}

int ssh_connect(struct ssh *ssh, const struct wait *w, bool *ret_kept, struct error *err)
{
	struct wait within = wait_within(w, ssh->target.connect_timeout_ms);
	int fd;

	if (ssh->fixed && !ssh_session_alive(ssh->session)) {
		ssh->session->state = SSH_LOST;
		return error_set(err, ECONNRESET, "the connection was lost");
	}
	if (ssh->session && !ssh_session_alive(ssh->session))
		ssh_drop(ssh);
	if (ret_kept)
		*ret_kept = ssh->session != NULL;
	if (ssh->session) {
		/* What nobody asked for while the session was idle is no silence. */
		ssh->session->heard_ms = clock_ms();
		ssh->session->unanswered = 0;
		return 0;
	}
	if (ssh_dial(ssh->target.host, ssh->target.port, &within, &fd, err) < 0)
		return -1;
	return ssh_session_new(&ssh->target, fd, &within, &ssh->session, err);
}

struct wait ssh_first_wait(bool kept, const struct wait *w)
{
	int64_t half = wait_left_ms(w) / 2;

	return kept ? wait_within(w, half < FIRST_ANSWER_MS ? half : FIRST_ANSWER_MS) : *w;
}

bool ssh_try_anew(struct ssh *ssh, bool kept, const struct wait *w, const struct error *err)
{
	bool dead =
		ssh->session->state == SSH_LOST || (err->code == ETIMEDOUT && wait_left_ms(w) > 0);

	if (!kept || !dead || ssh->fixed)
		return false;
	ssh_drop(ssh);
	return true;
}

int ssh_login(struct ssh *ssh, const struct wait *w, struct error *err)
{
	int rc;

	if (ssh_enter(ssh, w, err) < 0)
		return ssh_prefix(ssh, err);
	rc = ssh_connect(ssh, w, NULL, err);
	ssh_leave(ssh);
	return rc < 0 ? ssh_prefix(ssh, err) : 0;
}

static int connect_patiently(struct ssh *ssh, const struct wait *w, struct error *err)
{
	struct wait within;
	int fd;

	if (ssh->session && ssh_session_alive(ssh->session))
		return 0;
	ssh_drop(ssh);
	if (ssh_dial_patiently(ssh->target.host, ssh->target.port, w, &fd, err) < 0)
		return -1;
	within = wait_within(w, ssh->target.connect_timeout_ms);
	return ssh_session_new(&ssh->target, fd, &within, &ssh->session, err);
}

int ssh_wait_login(struct ssh *ssh, const struct wait *w, struct error *err)
{
	int rc;

	if (ssh_enter(ssh, w, err) < 0)
		return ssh_prefix(ssh, err);
	do
		rc = connect_patiently(ssh, w, err);
	/* A server that is starting, or a guest that goes down, may drop a connection. */
	while (rc < 0 && err->code == ECONNRESET && !wait_pause(w, RETRY_MS, err));
	ssh_leave(ssh);
	return rc < 0 ? ssh_prefix(ssh, err) : 0;
}

int ssh_close(struct ssh *ssh, const struct wait *w, struct error *err)
{
	if (ssh_enter(ssh, w, err) < 0)
		return ssh_prefix(ssh, err);
	ssh_drop(ssh);
	ssh_leave(ssh);
	return 0;
}
