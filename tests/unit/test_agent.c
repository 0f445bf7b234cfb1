/*
 * The conversation with the guest agent: with the real one, and, for what that cannot be made to do
 * (stale and garbled lines, silence, a restart in the middle), with a scripted peer.
 */
#include "agent_fixture.h"
#include "guest/agent_inside.h"

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

static void answer_late(struct peer *peer)
{
	long id, sync;

	sync_with(peer, expect_sync(peer));
	id = expect_command(peer, "guest-ping");
	/* Busy for so long that it is asked whether it is there: it answers in order. */
	sync = expect_sync(peer);
	answer(peer, id, "\"late\"");
	sync_with(peer, sync);
}

static void an_agent_that_was_busy_has_answered(void **state)
{
	struct scripted s;

	(void)state;
	open_scripted(&s, answer_late);
	assert_ping(&s, "late");
	close_scripted(&s);
}

static void lose_one(struct peer *peer)
{
	sync_with(peer, expect_sync(peer));
	expect_command(peer, "guest-ping");
	sync_with(peer, expect_sync(peer));
	answer(peer, expect_command(peer, "guest-ping"), "\"of the new one\"");
}

static void a_command_that_the_agent_lost_is_told_soon(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct scripted s;
	struct error err;

	(void)state;
	open_scripted(&s, lose_one);
	assert_int_equal(agent_execute(s.agent, "guest-ping", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, ECONNABORTED);
	assert_non_null(strstr(err.text, "it has restarted"));
	assert_in_range(wait_left_ms(&w), LONG_MS - 6000, LONG_MS);
	assert_ping(&s, "of the new one");
	close_scripted(&s);
}

/* Answers pings until one comes behind a synchronisation that nothing but idleness is a reason for.
 */
static void await_second_sync(struct peer *peer)
{
	sync_with(peer, expect_sync(peer));
	for (;;) {
		auto_free char *line = peer_line(peer);

		if (!line)
			peer_die("end of file");
		if (strstr(line, "guest-sync-delimited")) {
			sync_with(peer, peer_number(line, "id"));
			answer(peer, expect_command(peer, "guest-ping"), "\"anew\"");
			return;
		}
		answer(peer, peer_number(line, "id"), "\"at once\"");
	}
}

static void an_agent_that_idled_is_synchronised_anew(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct scripted s;
	struct error err;
	bool anew = false;

	(void)state;
	open_scripted(&s, await_second_sync);
	for (int64_t pause_ms = 0; !anew; pause_ms += 100) {
		auto_json *value = NULL;

		if (wait_pause(&w, pause_ms, &err) < 0 ||
		    agent_execute(s.agent, "guest-ping", NULL, &w, &value, &err) < 0)
			fail_msg("%s", err.text);
		anew = !strcmp(json_string_value(value), "anew");
	}
	close_scripted(&s);
}

/* A line without an end, longer than any answer may be, and then it goes on as if nothing was. */
static void answer_too_much(struct peer *peer)
{
	auto_free char *much = own_alloc(MANY);

	memset(much, 'x', MANY);
	sync_with(peer, expect_sync(peer));
	expect_command(peer, "guest-ping");
	for (size_t sent = 0; sent <= AGENT_LINE_MAX; sent += MANY)
		peer_send(peer, much, MANY);
	peer_say(peer, "\n");
	sync_with(peer, expect_sync(peer));
	answer(peer, expect_command(peer, "guest-ping"), "\"mine\"");
}

static void an_answer_that_is_too_long_costs_one_command(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct scripted s;
	struct error err;

	(void)state;
	open_scripted(&s, answer_too_much);
	assert_int_equal(agent_execute(s.agent, "guest-ping", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, EMSGSIZE);
	assert_ping(&s, "mine");
	close_scripted(&s);
}

/* Lines that nobody asked for, without end: there is always one more to read. */
static void flood(struct peer *peer)
{
	static char lines[65536];
	struct pollfd one = { .fd = peer->fd, .events = POLLOUT };
	ssize_t n = 0;

	memset(lines, '\n', sizeof(lines));
	sync_with(peer, expect_sync(peer));
	expect_command(peer, "guest-ping");
	while (n >= 0 || errno == EAGAIN) {
		n = send(peer->fd, lines, sizeof(lines), MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN && poll(&one, 1, PEER_MS) < 1)
			peer_die("nobody reads");
	}
}

static void a_flood_does_not_outlast_the_wait(void **state)
{
	struct wait w = wait_for_ms(500);
	struct scripted s;
	struct error err;

	(void)state;
	open_scripted(&s, flood);
	assert_int_equal(agent_execute(s.agent, "guest-ping", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
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
	/* And their room is given back. */
	assert_in_range(s.agent->in.room, 0, MANY / 4);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		real(a_command_gets_its_value),
		real(an_error_has_its_class_and_description),
		real(callers_queue),
		real(an_agent_that_comes_back_is_connected_again),
		cmocka_unit_test(stale_and_garbled_lines_are_dropped_before_the_sync),
		cmocka_unit_test(a_late_agent_is_asked_until_it_answers),
		cmocka_unit_test(an_answer_is_known_by_its_id),
		cmocka_unit_test(an_echo_is_no_answer),
		cmocka_unit_test(an_answer_may_come_in_pieces),
		cmocka_unit_test(an_answer_may_have_many_megabytes),
		cmocka_unit_test(an_agent_that_was_busy_has_answered),
		cmocka_unit_test(a_command_that_the_agent_lost_is_told_soon),
		cmocka_unit_test(an_agent_that_idled_is_synchronised_anew),
		cmocka_unit_test(an_answer_that_is_too_long_costs_one_command),
		cmocka_unit_test(a_flood_does_not_outlast_the_wait),
		cmocka_unit_test(a_restart_in_the_middle_costs_one_command),
		cmocka_unit_test(an_agent_that_never_answers_times_out),
		cmocka_unit_test(a_wait_for_the_agent_can_be_cancelled),
		cmocka_unit_test(a_qemu_that_goes_away_is_told),
		cmocka_unit_test(without_a_socket_there_is_no_agent),
		cmocka_unit_test(a_command_without_answer_is_not_waited_for),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
