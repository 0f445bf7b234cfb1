/*
 * payload-run - runs a program with a terminal of its own as its standard streams
 *
 * usage: run TERMINAL -- PROGRAM [ARGUMENT...]
 *        run --ask SOCKET REQUEST...
 *
 * Lives in the guest as /dev/.vhostel/run, static, because the root file system's own
 * C library may be anything. SIGTERM and SIGINT are handed to the program; it is killed when we
 * are. When the program ends, a line on the terminal says how: "vhostel: payload ended: exit
 * status 1".
 *
 * --ask is for the telemetry socket of a DPDK program: it prints the answer to each request, one
 * a line. Source: DPDK, Telemetry Library guide.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* the guest's driver may find the terminal a moment after we were started */
#define TERMINAL_TIMEOUT_MS 5000
/* what a shell answers for a command that it cannot run */
#define EXIT_CANNOT_RUN 127
/* how long a DPDK program may take for an answer, and how long that may be */
#define ANSWER_TIMEOUT_S 5
#define ANSWER_MAX	 65536

/* the program, once it was started */
static volatile pid_t child;

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

/* A socket on which the kernel tells of new devices. */
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

/* Opens the terminal as soon as it is there; events are subscribed to before the first look. */
static int open_terminal(const char *path)
{
	long long deadline_ms = now_ms() + TERMINAL_TIMEOUT_MS;
	struct pollfd events = { .fd = open_device_events(), .events = POLLIN };
	char drained[4096];
	int fd;

	while ((fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY)) < 0) {
		long long left_ms = deadline_ms - now_ms();

		if (left_ms <= 0 || events.fd < 0)
			give_up("cannot open terminal %s: %s", path, strerror(errno));
		poll(&events, 1, (int)left_ms);
		while (recv(events.fd, drained, sizeof(drained), 0) > 0)
			;
	}
	if (events.fd >= 0)
		close(events.fd);
	return fd;
}

/*
 * In the child: a session of its own. The terminal does not control it: the end of a session hangs
 * its terminal up, and then nobody could write on it how the program ended.
 */
static _Noreturn void run_program(int fd, pid_t runner, char **argv)
{
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != runner)
		exit(EXIT_CANNOT_RUN);
	for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
		if (fd != stream ? dup2(fd, stream) < 0 : fcntl(fd, F_SETFD, 0) < 0)
			give_up("cannot use the terminal as stream %d: %s", stream,
				strerror(errno));
	/* a shell's background process ignores these, and a program would inherit that */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	execvp(argv[0], argv);
	give_up("cannot run '%s': %s", argv[0], strerror(errno));
}

static void hand_on(int signal_number)
{
	int saved = errno;

	if (child > 0)
		kill(child, signal_number);
	errno = saved;
}

/* Both signals wait until the program is there to get them. */
static void start_program(int fd, char **argv)
{
	struct sigaction action = { .sa_handler = hand_on };
	pid_t runner = getpid();
	sigset_t both, before;

	sigemptyset(&both);
	sigaddset(&both, SIGTERM);
	sigaddset(&both, SIGINT);
	sigprocmask(SIG_BLOCK, &both, &before);
	child = fork();
	if (child < 0)
		give_up("cannot fork: %s", strerror(errno));
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		run_program(fd, runner, argv);
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &both, NULL);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		give_up("%s: too long for a socket", path);
	strcpy(address.sun_path, path);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		give_up("%s: %s", path, strerror(errno));
	return fd;
}

/* The greeting is an answer to nothing. */
static int ask(const char *path, char **requests)
{
	int fd = connect_to(path);
	char answer[ANSWER_MAX];
	ssize_t n = recv(fd, answer, sizeof(answer), 0);

	for (; *requests && n > 0; requests++) {
		if (send(fd, *requests, strlen(*requests), MSG_NOSIGNAL) < 0)
			give_up("%s: %s: %s", path, *requests, strerror(errno));
		n = recv(fd, answer, sizeof(answer), 0);
		if (n > 0)
			printf("%.*s\n", (int)n, answer);
	}
	if (n <= 0)
		give_up("%s: no answer: %s", path, n ? strerror(errno) : "hung up");
	return 0;
}

int main(int argc, char **argv)
{
	int fd, status;

	if (argc >= 4 && strcmp(argv[1], "--ask") == 0)
		return ask(argv[2], argv + 3);
	if (argc < 4 || strcmp(argv[2], "--") != 0)
		give_up("usage: run TERMINAL -- PROGRAM [ARGUMENT...]\n"
			"       run --ask SOCKET REQUEST...");
	fd = open_terminal(argv[1]);
	start_program(fd, argv + 3);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		dprintf(fd, "\r\nvhostel: payload ended: signal %d\r\n", WTERMSIG(status));
	else
		dprintf(fd, "\r\nvhostel: payload ended: exit status %d\r\n", WEXITSTATUS(status));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
