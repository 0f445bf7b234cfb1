/*
 * Traffic ports: tap devices in a network namespace.
 */
#include "nfv/traffic_ports.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "base/thread.h"

#define TUN_DEVICE   "/dev/net/tun"
#define NAME_PATTERN "vht%d"
/* Frames that a port keeps for the server to read. */
#define QUEUE_LENGTH 8192

/* A thread enters the new namespace, makes the devices there, and ends; their descriptors stay. */
struct task {
	size_t count;
	int mtu;
	bool own_namespace;
	struct traffic_ports *ret;
	struct error *err;
	int rc;
};

static int refuse(struct error *err, const char *what)
{
	if (errno == EPERM || errno == EACCES)
		return error_set(
			err, EPERM,
			"%s: not permitted; traffic ports need CAP_SYS_ADMIN (for a network "
			"namespace) and CAP_NET_ADMIN (for tap devices): run the server as "
			"root or give it both, for instance with setcap or in systemd's "
			"AmbientCapabilities",
			what);
	return error_set_errno(err, errno, "%s", what);
}

/* The kernel itself must send nothing: no neighbour discovery on a device that comes up. */
static void silence(const char *name)
{
	auto_free char *path = own_printf("/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);

	/* Without IPv6 in the kernel there is no such file. */
	if (fd >= 0 && write(fd, "1", 1) < 0)
		return;
}

static int configure(int control_fd, const struct traffic_port *port, int mtu, struct error *err)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, port->name, sizeof(request.ifr_name));
	request.ifr_mtu = mtu;
	if (ioctl(control_fd, SIOCSIFMTU, &request) < 0)
		return refuse(err, "cannot set the MTU of a traffic port");
	request.ifr_qlen = QUEUE_LENGTH;
	if (ioctl(control_fd, SIOCSIFTXQLEN, &request) < 0)
		return refuse(err, "cannot set the queue length of a traffic port");
	silence(port->name);
	request.ifr_flags = IFF_UP | IFF_NOARP | IFF_PROMISC;
	if (ioctl(control_fd, SIOCSIFFLAGS, &request) < 0)
		return refuse(err, "cannot set a traffic port up");
	return 0;
}

static int open_port(int control_fd, int mtu, struct traffic_port *ret, struct error *err)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI, .ifr_name = NAME_PATTERN };

	ret->fd = open(TUN_DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (ret->fd < 0)
		return refuse(err, "cannot open " TUN_DEVICE);
	if (ioctl(ret->fd, TUNSETIFF, &request) < 0)
		return refuse(err, "cannot make a tap device");
	memcpy(ret->name, request.ifr_name, sizeof(ret->name));
	return configure(control_fd, ret, mtu, err);
}

static int make_ports(const struct task *task)
{
	auto_close int control_fd = -1;

	if (task->own_namespace) {
		if (unshare(CLONE_NEWNET) < 0)
			return refuse(task->err, "cannot make a network namespace");
		task->ret->namespace_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		if (task->ret->namespace_fd < 0)
			return refuse(task->err, "/proc/thread-self/ns/net");
	}
	control_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (control_fd < 0)
		return refuse(task->err, "socket");
	while (task->ret->count < task->count)
		if (open_port(control_fd, task->mtu, &task->ret->ports[task->ret->count++],
			      task->err) < 0)
			return -1;
	return 0;
}

static void *run_task(void *argument)
{
	struct task *task = argument;

	task->rc = make_ports(task);
	return NULL;
}

int traffic_ports_open(size_t count, int mtu, bool own_namespace, struct traffic_ports *ret,
		       struct error *err)
{
	struct task task = {
		.count = count, .mtu = mtu, .own_namespace = own_namespace, .ret = ret, .err = err
	};
	pthread_t thread;

	*ret = (struct traffic_ports)TRAFFIC_PORTS_NONE;
	ret->ports = own_alloc(count * sizeof(*ret->ports));
	for (size_t i = 0; i < count; i++)
		ret->ports[i].fd = -1;
	if (thread_start(&thread, "traffic-ports", run_task, &task, err) < 0)
		return -1;
	pthread_join(thread, NULL);
	return task.rc < 0 ? error_prefix(err, "traffic ports") : 0;
}

void traffic_ports_close(struct traffic_ports *p)
{
	for (size_t i = 0; i < p->count; i++)
		own_close(&p->ports[i].fd);
	own_close(&p->namespace_fd);
	free(p->ports);
	*p = (struct traffic_ports)TRAFFIC_PORTS_NONE;
}
