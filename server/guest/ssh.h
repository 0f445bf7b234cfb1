/*
 * SSH into a VM: one kept session to one host and port, commands and files over it.
 * Every @err must be given: its code decides what is tried next.
 * Source: RFC 4251 to 4254; draft-ietf-secsh-filexfer-02 for SFTP version 3.
 */
#ifndef GUEST_SSH_H
#define GUEST_SSH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/process.h"
#include "base/wait.h"
#include "guest/copy.h"

/* What ssh_target leaves at 0. */
#define SSH_CONNECT_MS_DEFAULT 15000
#define SSH_SILENCE_MS_DEFAULT 15000
/* The shortest silence that can be told from a quiet program: libssh2 sends keepalives no closer
 * than two seconds. */
#define SSH_SILENCE_MS_MIN 6000

/*
 * Which host keys are taken.
 * SSH_HOST_KEY_ACCEPT_NEW:  the first one seen is written to the known_hosts file, then as below
 * SSH_HOST_KEY_KNOWN_HOSTS: those that stand in the known_hosts file
 * SSH_HOST_KEY_PINNED:      the one with this fingerprint
 */
enum ssh_host_key_policy {
	SSH_HOST_KEY_ACCEPT_NEW,
	SSH_HOST_KEY_KNOWN_HOSTS,
	SSH_HOST_KEY_PINNED,
};

/*
 * Where and how to log in. Of the three ways those that are given are tried in the order key,
 * agent, password. NULL and "" are the same everywhere.
 *
 * @private_key:        path of a private key in OpenSSH's or PEM format; @passphrase opens it
 * @use_agent:          ask an SSH agent, at @agent_socket or at $SSH_AUTH_SOCK
 * @fingerprint:        as ssh-keygen -l prints it: "SHA256:" and 43 characters
 * @known_hosts:        path of the file, made 0600 when a key is accepted
 * @connect_timeout_ms: longest time for the connection, the handshake and the login; 0: default
 * @silence_timeout_ms: a peer silent for so long while something is expected of it is dead, also
 *                      when it leaves keepalives unanswered; 0: default; less than
 *                      SSH_SILENCE_MS_MIN counts as that
 */
struct ssh_target {
	const char *host;
	int port;
	const char *username;
	const char *password;
	const char *private_key;
	const char *passphrase;
	bool use_agent;
	const char *agent_socket;
	enum ssh_host_key_policy host_key_policy;
	const char *fingerprint;
	const char *known_hosts;
	int connect_timeout_ms;
	int silence_timeout_ms;
};

struct ssh;

/*
 * ssh_init - prepare libssh2; once, before other threads run
 *
 * Errors: ENOMEM, EIO when libssh2 or its cryptography cannot start.
 */
int ssh_init(struct error *err);

/*
 * ssh_new - a session that is opened by the first use
 * @target: borrowed and copied
 *
 * Safe to use from several threads: one call at a time uses the session, others queue with their
 * own deadlines. A session that died while nobody used it is replaced by a new one unnoticed.
 * Errors: EINVAL for a target without host, port, user or the policy's file or fingerprint.
 */
int ssh_new(const struct ssh_target *target, struct ssh **ret, struct error *err);
/* ssh_free - nobody may use it any more; NULL is fine */
void ssh_free(struct ssh *ssh);
/* ssh_close - end the session now; the next use opens a new one. Bounded by a second. */
int ssh_close(struct ssh *ssh, const struct wait *w, struct error *err);

/*
 * ssh_login - have a live session: connect and log in unless there is one
 *
 * Errors: ECONNREFUSED and the like when nothing listens; EPROTO when it is no SSH server;
 * EPROTONOSUPPORT when no algorithm is common, both sides' lists in the text; EKEYREJECTED for a
 * host key that is unknown, changed or revoked; EACCES when every way to log in was refused, each
 * with its reason; ETIMEDOUT with the stage reached; ECANCELED.
 */
int ssh_login(struct ssh *ssh, const struct wait *w, struct error *err);
/* ssh_wait_login - as ssh_login(), but waits, up to @w, for a server that is still to come */
int ssh_wait_login(struct ssh *ssh, const struct wait *w, struct error *err);
/*
 * ssh_banner_wait - wait until an SSH server answers with its banner
 *
 * A forwarded port takes connections before the guest does, so only the banner tells.
 * Errors: ETIMEDOUT with what happened instead and what was received; ECANCELED; EPROTO when
 * something else than SSH answers.
 */
int ssh_banner_wait(const char *host, int port, const struct wait *w, struct error *err);

/*
 * ssh_run - run a program there to its end
 * @argv:  NULL-terminated, looked up in the login's PATH; every byte but NUL passes unchanged,
 *         for a login shell that follows POSIX; borrowed
 * @input: standard input, NULL for none; borrowed
 * @limit: bytes kept of each output; the rest is read and dropped
 * @ret:   rc 127 when there is no such program; signal SSH_SIGNAL_UNKNOWN for one that SSH has no
 *         name for, such as SIGBUS
 *
 * The program leads a process group; when the wait ends first, that group is killed over a second
 * channel (with sudo, where that asks no password), and the call ends within a second. What a
 * program leaves behind must not hold its outputs open: its end would not be seen.
 * Errors: as ssh_login(); ECONNRESET when the peer went away or fell silent; EREMOTEIO when the
 * login shell did not get to run the program; EINVAL for a command line that is too long; ETIMEDOUT
 * and ECANCELED say whether it was killed.
 */
#define SSH_SIGNAL_UNKNOWN 255
int ssh_run(struct ssh *ssh, char *const *argv, const struct str *input, size_t limit,
	    const struct wait *w, struct process_result *ret, struct error *err);

/*
 * ssh_copy_to - copy a regular file into the guest
 * @local, @remote: both the file's path, not a directory's; a relative @remote starts at the home
 * @ret:            may be NULL
 *
 * The file appears under @remote only when it is complete and compared, replaces one that is
 * there, and has the permission bits of @local.
 * Errors: EISDIR for a directory on either side; ENOENT, EACCES and the like with the path; EIO
 * when length or checksum differ; the rest as ssh_run().
 */
int ssh_copy_to(struct ssh *ssh, const char *local, const char *remote, const struct wait *w,
		struct guest_copy *ret, struct error *err);
/* ssh_copy_from - the other way; a file that tells no length (below /proc) is not compared */
int ssh_copy_from(struct ssh *ssh, const char *remote, const char *local, const struct wait *w,
		  struct guest_copy *ret, struct error *err);

#endif
