/*
 * QMP, with a scripted peer: answers in pieces and out of order, garbled lines, a QEMU that is
 * silent or gone. What a real QEMU does is tested with real VMs.
 */
#include "qemu/qmp.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/thread.h"
#include "peer.h"
#include "value/value.h"

#define LONG_MS	 60000
#define SHORT_MS 50
#define GREETING                                                                           \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, " \
	"\"package\": \"Debian\"}, \"capabilities\": [\"oob\"]}}\r\n"

/* What the listener was told, in order. */
struct heard {
	pthread_mutex_t mutex;
	struct str events;
	int gone;
};

static struct heard heard = { .mutex = PTHREAD_MUTEX_INITIALIZER };
static struct watcher *watcher;

static void on_event(void *owner, const char *name, const json_t *data)
{
	struct heard *h = owner;
	lock_scope(&h->mutex);

	str_addf(&h->events, "%s%s ", name, data ? "+" : "");
}

static void on_gone(void *owner)
{
	struct heard *h = owner;
	lock_scope(&h->mutex);

	h->gone++;
}

static const struct qmp_listener listener = { .event = on_event, .gone = on_gone, .owner = &heard };

static int make_watcher(void **state)
{
	(void)state;
	return watcher_new(&watcher, NULL);
}

static int free_watcher(void **state)
{
	(void)state;
	watcher_free(watcher);
	return 0;
}

static int forget(void **state)
{
	(void)state;
	str_clear(&heard.events);
	heard.gone = 0;
	return 0;
}

static char *events(void)
{
	lock_scope(&heard.mutex);

	return own_strdup(str_text(&heard.events));
}

/* The next request's id; ends the script's sense of order when it is another command. */
static long expect(struct peer *peer, const char *command)
{
	auto_free char *line = peer_line(peer);
	auto_free char *wanted = own_printf("\"execute\":\"%s\"", command);

	if (!line || !strstr(line, wanted))
		peer_die(line ? line : "end of file");
	return peer_number(line, "id");
}

static void answer(struct peer *peer, long id, const char *value)
{
	auto_free char *line = own_printf("{\"return\": %s, \"id\": %ld}\r\n", value, id);

	peer_say(peer, line);
}

static void greet(struct peer *peer)
{
	peer_say(peer, GREETING);
	answer(peer, expect(peer, "qmp_capabilities"), "{}");
}

static void open_qmp(struct peer *peer, void (*script)(struct peer *), struct qmp **ret)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;
	int fd = peer_start(peer, script);

	if (qmp_open(watcher, fd, &listener, &w, ret, &err) < 0)
		fail_msg("%s", err.text);
}

static void close_qmp(struct peer *peer, struct qmp *qmp)
{
	qmp_close(qmp);
	peer_stop(peer);
}

static void answer_one(struct peer *peer)
{
	greet(peer);
	answer(peer, expect(peer, "query-status"), "{\"status\": \"running\"}");
}

static void a_command_gets_its_answer(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_json *value = NULL;
	struct peer peer;
	struct error err;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, answer_one, &qmp);
	assert_string_equal(qmp_version(qmp), "7.2.22");
	assert_int_equal(qmp_execute(qmp, "query-status", NULL, &w, &value, &err), 0);
	assert_string_equal(json_string_value(json_object_get(value, "status")), "running");
	close_qmp(&peer, qmp);
}

static void in_single_bytes(struct peer *peer, const char *text)
{
	for (; *text; text++)
		peer_send(peer, text, 1);
}

static void send_pieces(struct peer *peer)
{
	auto_free char *line = NULL;

	in_single_bytes(peer, GREETING);
	answer(peer, expect(peer, "qmp_capabilities"), "{}");
	line = own_printf("{\"event\": \"STOP\"}\r\n{\"return\": [1, 2], \"id\": %ld}\r\n",
			  expect(peer, "x"));
	in_single_bytes(peer, line);
}

static void an_answer_may_come_in_pieces(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_json *value = NULL;
	struct peer peer;
	struct error err;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, send_pieces, &qmp);
	assert_int_equal(qmp_execute(qmp, "x", NULL, &w, &value, &err), 0);
	assert_int_equal(json_array_size(value), 2);
	close_qmp(&peer, qmp);
}

static void send_events(struct peer *peer)
{
	auto_free char *lines = NULL;

	peer_say(peer, GREETING "{\"event\": \"EARLY\"}\r\n");
	answer(peer, expect(peer, "qmp_capabilities"), "{}");
	lines = own_printf("{\"event\": \"STOP\", \"data\": {}}\r\n"
			   "{\"return\": {}, \"id\": %ld}\r\n{\"event\": \"LATER\"}\r\n",
			   expect(peer, "stop"));
	peer_say(peer, lines);
}

