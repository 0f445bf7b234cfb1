/*
 * Threads of this program: joinable, small stacks, no signals.
 */
#include "base/thread.h"

#include <signal.h>

int thread_start(pthread_t *ret, const char *name, void *(*body)(void *), void *argument,
		 struct error *err)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK_SIZE);
	rc = pthread_create(ret, &attr, body, argument);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc)
		return error_set_errno(err, rc, "cannot start thread '%s'", name);
	pthread_setname_np(*ret, name);
	return 0;
}
