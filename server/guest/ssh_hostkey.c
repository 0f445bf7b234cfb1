/*
 * Host keys: the key that a server shows against a pinned fingerprint or a known_hosts file.
 *
 * How it works: the file is read here, line by line, because libssh2 gives up the whole file at
 * its first bad line and does not know markers. libssh2 only says whether a line's hosts, which
 * may be hashed, mean our host. Wildcards are not understood. Source: sshd(8), SSH_KNOWN_HOSTS.
 */
#include "guest/ssh_session.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"
#include "value/base64.h"

#define KNOWN_HOSTS_MAX (4 * 1024 * 1024)
/* Any key in base64: only the host names of a line are asked for. */
#define SOME_KEY      "AAAAB3NzaC1yc2EAAAADAQABAAAA"
#define SHA256_LENGTH 32

/* One line of known_hosts; the strings point into the line. */
struct entry {
	bool revoked;
	char *hosts;
	char *type;
	char *key;
	int line;
};

/* What the file says about our host. @line: of the first key that is not the server's. */
struct finding {
	bool match;
	int revoked_line;
	int other_line;
	char *other_key;
	struct strv types;
};

static void finding_clear(struct finding *f)
{
	free(f->other_key);
	strv_clear(&f->types);
}

/* As it stands in known_hosts: the port only when it is not 22. */
static char *host_name(const struct ssh_target *t)
{
	return t->port == 22 ? own_strdup(t->host) : own_printf("[%s]:%d", t->host, t->port);
}

static bool split_line(char *line, struct entry *e)
{
	char *rest = NULL;
	char *word = strtok_r(line, " \t\r", &rest);

	if (!word || *word == '#')
		return false;
	e->revoked = !strcmp(word, "@revoked");
	if (*word == '@' && !e->revoked)
		return false;
	e->hosts = e->revoked ? strtok_r(NULL, " \t\r", &rest) : word;
	e->type = strtok_r(NULL, " \t\r", &rest);
	e->key = strtok_r(NULL, " \t\r", &rest);
	return e->key != NULL;
}

static bool names_host(LIBSSH2_SESSION *libssh2, const struct entry *e, const char *host)
{
	LIBSSH2_KNOWNHOSTS *one = libssh2_knownhost_init(libssh2);
	auto_free char *line = own_printf("%s ssh-rsa " SOME_KEY "\n", e->hosts);
	int rc = LIBSSH2_KNOWNHOST_CHECK_NOTFOUND;

	if (!one)
		return false;
	if (!libssh2_knownhost_readline(one, line, strlen(line), LIBSSH2_KNOWNHOST_FILE_OPENSSH))
		rc = libssh2_knownhost_checkp(
			one, host, -1, SOME_KEY, strlen(SOME_KEY),
			LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_BASE64, NULL);
	libssh2_knownhost_free(one);
	return rc == LIBSSH2_KNOWNHOST_CHECK_MATCH || rc == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
}

static void note_entry(const struct entry *e, const char *key, struct finding *f)
{
	bool same = str_equal(e->key, key);

	if (e->revoked) {
		if (same)
			f->revoked_line = e->line;
		return;
	}
	strv_add(&f->types, e->type);
	f->match |= same;
	if (!same && !f->other_key) {
		f->other_key = own_strdup(e->key);
		f->other_line = e->line;
	}
}

/* @key: the server's in base64, or NULL before it is known. A file that is not there is empty. */
static int search_file(struct ssh_session *s, const struct ssh_target *t, const char *key,
		       struct finding *f, struct error *err)
{
	auto_free char *host = host_name(t);
	auto_free char *text = NULL;
	char *next, *line;
	int number = 0;

	if (file_read(t->known_hosts, KNOWN_HOSTS_MAX, &text, NULL, err) < 0)
		return err && err->code == ENOENT ? 0 : error_prefix(err, "known_hosts file");
	next = text;
	while ((line = strsep(&next, "\n"))) {
		struct entry e = { .line = ++number };

		if (split_line(line, &e) && names_host(s->libssh2, &e, host))
			note_entry(&e, key, f);
	}
	return 0;
}

/* "SHA256:..." of a key in base64, as ssh-keygen -l prints it. */
static char *fingerprint_of(const unsigned char *hash)
{
	auto_str encoded = { 0 };

	base64_encode(hash, SHA256_LENGTH, &encoded);
	encoded.text[strcspn(encoded.text, "=")] = '\0';
	return own_printf("SHA256:%s", encoded.text);
}

static char *server_fingerprint(struct ssh_session *s)
{
	const char *hash = libssh2_hostkey_hash(s->libssh2, LIBSSH2_HOSTKEY_HASH_SHA256);

	return hash ? fingerprint_of((const unsigned char *)hash) : own_strdup("unknown");
}

