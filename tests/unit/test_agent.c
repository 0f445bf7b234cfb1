/*
 * The guest agent: against the real qemu-ga on a socket of this machine, and, for what that cannot
 * be made to do (stale and garbled lines, silence, a restart in the middle), a scripted peer.
 */
#include "guest/agent.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/thread.h"
#include "peer.h"
#include "value/value.h"

#define LONG_MS	 60000
#define SHORT_MS 50
#define LIMIT	 65536
#define MANY	 (8 * 1024 * 1024)

static char directory[64];
static struct node *node;

static char *path_of(const char *name)
{
	return own_printf("%s/%s", directory, name);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/vh-agent-XXXXXX");
	node = node_local_new("DUT1");
	return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
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

static int stop_real(void **state)
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

static int start_real(void **state)
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

static struct agent *real_agent(void **state)
{
	return ((struct real *)*state)->agent;
}

static void a_command_gets_its_value(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_json *value = NULL;
	struct error err;

	if (agent_execute(real_agent(state), "guest-info", NULL, &w, &value, &err) < 0)
		fail_msg("%s", err.text);
	assert_non_null(json_string_value(json_object_get(value, "version")));
	assert_int_equal(agent_execute(real_agent(state), "guest-ping", NULL, &w, NULL, &err), 0);
}

static void an_error_has_its_class_and_description(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	assert_int_equal(agent_execute(real_agent(state), "guest-nonsense", NULL, &w, NULL, &err),
			 -1);
	assert_int_equal(err.code, EREMOTEIO);
	assert_true(str_starts(err.text, "guest agent: guest-nonsense: CommandNotFound: "));
	/* The conversation goes on. */
	assert_int_equal(agent_execute(real_agent(state), "guest-ping", NULL, &w, NULL, &err), 0);
}

static void run_script(void **state, const char *script, const char *input, size_t limit,
		       struct process_result *ret)
{
	char *argv[] = { (char[]) { "sh" }, (char[]) { "-c" }, (char *)script, NULL };
	const struct str bytes = { .text = (char *)input, .length = input ? strlen(input) : 0 };
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	if (agent_run(real_agent(state), argv, input ? &bytes : NULL, limit, &w, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void a_program_is_run_to_its_end(void **state)
{
	auto_process_result r = { 0 };

	run_script(state, "cat; echo err >&2; exit 7", "caf\xc3\xa9 \xff", LIMIT, &r);
	assert_int_equal(r.rc, 7);
	assert_int_equal(r.signal, 0);
	assert_string_equal(str_text(&r.out), "caf\xc3\xa9 \xff");
	assert_string_equal(str_text(&r.err), "err\n");
	assert_false(r.cut);
}

static void a_program_that_a_signal_ended(void **state)
{
	auto_process_result r = { 0 };

	run_script(state, "kill -TERM $$", NULL, LIMIT, &r);
	assert_int_equal(r.rc, -1);
	assert_int_equal(r.signal, SIGTERM);
}

static void output_over_the_limit_is_cut(void **state)
{
	auto_process_result r = { 0 };

	run_script(state, "printf 123456", NULL, 5, &r);
	assert_true(r.cut);
	assert_string_equal(str_text(&r.out), "12345");
	process_result_clear(&r);
	run_script(state, "printf 12345", NULL, 5, &r);
	assert_false(r.cut);
}

static void a_program_that_does_not_exist_is_an_error(void **state)
{
	char *argv[] = { (char[]) { "vhostel-no-such-program" }, NULL };
	struct wait w = wait_for_ms(LONG_MS);
	struct process_result r;
	struct error err;

	assert_int_equal(agent_run(real_agent(state), argv, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, EREMOTEIO);
	assert_non_null(strstr(err.text, "vhostel-no-such-program"));
	assert_non_null(strstr(err.text, "No such file"));
}

/* The pid in a file that a script writes, once it is there. */
static pid_t await_pid(const char *path)
{
	struct wait w = wait_for_ms(LONG_MS);
	long long pid;

	while (file_read_int(path, &pid) < 0)
		if (wait_pause(&w, 5, NULL) < 0)
			fail_msg("no %s", path);
	return (pid_t)pid;
}

static void a_program_that_outlives_its_wait_is_killed(void **state)
{
	auto_free char *path = path_of("outlives.pid");
	auto_free char *script =
		own_printf("echo $$ > %s.new; mv %s.new %s; exec sleep 600", path, path, path);
	char *argv[] = { (char[]) { "sh" }, (char[]) { "-c" }, script, NULL };
	struct wait w = wait_for_ms(1000), end = wait_for_ms(LONG_MS);
	struct process held = PROCESS_NONE;
	struct process_result r;
	struct error err;
	pid_t pid;

	assert_int_equal(agent_run(real_agent(state), argv, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_non_null(strstr(err.text, "killed in the guest"));
	pid = await_pid(path);
	if (!process_open(pid, &held, NULL))
		assert_int_equal(process_wait(&held, &end, NULL, &err), 0);
	process_clear(&held);
}

static void a_spawned_program_is_not_waited_for(void **state)
{
	char *argv[] = { (char[]) { "sleep" }, (char[]) { "600" }, NULL };
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;
	int pid = 0;

	assert_int_equal(agent_spawn(real_agent(state), argv, &w, &pid, &err), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

static void a_file_is_written(void **state)
{
	auto_free char *path = path_of("written");
	auto_free char *missing = path_of("missing/file");
	auto_free char *text = NULL;
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	assert_int_equal(agent_write_file(real_agent(state), path, "some text\n", &w, &err), 0);
	assert_int_equal(file_read(path, LIMIT, &text, NULL, &err), 0);
	assert_string_equal(text, "some text\n");
	assert_int_equal(agent_write_file(real_agent(state), missing, "x", &w, &err), -1);
	assert_int_equal(err.code, EREMOTEIO);
	assert_true(str_starts(err.text, missing));
	/* What the file itself refuses shows only when it is flushed. */
	assert_int_equal(agent_write_file(real_agent(state), "/dev/full", "x", &w, &err), -1);
	assert_int_equal(err.code, EREMOTEIO);
}

static void arguments_that_are_no_text_are_refused(void **state)
{
	char *argv[] = { (char[]) { "echo" }, (char[]) { "\xff" }, NULL };
	struct wait w = wait_for_ms(LONG_MS);
	struct process_result r;
	struct error err;

	assert_int_equal(agent_run(real_agent(state), argv, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, EINVAL);
}

static void *ping_often(void *agent)
{
	struct wait w = wait_for_ms(LONG_MS);
	intptr_t failed = 0;

	for (int i = 0; i < 20; i++)
		failed += agent_execute(agent, "guest-ping", NULL, &w, NULL, NULL) < 0;
	return (void *)failed;
}

static void callers_queue(void **state)
{
	pthread_t threads[4];
	void *failed;

	for (int i = 0; i < 4; i++)
		assert_int_equal(
			thread_start(&threads[i], "asks", ping_often, real_agent(state), NULL), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

static void an_agent_that_comes_back_is_connected_again(void **state)
{
	struct real *real = *state;
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;
	void *again;

	assert_int_equal(agent_execute(real->agent, "guest-ping", NULL, &w, NULL, &err), 0);
	process_signal(&real->process, SIGKILL, NULL);
	assert_int_equal(process_wait(&real->process, &w, NULL, &err), 0);
	assert_int_equal(agent_execute(real->agent, "guest-ping", NULL, &w, NULL, &err), -1);
	agent_free(take_ptr(real->agent));
	process_clear(&real->process);
	assert_int_equal(start_real(&again), 0);
	real->agent = ((struct real *)again)->agent;
	real->process = ((struct real *)again)->process;
	free(again);
	assert_int_equal(agent_execute(real->agent, "guest-ping", NULL, &w, NULL, &err), 0);
}

/* The scripted peer. */

struct scripted {
	struct peer peer;
	struct agent *agent;
};

static void open_scripted(struct scripted *s, void (*script)(struct peer *))
{
	auto_free char *path = path_of("scripted.sock");
	struct error err;

	peer_listen(&s->peer, path, script);
	assert_int_equal(agent_new(node, path, &s->agent, &err), 0);
}

static void close_scripted(struct scripted *s)
{
	agent_free(s->agent);
	peer_stop(&s->peer);
}

/* The id of the next synchronisation; what else arrives is skipped, as a flushed port would. */
static long expect_sync(struct peer *peer)
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

static void sync_with(struct peer *peer, long id)
{
	auto_free char *line = own_printf("\xff{\"return\": %ld}\n", id);

	peer_say(peer, line);
}

static long expect_command(struct peer *peer, const char *command)
{
	auto_free char *line = peer_line(peer);

	if (!line || !strstr(line, command))
		peer_die(line ? line : "end of file");
	return peer_number(line, "id");
}

static void answer(struct peer *peer, long id, const char *value)
{
	auto_free char *line = own_printf("{\"return\": %s, \"id\": %ld}\n", value, id);

	peer_say(peer, line);
}

static void assert_ping(struct scripted *s, const char *expected)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_json *value = NULL;
	struct error err;

	if (agent_execute(s->agent, "guest-ping", NULL, &w, &value, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(json_string_value(value), expected);
}

static void be_stale(struct peer *peer)
{
	long id = expect_sync(peer);

	for (int i = 0; i < 26; i++)
		peer_say(peer, "{\"return\": \"stale\"}\n");
	peer_say(peer, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"Invalid JSON\"}}\n");
	peer_say(peer, "\xff\xff garbage \xff{\"return\": 1}\n\xff\n");
	sync_with(peer, id);
	answer(peer, expect_command(peer, "guest-ping"), "\"mine\"");
}

static void stale_and_garbled_lines_are_dropped_before_the_sync(void **state)
{
	struct scripted s;

	(void)state;
	open_scripted(&s, be_stale);
	assert_ping(&s, "mine");
	close_scripted(&s);
}

static void ignore_two(struct peer *peer)
{
	long first = expect_sync(peer), second = expect_sync(peer), third = expect_sync(peer);

	if (first == second || second == third)
		peer_die("the same id twice");
	/* Late answers to those that were given up, then the last. */
	sync_with(peer, first);
	sync_with(peer, second);
	sync_with(peer, third);
	answer(peer, expect_command(peer, "guest-ping"), "\"mine\"");
}

static void a_late_agent_is_asked_until_it_answers(void **state)
{
	struct scripted s;

	(void)state;
	open_scripted(&s, ignore_two);
	assert_ping(&s, "mine");
	close_scripted(&s);
}

static void garble_answer(struct peer *peer)
{
	long id;

	sync_with(peer, expect_sync(peer));
	id = expect_command(peer, "guest-ping");
	peer_say(peer, "{\"return\": {{{\n");
	peer_say(peer, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"of another\"}}\n");
	answer(peer, id + 1, "\"not mine\"");
	answer(peer, id, "\"mine\"");
}

static void an_answer_is_known_by_its_id(void **state)
{
	struct scripted s;

	(void)state;
	open_scripted(&s, garble_answer);
	assert_ping(&s, "mine");
	close_scripted(&s);
}

static void echo(struct peer *peer)
{
	auto_free char *line = NULL;
	long id = expect_sync(peer);

	/* As a terminal does that nobody told to be raw. */
	line = own_printf("\xff{\"execute\": \"guest-sync-delimited\", \"id\": %ld, "
			  "\"arguments\": {\"id\": %ld}}\n",
			  id, id);
	peer_say(peer, line);
	sync_with(peer, id);
	free(line);
	id = expect_command(peer, "guest-ping");
	line = own_printf("{\"execute\": \"guest-ping\", \"id\": %ld}\n", id);
	peer_say(peer, line);
	answer(peer, id, "\"mine\"");
}

static void an_echo_is_no_answer(void **state)
{
	struct scripted s;

	(void)state;
	open_scripted(&s, echo);
	assert_ping(&s, "mine");
	close_scripted(&s);
}

static void send_pieces(struct peer *peer)
{
	auto_free char *sync = own_printf("\xff{\"return\": %ld}\n", expect_sync(peer));
	auto_free char *line = NULL;

	for (const char *p = sync; *p; p++)
		peer_send(peer, p, 1);
	line = own_printf("{\"return\": \"mine\", \"id\": %ld}\n",
			  expect_command(peer, "guest-ping"));
	for (const char *p = line; *p; p++)
		peer_send(peer, p, 1);
}

static void an_answer_may_come_in_pieces(void **state)
{
	struct scripted s;

	(void)state;
	open_scripted(&s, send_pieces);
	assert_ping(&s, "mine");
	close_scripted(&s);
}

static void answer_much(struct peer *peer)
{
	struct str value = { 0 };

	sync_with(peer, expect_sync(peer));
	str_adds(&value, "\"");
	for (int i = 0; i < MANY / 16; i++)
		str_adds(&value, "0123456789abcdef");
	str_adds(&value, "\"");
	answer(peer, expect_command(peer, "guest-ping"), value.text);
	str_clear(&value);
}

static void an_answer_may_have_many_megabytes(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_json *value = NULL;
	struct scripted s;
	struct error err;

	(void)state;
	open_scripted(&s, answer_much);
	assert_int_equal(agent_execute(s.agent, "guest-ping", NULL, &w, &value, &err), 0);
	assert_int_equal(json_string_length(value), MANY);
	close_scripted(&s);
}

static void restart(struct peer *peer)
{
	long lost;

	sync_with(peer, expect_sync(peer));
	lost = expect_command(peer, "guest-ping");
	/* The agent dies with the command. Another one answers the next synchronisation. */
	sync_with(peer, expect_sync(peer));
	answer(peer, lost, "\"too late\"");
	answer(peer, expect_command(peer, "guest-ping"), "\"of the new one\"");
}

static void a_restart_in_the_middle_costs_one_command(void **state)
{
	struct wait w = wait_for_ms(500);
	struct scripted s;
	struct error err;

	(void)state;
	open_scripted(&s, restart);
	assert_int_equal(agent_execute(s.agent, "guest-ping", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_string_equal(err.text,
			    "guest agent: guest-ping: the guest agent did not answer in time");
	assert_ping(&s, "of the new one");
	close_scripted(&s);
}

static void say_nothing(struct peer *peer)
{
	while (peer_fill(peer))
		;
}

static void an_agent_that_never_answers_times_out(void **state)
{
	struct wait w = wait_for_ms(SHORT_MS);
	struct scripted s;
	struct error err;

	(void)state;
	open_scripted(&s, say_nothing);
	assert_int_equal(agent_execute(s.agent, "guest-ping", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_string_equal(err.text, "guest agent: guest-ping: the guest agent does not answer");
	/* Who does not ask why passes no error. */
	assert_int_equal(agent_execute(s.agent, "guest-ping", NULL, &w, NULL, NULL), -1);
	assert_int_equal(agent_send(s.agent, "guest-ping", NULL, &w, NULL), -1);
	close_scripted(&s);
}

static void a_wait_for_the_agent_can_be_cancelled(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct cancel cancel;
	struct scripted s;
	struct error err;

	(void)state;
	assert_int_equal(cancel_init(&cancel, &err), 0);
	wait_add_cancel(&w, cancel.fd, POLLIN, "the VM is being killed");
	cancel_throw(&cancel);
	open_scripted(&s, say_nothing);
	assert_int_equal(agent_execute(s.agent, "guest-ping", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, ECANCELED);
	close_scripted(&s);
	/* The peer waits for a client until it has had one. */
	cancel_clear(&cancel);
}

static void stop_reading(struct peer *peer)
{
	struct pollfd one = { .fd = peer->fd, .events = POLLRDHUP };

	sync_with(peer, expect_sync(peer));
	if (poll(&one, 1, PEER_MS) < 1)
		peer_die("no end");
}

static void an_agent_that_stops_reading_times_out(void **state)
{
	auto_free char *large = own_alloc(MANY + 1);
	char *argv[] = { (char[]) { "echo" }, large, NULL };
	struct wait w = wait_for_ms(1000);
	struct process_result r;
	struct scripted s;
	struct error err;

	(void)state;
	memset(large, 'x', MANY);
	open_scripted(&s, stop_reading);
	assert_int_equal(agent_run(s.agent, argv, NULL, LIMIT, &w, &r, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	close_scripted(&s);
}

static void hang_up(struct peer *peer)
{
	sync_with(peer, expect_sync(peer));
	expect_command(peer, "guest-ping");
	peer_accept(peer);
	sync_with(peer, expect_sync(peer));
	answer(peer, expect_command(peer, "guest-ping"), "\"again\"");
}

static void a_qemu_that_goes_away_is_told(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct scripted s;
	struct error err;

	(void)state;
	open_scripted(&s, hang_up);
	assert_int_equal(agent_execute(s.agent, "guest-ping", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, ECONNRESET);
	assert_ping(&s, "again");
	close_scripted(&s);
}

static void without_a_socket_there_is_no_agent(void **state)
{
	auto_free char *path = path_of("none.sock");
	struct wait w = wait_for_ms(LONG_MS);
	struct agent *agent;
	struct error err;

	(void)state;
	assert_int_equal(agent_new(node, path, &agent, &err), 0);
	assert_int_equal(agent_execute(agent, "guest-ping", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, ENOENT);
	agent_free(agent);
}

static void what_is_no_file_is_not_copied(void **state)
{
	auto_free char *path = path_of("none.sock"), *fifo = path_of("fifo");
	struct wait w = wait_for_ms(LONG_MS);
	struct agent *agent;
	struct error err;
	uint64_t bytes;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(agent_new(node, path, &agent, &err), 0);
	/* Nobody ever writes into the FIFO. */
	assert_int_equal(agent_copy_to(agent, fifo, "/tmp/there", &w, &bytes, &err), -1);
	assert_int_equal(err.code, EINVAL);
	assert_non_null(strstr(err.text, fifo));
	assert_int_equal(agent_copy_to(agent, directory, "/tmp/there", &w, &bytes, &err), -1);
	assert_int_equal(err.code, EISDIR);
	agent_free(agent);
}

static void power_off(struct peer *peer)
{
	sync_with(peer, expect_sync(peer));
	expect_command(peer, "guest-shutdown");
	/* No answer; what comes next begins with a synchronisation. */
	sync_with(peer, expect_sync(peer));
	answer(peer, expect_command(peer, "guest-ping"), "\"still there\"");
}

static void a_command_without_answer_is_not_waited_for(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct scripted s;
	struct error err;

	(void)state;
	open_scripted(&s, power_off);
	assert_int_equal(agent_send(s.agent, "guest-shutdown", NULL, &w, &err), 0);
	assert_ping(&s, "still there");
	close_scripted(&s);
}

#define real(test) cmocka_unit_test_setup_teardown(test, start_real, stop_real)

int main(void)
{
	const struct CMUnitTest tests[] = {
		real(a_command_gets_its_value),
		real(an_error_has_its_class_and_description),
		real(a_program_is_run_to_its_end),
		real(a_program_that_a_signal_ended),
		real(output_over_the_limit_is_cut),
		real(a_program_that_does_not_exist_is_an_error),
		real(a_program_that_outlives_its_wait_is_killed),
		real(a_spawned_program_is_not_waited_for),
		real(a_file_is_written),
		real(arguments_that_are_no_text_are_refused),
		real(callers_queue),
		real(an_agent_that_comes_back_is_connected_again),
		cmocka_unit_test(stale_and_garbled_lines_are_dropped_before_the_sync),
		cmocka_unit_test(a_late_agent_is_asked_until_it_answers),
		cmocka_unit_test(an_answer_is_known_by_its_id),
		cmocka_unit_test(an_echo_is_no_answer),
		cmocka_unit_test(an_answer_may_come_in_pieces),
		cmocka_unit_test(an_answer_may_have_many_megabytes),
		cmocka_unit_test(a_restart_in_the_middle_costs_one_command),
		cmocka_unit_test(an_agent_that_never_answers_times_out),
		cmocka_unit_test(a_wait_for_the_agent_can_be_cancelled),
		cmocka_unit_test(an_agent_that_stops_reading_times_out),
		cmocka_unit_test(a_qemu_that_goes_away_is_told),
		cmocka_unit_test(without_a_socket_there_is_no_agent),
		cmocka_unit_test(what_is_no_file_is_not_copied),
		cmocka_unit_test(a_command_without_answer_is_not_waited_for),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