static void events_are_delivered_before_the_answer_behind_them(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_free char *told = NULL;
	struct peer peer;
	struct error err;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, send_events, &qmp);
	assert_int_equal(qmp_execute(qmp, "stop", NULL, &w, NULL, &err), 0);
	told = events();
	assert_memory_equal(told, "EARLY STOP+ ", 12);
	close_qmp(&peer, qmp);
}

static void refuse(struct peer *peer)
{
	auto_free char *line = NULL;

	greet(peer);
	line = own_printf("{\"id\": %ld, \"error\": {\"class\": \"DeviceNotFound\", \"desc\": "
			  "\"Device 'x' not found\"}}\r\n",
			  expect(peer, "device_del"));
	peer_say(peer, line);
	answer(peer, expect(peer, "query-status"), "{}");
}

static void an_error_has_its_class_and_description(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_json *value = NULL;
	struct peer peer;
	struct error err;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, refuse, &qmp);
	assert_int_equal(qmp_executef(qmp, &w, &value, &err, "device_del", "{s:s}", "id", "x"), -1);
	assert_int_equal(err.code, EREMOTEIO);
	assert_string_equal(err.text, "QMP device_del: DeviceNotFound: Device 'x' not found");
	assert_null(value);
	/* The connection is as good as before. */
	assert_int_equal(qmp_execute(qmp, "query-status", NULL, &w, NULL, &err), 0);
	close_qmp(&peer, qmp);
}

static void turn_around(struct peer *peer)
{
	long ids[2];

	greet(peer);
	ids[0] = expect(peer, "first");
	ids[1] = expect(peer, "first");
	answer(peer, ids[1], "1");
	answer(peer, ids[0], "0");
}

static void *execute_first(void *qmp)
{
	struct wait w = wait_for_ms(LONG_MS);
	json_t *value = NULL;

	qmp_execute(qmp, "first", NULL, &w, &value, NULL);
	return value;
}

static void answers_find_their_requests_in_any_order(void **state)
{
	pthread_t threads[2];
	void *values[2];
	struct peer peer;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, turn_around, &qmp);
	for (int i = 0; i < 2; i++)
		assert_int_equal(thread_start(&threads[i], "asks", execute_first, qmp, NULL), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], &values[i]);
	assert_int_equal(json_integer_value(values[0]) + json_integer_value(values[1]), 1);
	json_decref(values[0]);
	json_decref(values[1]);
	close_qmp(&peer, qmp);
}

static void garble(struct peer *peer)
{
	greet(peer);
	expect(peer, "x");
	peer_say(peer, "{\"return\": {, \"id\": 2}\r\n");
}

static void a_garbled_line_ends_the_wait(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct peer peer;
	struct error err;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, garble, &qmp);
	assert_int_equal(qmp_execute(qmp, "x", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, EPROTO);
	assert_true(str_starts(err.text, "QMP x: "));
	close_qmp(&peer, qmp);
}

static void be_silent(struct peer *peer)
{
	long late;

	greet(peer);
	late = expect(peer, "slow");
	answer(peer, expect(peer, "quick"), "\"for quick\"");
	answer(peer, late, "\"for slow\"");
	answer(peer, expect(peer, "next"), "\"for next\"");
}

