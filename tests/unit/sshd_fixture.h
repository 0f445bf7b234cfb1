/*
 * A real sshd on a loopback port of its own, with its own keys, users and passwords.
 *
 * It runs in a mount namespace in which a user "tester" stands in passwd and shadow; the machine's
 * own files stay as they are. Needs root, openssh-server and util-linux.
 */
#ifndef TESTS_SSHD_FIXTURE_H
#define TESTS_SSHD_FIXTURE_H

#include <arpa/inet.h>
#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"
#include "base/process.h"
#include "guest/ssh.h"

#define SSHD	  "/usr/sbin/sshd"
#define TESTER	  "tester"
#define TESTER_ID 64123
#define PASSWORD  "it's a $ecret"

/* @dir: everything of this run. @port: of the sshd that was started last. */
static char dir[] = "/tmp/test_ssh.XXXXXX";
static struct process sshd = PROCESS_NONE;
static int port;

static inline char *at(const char *name)
{
	return own_printf("%s/%s", dir, name);
}

static inline void sh(const char *script)
{
	char *argv[] = { (char[]) { "sh" }, (char[]) { "-ec" }, (char *)script, NULL };
	auto_process_result result = { 0 };
	struct wait w = wait_for_ms(30000);
	struct error err;

	if (process_run(argv, NULL, 65536, &w, &result, &err) < 0)
		fail_msg("%s: %s", script, err.text);
	if (result.rc)
		fail_msg("%s: %s", script, str_text(&result.err));
}

__attribute__((format(printf, 1, 2))) static inline void shf(const char *format, ...)
{
	auto_free char *script = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&script, format, ap) < 0)
		script = NULL;
	va_end(ap);
	sh(script);
}

/* A loopback port that was free a moment ago. @ret_fd: keeps it, bound; NULL: lets it go. */
static inline int free_port(int *ret_fd)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &length), 0);
	if (ret_fd)
		*ret_fd = fd;
	else
		close(fd);
	return ntohs(a.sin_port);
}

static inline void sshd_end(void)
{
	struct wait w = wait_for_ms(5000);

	if (sshd.pidfd < 0)
		return;
	/* The server and every session of it are in its group or are told by their connections. */
	process_kill_group(&sshd);
	process_wait(&sshd, &w, NULL, NULL);
	process_clear(&sshd);
}

static inline void sshd_launch(const char *options)
{
	auto_free char *script = own_printf(
		"mount --bind %s/passwd /etc/passwd && mount --bind %s/shadow /etc/shadow && "
		"exec " SSHD " -D -e -f %s/sshd_config -p %d %s 2>>%s/sshd.log",
		dir, dir, dir, port, options, dir);
	char *argv[] = { (char[]) { "unshare" },
			 (char[]) { "-m" },
			 (char[]) { "sh" },
			 (char[]) { "-ec" },
			 script,
			 NULL };
	struct process_spec spec = { .argv = argv, .fds = { -1, -1, -1 }, .group = true };
	struct error err;

	if (process_start(&spec, &sshd, &err) < 0)
		fail_msg("%s", err.text);
}

