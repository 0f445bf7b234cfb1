/*
 * Child processes: started from a list of arguments, held by a pidfd, never by name.
 *
 * How it works: the child tells through a close-on-exec pipe why it could not exec; an empty pipe
 * means that the program runs. The child writes its own pid file: at no time is there a program
 * that no file tells of.
 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/own.h"

#define STAT_MAX 4096

/* In the child, so without printf(). */
static int write_pid(int fd)
{
	char text[24], *p = text + sizeof(text);
	pid_t pid = getpid();
	ssize_t length;

	*--p = '\n';
	for (; pid; pid /= 10)
		*--p = (char)('0' + pid % 10);
	length = text + sizeof(text) - p;
	return write(fd, p, (size_t)length) == length ? 0 : -1;
}

/* In the child, between fork and exec: only async-signal-safe functions. */
static void __attribute__((noreturn))
child_exec(const struct process_spec *spec, int pid_fd, int report_fd)
{
	sigset_t none;
	int code;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (spec->group)
		setpgid(0, 0);
	for (int i = 0; i < 3; i++) {
		int fd = spec->fds[i] >= 0 ? spec->fds[i] : open("/dev/null", O_RDWR | O_CLOEXEC);

		/* A descriptor that stands at its place already keeps its close-on-exec flag. */
		if (fd == i ? fcntl(fd, F_SETFD, 0) < 0 : dup2(fd, i) < 0)
			goto failed;
	}
	if (spec->cwd && chdir(spec->cwd) < 0)
		goto failed;
	if (pid_fd >= 0 && write_pid(pid_fd) < 0)
		goto failed;
	execvp(spec->argv[0], spec->argv);
failed:
	code = errno;
	if (write(report_fd, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

int process_start(const struct process_spec *spec, struct process *ret, struct error *err)
{
	auto_close int report_fd = -1, pid_fd = -1;
	int ends[2], code = 0;
	ssize_t n;
	pid_t pid;

	*ret = (struct process)PROCESS_NONE;
	if (spec->pid_path) {
		pid_fd = open(spec->pid_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (pid_fd < 0)
			return error_set_errno(err, errno, "%s", spec->pid_path);
	}
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe");
	pid = fork();
	if (pid == 0)
		child_exec(spec, pid_fd, ends[1]);
	report_fd = ends[0];
	close(ends[1]);
	if (pid < 0)
		return error_set_errno(err, errno, "cannot start %s: fork", spec->argv[0]);
	ret->pid = pid;
	ret->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	do
		n = read(report_fd, &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(code) || ret->pidfd < 0) {
		if (ret->pidfd < 0)
			kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		process_clear(ret);
		return error_set_errno(err, code ? code : EMFILE, "cannot start %s", spec->argv[0]);
	}
	return 0;
}

int process_open(pid_t pid, struct process *ret, struct error *err)
{
	*ret = (struct process)PROCESS_NONE;
	ret->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ret->pidfd < 0)
		return error_set_errno(err, errno, "process %d", (int)pid);
	ret->pid = pid;
	return 0;
}

void process_clear(struct process *p)
{
	if (p->pidfd >= 0)
		close(p->pidfd);
	*p = (struct process)PROCESS_NONE;
}

int process_signal(const struct process *p, int signal, struct error *err)
{
	if (syscall(SYS_pidfd_send_signal, p->pidfd, signal, NULL, 0) < 0 && errno != ESRCH)
		return error_set_errno(err, errno, "cannot send signal %d to process %d", signal,
				       (int)p->pid);
	return 0;
}

void process_kill_group(const struct process *p)
{
	/* The group's id cannot be reused while its leader is not reaped. */
	if (p->pid > 0)
		kill(-p->pid, SIGKILL);
}

static int reap(const struct process *p)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED | WNOHANG) < 0 || !info.si_pid)
		return -1;
	if (info.si_code == CLD_EXITED)
		return (info.si_status & 0xff) << 8;
	return info.si_status | (info.si_code == CLD_DUMPED ? 0x80 : 0);
}

int process_wait(const struct process *p, const struct wait *w, int *ret_status, struct error *err)
{
	int status;

	if (wait_fd(w, p->pidfd, POLLIN, err) < 0)
		return -1;
	status = reap(p);
	if (ret_status)
		*ret_status = status;
	return 0;
}

bool process_ended(const struct process *p)
{
	struct pollfd one = { .fd = p->pidfd, .events = POLLIN };

	return p->pidfd < 0 || poll(&one, 1, 0) > 0;
}