static void a_late_answer_is_nobody_elses(void **state)
{
	struct wait brief = wait_for_ms(SHORT_MS), w = wait_for_ms(LONG_MS);
	auto_json *quick = NULL, *next = NULL;
	struct peer peer;
	struct error err;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, be_silent, &qmp);
	assert_int_equal(qmp_execute(qmp, "slow", NULL, &brief, NULL, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_int_equal(qmp_execute(qmp, "quick", NULL, &w, &quick, &err), 0);
	assert_string_equal(json_string_value(quick), "for quick");
	assert_int_equal(qmp_execute(qmp, "next", NULL, &w, &next, &err), 0);
	assert_string_equal(json_string_value(next), "for next");
	close_qmp(&peer, qmp);
}

static void hang_up(struct peer *peer)
{
	greet(peer);
	expect(peer, "stop");
	peer_say(peer, "{\"event\": \"SHUTDOWN\"}\r\n");
	own_close(&peer->fd);
}

static void a_qemu_that_goes_away_ends_the_wait(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_free char *told = NULL;
	struct peer peer;
	struct error err;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, hang_up, &qmp);
	assert_int_equal(qmp_execute(qmp, "stop", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, ECONNRESET);
	told = events();
	assert_string_equal(told, "SHUTDOWN ");
	assert_int_equal(heard.gone, 1);
	/* So does every later one, at once, also for a caller that does not ask why. */
	assert_int_equal(qmp_execute(qmp, "stop", NULL, &w, NULL, NULL), -1);
	assert_int_equal(qmp_execute(qmp, "stop", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, ECONNRESET);
	close_qmp(&peer, qmp);
}

static void quit_without_an_answer(struct peer *peer)
{
	greet(peer);
	expect(peer, "quit");
	own_close(&peer->fd);
}

static void a_qemu_that_was_told_to_quit_need_not_answer(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_json *value = NULL;
	struct peer peer;
	struct error err;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, quit_without_an_answer, &qmp);
	assert_int_equal(qmp_execute(qmp, "quit", NULL, &w, &value, &err), 0);
	assert_true(json_is_object(value));
	/* One that was gone before is not what quit ended. */
	assert_int_equal(qmp_execute(qmp, "stop", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, ECONNRESET);
	close_qmp(&peer, qmp);
}

static void say_nothing(struct peer *peer)
{
	while (peer_fill(peer))
		;
}

static void a_peer_without_a_greeting_is_given_up(void **state)
{
	struct wait w = wait_for_ms(SHORT_MS);
	struct qmp *qmp = NULL;
	struct peer peer;
	struct error err;
	int fd = peer_start(&peer, say_nothing);

	(void)state;
	assert_int_equal(qmp_open(watcher, fd, &listener, &w, &qmp, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_non_null(strstr(err.text, "greeting"));
	assert_null(qmp);
	peer_stop(&peer);
}

static void hang_up_at_once(struct peer *peer)
{
	own_close(&peer->fd);
}

static void a_peer_that_hangs_up_instead_is_told(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct qmp *qmp = NULL;
	struct peer peer;
	struct error err;
	int fd = peer_start(&peer, hang_up_at_once);

	(void)state;
	assert_int_equal(qmp_open(watcher, fd, &listener, &w, &qmp, &err), -1);
	assert_int_equal(err.code, ECONNRESET);
	peer_stop(&peer);
}

#define LARGE (4 * 1024 * 1024)

static void answer_much(struct peer *peer)
{
	struct str text = { 0 };

	greet(peer);
	str_adds(&text, "\"");
	for (int i = 0; i < LARGE / 16; i++)
		str_adds(&text, "0123456789abcdef");
	str_adds(&text, "\"");
	answer(peer, expect(peer, "query-qmp-schema"), text.text);
	str_clear(&text);
}

static void an_answer_may_have_megabytes(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_json *value = NULL;
	struct peer peer;
	struct error err;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, answer_much, &qmp);
	assert_int_equal(qmp_execute(qmp, "query-qmp-schema", NULL, &w, &value, &err), 0);
	assert_int_equal(json_string_length(value), LARGE);
	close_qmp(&peer, qmp);
}

static void answer_too_much(struct peer *peer)
{
	struct wait w = wait_for_ms(LONG_MS);
	static char piece[65536];

	greet(peer);
	expect(peer, "x");
	memset(piece, ' ', sizeof(piece));
	for (size_t sent = 0; sent <= QMP_LINE_MAX; sent += sizeof(piece))
		if (wait_write(&w, peer->fd, piece, sizeof(piece), NULL) < 0)
			return;
}

static void a_line_without_end_is_not_kept(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct peer peer;
	struct error err;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, answer_too_much, &qmp);
	assert_int_equal(qmp_execute(qmp, "x", NULL, &w, NULL, &err), -1);
	assert_int_equal(err.code, ECONNRESET);
	close_qmp(&peer, qmp);
}

static void arguments_that_are_no_text_are_refused(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	struct peer peer;
	struct error err;
	struct qmp *qmp;

	(void)state;
	open_qmp(&peer, greet, &qmp);
	assert_int_equal(qmp_executef(qmp, &w, NULL, &err, "x", "{s:s}", "id", "\xff"), -1);
	assert_int_equal(err.code, EINVAL);
	close_qmp(&peer, qmp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_command_gets_its_answer, forget),
		cmocka_unit_test_setup(an_answer_may_come_in_pieces, forget),
		cmocka_unit_test_setup(events_are_delivered_before_the_answer_behind_them, forget),
		cmocka_unit_test_setup(an_error_has_its_class_and_description, forget),
		cmocka_unit_test_setup(answers_find_their_requests_in_any_order, forget),
		cmocka_unit_test_setup(a_garbled_line_ends_the_wait, forget),
		cmocka_unit_test_setup(a_late_answer_is_nobody_elses, forget),
		cmocka_unit_test_setup(a_qemu_that_goes_away_ends_the_wait, forget),
		cmocka_unit_test_setup(a_qemu_that_was_told_to_quit_need_not_answer, forget),
		cmocka_unit_test_setup(a_peer_without_a_greeting_is_given_up, forget),
		cmocka_unit_test_setup(a_peer_that_hangs_up_instead_is_told, forget),
		cmocka_unit_test_setup(an_answer_may_have_megabytes, forget),
		cmocka_unit_test_setup(a_line_without_end_is_not_kept, forget),
		cmocka_unit_test_setup(arguments_that_are_no_text_are_refused, forget),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, make_watcher, free_watcher);
}
