/*
 * Reaching an SSH server, its host key, and logging in, against a real sshd; servers that are
 * none are played by plain sockets.
 */
#include "sshd_fixture.h"

#include <sys/un.h>

#include "base/thread.h"

#ifdef __SANITIZE_ADDRESS__
const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);

const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

/* libssh2 1.10 forgets two numbers of each ECDSA key that it reads. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libssh2_userauth_publickey_fromfile_ex";
}
#endif

/* login_once - log in at @t and out again; 0, or -1 with @err */
static int login_once(const struct ssh_target *t, struct error *err)
{
	auto_ssh *ssh = new_ssh(t);
	struct wait w = wait_for_ms(10000);

	return ssh_login(ssh, &w, err);
}

static void assert_logs_in(const struct ssh_target *t)
{
	struct error err;

	if (login_once(t, &err) < 0)
		fail_msg("%s", err.text);
}

static void assert_refused(const struct ssh_target *t, int code, const char *part)
{
	struct error err = { 0 };

	assert_int_equal(login_once(t, &err), -1);
	assert_says(&err, code, part);
	assert_null(strstr(err.text, PASSWORD));
}

static void a_wrong_password_is_told(void **state)
{
	struct ssh_target t;

	(void)state;
	need_sshd();
	t = target();
	assert_logs_in(&t);
	t.password = "wrong";
	assert_refused(&t, EACCES, "password: refused (wrong user name or password)");
	assert_refused(&t, EACCES, "SSH tester@127.0.0.1 port");
}

static void nothing_to_log_in_with_is_told(void **state)
{
	struct ssh_target t;

	(void)state;
	need_sshd();
	t = target();
	t.password = NULL;
	assert_refused(&t, EACCES,
		       "no key, agent or password was given; the server allows: public");
}

/* A private key made by ssh-keygen with these options; allowed to log in when @authorized. */
static char *make_key(const char *name, const char *options, bool authorized)
{
	shf("cd %s; rm -f %s %s.pub; ssh-keygen -q %s -f %s", dir, name, name, options, name);
	if (authorized)
		shf("cd %s; cat %s.pub >> authorized_keys", dir, name);
	return at(name);
}

static void keys_log_in(void **state)
{
	static const char *const kinds[] = { "-t ed25519 -N ''", "-t ecdsa -b 256 -N ''",
					     "-t ecdsa -b 521 -N ''", "-t ecdsa -m PEM -N ''" };
	struct ssh_target t;

	(void)state;
	need_sshd();
	t = target();
	t.password = NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		auto_free char *path = make_key("key_test", kinds[i], true);

		t.private_key = path;
		assert_logs_in(&t);
	}
}

static void an_encrypted_key_needs_its_passphrase(void **state)
{
	auto_free char *path = NULL;
	struct ssh_target t;

	(void)state;
	need_sshd();
	path = make_key("key_locked", "-t ed25519 -N 'open sesame'", true);
	t = target();
	t.password = NULL;
	t.private_key = path;
	assert_refused(&t, EACCES, "it is encrypted and no passphrase was given");
	t.passphrase = "wrong";
	assert_refused(&t, EACCES, "the passphrase does not open it");
	t.passphrase = "open sesame";
	assert_logs_in(&t);
}

static void a_refused_key_is_named_and_the_password_tried(void **state)
{
	auto_free char *path = NULL;
	struct ssh_target t;

	(void)state;
	need_sshd();
	path = make_key("key_stranger", "-t ed25519 -N ''", false);
	t = target();
	t.private_key = path;
	assert_logs_in(&t);
	t.password = "wrong";
	assert_refused(&t, EACCES, "key_stranger, ssh-ed25519: refused (is it in the user's");
	assert_refused(&t, EACCES, "; password: refused");
}

static void an_rsa_key_is_explained(void **state)
{
	auto_free char *path = NULL;
	struct ssh_target t;

	(void)state;
	need_sshd();
	path = make_key("key_rsa", "-t rsa -b 2048 -N ''", true);
	t = target();
	t.password = NULL;
	t.private_key = path;
	assert_refused(&t, EACCES, "signs with RSA keys by SHA-1 only");
	free(path);
	path = make_key("key_rsa", "-t rsa -b 2048 -m PEM -N ''", true);
	t.private_key = path;
	assert_refused(&t, EACCES, "use an ed25519 or ecdsa key");
}

