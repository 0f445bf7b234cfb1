/*
 * SIGINT, SIGTERM and SIGHUP while something must be undone: read from a descriptor.
 */
#include "tools/vhostelctl/interrupt.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int last_signal;

void interrupt_begin(struct interrupt *in)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, &in->before);
	in->fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

void interrupt_end(struct interrupt *in)
{
	if (in->fd >= 0)
		close(in->fd);
	in->fd = -1;
	sigprocmask(SIG_SETMASK, &in->before, NULL);
}

bool interrupt_came(const struct interrupt *in)
{
	struct signalfd_siginfo info;

	if (in->fd < 0 || read(in->fd, &info, sizeof(info)) != sizeof(info))
		return false;
	last_signal = (int)info.ssi_signo;
	return true;
}

bool interrupt_wait(const struct interrupt *in, int fd, int timeout_ms)
{
	struct pollfd fds[] = { { .fd = in->fd, .events = POLLIN },
				{ .fd = fd, .events = POLLIN } };

	poll(fds, 2, timeout_ms);
	return !interrupt_came(in);
}

int interrupt_signal(void)
{
	return last_signal;
}
