/*
 * Traffic ports: silent, in a namespace of their own, gone when closed. Without the right to make
 * them, the error says what is missing.
 */
#include "nfv/traffic_ports.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/own.h"
#include "base/thread.h"
#include "nfv/frame.h"

#define MTU   1500
#define COUNT 4

static int open_or_skip(bool own, struct traffic_ports *ports)
{
	struct error err = { 0 };

	if (!traffic_ports_open(COUNT, MTU, own, ports, &err))
		return 0;
	traffic_ports_close(ports);
	if (err.code != EPERM && err.code != ENOENT)
		fail_msg("%s", err.text);
	skip();
	return -1;
}

static void ports_have_names_of_their_own_and_are_silent(void **state)
{
	struct traffic_ports ports;
	struct pollfd fds[COUNT];

	(void)state;
	if (open_or_skip(true, &ports) < 0)
		return;
	assert_int_equal(ports.count, COUNT);
	for (int i = 0; i < COUNT; i++) {
		fds[i] = (struct pollfd) { .fd = ports.ports[i].fd, .events = POLLIN };
		for (int k = 0; k < i; k++)
			assert_string_not_equal(ports.ports[i].name, ports.ports[k].name);
		/* The server's own namespace has none of them. */
		assert_int_equal(if_nametoindex(ports.ports[i].name), 0);
	}
	/* Neighbour discovery would come within a second of a device coming up. */
	assert_int_equal(poll(fds, COUNT, 1500), 0);
	traffic_ports_close(&ports);
}

static void ports_take_frames_up_to_the_mtu_and_no_longer(void **state)
{
	uint8_t frame[FRAME_MAX] = { 2 };
	struct traffic_ports ports;

	(void)state;
	if (open_or_skip(true, &ports) < 0)
		return;
	assert_int_equal(write(ports.ports[0].fd, frame, MTU + 14), MTU + 14);
	assert_int_equal(write(ports.ports[0].fd, frame, 60), 60);
	traffic_ports_close(&ports);
}

static void ports_in_the_servers_namespace_go_when_closed(void **state)
{
	struct traffic_ports ports;
	char name[IFNAMSIZ];

	(void)state;
	if (open_or_skip(false, &ports) < 0)
		return;
	assert_int_equal(ports.namespace_fd, -1);
	memcpy(name, ports.ports[0].name, sizeof(name));
	assert_int_not_equal(if_nametoindex(name), 0);
	traffic_ports_close(&ports);
	assert_int_equal(if_nametoindex(name), 0);
}

/* Only this thread loses them; the one that makes the ports is its child. */
static void *without_capabilities(void *argument)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };
	struct traffic_ports ports;
	struct error *err = argument;

	if (syscall(SYS_capset, &header, none) < 0)
		return NULL;
	if (!traffic_ports_open(COUNT, MTU, true, &ports, err))
		error_set(err, 0, "made");
	traffic_ports_close(&ports);
	return NULL;
}

static void without_the_right_it_says_which_one_is_missing(void **state)
{
	struct error err = { 0 };
	pthread_t thread;

	(void)state;
	assert_int_equal(thread_start(&thread, "plain", without_capabilities, &err, NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(err.code, EPERM);
	assert_non_null(strstr(err.text, "CAP_NET_ADMIN"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_have_names_of_their_own_and_are_silent),
		cmocka_unit_test(ports_take_frames_up_to_the_mtu_and_no_longer),
		cmocka_unit_test(ports_in_the_servers_namespace_go_when_closed),
		cmocka_unit_test(without_the_right_it_says_which_one_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