static void a_key_that_is_none_is_told(void **state)
{
	auto_free char *path = NULL;
	struct ssh_target t;

	(void)state;
	need_sshd();
	t = target();
	t.password = NULL;
	t.private_key = "/nonexistent/key";
	assert_refused(&t, EACCES, "/nonexistent/key");
	path = at("not_a_key");
	write_text("not_a_key", "hello\n", 0600);
	t.private_key = path;
	assert_refused(&t, EACCES, "not a private key that libssh2 can read");
}

static void an_agent_logs_in(void **state)
{
	auto_free char *path = NULL;
	auto_free char *socket_path = NULL;
	struct process agent = PROCESS_NONE;
	struct process_spec spec = { .fds = { -1, -1, -1 }, .group = true };
	struct wait w = wait_for_ms(5000);
	struct ssh_target t;
	struct error err;

	(void)state;
	need_sshd();
	path = make_key("key_agent", "-t ed25519 -N ''", true);
	socket_path = at("agent.sock");
	spec.argv = ARGV(W("ssh-agent"), W("-D"), W("-a"), socket_path);
	assert_int_equal(process_start(&spec, &agent, &err), 0);
	while (access(socket_path, F_OK) < 0)
		assert_int_equal(wait_pause(&w, 5, &err), 0);
	t = target();
	t.password = NULL;
	t.use_agent = true;
	t.agent_socket = socket_path;
	assert_refused(&t, EACCES, "agent: 0 of its 0 keys tried");
	shf("SSH_AUTH_SOCK=%s ssh-add -q %s", socket_path, path);
	assert_logs_in(&t);
	process_kill_group(&agent);
	process_wait(&agent, &w, NULL, NULL);
	process_clear(&agent);
	assert_refused(&t, EACCES, "agent: cannot reach");
}

static void an_agent_that_hangs_does_not_outlast_the_deadline(void **state)
{
	auto_free char *path = NULL;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	auto_ssh *ssh = NULL;
	struct wait w;
	struct ssh_target t;
	struct error err;

	(void)state;
	need_sshd();
	path = at("mute.sock");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	t = target();
	t.use_agent = true;
	t.agent_socket = path;
	ssh = new_ssh(&t);
	w = wait_for_ms(500);
	assert_int_equal(ssh_login(ssh, &w, &err), -1);
	assert_says(&err, ETIMEDOUT, "asking the SSH agent: timed out");
}

static void prompts_are_answered_with_the_password(void **state)
{
	struct ssh_target t;

	(void)state;
	need_sshd();
	sshd_start(
		"-o UsePAM=yes -o PasswordAuthentication=no -o KbdInteractiveAuthentication=yes");
	t = target();
	assert_logs_in(&t);
	t.password = "wrong";
	assert_refused(&t, EACCES, "keyboard-interactive): refused");
	sshd_start("");
}

/* known_hosts and its text */
static char *known(void)
{
	auto_free char *path = at("known_hosts");
	char *text = NULL;

	if (file_read(path, 1 << 20, &text, NULL, NULL) < 0)
		return own_strdup("");
	return text;
}

static void a_new_host_key_is_kept_and_a_changed_one_refused(void **state)
{
	auto_free char *path = NULL, *text = NULL, *old = NULL, *new = NULL, *line = NULL;
	struct ssh_target t;
	struct stat st;

	(void)state;
	need_sshd();
	path = at("known_hosts");
	unlink(path);
	t = target();
	assert_logs_in(&t);
	assert_logs_in(&t);
	text = known();
	line = own_printf("[127.0.0.1]:%d ssh-ed25519 AAAA", port);
	assert_true(str_starts(text, line));
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* The same port with another key. */
	old = fingerprint("host_ed25519");
	shf("cd %s; ssh-keygen -q -t ed25519 -N '' -f host_other", dir);
	new = fingerprint("host_other");
	shf("cd %s; sed 's|[^ ]*$|'$(cut -d' ' -f2 host_other.pub)'|' known_hosts > k; cp k "
	    "known_hosts; "
	    "(echo '# comment'; echo 'bad line'; cat k) > known_hosts",
	    dir);
	assert_refused(&t, EKEYREJECTED, "the host key has changed");
	assert_refused(&t, EKEYREJECTED, "known_hosts line 3 has");
	assert_refused(&t, EKEYREJECTED, old);
	assert_refused(&t, EKEYREJECTED, new);
	assert_refused(&t, EKEYREJECTED, "ssh-keygen -f ");
	unlink(path);
}

