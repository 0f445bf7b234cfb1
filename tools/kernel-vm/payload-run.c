/*
 * payload-run - runs a program with a virtio-serial port as its standard streams
 *
 * usage: run PORTNAME -- PROGRAM [ARGUMENT...]
 *
 * Lives in the guest as /dev/.vhostel/run, static, because the root file system's own
 * C library may be anything.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORTS_DIR "/sys/class/virtio-ports"
/* the host may name a port a moment after the guest's driver has found it */
#define PORT_TIMEOUT_MS 5000
/* what a shell answers for a command that it cannot run */
#define EXIT_CANNOT_RUN 127

static _Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void give_up(const char *format, ...)
{
	va_list args;
	char text[512];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	dprintf(STDERR_FILENO, "vhostel: %s\n", text);
	exit(EXIT_CANNOT_RUN);
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Reads the name of port @entry, without the newline; empty when it has none yet. */
static void read_port_name(const char *entry, char *name, size_t size)
{
	char path[512];
	ssize_t length;
	int fd;

	name[0] = '\0';
	snprintf(path, sizeof(path), PORTS_DIR "/%s/name", entry);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	length = read(fd, name, size - 1);
	close(fd);
	name[length > 0 ? length : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

/* Writes the device of the port called @name into @device. Returns 0, or -1 if there is none. */
static int find_port(const char *name, char *device, size_t size)
{
	struct dirent *entry;
	char found[128];
	DIR *dir = opendir(PORTS_DIR);

	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		read_port_name(entry->d_name, found, sizeof(found));
		if (strcmp(found, name) == 0) {
			snprintf(device, size, "/dev/%s", entry->d_name);
			closedir(dir);
			return 0;
		}
	}
	closedir(dir);
	return -1;
}

/* A socket on which the kernel tells of new and renamed devices. */
static int open_device_events(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Waits for the port called @name; events are subscribed to before the first look. */
static void wait_for_port(const char *name, char *device, size_t size)
{
	long long deadline_ms = now_ms() + PORT_TIMEOUT_MS;
	struct pollfd events = { .fd = open_device_events(), .events = POLLIN };
	char drained[4096];
	long long left_ms;

	while (find_port(name, device, size) < 0) {
		left_ms = deadline_ms - now_ms();
		if (left_ms <= 0 || events.fd < 0)
			give_up("no virtio-serial port '%s' in " PORTS_DIR, name);
		poll(&events, 1, (int)left_ms);
		while (recv(events.fd, drained, sizeof(drained), 0) > 0)
			;
	}
	if (events.fd >= 0)
		close(events.fd);
}

static void take_port_as_streams(const char *device)
{
	int fd = open(device, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		give_up("cannot open %s: %s", device, strerror(errno));
	/* the leader of a process group may not call setsid: it has a session of its own then */
	setsid();
	for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
		if (fd != stream ? dup2(fd, stream) < 0 : fcntl(fd, F_SETFD, 0) < 0)
			give_up("cannot use %s as stream %d: %s", device, stream, strerror(errno));
}

int main(int argc, char **argv)
{
	char device[512];

	if (argc < 4 || strcmp(argv[2], "--") != 0)
		give_up("usage: run PORTNAME -- PROGRAM [ARGUMENT...]");
	wait_for_port(argv[1], device, sizeof(device));
	take_port_as_streams(device);
	/* a shell's background process ignores these, and a program would inherit that */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	execvp(argv[3], argv + 3);
	give_up("cannot run '%s': %s", argv[3], strerror(errno));
}
