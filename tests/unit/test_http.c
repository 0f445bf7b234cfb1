/*
 * One connection's HTTP when the server stops. The rest of HTTP is tests/protocol's.
 */
#include "remote/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own.h"
#include "base/thread.h"
#include "base/wait.h"

/* A connection that nobody stops ends by these, long after what is expected here. */
#define IDLE_MS	   60000
#define AT_ONCE_MS 20000

struct fixture {
	struct http_shared shared;
	struct robot robot;
	struct http http;
	int client, served;
};

static struct policy *new_policy(void)
{
	struct policy *policy = own_alloc(sizeof(*policy));

	*policy = (struct policy) {
		.body_max = 4096, .header_max = 32768, .idle_ms = IDLE_MS, .request_ms = IDLE_MS
	};
	return policy;
}

static int set_up(void **state)
{
	struct fixture *f = own_alloc(sizeof(*f));
	struct policy *policy = new_policy();
	struct error err;
	int ends[2];

	*f = (struct fixture) {
		.shared = { .robot = &f->robot, .policy.mutex = PTHREAD_MUTEX_INITIALIZER },
	};
	policy_box_set(&f->shared.policy, policy);
	f->shared.long_bodies.fd = -1;
	*state = f;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -1;
	f->client = ends[0];
	f->served = ends[1];
	return http_open(&f->http, &f->shared, policy, false, &err);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	http_close(&f->http);
	policy_box_set(&f->shared.policy, NULL);
	own_close(&f->client);
	free(f);
	return 0;
}

static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* All that the server says, to the end of the connection. */
static size_t read_all(int fd, char *text, size_t size)
{
	struct wait w = wait_for_ms(AT_ONCE_MS);
	struct error err;
	size_t length = 0, n = 1;

	while (n && length + 1 < size &&
	       !wait_read(&w, fd, text + length, size - length - 1, &n, &err))
		length += n;
	text[length] = '\0';
	return length;
}

/* The server stopped between the accept and the serving, when it did not know the socket yet. */
static void a_connection_accepted_while_the_server_stops_ends_at_once(void **state)
{
	struct fixture *f = *state;
	int64_t begin_ms = clock_ms();
	char text[4096];

	atomic_store(&f->shared.stopping, true);
	http_serve(&f->http, f->served, "client", true);
	assert_true(clock_ms() - begin_ms < AT_ONCE_MS);
	assert_int_equal(read_all(f->client, text, sizeof(text)), 0);
}

/* Robot sends a request again when its connection just ends: the keyword would run twice. */
static void what_was_sent_before_the_stop_is_answered_and_the_connection_closed(void **state)
{
	struct fixture *f = *state;
	int64_t begin_ms = clock_ms();
	char text[4096];

	atomic_store(&f->shared.stopping, true);
	assert_int_equal(write(f->client, request, strlen(request)), strlen(request));
	http_serve(&f->http, f->served, "client", true);
	assert_true(clock_ms() - begin_ms < AT_ONCE_MS);
	read_all(f->client, text, sizeof(text));
	assert_non_null(strstr(text, "HTTP/1.1 200 OK"));
	assert_non_null(strstr(text, "Connection: close"));
	assert_non_null(strstr(text, "\r\n\r\nok\n"));
}

static void *serve(void *argument)
{
	struct fixture *f = argument;

	http_serve(&f->http, f->served, "client", true);
	return NULL;
}

static void a_connection_that_is_idle_ends_when_the_server_stops(void **state)
{
	struct fixture *f = *state;
	struct wait w = wait_for_ms(AT_ONCE_MS);
	int64_t begin_ms = clock_ms();
	pthread_t thread;
	struct error err;
	char text[4096];
	size_t n;

	assert_int_equal(thread_start(&thread, "serve", serve, f, &err), 0);
	assert_int_equal(write(f->client, request, strlen(request)), strlen(request));
	assert_int_equal(wait_read(&w, f->client, text, sizeof(text), &n, &err), 0);
	http_stop_reading(&f->http);
	pthread_join(thread, NULL);
	assert_true(clock_ms() - begin_ms < AT_ONCE_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_connection_accepted_while_the_server_stops_ends_at_once, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_sent_before_the_stop_is_answered_and_the_connection_closed, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_connection_that_is_idle_ends_when_the_server_stops, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
