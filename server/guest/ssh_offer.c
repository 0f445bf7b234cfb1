/*
 * Why a handshake failed: the server's offer of algorithms, read from its first packet, against
 * what libssh2 has. libssh2 itself says no more than "unable to exchange encryption keys".
 * Source: RFC 4253, sections 4.2, 6 and 7.1.
 */
#include "guest/ssh_session.h"

#include <errno.h>
#include <string.h>

#define SSH_MSG_KEXINIT 20
#define COOKIE_LENGTH	16

/* The name-lists of SSH_MSG_KEXINIT in their order, as far as they must match. */
static const struct {
	const char *what;
	int method;
} lists[] = {
	{ "key exchange method", LIBSSH2_METHOD_KEX },
	{ "host key algorithm", LIBSSH2_METHOD_HOSTKEY },
	{ "cipher", LIBSSH2_METHOD_CRYPT_CS },
	{ "cipher", LIBSSH2_METHOD_CRYPT_SC },
	{ "MAC", LIBSSH2_METHOD_MAC_CS },
	{ "MAC", LIBSSH2_METHOD_MAC_SC },
	{ "compression", LIBSSH2_METHOD_COMP_CS },
	{ "compression", LIBSSH2_METHOD_COMP_SC },
};

/* The bytes behind the line that starts with "SSH-"; -1 when it is not complete. */
static int skip_banner(const struct str *greeting, struct ssh_wire *ret)
{
	const char *line = str_text(greeting);
	const char *end = line + greeting->length;

	for (;;) {
		const char *next = memchr(line, '\n', (size_t)(end - line));

		if (!next)
			return -1;
		if (str_starts(line, "SSH-")) {
			*ret = (struct ssh_wire) { .bytes = (const unsigned char *)next + 1,
						   .left = (size_t)(end - next - 1) };
			return 0;
		}
		line = next + 1;
	}
}

/* Leaves @wire at the first name-list. */
static int find_kexinit(const struct str *greeting, struct ssh_wire *wire)
{
	uint32_t length;

	/* After the packet's length stand the padding's length, the type and the cookie. */
	if (skip_banner(greeting, wire) < 0 || ssh_wire_u32(wire, &length) < 0 ||
	    wire->left < length || length < 2 + COOKIE_LENGTH || wire->bytes[1] != SSH_MSG_KEXINIT)
		return -1;
	wire->bytes += 2 + COOKIE_LENGTH;
	wire->left = length - 2 - COOKIE_LENGTH;
	return 0;
}

static bool list_has(const struct ssh_wire *list, const char *name)
{
	const char *p = (const char *)list->bytes, *end = p + list->left;
	size_t length = strlen(name);

	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *stop = comma ? comma : end;

		if ((size_t)(stop - p) == length && !memcmp(p, name, length))
			return true;
		p = stop + 1;
	}
	return false;
}

/* Whether nothing of @theirs is ours; our names are added to @ret_ours. */
static bool nothing_common(const struct ssh_session *s, int method, const struct ssh_wire *theirs,
			   struct str *ret_ours)
{
	const char **names = NULL;
	int count = libssh2_session_supported_algs(s->libssh2, method, &names);
	bool common = count <= 0;

	for (int i = 0; i < count; i++) {
		common |= list_has(theirs, names[i]);
		str_addf(ret_ours, "%s%s", i ? "," : "", names[i]);
	}
	if (names)
		libssh2_free(s->libssh2, names);
	return !common;
}

bool ssh_offer_mismatch(const struct ssh_session *s, struct error *err)
{
	struct ssh_wire wire, theirs;

	if (find_kexinit(&s->greeting, &wire) < 0)
		return false;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		auto_str ours = { 0 };

		if (ssh_wire_string(&wire, &theirs) < 0)
			return false;
		if (!nothing_common(s, lists[i].method, &theirs, &ours))
			continue;
		error_set(err, EPROTONOSUPPORT,
			  "no common %s: the server allows only %.*s; this client offers %s; "
			  "allow one of these in the server's sshd_config%s",
			  lists[i].what, (int)theirs.left, theirs.bytes, str_text(&ours),
			  lists[i].method == LIBSSH2_METHOD_HOSTKEY
				  ? " (for host keys: give it an ed25519 key)"
				  : "");
		return true;
	}
	return false;
}
