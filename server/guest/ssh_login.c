/*
 * Logging in: private key, SSH agent, password, each with the reason why it was refused.
 * Source: RFC 4252, RFC 4256; OpenSSH PROTOCOL.key for the look into a private key.
 */
#include "guest/ssh_session.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/own.h"
#include "value/base64.h"

#define KEY_FILE_MAX  65536
#define OPENSSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define OPENSSH_END   "-----END OPENSSH PRIVATE KEY-----"
#define OPENSSH_MAGIC "openssh-key-v1"
#define RSA_EXPLANATION                                                                            \
	"; libssh2 signs with RSA keys by SHA-1 only, which OpenSSH 8.8 and later refuse: use an " \
	"ed25519 or ecdsa key"

/* @methods: what the server allows, comma-separated. @reasons: why what was tried failed. */
struct login {
	struct ssh_session *s;
	const struct ssh_target *t;
	const struct wait *w;
	char *methods;
	struct str reasons;
	bool done;
};

static bool allows(const struct login *l, const char *method)
{
	return strstr(l->methods, method) != NULL;
}

/* What a private key's file tells without its passphrase. */
struct key_look {
	char type[64];
	bool encrypted;
};

static void look_into_openssh(const char *text, struct key_look *ret)
{
	const char *begin = text + strlen(OPENSSH_BEGIN);
	const char *end = strstr(begin, OPENSSH_END);
	struct ssh_wire wire, cipher, skipped, public_key, type;
	auto_str raw = { 0 };
	uint32_t count;

	if (!end || base64_decode(begin, (size_t)(end - begin), &raw) < 0 ||
	    raw.length < sizeof(OPENSSH_MAGIC) ||
	    memcmp(raw.text, OPENSSH_MAGIC, sizeof(OPENSSH_MAGIC)))
		return;
	wire = (struct ssh_wire) { (unsigned char *)raw.text + sizeof(OPENSSH_MAGIC),
				   raw.length - sizeof(OPENSSH_MAGIC) };
	if (ssh_wire_string(&wire, &cipher) < 0 || ssh_wire_string(&wire, &skipped) < 0 ||
	    ssh_wire_string(&wire, &skipped) < 0 || ssh_wire_u32(&wire, &count) < 0 ||
	    ssh_wire_string(&wire, &public_key) < 0 || ssh_wire_string(&public_key, &type) < 0)
		return;
	ret->encrypted = cipher.left != 4 || memcmp(cipher.bytes, "none", 4);
	if (type.left < sizeof(ret->type))
		memcpy(ret->type, type.bytes, type.left);
}

static void look_into_key(const char *text, struct key_look *ret)
{
	const char *openssh = strstr(text, OPENSSH_BEGIN);

	*ret = (struct key_look) { 0 };
	if (openssh)
		look_into_openssh(openssh, ret);
	else if (strstr(text, "-----BEGIN RSA PRIVATE KEY-----"))
		strcpy(ret->type, "ssh-rsa");
	ret->encrypted |= strstr(text, "ENCRYPTED") != NULL;
}

static void add_reason(struct login *l, const char *reason)
{
	str_addf(&l->reasons, "%s%s", l->reasons.length ? "; " : "", reason);
}

static bool is_refusal(long rc)
{
	return rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
	       rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED || rc == LIBSSH2_ERROR_PASSWORD_EXPIRED ||
	       rc == LIBSSH2_ERROR_FILE;
}

/* A refusal becomes a reason; a failure of the session is an error. */
static int outcome(struct login *l, long rc, const char *what, const char *refusal,
		   struct error *err)
{
	l->done = !rc;
	if (!rc)
		return 0;
	if (is_refusal(rc)) {
		add_reason(l, refusal);
		return 0;
	}
	ssh_session_error(l->s, rc, err, what);
	if (l->reasons.length)
		error_append(err, "; before that: %s", str_text(&l->reasons));
	return -1;
}

