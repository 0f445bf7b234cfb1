/*
 * Character streams: what arrives through a socket, what is read back from the log, and searches.
 * The peer is a socketpair, because QEMU cannot be made to cut its text at chosen places.
 */
#include "qemu/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"

#define LONG_MS	 60000
#define SHORT_MS 30
#define TAIL	 64

static char directory[64];
static struct watcher *watcher;
static struct node *node;

/* A stream with the guest's end of it, and its log, which QEMU would write. */
struct guest {
	struct stream *stream;
	int fd;
	char *log_path;
	int log_fd;
	atomic_int closed;
};

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/vh-stream-XXXXXX");
	node = node_local_new("DUT1");
	return !mkdtemp(directory) || watcher_new(&watcher, NULL) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	watcher_free(watcher);
	node_free(node);
	return file_remove_tree(directory, NULL);
}

static void on_closed(void *owner)
{
	struct guest *g = owner;

	g->closed++;
}

static void open_guest(struct guest *g)
{
	const struct stream_listener listener = { .closed = on_closed, .owner = g };
	struct error err;
	int ends[2];

	*g = (struct guest) { .log_path = own_printf("%s/console.log", directory) };
	g->log_fd = open(g->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(g->log_fd >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends),
			 0);
	g->fd = ends[1];
	if (stream_open(watcher, ends[0], node, g->log_path, 0, TAIL, &listener, &g->stream, &err) <
	    0)
		fail_msg("%s", err.text);
}

static void close_guest(struct guest *g)
{
	stream_close(g->stream);
	own_close(&g->fd);
	own_close(&g->log_fd);
	free(g->log_path);
}

static void await_offset(struct guest *g, off_t end)
{
	auto_listener heard = { .fd = -1 };
	struct wait w = wait_for_ms(LONG_MS);
	struct error err;

	assert_int_equal(bell_listen(stream_bell(g->stream), &heard, &err), 0);
	while (stream_end(g->stream) < end)
		if (bell_wait(&heard, &w, &err) < 0)
			fail_msg("%s", err.text);
	bell_leave(&heard);
}

/* The guest prints; QEMU writes the log as well. */
static void print(struct guest *g, const char *text)
{
	ssize_t n = (ssize_t)strlen(text);
	off_t before = stream_end(g->stream);

	assert_int_equal(write(g->fd, text, (size_t)n), n);
	assert_int_equal(write(g->log_fd, text, (size_t)n), n);
	await_offset(g, before + n);
}