static char *known_fingerprint(const char *key)
{
	unsigned char hash[SHA256_LENGTH];
	auto_str raw = { 0 };

	if (base64_decode(key, strlen(key), &raw) < 0 ||
	    gnutls_hash_fast(GNUTLS_DIG_SHA256, raw.text, raw.length, hash) < 0)
		return own_strdup("unreadable");
	return fingerprint_of(hash);
}

/* The name of the key's type, which is the first string of the key itself. */
static char *type_of(const char *key, size_t length)
{
	struct ssh_wire wire = { .bytes = (const unsigned char *)key, .left = length }, type;

	if (ssh_wire_string(&wire, &type) < 0)
		return own_strdup("unknown");
	return own_strndup((const char *)type.bytes, type.left);
}

static int accept_new(const struct ssh_target *t, const char *type, const char *key,
		      struct error *err)
{
	auto_free char *host = host_name(t);
	auto_free char *line = own_printf("%s %s %s\n", host, type, key);
	auto_close int fd = open(t->known_hosts, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	struct stat st;
	char last = '\n';

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "cannot keep the host key in %s",
				       t->known_hosts);
	/* The last line of a file that somebody edited may lack its end. */
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n' &&
	    write(fd, "\n", 1) < 0)
		return error_set_errno(err, errno, "cannot write %s", t->known_hosts);
	if (write(fd, line, strlen(line)) != (ssize_t)strlen(line))
		return error_set_errno(err, errno, "cannot write %s", t->known_hosts);
	return 0;
}

static int refuse_changed(const struct ssh_target *t, const struct finding *f, const char *type,
			  const char *shown, struct error *err)
{
	auto_free char *host = host_name(t);
	auto_free char *known = known_fingerprint(f->other_key);

	return error_set(err, EKEYREJECTED,
			 "the host key has changed: the server shows %s %s, but %s line %d has "
			 "%s %s; if the server was set up anew, remove the old key: ssh-keygen -f "
			 "%s -R '%s'",
			 type, shown, t->known_hosts, f->other_line, f->types.items[0], known,
			 t->known_hosts, host);
}

static int check_file(struct ssh_session *s, const struct ssh_target *t, const char *type,
		      const char *key, const char *shown, struct error *err)
{
	auto_cleanup(finding_clear) struct finding f = { 0 };

	if (search_file(s, t, key, &f, err) < 0)
		return -1;
	if (f.revoked_line)
		return error_set(err, EKEYREJECTED, "the host key %s %s is revoked in %s line %d",
				 type, shown, t->known_hosts, f.revoked_line);
	if (f.match)
		return 0;
	if (f.other_key)
		return refuse_changed(t, &f, type, shown, err);
	if (t->host_key_policy == SSH_HOST_KEY_ACCEPT_NEW)
		return accept_new(t, type, key, err);
	return error_set(err, EKEYREJECTED,
			 "the host key %s %s is not in %s; when it is the right one, add it: "
			 "ssh-keyscan -p %d %s >> %s",
			 type, shown, t->known_hosts, t->port, t->host, t->known_hosts);
}

int ssh_hostkey_check(struct ssh_session *s, const struct ssh_target *t, struct error *err)
{
	size_t length = 0;
	int kind;
	const char *raw = libssh2_session_hostkey(s->libssh2, &length, &kind);
	auto_free char *shown = server_fingerprint(s);
	auto_free char *type = NULL;
	auto_str key = { 0 };

	if (!raw)
		return error_set(err, EKEYREJECTED, "the server shows no host key");
	type = type_of(raw, length);
	base64_encode(raw, length, &key);
	if (t->host_key_policy != SSH_HOST_KEY_PINNED)
		return check_file(s, t, type, str_text(&key), shown, err);
	if (!strcmp(shown, t->fingerprint))
		return 0;
	return error_set(err, EKEYREJECTED, "the server shows the host key %s %s, but %s is pinned",
			 type, shown, t->fingerprint);
}

int ssh_hostkey_prefer(struct ssh_session *s, const struct ssh_target *t, struct error *err)
{
	auto_cleanup(finding_clear) struct finding f = { 0 };
	const char **names = NULL;
	auto_str list = { 0 };
	int count;

	if (t->host_key_policy == SSH_HOST_KEY_PINNED)
		return 0;
	if (search_file(s, t, NULL, &f, err) < 0)
		return -1;
	count = libssh2_session_supported_algs(s->libssh2, LIBSSH2_METHOD_HOSTKEY, &names);
	for (size_t i = 0; i < f.types.count; i++)
		str_addf(&list, "%s,", f.types.items[i]);
	for (int i = 0; i < count; i++)
		str_addf(&list, "%s,", names[i]);
	if (names)
		libssh2_free(s->libssh2, names);
	if (f.types.count && list.length) {
		list.text[--list.length] = '\0';
		/* Types that libssh2 does not have are left out by it. */
		libssh2_session_method_pref(s->libssh2, LIBSSH2_METHOD_HOSTKEY, list.text);
	}
	return 0;
}
