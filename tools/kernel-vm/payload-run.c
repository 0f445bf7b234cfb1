/*
 * payload-run - runs programs in a guest so that they can be ended whole
 *
 * usage: run TERMINAL -- PROGRAM [ARGUMENT...]
 *        run --exec LIMIT -- PROGRAM [ARGUMENT...]
 *        run --end PID
 *        run --ask SOCKET REQUEST...
 *
 * Lives in the guest as /dev/.vhostel/run, static, because the root file system's own
 * C library may be anything. With a TERMINAL, that is the program's standard streams. SIGTERM and
 * SIGINT are handed to the program; it is killed when we are. When the program ends, a line on the
 * terminal says how: "vhostel: payload ended: exit status 1".
 *
 * --exec is for the guest agent, which can neither end what a program started nor limit what it
 * prints. The program leads a session of its own; of each of its outputs LIMIT bytes pass, the
 * rest is read and dropped; exit status or signal become ours. SIGTERM kills the whole session's
 * group. --end sends it to such a runner, and to nothing else.
 *
 * --ask is for the telemetry socket of a DPDK program: it prints the answer to each request, one
 * a line. Source: DPDK, Telemetry Library guide.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
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

/* what is read of an output at once */
#define OUTPUT_CHUNK 65536
#define NUMBER_MAX   INT_MAX

/* the program, once it was started */
static volatile pid_t child;
/* where we say what went wrong ourselves */
static int complaints = STDERR_FILENO;

static _Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void give_up(const char *format, ...)
{
	va_list args;
	char text[512];

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	dprintf(complaints, "vhostel: %s\n", text);
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
static _Noreturn void run_program(const int fds[3], pid_t runner, char **argv)
{
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != runner)
		exit(EXIT_CANNOT_RUN);
	for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
		if (fds[stream] != stream ? dup2(fds[stream], stream) < 0
					  : fcntl(stream, F_SETFD, 0) < 0)
			give_up("cannot give the program its stream %d: %s", stream,
				strerror(errno));
	/* a shell's background process ignores these, and a program would inherit that */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
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

/* Both signals stay blocked, @ret_blocked, until the program is there to get them. */
static void start_program(const int fds[3], char **argv, sigset_t *ret_blocked)
{
	pid_t runner = getpid();
	sigset_t before;

	sigemptyset(ret_blocked);
	sigaddset(ret_blocked, SIGTERM);
	sigaddset(ret_blocked, SIGINT);
	sigprocmask(SIG_BLOCK, ret_blocked, &before);
	child = fork();
	if (child < 0)
		give_up("cannot fork: %s", strerror(errno));
	if (child == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		run_program(fds, runner, argv);
	}
}

static int await_program(void)
{
	int status;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int run_on_terminal(const char *path, char **argv)
{
	struct sigaction action = { .sa_handler = hand_on };
	int fd = open_terminal(path), status;
	sigset_t blocked;

	start_program((int[]) { fd, fd, fd }, argv, &blocked);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	status = await_program();
	if (WIFSIGNALED(status))
		dprintf(fd, "\r\nvhostel: payload ended: signal %d\r\n", WTERMSIG(status));
	else
		dprintf(fd, "\r\nvhostel: payload ended: exit status %d\r\n", WEXITSTATUS(status));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* One of the program's outputs. @room: what may pass still; @from is -1 at its end. */
struct output {
	int from;
	int to;
	size_t room;
};

/* Whoever reads may be gone; the program is not to be held up by that. */
static void pass(struct output *o)
{
	static char bytes[OUTPUT_CHUNK];
	ssize_t n = read(o->from, bytes, sizeof(bytes)), done;
	size_t left;

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		close(o->from);
		o->from = -1;
		return;
	}
	left = (size_t)n < o->room ? (size_t)n : o->room;
	o->room -= left;
	for (const char *p = bytes; left; p += done, left -= (size_t)done) {
		done = write(o->to, p, left);
		if (done < 0 && errno == EINTR)
			done = 0;
		else if (done < 0)
			left = o->room = 0, done = 0;
	}
}

/* Hands both outputs on until they end, or until a signal ends the program with all it started. */
static void pass_outputs(struct output *out, struct output *err, int signals)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = out->from, .events = POLLIN },
			{ .fd = err->from, .events = POLLIN },
		};

		if (out->from < 0 && err->from < 0)
			return;
		if (poll(fds, 3, -1) < 0)
			continue;
		if (fds[0].revents) {
			/* it may not lead its group yet */
			kill(-child, SIGKILL);
			kill(child, SIGKILL);
			return;
		}
		if (fds[1].revents)
			pass(out);
		if (fds[2].revents)
			pass(err);
	}
}

/* Ends as the program did; a core file would only tell of the runner. */
static int end_alike(int status)
{
	struct rlimit none = { 0 };
	sigset_t all;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	setrlimit(RLIMIT_CORE, &none);
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	sigfillset(&all);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
	return 128 + WTERMSIG(status);
}

static long long read_number(const char *text)
{
	char *end;
	long long number = strtoll(text, &end, 10);

	if (end == text || *end || number < 1 || number > NUMBER_MAX)
		give_up("'%s': expected a number from 1 to %d", text, NUMBER_MAX);
	return number;
}

static int run_capped(size_t limit, char **argv)
{
	struct output outputs[2];
	int fds[3] = { STDIN_FILENO }, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t blocked;

	for (int i = 0; i < 2; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			give_up("cannot make a pipe: %s", strerror(errno));
		outputs[i] = (struct output) { ends[0], STDOUT_FILENO + i, limit };
		fds[1 + i] = ends[1];
	}
	/* no limit cuts that a program cannot be run */
	complaints = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	signal(SIGPIPE, SIG_IGN);
	start_program(fds, argv, &blocked);
	close(fds[1]);
	close(fds[2]);
	/* a program that closes its input must be seen to have done so */
	dup2(null, STDIN_FILENO);
	pass_outputs(&outputs[0], &outputs[1], signalfd(-1, &blocked, SFD_CLOEXEC));
	return end_alike(await_program());
}

/* The process may have ended, and its id be another's now. */
static int end_runner(pid_t pid)
{
	char path[64], ours[PATH_MAX], theirs[PATH_MAX];
	ssize_t own = readlink("/proc/self/exe", ours, sizeof(ours)), n;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	n = readlink(path, theirs, sizeof(theirs));
	if (n < 0 || n != own || memcmp(ours, theirs, (size_t)n) != 0)
		give_up("process %d is no runner", pid);
	if (kill(pid, SIGTERM) < 0)
		give_up("process %d: %s", pid, strerror(errno));
	return 0;
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
	if (argc >= 4 && strcmp(argv[1], "--ask") == 0)
		return ask(argv[2], argv + 3);
	if (argc >= 5 && strcmp(argv[1], "--exec") == 0 && strcmp(argv[3], "--") == 0)
		return run_capped((size_t)read_number(argv[2]), argv + 4);
	if (argc == 3 && strcmp(argv[1], "--end") == 0)
		return end_runner((pid_t)read_number(argv[2]));
	if (argc >= 4 && strcmp(argv[2], "--") == 0)
		return run_on_terminal(argv[1], argv + 3);
	give_up("usage: run TERMINAL -- PROGRAM [ARGUMENT...]\n"
		"       run --exec LIMIT -- PROGRAM [ARGUMENT...]\n"
		"       run --end PID\n"
		"       run --ask SOCKET REQUEST...");
}
