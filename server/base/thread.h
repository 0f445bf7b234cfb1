/*
 * Threads of this program: joinable, small stacks, no signals.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "base/error.h"

/* Enough for the deepest keyword; the JSON and XML depth limits are chosen for it. */
#define THREAD_STACK_SIZE (1024 * 1024)

/* thread_start - run @body(@argument) with all signals blocked; @name (up to 15 characters) shows
 * in ps and gdb */
int thread_start(pthread_t *ret, const char *name, void *(*body)(void *), void *argument,
		 struct error *err);

#endif