static void known_hosts_must_name_the_host(void **state)
{
	auto_free char *shown = NULL;
	struct ssh_target t;

	(void)state;
	need_sshd();
	t = target();
	t.host_key_policy = SSH_HOST_KEY_KNOWN_HOSTS;
	shf("rm -f %s/known_hosts", dir);
	shown = fingerprint("host_ed25519");
	assert_refused(&t, EKEYREJECTED, shown);
	assert_refused(&t, EKEYREJECTED, "ssh-keyscan -p ");
	/* A key of the same host at port 22 says nothing about ours. */
	shf("cd %s; echo 127.0.0.1 $(cat key_ed25519.pub) > known_hosts", dir);
	assert_refused(&t, EKEYREJECTED, "is not in ");
	shf("cd %s; echo garbage >> known_hosts; "
	    "echo '[127.0.0.1]:%d' $(cat host_ed25519.pub) >> known_hosts",
	    dir, port);
	assert_logs_in(&t);
	/* Hashed names. */
	shf("cd %s; grep -v garbage known_hosts > k; cp k known_hosts; "
	    "ssh-keygen -q -H -f known_hosts 2>/dev/null; ! grep -q 127 known_hosts",
	    dir);
	assert_logs_in(&t);
	shf("cd %s; echo '@revoked [127.0.0.1]:%d' $(cat host_ed25519.pub) >> known_hosts", dir,
	    port);
	assert_refused(&t, EKEYREJECTED, "is revoked in ");
	shf("rm -f %s/known_hosts", dir);
}

static void the_known_key_type_is_asked_for(void **state)
{
	auto_free char *options = NULL;
	struct ssh_target t;

	(void)state;
	need_sshd();
	shf("cd %s; ssh-keygen -q -t ecdsa -N '' -f host_ecdsa", dir);
	options = own_printf("-h %s/host_ed25519 -h %s/host_ecdsa", dir, dir);
	sshd_start(options);
	t = target();
	t.host_key_policy = SSH_HOST_KEY_KNOWN_HOSTS;
	shf("cd %s; echo '[127.0.0.1]:%d' $(cat host_ecdsa.pub) > known_hosts", dir, port);
	assert_logs_in(&t);
	shf("cd %s; echo '[127.0.0.1]:%d' $(cat host_ed25519.pub) > known_hosts", dir, port);
	assert_logs_in(&t);
	shf("rm -f %s/known_hosts", dir);
	sshd_start("");
}

static void a_pinned_key_must_be_the_one(void **state)
{
	auto_free char *right = NULL;
	struct ssh_target t;

	(void)state;
	need_sshd();
	right = fingerprint("host_ed25519");
	t = target();
	t.host_key_policy = SSH_HOST_KEY_PINNED;
	t.known_hosts = NULL;
	t.fingerprint = right;
	assert_logs_in(&t);
	t.fingerprint = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	assert_refused(&t, EKEYREJECTED, right);
	assert_refused(&t, EKEYREJECTED, "is pinned");
}