static void assert_read(struct guest *g, off_t offset, size_t limit, const char *expected)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_str text = { 0 };
	struct error err;

	if (stream_read(g->stream, offset, limit, &w, &text, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(str_text(&text), expected);
}

static void what_was_printed_is_read_from_any_offset(void **state)
{
	struct guest g;

	(void)state;
	open_guest(&g);
	print(&g, "hello ");
	print(&g, "world");
	assert_int_equal(stream_end(g.stream), 11);
	assert_read(&g, 0, 100, "hello world");
	assert_read(&g, 6, 3, "wor");
	assert_read(&g, 11, 100, "");
	assert_true(stream_tail_has(g.stream, "o w"));
	assert_false(stream_tail_has(g.stream, "xyz"));
	close_guest(&g);
}

static void what_left_the_memory_is_read_from_the_log(void **state)
{
	struct guest g;
	auto_str all = { 0 };

	(void)state;
	open_guest(&g);
	for (int i = 0; i < 40; i++) {
		auto_free char *line = own_printf("line %02d\n", i);

		print(&g, line);
		str_adds(&all, line);
	}
	assert_false(stream_tail_has(g.stream, "line 00"));
	assert_true(stream_tail_has(g.stream, "line 39"));
	assert_read(&g, 0, 10000, all.text);
	assert_read(&g, 8, 16, "line 01\nline 02\n");
	close_guest(&g);
}

static void a_log_that_is_too_short_is_told(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	auto_str text = { 0 };
	struct guest g;
	struct error err;

	(void)state;
	open_guest(&g);
	for (int i = 0; i < 40; i++)
		print(&g, "some text\n");
	assert_int_equal(ftruncate(g.log_fd, 0), 0);
	assert_int_equal(stream_read(g.stream, 0, 10000, &w, &text, &err), -1);
	assert_int_equal(err.code, EIO);
	close_guest(&g);
}

static void the_end_of_the_stream_rings(void **state)
{
	auto_listener heard = { .fd = -1 };
	struct wait w = wait_for_ms(LONG_MS);
	struct guest g;
	struct error err;

	(void)state;
	open_guest(&g);
	print(&g, "last words");
	assert_false(stream_closed(g.stream));
	assert_int_equal(bell_listen(stream_bell(g.stream), &heard, &err), 0);
	own_close(&g.fd);
	/* The owner is told before the bell rings for it, so no ring is waited for in vain. */
	while (!g.closed)
		assert_int_equal(bell_wait(&heard, &w, &err), 0);
	assert_true(stream_closed(g.stream));
	assert_int_equal(g.closed, 1);
	assert_read(&g, 0, 100, "last words");
	bell_leave(&heard);
	close_guest(&g);
}

static void the_time_of_arrival_is_kept(void **state)
{
	int64_t before;
	struct guest g;

	(void)state;
	open_guest(&g);
	before = clock_us();
	print(&g, "x");
	assert_true(stream_arrived_us(g.stream) >= before);
	assert_true(stream_arrived_us(g.stream) <= clock_us());
	close_guest(&g);
}

static void what_is_written_reaches_the_guest(void **state)
{
	struct wait w = wait_for_ms(LONG_MS);
	char buffer[16] = "";
	struct guest g;
	struct error err;
	size_t n;

	(void)state;
	open_guest(&g);
	assert_int_equal(stream_write(g.stream, "reboot\n", 7, &w, &err), 0);
	assert_int_equal(wait_read(&w, g.fd, buffer, sizeof(buffer), &n, &err), 0);
	assert_string_equal(buffer, "reboot\n");
	close_guest(&g);
}

static void a_guest_that_does_not_read_times_out(void **state)
{
	struct wait w = wait_for_ms(SHORT_MS);
	size_t size = 4 * 1024 * 1024;
	auto_free char *bytes = own_alloc(size);
	struct guest g;
	struct error err;

	(void)state;
	open_guest(&g);
	assert_int_equal(stream_write(g.stream, bytes, size, &w, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	close_guest(&g);
}

/* The index of the pattern that the next line matches, -1 without one. */
static int search(struct stream_search *s, const char *const *patterns, size_t count,
		  char **ret_line)
{
	struct wait w = wait_for_ms(LONG_MS);
	const regex_t *pointers[4];
	regex_t regexes[4];
	struct error err;
	int which;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(regcomp(&regexes[i], patterns[i], REG_EXTENDED | REG_NOSUB), 0);
		pointers[i] = &regexes[i];
	}
	if (stream_search_next(s, pointers, count, &w, &which, ret_line, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < count; i++)
		regfree(&regexes[i]);
	return which;
}

static void a_line_in_pieces_is_found_once_it_is_there(void **state)
{
	static const char *const patterns[] = { "panic", "^ready: [0-9]+$" };
	auto_free char *line = NULL;
	struct stream_search s = { 0 };
	struct guest g;

	(void)state;
	open_guest(&g);
	s.stream = g.stream;
	assert_int_equal(search(&s, patterns, 2, NULL), -1);
	print(&g, "boot\r\nnot rea");
	assert_int_equal(search(&s, patterns, 2, NULL), -1);
	print(&g, "dy: 1\r\nrea");
	assert_int_equal(search(&s, patterns, 2, NULL), -1);
	print(&g, "dy: 42\r\n");
	assert_int_equal(search(&s, patterns, 2, &line), 1);
	assert_string_equal(line, "ready: 42");
	/* Behind it begins the next search. */
	assert_int_equal(search(&s, patterns, 2, NULL), -1);
	close_guest(&g);
}

static void the_first_matching_line_wins(void **state)
{
	static const char *const patterns[] = { "panic", "ready" };
	struct stream_search s = { 0 };
	struct guest g;

	(void)state;
	open_guest(&g);
	s.stream = g.stream;
	print(&g, "x\nready\npanic\nready\n");
	assert_int_equal(search(&s, patterns, 2, NULL), 1);
	assert_int_equal(search(&s, patterns, 2, NULL), 0);
	assert_int_equal(search(&s, patterns, 2, NULL), 1);
	assert_int_equal(search(&s, patterns, 2, NULL), -1);
	close_guest(&g);
}

static void an_unfinished_line_counts_too(void **state)
{
	static const char *const patterns[] = { "^testpmd> " };
	struct stream_search s = { 0 };
	struct guest g;

	(void)state;
	open_guest(&g);
	s.stream = g.stream;
	print(&g, "Done\r\ntestpmd> ");
	assert_int_equal(search(&s, patterns, 1, NULL), 0);
	close_guest(&g);
}

static void a_search_sees_what_left_the_memory(void **state)
{
	static const char *const patterns[] = { "^needle" };
	struct stream_search s = { 0 };
	struct guest g;

	(void)state;
	open_guest(&g);
	s.stream = g.stream;
	print(&g, "needle in the hay\n");
	for (int i = 0; i < 100; i++)
		print(&g, "hay hay hay\n");
	assert_int_equal(search(&s, patterns, 1, NULL), 0);
	assert_int_equal(search(&s, patterns, 1, NULL), -1);
	close_guest(&g);
}

static void a_line_without_end_is_cut_into_pieces(void **state)
{
	static const char *const patterns[] = { "ready" };
	auto_free char *piece = own_alloc(STREAM_LINE_MAX + 1);
	struct stream_search s = { 0 };
	struct guest g;

	(void)state;
	memset(piece, 'x', STREAM_LINE_MAX);
	open_guest(&g);
	s.stream = g.stream;
	for (int i = 0; i < 20; i++)
		print(&g, piece);
	assert_int_equal(search(&s, patterns, 1, NULL), -1);
	assert_true(stream_end(g.stream) - s.offset <= STREAM_LINE_MAX);
	print(&g, "\nready\n");
	assert_int_equal(search(&s, patterns, 1, NULL), 0);
	close_guest(&g);
}

static void a_line_with_zeros_and_escapes_is_searched_and_printable(void **state)
{
	static const char *const patterns[] = { "login:" };
	auto_free char *line = NULL;
	struct stream_search s = { 0 };
	struct guest g;

	(void)state;
	open_guest(&g);
	s.stream = g.stream;
	assert_int_equal(write(g.fd, "a\0b \033[1mlogin:\n", 15), 15);
	await_offset(&g, 15);
	assert_int_equal(search(&s, patterns, 1, &line), 0);
	assert_string_equal(line, "a\xe2\x90\x80"
				  "b \xe2\x90\x9b[1mlogin:");
	close_guest(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_printed_is_read_from_any_offset),
		cmocka_unit_test(what_left_the_memory_is_read_from_the_log),
		cmocka_unit_test(a_log_that_is_too_short_is_told),
		cmocka_unit_test(the_end_of_the_stream_rings),
		cmocka_unit_test(the_time_of_arrival_is_kept),
		cmocka_unit_test(what_is_written_reaches_the_guest),
		cmocka_unit_test(a_guest_that_does_not_read_times_out),
		cmocka_unit_test(a_line_in_pieces_is_found_once_it_is_there),
		cmocka_unit_test(the_first_matching_line_wins),
		cmocka_unit_test(an_unfinished_line_counts_too),
		cmocka_unit_test(a_search_sees_what_left_the_memory),
		cmocka_unit_test(a_line_without_end_is_cut_into_pieces),
		cmocka_unit_test(a_line_with_zeros_and_escapes_is_searched_and_printable),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