static int try_key(struct login *l, struct error *err)
{
	const char *path = l->t->private_key;
	auto_free char *text = NULL;
	auto_free char *refusal = NULL;
	struct key_look look;
	struct error why;
	long rc;

	if (file_read(path, KEY_FILE_MAX, &text, NULL, &why) < 0) {
		refusal = own_printf("private key: %s", why.text);
		add_reason(l, refusal);
		return 0;
	}
	look_into_key(text, &look);
	explicit_bzero(text, strlen(text));
	rc = ssh_await(l->s, l->w, err,
		       libssh2_userauth_publickey_fromfile_ex(l->s->libssh2, l->t->username,
							      (unsigned)strlen(l->t->username),
							      NULL, path, l->t->passphrase));
	if (rc == LIBSSH2_ERROR_FILE)
		refusal = own_printf("private key %s: %s", path,
				     look.encrypted && !l->t->passphrase
					     ? "it is encrypted and no passphrase was given"
				     : look.encrypted ? "the passphrase does not open it"
						      : "not a private key that libssh2 can read");
	else
		refusal = own_printf(
			"private key %s%s%s: refused%s", path, look.type[0] ? ", " : "", look.type,
			!strcmp(look.type, "ssh-rsa") ? RSA_EXPLANATION
						      : " (is it in the user's authorized_keys?)");
	return outcome(l, rc, "login by key", refusal, err);
}

static LIBSSH2_USERAUTH_KBDINT_RESPONSE_FUNC(answer_prompts)
{
	const struct ssh_session *s = *abstract;

	(void)name, (void)name_len, (void)instruction, (void)instruction_len, (void)prompts;
	for (int i = 0; i < num_prompts; i++) {
		/* libssh2 frees it. */
		responses[i].text = strdup(s->password);
		responses[i].length = (unsigned)strlen(s->password);
	}
}

static int try_password(struct login *l, struct error *err)
{
	unsigned length = (unsigned)strlen(l->t->username);
	long rc;

	if (allows(l, "password")) {
		rc = ssh_await(l->s, l->w, err,
			       libssh2_userauth_password_ex(
				       l->s->libssh2, l->t->username, length, l->t->password,
				       (unsigned)strlen(l->t->password), NULL));
		return outcome(l, rc, "login by password",
			       rc == LIBSSH2_ERROR_PASSWORD_EXPIRED
				       ? "password: expired, the server wants a new one"
				       : "password: refused (wrong user name or password)",
			       err);
	}
	if (!allows(l, "keyboard-interactive")) {
		add_reason(l, "password: the server takes none");
		return 0;
	}
	l->s->password = l->t->password;
	rc = ssh_await(l->s, l->w, err,
		       libssh2_userauth_keyboard_interactive_ex(l->s->libssh2, l->t->username,
								length, answer_prompts));
	l->s->password = NULL;
	return outcome(l, rc, "login by keyboard-interactive",
		       "password (keyboard-interactive): refused (wrong user name or password)",
		       err);
}

static int try_all(struct login *l, struct error *err)
{
	if (ssh_text_given(l->t->private_key) && try_key(l, err) < 0)
		return -1;
	if (!l->done && l->t->use_agent &&
	    ssh_keyagent_login(l->s, l->t, l->w, &l->done, &l->reasons, err) < 0)
		return -1;
	if (!l->done && ssh_text_given(l->t->password) && try_password(l, err) < 0)
		return -1;
	if (l->done)
		return 0;
	return error_set(err, EACCES, "cannot log in: %s; the server allows: %s",
			 l->reasons.length ? str_text(&l->reasons)
					   : "no key, agent or password was given",
			 l->methods);
}

int ssh_login_session(struct ssh_session *s, const struct ssh_target *t, const struct wait *w,
		      struct error *err)
{
	struct login l = { .s = s, .t = t, .w = w };
	char *methods = ssh_await_ptr(
		s, w, err,
		libssh2_userauth_list(s->libssh2, t->username, (unsigned)strlen(t->username)));
	int rc;

	if (!methods && libssh2_userauth_authenticated(s->libssh2))
		return 0;
	if (!methods)
		return ssh_session_error(s, libssh2_session_last_errno(s->libssh2), err, "login");
	l.methods = own_strdup(methods);
	rc = try_all(&l, err);
	free(l.methods);
	str_clear(&l.reasons);
	return rc;
}