static void a_server_with_no_common_algorithm_is_explained(void **state)
{
	static const char *const cases[][2] = {
		{ "-o Ciphers=aes256-gcm@openssh.com,chacha20-poly1305@openssh.com",
		  "no common cipher: the server allows only aes256-gcm@openssh.com,chacha20" },
		{ "-o Ciphers=aes256-ctr -o MACs=hmac-sha2-256-etm@openssh.com",
		  "no common MAC: the server allows only hmac-sha2-256-etm@openssh.com" },
		{ "-o KexAlgorithms=sntrup761x25519-sha512@openssh.com",
		  "no common key exchange method" },
		{ "-o HostKeyAlgorithms=rsa-sha2-512,rsa-sha2-256 -h host_rsa",
		  "no common host key algorithm: the server allows only rsa-sha2-512" },
	};

	(void)state;
	need_sshd();
	shf("cd %s; ssh-keygen -q -t rsa -b 2048 -N '' -f host_rsa", dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *key = strstr(cases[i][0], " -h ");
		auto_free char *options =
			key ? own_printf("%.*s -h %s/%s", (int)(key - cases[i][0]), cases[i][0],
					 dir, key + 4)
			    : own_strdup(cases[i][0]);
		struct ssh_target t;

		sshd_start(options);
		t = target();
		assert_refused(&t, EPROTONOSUPPORT, cases[i][1]);
		assert_refused(&t, EPROTONOSUPPORT, "this client offers ");
	}
	sshd_start("");
}

/* plain - a target at a port of ours, where no sshd is */
static struct ssh_target plain(int at_port)
{
	static char known_hosts[] = "/nonexistent/known_hosts";

	return (struct ssh_target) { .host = "127.0.0.1",
				     .port = at_port,
				     .username = TESTER,
				     .password = PASSWORD,
				     .known_hosts = known_hosts,
				     .connect_timeout_ms = 300 };
}

static void a_port_where_nothing_listens_is_told_at_once(void **state)
{
	int64_t start_ms = clock_ms();
	struct ssh_target t = plain(free_port(NULL));

	(void)state;
	assert_refused(&t, ECONNREFUSED, "nothing listens there");
	assert_true(clock_ms() - start_ms < 500);
}

static void a_server_that_says_nothing_is_told(void **state)
{
	auto_close int fd = -1;
	struct ssh_target t = plain(free_port(&fd));

	(void)state;
	assert_int_equal(listen(fd, 5), 0);
	assert_refused(&t, ETIMEDOUT, "no SSH banner came and nothing was received");
}

/* What answer_all() plays: a line that each caller gets, and whether it is hung up on. */
struct play {
	int listen_fd;
	const char *line;
	bool hang_up;
	struct cancel end;
};

