/*
 * testpmd: its command line, and its prompt as recorded from a testpmd 22.11 in a kernel VM
 * (tests/data/testpmd_session.txt, played back; it cannot be made to answer in chosen pieces).
 */
#include "guest/testpmd.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "peer.h"
#include "value/value.h"

#define LONG_MS	  60000
#define SHORT_MS  50
#define RECORDING "tests/data/testpmd_session.txt"
#define PROMPT	  "testpmd> "
#define TAIL	  65536

static struct watcher *watcher;
static struct node *node;
static char *recording;

static int set_up(void **state)
{
	(void)state;
	node = node_local_new("DUT1");
	if (file_read(RECORDING, TAIL, &recording, NULL, NULL) < 0)
		return -1;
	return watcher_new(&watcher, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	watcher_free(watcher);
	node_free(node);
	free(recording);
	return 0;
}

/* The command line. */

struct guest {
	struct testpmd_options options;
	struct testpmd_place place;
	struct strv pci;
};

static void make_guest(struct guest *g, int cpus, int queues, int ports)
{
	*g = (struct guest) { .options = TESTPMD_DEFAULTS };
	for (int i = 0; i < ports; i++)
		strv_addf(&g->pci, "0000:00:%02x.0", 6 + i);
	g->place = (struct testpmd_place) {
		.binary = "dpdk-testpmd", .cpus = cpus, .queues = queues, .pci_addresses = &g->pci
	};
}

static void clear_guest(struct guest *g)
{
	testpmd_options_clear(&g->options);
	strv_clear(&g->pci);
}

static char *command_of(const struct guest *g)
{
	auto_strv argv = { 0 };

	testpmd_command(&g->options, &g->place, &argv);
	return strv_join(&argv, " ");
}

static void the_defaults_make_this_command_line(void **state)
{
	auto_free char *command = NULL;
	struct guest g;

	(void)state;
	make_guest(&g, 2, 1, 2);
	command = command_of(&g);
	assert_string_equal(
		command,
		"dpdk-testpmd --lcores 0-1 -a 0000:00:06.0 -a 0000:00:07.0 --in-memory -- "
		"--interactive --forward-mode=io --auto-start --nb-cores=1 --rxq=1 --txq=1 "
		"--rxd=1024 --txd=1024 --burst=64 --total-num-mbufs=8192 --mbuf-size=2176 "
		"--max-pkt-len=1530 --tx-offloads=0x0 --disable-link-check");
	clear_guest(&g);
}

static void what_was_chosen_stands_on_the_command_line(void **state)
{
	auto_free char *command = NULL;
	struct guest g;

	(void)state;
	make_guest(&g, 4, 2, 2);
	g.options.mode = 1;
	g.options.cpus = 3;
	g.options.rxd = 256;
	g.options.txd = 512;
	g.options.burst = 32;
	g.options.max_pkt_len = 9200;
	g.options.mbufs = 20000;
	strv_add(&g.options.peer_macs, "52:54:00:00:02:01");
	strv_add(&g.options.peer_macs, "52:54:00:00:02:02");
	strv_add(&g.options.extra_args, "--no-lsc-interrupt");
	command = command_of(&g);
	assert_string_equal(
		command,
		"dpdk-testpmd --lcores 0-2 -a 0000:00:06.0 -a 0000:00:07.0 --in-memory -- "
		"--interactive --forward-mode=mac --auto-start --nb-cores=2 --rxq=2 --txq=2 "
		"--rxd=256 --txd=512 --burst=32 --total-num-mbufs=20000 --mbuf-size=9344 "
		"--max-pkt-len=9200 --tx-offloads=0x0 --disable-link-check "
		"--eth-peer=0,52:54:00:00:02:01 --eth-peer=1,52:54:00:00:02:02 "
		"--no-lsc-interrupt");
	clear_guest(&g);
}

static void one_vcpu_serves_two_lcores(void **state)
{
	auto_free char *command = NULL;
	struct guest g;

	(void)state;
	make_guest(&g, 1, 1, 1);
	command = command_of(&g);
	assert_non_null(strstr(command, "--lcores 0@0,1@0 "));
	assert_non_null(strstr(command, "--nb-cores=1 "));
	clear_guest(&g);
}

static void mbufs_grow_with_ports_queues_and_rings(void **state)
{
	struct guest g;

	(void)state;
	make_guest(&g, 2, 1, 2);
	assert_int_equal(testpmd_mbufs(&g.options, &g.place), 8192);
	clear_guest(&g);
	/* 16384 lost all traffic with 8 queues of 1024. */
	make_guest(&g, 2, 8, 2);
	assert_true(testpmd_mbufs(&g.options, &g.place) >= 2 * 8 * 2048);
	assert_true(testpmd_hugepages_2m(&g.options, &g.place) * 2L * 1024 * 1024 >=
		    2 * 8 * 2048 * 2176L);
	g.options.mbufs = 40000;
	assert_int_equal(testpmd_mbufs(&g.options, &g.place), 40000);
	clear_guest(&g);
}

static void assert_refused(const struct guest *g, const char *expected)
{
	struct error err;

	assert_int_equal(testpmd_check(&g->options, &g->place, &err), -1);
	assert_int_equal(err.code, EINVAL);
	if (!strstr(err.text, expected))
		fail_msg("'%s' is not in '%s'", expected, err.text);
}

static void what_does_not_fit_the_guest_is_refused(void **state)
{
	struct guest g;
	struct error err;

	(void)state;
	make_guest(&g, 2, 2, 0);
	assert_refused(&g, "Configure Vhost Interfaces");
	clear_guest(&g);
	make_guest(&g, 2, 2, 2);
	g.options.cpus = 2;
	g.options.queues = 2;
	g.options.mbufs = 2 * 2 * 2048;
	assert_int_equal(testpmd_check(&g.options, &g.place, &err), 0);
	g.options.mbufs--;
	assert_refused(&g, "argument 'mbufs': 2 ports with 2 queues of 1024 + 1024 descriptors "
			   "need at least 8192, got 8191");
	g.options.queues = 3;
	assert_refused(&g, "argument 'queues': the interfaces have 2 queues, got 3");
	g.options.cpus = 3;
	assert_refused(&g, "argument 'cpus': the VM has 2 vCPUs, got 3");
	g.options = (struct testpmd_options)TESTPMD_DEFAULTS;
	for (int i = 0; i < 3; i++)
		strv_add(&g.options.peer_macs, "52:54:00:00:02:01");
	assert_refused(&g, "argument 'peer_macs': expected at most 2, one a port, got 3");
	clear_guest(&g);
}

static int matching_pattern(const char *line)
{
	for (int i = 0; i < 2; i++)
		if (!regexec(testpmd_patterns()->all[i], line, 0, NULL, 0))
			return i;
	return -1;
}

static void a_start_is_told_from_a_failure(void **state)
{
	(void)state;
	assert_int_equal(matching_pattern("testpmd> "), 0);
	assert_int_equal(matching_pattern("EAL: Error - exiting with code: 1"), 1);
	assert_int_equal(matching_pattern("  Cause: Creation of mbuf pool for socket 0 failed"), 1);
	assert_int_equal(matching_pattern("EAL: FATAL: Cannot init memory"), 1);
	assert_int_equal(matching_pattern("sh: 3: no-such-testpmd: not found"), 1);
	assert_int_equal(matching_pattern("EAL: Probe PCI driver: net_virtio (1af4:1000)"), -1);
	assert_int_equal(matching_pattern("EAL: No free 1048576 kB hugepages reported"), -1);
}

static void nothing_in_a_good_start_looks_like_a_failure(void **state)
{
	auto_free char *text = own_strdup(recording);
	char *rest, *line;

	(void)state;
	for (line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
		if (matching_pattern(line) == 1)
			fail_msg("%s", line);
		if (!matching_pattern(line))
			return;
	}
	fail_msg("no prompt");
}

/* The prompt. */

/* Plays the recording: what stands behind the prompt with the command that was typed. */
static void play(struct peer *peer)
{
	const char *prompt = strstr(recording, "\n" PROMPT) + 1;
	char *command;

	peer_send(peer, recording, (size_t)(prompt - recording) + strlen(PROMPT));
	while ((command = peer_line(peer))) {
		auto_free char *typed = own_printf("\n" PROMPT "%s\r\r\n", command);
		const char *begin = strstr(recording, typed), *end;

		if (!begin)
			peer_die(command);
		begin += strlen("\n" PROMPT);
		end = strstr(begin, "\n" PROMPT);
		end = end ? end + strlen("\n" PROMPT) : begin + strlen(begin);
		/* In two pieces, the second one byte long: the answer is whole with the prompt. */
		peer_send(peer, begin, (size_t)(end - begin) - 1);
		peer_send(peer, end - 1, 1);
		free(command);
	}
}

struct session {
	struct peer peer;
	struct stream *stream;
};

static void open_session(struct session *s, void (*script)(struct peer *))
{
	auto_listener heard = { .fd = -1 };
	struct wait w = wait_for_ms(LONG_MS);
	int fd = peer_start(&s->peer, script);
	struct error err;

	if (stream_open(watcher, fd, node, "/no/such/log", 0, TAIL, NULL, &s->stream, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(bell_listen(stream_bell(s->stream), &heard, &err), 0);
	while (!stream_tail_has(s->stream, PROMPT))
		if (bell_wait(&heard, &w, &err) < 0)
			fail_msg("%s", err.text);
	bell_leave(&heard);
}

static void close_session(struct session *s)
{
	stream_close(s->stream);
	peer_stop(&s->peer);
}

static void an_answer_comes_without_echo_and_prompt(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_free char *answer = NULL;
	struct session s;
	struct error err;

	(void)state;
	open_session(&s, play);
	if (testpmd_execute(s.stream, "show port info 1", &w, &answer, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(str_starts(answer, "\n********************* Infos for port 1  "));
	assert_true(str_ends(answer, "Device error handling mode: none\n"));
	assert_null(strchr(answer, '\r'));
	close_session(&s);
}

static json_int_t counter(const json_t *stats, size_t port, const char *name)
{
	const json_t *ports = json_object_get(stats, "ports");
	const json_t *value = json_object_get(json_array_get(ports, port), name);

	if (!json_is_integer(value))
		fail_msg("port %zu has no %s", port, name);
	return json_integer_value(value);
}

/* The last statistics of the recording. */
static char *last_stats(void)
{
	const char *begin = NULL;

	for (const char *p = recording; (p = strstr(p, "show port stats all")); p++)
		begin = p;
	return own_strdup(begin);
}

static void counters_are_read_from_the_statistics(void **state)
{
	auto_free char *text = last_stats();
	auto_json *stats = testpmd_parse_stats(text);

	(void)state;
	assert_int_equal(json_array_size(json_object_get(stats, "ports")), 2);
	assert_int_equal(counter(stats, 0, "port"), 0);
	assert_int_equal(counter(stats, 0, "rx_packets"), 91616);
	assert_int_equal(counter(stats, 0, "tx_packets"), 91456);
	assert_int_equal(counter(stats, 0, "rx_bytes"), 5863424);
	assert_int_equal(counter(stats, 0, "tx_bytes"), 5853184);
	assert_int_equal(counter(stats, 1, "port"), 1);
	assert_int_equal(counter(stats, 1, "rx_packets"), 91456);
	assert_int_equal(counter(stats, 1, "tx_packets"), 91616);
	assert_int_equal(counter(stats, 1, "rx_missed"), 0);
	assert_int_equal(counter(stats, 1, "rx_errors"), 0);
	assert_int_equal(counter(stats, 1, "tx_errors"), 0);
}

static void every_counter_is_its_own(void **state)
{
	/* In the recording's layout, with numbers that never occurred. */
	auto_json *stats = testpmd_parse_stats(
		"  ######################## NIC statistics for port 3  ######\n"
		"  RX-packets: 5000000001 RX-missed: 2          RX-bytes:  3\n"
		"  RX-errors: 4\n"
		"  RX-nombuf:  5         \n"
		"  TX-packets: 6          TX-errors: 7          TX-bytes:  8\n");

	(void)state;
	assert_int_equal(counter(stats, 0, "port"), 3);
	assert_true(counter(stats, 0, "rx_packets") == 5000000001);
	assert_int_equal(counter(stats, 0, "rx_missed"), 2);
	assert_int_equal(counter(stats, 0, "rx_bytes"), 3);
	assert_int_equal(counter(stats, 0, "rx_errors"), 4);
	assert_int_equal(counter(stats, 0, "tx_packets"), 6);
	assert_int_equal(counter(stats, 0, "tx_errors"), 7);
	assert_int_equal(counter(stats, 0, "tx_bytes"), 8);
}

static void text_without_statistics_has_no_ports(void **state)
{
	auto_json *stats = testpmd_parse_stats("nothing of the kind\n");

	(void)state;
	assert_int_equal(json_array_size(json_object_get(stats, "ports")), 0);
}

static void ports_have_their_addresses(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_json *ports = NULL, *stats = NULL, *expected = NULL;
	struct session s;
	struct error err;

	(void)state;
	open_session(&s, play);
	if (testpmd_ports(s.stream, &w, &ports, &err) < 0 ||
	    testpmd_stats(s.stream, &w, &stats, &err) < 0)
		fail_msg("%s", err.text);
	expected = json_pack("[{s:i,s:s,s:s},{s:i,s:s,s:s}]", "port", 0, "mac_address",
			     "52:54:00:00:01:01", "pci_address", "0000:00:06.0", "port", 1,
			     "mac_address", "52:54:00:00:01:02", "pci_address", "0000:00:07.0");
	assert_true(json_equal(ports, expected));
	assert_int_equal(json_array_size(json_object_get(stats, "ports")), 2);
	close_session(&s);
}

static void a_mac_address_is_written_in_small_letters(void **state)
{
	auto_json *port = testpmd_parse_port("MAC address: 52:54:00:AB:CD:EF\n", 4);

	(void)state;
	assert_string_equal(json_string_value(json_object_get(port, "mac_address")),
			    "52:54:00:ab:cd:ef");
	assert_string_equal(json_string_value(json_object_get(port, "pci_address")), "");
	assert_int_equal(json_integer_value(json_object_get(port, "port")), 4);
}

static void a_command_that_testpmd_does_not_know_fails(void **state)
{
	static const char *const commands[] = { "nonsense", "set fwd" };
	struct wait w = wait_for_ms(LONG_MS);
	struct session s;
	struct error err;

	(void)state;
	open_session(&s, play);
	for (size_t i = 0; i < 2; i++) {
		auto_free char *answer = NULL;

		assert_int_equal(testpmd_execute(s.stream, commands[i], &w, &answer, &err), -1);
		assert_int_equal(err.code, EREMOTEIO);
		assert_null(answer);
	}
	assert_true(str_starts(err.text, "testpmd: set fwd: Bad arguments"));
	close_session(&s);
}

static void one_command_is_one_line(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_free char *answer = NULL;
	struct session s;
	struct error err;

	(void)state;
	open_session(&s, play);
	assert_int_equal(testpmd_execute(s.stream, "stop\nquit", &w, &answer, &err), -1);
	assert_int_equal(err.code, EINVAL);
	close_session(&s);
}

static void chatter(struct peer *peer)
{
	peer_say(peer, PROMPT);
	free(peer_line(peer));
	peer_say(peer,
		 "stop\r\nDone.\r\n" PROMPT "VHOST_CONFIG: (/run/s) new device, handle is 0\r\n");
	while (peer_fill(peer))
		;
}

static void what_other_threads_log_behind_the_prompt_is_no_answer(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_free char *answer = NULL;
	struct session s;
	struct error err;

	(void)state;
	open_session(&s, chatter);
	if (testpmd_execute(s.stream, "stop", &w, &answer, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(answer, "Done.\n");
	close_session(&s);
}

static void be_silent(struct peer *peer)
{
	peer_say(peer, PROMPT);
	free(peer_line(peer));
	peer_say(peer, "quit\r\nStopping");
	while (peer_fill(peer))
		;
}

static void an_answer_that_does_not_come_times_out(void **state)
{
	struct wait w = wait_for_ms(SHORT_MS);
	auto_free char *answer = NULL;
	struct session s;
	struct error err;

	(void)state;
	open_session(&s, be_silent);
	assert_int_equal(testpmd_execute(s.stream, "quit", &w, &answer, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_true(str_starts(err.text, "testpmd: quit: timed out"));
	close_session(&s);
}

static void end(struct peer *peer)
{
	peer_say(peer, PROMPT);
	free(peer_line(peer));
	own_close(&peer->fd);
}

static void a_vm_that_ends_ends_the_wait(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_free char *answer = NULL;
	struct session s;
	struct error err;

	(void)state;
	open_session(&s, end);
	assert_int_equal(testpmd_execute(s.stream, "quit", &w, &answer, &err), -1);
	assert_int_equal(err.code, ECONNRESET);
	close_session(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_make_this_command_line),
		cmocka_unit_test(what_was_chosen_stands_on_the_command_line),
		cmocka_unit_test(one_vcpu_serves_two_lcores),
		cmocka_unit_test(mbufs_grow_with_ports_queues_and_rings),
		cmocka_unit_test(what_does_not_fit_the_guest_is_refused),
		cmocka_unit_test(a_start_is_told_from_a_failure),
		cmocka_unit_test(nothing_in_a_good_start_looks_like_a_failure),
		cmocka_unit_test(an_answer_comes_without_echo_and_prompt),
		cmocka_unit_test(counters_are_read_from_the_statistics),
		cmocka_unit_test(every_counter_is_its_own),
		cmocka_unit_test(text_without_statistics_has_no_ports),
		cmocka_unit_test(ports_have_their_addresses),
		cmocka_unit_test(a_mac_address_is_written_in_small_letters),
		cmocka_unit_test(a_command_that_testpmd_does_not_know_fails),
		cmocka_unit_test(one_command_is_one_line),
		cmocka_unit_test(what_other_threads_log_behind_the_prompt_is_no_answer),
		cmocka_unit_test(an_answer_that_does_not_come_times_out),
		cmocka_unit_test(a_vm_that_ends_ends_the_wait),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