int process_start_time(pid_t pid, uint64_t *ret)
{
	auto_free char *path = own_printf("/proc/%d/stat", (int)pid);
	auto_free char *text = NULL;
	unsigned long long ticks;
	const char *p;

	if (file_read(path, STAT_MAX, &text, NULL, NULL) < 0)
		return -1;
	/* The second field, the name, may hold spaces and brackets: count from its end. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	if (!p || sscanf(p, " %llu", &ticks) != 1)
		return -1;
	*ret = ticks;
	return 0;
}

void process_result_clear(struct process_result *r)
{
	str_clear(&r->out);
	str_clear(&r->err);
}

static void keep(struct process_result *r, struct str *s, const char *bytes, size_t n, size_t limit)
{
	size_t room = limit > s->length ? limit - s->length : 0;

	if (n > room)
		r->cut = true;
	str_add(s, bytes, n < room ? n : room);
}

struct pump {
	int fd;
	struct str *to;
};

/* Reads what is there; closes the descriptor at its end. */
static void pump_in(struct pump *pump, struct process_result *r, size_t limit)
{
	char buffer[16384];
	ssize_t n = read(pump->fd, buffer, sizeof(buffer));

	if (n > 0)
		keep(r, pump->to, buffer, (size_t)n, limit);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		own_close(&pump->fd);
}

static int pump_out(int *fd, const struct str *input, size_t *done)
{
	ssize_t n = write(*fd, input->text + *done, input->length - *done);

	if (n > 0)
		*done += (size_t)n;
	if ((n < 0 && errno != EAGAIN && errno != EINTR) || *done == input->length)
		own_close(fd);
	return 0;
}

static int run_pumps(const struct process *p, struct pump *pumps, int *in_fd,
		     const struct str *input, size_t limit, const struct wait *w,
		     struct process_result *ret, struct error *err)
{
	size_t done = 0;

	if (*in_fd >= 0 && !input->length)
		own_close(in_fd);
	/* Until the program ended: a grandchild may hold the outputs open for longer. */
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = pumps[0].fd, .events = POLLIN },
			{ .fd = pumps[1].fd, .events = POLLIN },
			{ .fd = *in_fd, .events = POLLOUT },
			{ .fd = p->pidfd, .events = POLLIN },
		};
		bool more = false;

		if (wait_fds(w, fds, 4, err) < 0)
			return -1;
		for (int i = 0; i < 2; i++)
			if (fds[i].revents) {
				pump_in(&pumps[i], ret, limit);
				more = true;
			}
		if (fds[2].revents)
			pump_out(in_fd, input, &done);
		if (fds[3].revents && !more)
			return 0;
	}
}

static void close_pipe(int (*ends)[2])
{
	own_close(&(*ends)[0]);
	own_close(&(*ends)[1]);
}

int process_run(char *const *argv, const struct str *input, size_t limit, const struct wait *w,
		struct process_result *ret, struct error *err)
{
	auto_cleanup(close_pipe) int in[2] = { -1, -1 };
	auto_cleanup(close_pipe) int out[2] = { -1, -1 };
	auto_cleanup(close_pipe) int errs[2] = { -1, -1 };
	auto_cleanup(process_clear) struct process p = PROCESS_NONE;
	struct process_spec spec = { .argv = argv, .group = true };
	struct pump pumps[2];
	int status = 0, rc;

	*ret = (struct process_result) { 0 };
	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(errs, O_CLOEXEC) < 0 ||
	    (input && pipe2(in, O_CLOEXEC) < 0))
		return error_set_errno(err, errno, "pipe");
	spec.fds[0] = in[0];
	spec.fds[1] = out[1];
	spec.fds[2] = errs[1];
	if (process_start(&spec, &p, err) < 0)
		return -1;
	own_close(&in[0]);
	own_close(&out[1]);
	own_close(&errs[1]);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(errs[0], F_SETFL, O_NONBLOCK);
	if (in[1] >= 0)
		fcntl(in[1], F_SETFL, O_NONBLOCK);
	pumps[0] = (struct pump) { .fd = take_fd(&out[0]), .to = &ret->out };
	pumps[1] = (struct pump) { .fd = take_fd(&errs[0]), .to = &ret->err };
	rc = run_pumps(&p, pumps, &in[1], input, limit, w, ret, err);
	own_close(&pumps[0].fd);
	own_close(&pumps[1].fd);
	if (rc < 0) {
		struct wait end = wait_for_ms(1000);

		process_kill_group(&p);
		process_wait(&p, &end, NULL, NULL);
		process_result_clear(ret);
		return -1;
	}
	process_wait(&p, w, &status, NULL);
	ret->rc = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	ret->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return 0;
}