static void *answer_all(void *argument)
{
	struct play *play = argument;
	struct wait w = wait_for_ms(20000);
	int held[64], count = 0;

	wait_add_cancel(&w, play->end.fd, POLLIN, "end");
	while (count < 64 && !wait_fd(&w, play->listen_fd, POLLIN, NULL)) {
		held[count] = accept4(play->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (write(held[count], play->line, strlen(play->line)) < 0)
			print_message("write failed\n");
		if (play->hang_up)
			close(held[count]);
		else
			count++;
	}
	while (count)
		close(held[--count]);
	return NULL;
}

static void assert_play(const char *line, bool hang_up, int code, const char *part)
{
	auto_close int fd = -1;
	struct ssh_target t = plain(free_port(&fd));
	struct play play = { .listen_fd = fd, .line = line, .hang_up = hang_up };
	struct error err;
	pthread_t thread;

	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(cancel_init(&play.end, &err), 0);
	assert_int_equal(thread_start(&thread, "play", answer_all, &play, &err), 0);
	assert_refused(&t, code, part);
	cancel_throw(&play.end);
	pthread_join(thread, NULL);
	cancel_clear(&play.end);
}

static void what_was_received_instead_of_a_banner_is_shown(void **state)
{
	char much[8000];

	(void)state;
	assert_play("220 mail server\r\n", false, ETIMEDOUT,
		    "no SSH banner came; received: '220 mail server");
	assert_play("", true, ECONNRESET, "closed before an SSH banner");
	assert_play("Exceeded MaxStartups\r\n", true, ECONNRESET, "received: 'Exceeded Max");
	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	assert_play(much, false, EPROTO, "this is no SSH server; received: 'xxx");
	assert_play("SSH-2.0-mute\r\n", false, ETIMEDOUT, "SSH handshake: timed out");
}

static void a_banner_is_waited_for_until_the_server_comes(void **state)
{
	struct wait w = wait_for_ms(10000), first = wait_for_ms(400);
	auto_ssh *ssh = NULL;
	struct error err;
	struct ssh_target t;

	(void)state;
	need_sshd();
	sshd_end();
	port = free_port(NULL);
	assert_int_equal(ssh_banner_wait("127.0.0.1", port, &first, &err), -1);
	assert_says(&err, ETIMEDOUT, "nothing listens there");
	t = target();
	ssh = new_ssh(&t);
	sshd_launch("");
	if (ssh_wait_login(ssh, &w, &err) < 0)
		fail_msg("%s", err.text);
}

/* As user-mode networking does: connections are taken, and lead nowhere until the guest is up. */
static void *forward_late(void *argument)
{
	struct play *play = argument;
	struct wait w = wait_for_ms(20000);
	auto_cleanup(own_close) int one = -1;
	int two = -1;

	if (wait_fd(&w, play->listen_fd, POLLIN, NULL))
		return NULL;
	one = accept4(play->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (!wait_fd(&w, play->listen_fd, POLLIN, NULL))
		two = accept4(play->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (write(two, play->line, strlen(play->line)) < 0)
		print_message("write failed\n");
	close(two);
	return NULL;
}

static void a_connection_that_leads_nowhere_is_not_waited_on(void **state)
{
	auto_close int fd = -1;
	int at_port = free_port(&fd);
	struct play play = { .listen_fd = fd, .line = "a notice\r\nSSH-2.0-late\r\n" };
	struct wait w = wait_for_ms(10000);
	int64_t start_ms = clock_ms();
	struct error err;
	pthread_t thread;

	(void)state;
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(thread_start(&thread, "late", forward_late, &play, &err), 0);
	if (ssh_banner_wait("127.0.0.1", at_port, &w, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(clock_ms() - start_ms < 1000);
	pthread_join(thread, NULL);
}

static void a_target_must_be_whole(void **state)
{
	struct ssh_target t = plain(22);
	struct ssh *ssh = NULL;
	struct error err;

	(void)state;
	t.port = 0;
	assert_int_equal(ssh_new(&t, &ssh, &err), -1);
	assert_says(&err, EINVAL, "port 0");
	t = plain(22);
	t.known_hosts = "";
	assert_int_equal(ssh_new(&t, &ssh, &err), -1);
	assert_says(&err, EINVAL, "known_hosts");
	t.host_key_policy = SSH_HOST_KEY_PINNED;
	t.fingerprint = "MD5:00";
	assert_int_equal(ssh_new(&t, &ssh, &err), -1);
	assert_says(&err, EINVAL, "expected SHA256:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_password_is_told),
		cmocka_unit_test(nothing_to_log_in_with_is_told),
		cmocka_unit_test(keys_log_in),
		cmocka_unit_test(an_encrypted_key_needs_its_passphrase),
		cmocka_unit_test(a_refused_key_is_named_and_the_password_tried),
		cmocka_unit_test(an_rsa_key_is_explained),
		cmocka_unit_test(a_key_that_is_none_is_told),
		cmocka_unit_test(an_agent_logs_in),
		cmocka_unit_test(an_agent_that_hangs_does_not_outlast_the_deadline),
		cmocka_unit_test(prompts_are_answered_with_the_password),
		cmocka_unit_test(a_new_host_key_is_kept_and_a_changed_one_refused),
		cmocka_unit_test(known_hosts_must_name_the_host),
		cmocka_unit_test(the_known_key_type_is_asked_for),
		cmocka_unit_test(a_pinned_key_must_be_the_one),
		cmocka_unit_test(a_server_with_no_common_algorithm_is_explained),
		cmocka_unit_test(a_port_where_nothing_listens_is_told_at_once),
		cmocka_unit_test(a_server_that_says_nothing_is_told),
		cmocka_unit_test(what_was_received_instead_of_a_banner_is_shown),
		cmocka_unit_test(a_banner_is_waited_for_until_the_server_comes),
		cmocka_unit_test(a_connection_that_leads_nowhere_is_not_waited_on),
		cmocka_unit_test(a_target_must_be_whole),
	};

	return cmocka_run_group_tests(tests, fixture_start, fixture_end);
}