/* sshd_start - a new server, instead of the last one, with more options ("-o Name=value") */
static inline void sshd_start(const char *options)
{
	struct wait w = wait_for_ms(10000);
	struct error err;

	sshd_end();
	port = free_port(NULL);
	sshd_launch(options);
	if (ssh_banner_wait("127.0.0.1", port, &w, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void write_text(const char *name, const char *text, mode_t mode)
{
	auto_free char *path = at(name);
	struct error err;

	if (file_write(path, text, strlen(text), mode, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void write_config(void)
{
	auto_free char *config = own_printf("ListenAddress 127.0.0.1\n"
					    "HostKey %s/host_ed25519\n"
					    "AuthorizedKeysFile %s/authorized_keys\n"
					    "StrictModes no\nUsePAM no\nUseDNS no\nPidFile none\n"
					    "PermitRootLogin yes\nPasswordAuthentication yes\n"
					    "Subsystem sftp internal-sftp\nMaxStartups 100\n",
					    dir, dir);

	write_text("sshd_config", config, 0600);
}

static inline void write_users(void)
{
	struct crypt_data data = { 0 };
	auto_free char *shadow = own_printf("root:*:19000:0:99999:7:::\nsshd:!:19000::::::\n" TESTER
					    ":%s:19000:0:99999:7:::\n",
					    crypt_r(PASSWORD, "$6$saltsalt$", &data));

	write_text("shadow", shadow, 0600);
	shf("mkdir -p /run/sshd; cd %s; mkdir home; chown %d home; "
	    "grep -v '^" TESTER ":' /etc/passwd > passwd; "
	    "echo '" TESTER ":x:%d:65534::%s/home:/bin/sh' >> passwd; chmod 644 passwd",
	    dir, TESTER_ID, TESTER_ID, dir);
}

/* fixture_start - the directory, keys of every kind, and a server */
static inline int fixture_start(void **state)
{
	(void)state;
	if (geteuid() || access(SSHD, X_OK) < 0)
		return 0;
	if (!mkdtemp(dir) || chmod(dir, 0755) < 0)
		return -1;
	write_users();
	write_config();
	shf("cd %s; ssh-keygen -q -t ed25519 -N '' -f host_ed25519; "
	    "ssh-keygen -q -t ed25519 -N '' -f key_ed25519; "
	    "cp key_ed25519.pub authorized_keys; chmod 644 authorized_keys",
	    dir);
	sshd_start("");
	return 0;
}

static inline int fixture_end(void **state)
{
	(void)state;
	sshd_end();
	return file_remove_tree(dir, NULL);
}

/* Each test without root or sshd is skipped, and says so. */
static inline int fixture_ready(void)
{
	if (sshd.pidfd >= 0)
		return 1;
	print_message("needs root and %s\n", SSHD);
	return 0;
}

#define need_sshd()                   \
	do {                          \
		if (!fixture_ready()) \
			skip();       \
	} while (0)

/* target - the tester at the server, by password, each server's key accepted once */
static inline struct ssh_target target(void)
{
	static char known_hosts[128];

	snprintf(known_hosts, sizeof(known_hosts), "%s/known_hosts", dir);
	return (struct ssh_target) { .host = "127.0.0.1",
				     .port = port,
				     .username = TESTER,
				     .password = PASSWORD,
				     .known_hosts = known_hosts };
}

static inline struct ssh *new_ssh(const struct ssh_target *t)
{
	struct ssh *ssh = NULL;
	struct error err;

	if (ssh_new(t, &ssh, &err) < 0)
		fail_msg("%s", err.text);
	return ssh;
}

static inline struct ssh *tester(void)
{
	struct ssh_target t = target();

	return new_ssh(&t);
}

static inline void free_ssh(struct ssh **ssh)
{
	ssh_free(*ssh);
}

#define auto_ssh __attribute__((cleanup(free_ssh))) struct ssh

#define ARGV(...) ((char *[]) { __VA_ARGS__, NULL })
#define W(text)	  ((char *)(uintptr_t)(text))

/* run_ok - a command that must be run to its end; its exit status is for the caller */
static inline void run_ok(struct ssh *ssh, char *const *argv, struct process_result *ret)
{
	struct wait w = wait_for_ms(20000);
	struct error err;

	if (ssh_run(ssh, argv, NULL, 1 << 20, &w, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void assert_output(struct ssh *ssh, char *const *argv, const char *expected)
{
	auto_process_result result = { 0 };

	run_ok(ssh, argv, &result);
	assert_string_equal(str_text(&result.out), expected);
}

/* fingerprint - of a public key in the directory, as ssh-keygen shows it; the caller owns it */
static inline char *fingerprint(const char *key)
{
	auto_process_result result = { 0 };
	auto_free char *path = at(key);
	struct wait w = wait_for_ms(5000);
	char *start;

	assert_int_equal(
		process_run(ARGV(W("ssh-keygen"), W("-lf"), path), NULL, 4096, &w, &result, NULL),
		0);
	start = strstr(result.out.text, "SHA256:");
	return own_strndup(start, strcspn(start, " "));
}

static inline void assert_says(const struct error *err, int code, const char *part)
{
	if (err->code != code || !strstr(err->text, part))
		fail_msg("code %d, '%s' instead of code %d, '...%s...'", err->code, err->text, code,
			 part);
}

#endif
