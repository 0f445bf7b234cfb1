/*
 * What the tests of the guest agent share: the real qemu-ga on a socket of this machine, and, for
 * what that cannot be made to do, a scripted peer.
 */
#ifndef TESTS_UNIT_AGENT_FIXTURE_H
#define TESTS_UNIT_AGENT_FIXTURE_H

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/thread.h"
#include "guest/agent.h"
#include "peer.h"
#include "value/value.h"

#define LONG_MS	 60000
#define SHORT_MS 50
#define LIMIT	 65536
#define MANY	 (8 * 1024 * 1024)

static char directory[64];
static struct node *node;

static inline char *path_of(const char *name)
{
	return own_printf("%s/%s", directory, name);
}

static inline int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/vh-agent-XXXXXX");
	node = node_local_new("DUT1");
	return mkdtemp(directory) ? 0 : -1;
}

static inline int tear_down(void **state)
{
	(void)state;
	node_free(node);
	return file_remove_tree(directory, NULL);
}

/* The real agent. */

struct real {
	struct process process;
	struct agent *agent;
};

static inline int stop_real(void **state)
{
	struct real *real = *state;
	struct wait w = wait_for_ms(LONG_MS);

	agent_free(real->agent);
	process_signal(&real->process, SIGKILL, NULL);
	process_wait(&real->process, &w, NULL, NULL);
	process_clear(&real->process);
	free(real);
	return 0;
}

static inline int start_real(void **state)
{
	struct real *real = own_alloc(sizeof(*real));
	auto_free char *path = path_of("ga.sock");
	auto_free char *pid = path_of("ga.pid");
	char *argv[] = { (char[]) { "qemu-ga" },
			 (char[]) { "--method=unix-listen" },
			 (char[]) { "-p" },
			 path,
			 (char[]) { "-t" },
			 directory,
			 (char[]) { "-f" },
			 pid,
			 NULL };
	struct process_spec spec = { .argv = argv, .fds = { -1, -1, -1 } };
	struct node_process server = NODE_PROCESS_NONE;
	struct wait w = wait_for_ms(LONG_MS);
	auto_close int fd = -1;
	struct error err;

	*state = real;
	unlink(path);
	if (process_start(&spec, &real->process, &err) < 0)
		goto failed;
	server.local = real->process;
	if (!node_connect_new(node, path, &server, &w, &fd, &err) &&
	    !agent_new(node, path, &real->agent, &err))
		return 0;
failed:
	print_error("%s\n", err.text);
	stop_real(state);
	return -1;
}

/* In a guest that has our runner: it lies beside this program. */
static inline int start_real_with_runner(void **state)
{
	static char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0 || start_real(state) < 0)
		return -1;
	path[n] = '\0';
	snprintf(strrchr(path, '/'), sizeof("/payload-run"), "/payload-run");
	agent_set_runner(((struct real *)*state)->agent, path);
	return 0;
}

static inline struct agent *real_agent(void **state)
{
	return ((struct real *)*state)->agent;
}

/* The scripted peer. */

struct scripted {
	struct peer peer;
	struct agent *agent;
};

static inline void open_scripted(struct scripted *s, void (*script)(struct peer *))
{
	auto_free char *path = path_of("scripted.sock");
	struct error err;

	peer_listen(&s->peer, path, script);
	assert_int_equal(agent_new(node, path, &s->agent, &err), 0);
}

static inline void close_scripted(struct scripted *s)
{
	agent_free(s->agent);
	peer_stop(&s->peer);
}

/* The id of the next synchronisation; what else arrives is skipped, as a flushed port would. */
static inline long expect_sync(struct peer *peer)
{
	for (;;) {
		auto_free char *line = peer_line(peer);

		if (!line)
			peer_die("end of file");
		if (strstr(line, "guest-sync-delimited")) {
			if (*line != '\xff')
				peer_die("no 0xFF before the synchronisation");
			return peer_number(line, "id");
		}
	}
}

static inline void sync_with(struct peer *peer, long id)
{
	auto_free char *line = own_printf("\xff{\"return\": %ld}\n", id);

	peer_say(peer, line);
}

/* On a slow machine the client synchronises once more before it: answered as an agent would. */
static inline long expect_command(struct peer *peer, const char *command)
{
	for (;;) {
		auto_free char *line = peer_line(peer);

		if (!line || (!strstr(line, command) && !strstr(line, "guest-sync-delimited")))
			peer_die(line ? line : "end of file");
		if (strstr(line, command))
			return peer_number(line, "id");
		sync_with(peer, peer_number(line, "id"));
	}
}

static inline void answer(struct peer *peer, long id, const char *value)
{
	auto_free char *line = own_printf("{\"return\": %s, \"id\": %ld}\n", value, id);

	peer_say(peer, line);
}

static inline void assert_ping(struct scripted *s, const char *expected)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_json *value = NULL;
	struct error err;

	if (agent_execute(s->agent, "guest-ping", NULL, &w, &value, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(json_string_value(value), expected);
}

#define real(test)    cmocka_unit_test_setup_teardown(test, start_real, stop_real)
#define wrapped(test) cmocka_unit_test_setup_teardown(test, start_real_with_runner, stop_real)

#endif
