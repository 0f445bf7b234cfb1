/*
 * Keys held by an SSH agent. libssh2's own agent client blocks without a deadline while the agent
 * asks its user, so the two messages that are needed are exchanged here.
 * Source: draft-miller-ssh-agent, sections 3.5 and 3.6.
 */
#include "guest/ssh_session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/own.h"

#define REQUEST_IDENTITIES 11
#define IDENTITIES_ANSWER  12
#define SIGN_REQUEST	   13
#define SIGN_RESPONSE	   14
/* As OpenSSH's own limit for a message. */
#define MESSAGE_MAX (256 * 1024)
/* Servers drop a connection after a few refused keys. */
#define KEYS_MAX 5

/* @key: the public key that is being tried. @err: what signing ran into. */
struct keyagent {
	int fd;
	const struct wait *w;
	struct ssh_wire key;
	struct error err;
};

static int agent_connect(struct keyagent *a, const char *path, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, ENAMETOOLONG, "socket path %s is too long", path);
	strcpy(address.sun_path, path);
	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0 || connect(a->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set_errno(err, errno, "cannot reach %s", path);
	return 0;
}

static int read_all(struct keyagent *a, char *buffer, size_t length, struct error *err)
{
	while (length) {
		size_t n;

		if (wait_read(a->w, a->fd, buffer, length, &n, err) < 0)
			return -1;
		if (!n)
			return error_set(err, ECONNRESET, "it closed the connection");
		buffer += n;
		length -= n;
	}
	return 0;
}

/* Sends @body and reads the answer, which must be of type @type, without that type. */
static int ask(struct keyagent *a, const struct str *body, int type, struct str *ret,
	       struct error *err)
{
	auto_str message = { 0 };
	auto_free char *answer = NULL;
	unsigned char head[4];
	struct ssh_wire wire = { head, sizeof(head) };
	uint32_t length = 0;

	ssh_wire_add_string(&message, body->text, body->length);
	if (wait_write(a->w, a->fd, message.text, message.length, err) < 0 ||
	    read_all(a, (char *)head, sizeof(head), err) < 0)
		return -1;
	ssh_wire_u32(&wire, &length);
	if (length < 1 || length > MESSAGE_MAX)
		return error_set(err, EPROTO, "its answer has an impossible length");
	answer = own_alloc(length);
	if (read_all(a, answer, length, err) < 0)
		return -1;
	if (answer[0] != type)
		return error_set(err, EACCES, "it refused (answer %d)", answer[0]);
	str_add(ret, answer + 1, length - 1);
	return 0;
}

/* libssh2 wants the signature without the name of its kind, and frees it. */
static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(sign)
{
	struct keyagent *a = *abstract;
	auto_str body = { 0 };
	auto_str answer = { 0 };
	struct ssh_wire wire, whole, kind, signature;

	(void)session;
	str_add(&body, (char[]) { SIGN_REQUEST }, 1);
	ssh_wire_add_string(&body, a->key.bytes, a->key.left);
	ssh_wire_add_string(&body, data, data_len);
	ssh_wire_add_u32(&body, 0);
	if (ask(a, &body, SIGN_RESPONSE, &answer, &a->err) < 0)
		return -1;
	wire = (struct ssh_wire) { (unsigned char *)answer.text, answer.length };
	if (ssh_wire_string(&wire, &whole) < 0 || ssh_wire_string(&whole, &kind) < 0 ||
	    ssh_wire_string(&whole, &signature) < 0)
		return error_set(&a->err, EPROTO, "its signature is malformed");
	*sig = malloc(signature.left + 1);
	if (!*sig)
		return -1;
	memcpy(*sig, signature.bytes, signature.left);
	*sig_len = signature.left;
	return 0;
}

static int try_keys(struct keyagent *a, struct ssh_session *s, const struct ssh_target *t,
		    const struct str *list, bool *ret_done, struct str *reasons, struct error *err)
{
	struct ssh_wire wire = { (unsigned char *)list->text, list->length }, comment;
	void *abstract = a;
	uint32_t count = 0, tried = 0;
	long rc;

	if (ssh_wire_u32(&wire, &count) < 0)
		count = 0;
	for (; tried < count && tried < KEYS_MAX; tried++) {
		if (ssh_wire_string(&wire, &a->key) < 0 || ssh_wire_string(&wire, &comment) < 0)
			break;
		rc = ssh_await(s, a->w, err,
			       libssh2_userauth_publickey(s->libssh2, t->username, a->key.bytes,
							  a->key.left, sign, &abstract));
		*ret_done = !rc;
		if (!rc)
			return 0;
		if (a->err.code == ETIMEDOUT || a->err.code == ECANCELED)
			*err = a->err;
		if (a->err.code == ETIMEDOUT || a->err.code == ECANCELED ||
		    rc == LIBSSH2_ERROR_EAGAIN)
			return ssh_session_error(s, LIBSSH2_ERROR_EAGAIN, err, "login by agent");
		ssh_session_error(s, rc, err, "login by agent");
		if (s->state != SSH_GOOD)
			return -1;
	}
	str_addf(reasons, "%sagent: %u of its %u keys tried, all refused%s%s",
		 reasons->length ? "; " : "", tried, count, a->err.text[0] ? ": " : "",
		 a->err.text);
	return 0;
}

int ssh_keyagent_login(struct ssh_session *s, const struct ssh_target *t, const struct wait *w,
		       bool *ret_done, struct str *reasons, struct error *err)
{
	const char *path =
		ssh_text_given(t->agent_socket) ? t->agent_socket : getenv("SSH_AUTH_SOCK");
	struct keyagent a = { .fd = -1, .w = w };
	auto_str body = { 0 };
	auto_str list = { 0 };
	struct error why = { 0 };
	int rc = 0;

	str_add(&body, (char[]) { REQUEST_IDENTITIES }, 1);
	if (!path)
		error_set(&why, ENOENT, "SSH_AUTH_SOCK is not set");
	else if (!agent_connect(&a, path, &why) && !ask(&a, &body, IDENTITIES_ANSWER, &list, &why))
		rc = try_keys(&a, s, t, &list, ret_done, reasons, err);
	own_close(&a.fd);
	if (why.code == ETIMEDOUT || why.code == ECANCELED) {
		*err = why;
		return ssh_session_error(s, LIBSSH2_ERROR_EAGAIN, err, "asking the SSH agent");
	}
	if (why.code)
		str_addf(reasons, "%sagent: %s", reasons->length ? "; " : "", why.text);
	return rc;
}
