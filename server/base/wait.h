/*
 * Waiting: every wait has a deadline, can be cancelled, and waits for a descriptor.
 */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* How many things can cancel one wait: client gone, server stopping, VM being killed, VM ended,
 * chain being stopped; and one to spare. */
#define WAIT_CANCEL_MAX 6

/* clock_ms, clock_us - monotonic time since an arbitrary start */
int64_t clock_ms(void);
int64_t clock_us(void);
/* clock_wall_ms - milliseconds since 1970-01-01 00:00 UTC, for time stamps only */
int64_t clock_wall_ms(void);

/*
 * @deadline_ms: on clock_ms()'s scale
 * @cancel:      descriptors (borrowed) that cancel the wait when one of @events or a hang-up
 *               shows on them; @reason is the text of the error then (a literal)
 */
struct wait {
	int64_t deadline_ms;
	size_t cancel_count;
	struct wait_cancel {
		int fd;
		short events;
		const char *reason;
	} cancel[WAIT_CANCEL_MAX];
};

/* wait_for_ms - a wait that nothing cancels and that ends after @timeout_ms */
struct wait wait_for_ms(int64_t timeout_ms);
/* wait_within - @outer with a deadline no later than @timeout_ms from now */
struct wait wait_within(const struct wait *outer, int64_t timeout_ms);
/* wait_add_cancel - one more thing that cancels @w, added once; more than WAIT_CANCEL_MAX end the
 * process */
void wait_add_cancel(struct wait *w, int fd, short events, const char *reason);
/* wait_left_ms - time until the deadline, 0 when it has passed */
int64_t wait_left_ms(const struct wait *w);

/*
 * wait_fds - wait until one of @fds is ready
 *
 * Returns 0 with revents filled in, or -1. A cancellation wins over readiness.
 * Errors: ETIMEDOUT ("timed out"); ECANCELED with the canceller's reason.
 */
int wait_fds(const struct wait *w, struct pollfd *fds, size_t count, struct error *err);
/* wait_fd - the same for one descriptor. A hang-up counts as ready: the next read tells. */
int wait_fd(const struct wait *w, int fd, short events, struct error *err);
/* wait_check - -1 when the deadline has passed or something cancels, without waiting */
int wait_check(const struct wait *w, struct error *err);
/*
 * wait_pause - let @ms pass between two questions to a peer that offers no event
 *
 * Errors as wait_fds; a deadline that comes first is ETIMEDOUT.
 */
int wait_pause(const struct wait *w, int64_t ms, struct error *err);
/* wait_read, wait_write - one read(2) or all of the bytes written, on a non-blocking descriptor */
int wait_read(const struct wait *w, int fd, void *buffer, size_t size, size_t *ret_count,
	      struct error *err);
int wait_write(const struct wait *w, int fd, const void *bytes, size_t count, struct error *err);

/*
 * A bell tells any number of listeners that something changed. A listener registers first, then
 * looks at the state, then waits: nothing that happens in between is missed.
 */
struct bell {
	pthread_mutex_t mutex;
	struct bell_listener *first;
};

struct bell_listener {
	struct bell *bell;
	struct bell_listener *next;
	int fd;
};

#define BELL_INIT                                  \
	{                                          \
		.mutex = PTHREAD_MUTEX_INITIALIZER \
	}

void bell_init(struct bell *bell);
/* bell_clear - no listener may be left */
void bell_clear(struct bell *bell);
void bell_ring(struct bell *bell);
/* bell_listen - register; ended by bell_leave(), for which auto_listener is made */
int bell_listen(struct bell *bell, struct bell_listener *listener, struct error *err);
void bell_leave(struct bell_listener *listener);
/* bell_wait - until the bell rang since registering or since the last bell_wait */
int bell_wait(struct bell_listener *listener, const struct wait *w, struct error *err);
/* bell_heard - forget the rings so far; for listeners whose @fd is polled with others */
void bell_heard(struct bell_listener *listener);

#define auto_listener __attribute__((cleanup(bell_leave))) struct bell_listener

/* A gate lets one at a time pass: a mutex whose wait has a deadline and can be cancelled. */
struct gate {
	int fd;
};

int gate_init(struct gate *gate, struct error *err);
void gate_clear(struct gate *gate);
int gate_enter(struct gate *gate, const struct wait *w, struct error *err);
void gate_leave(struct gate *gate);

/* A switch that is thrown once and cancels every wait that holds its descriptor. */
struct cancel {
	int fd;
};

int cancel_init(struct cancel *c, struct error *err);
void cancel_clear(struct cancel *c);
void cancel_throw(struct cancel *c);
/* cancel_reset - not thrown any more; what waits from now on is not cancelled */
void cancel_reset(struct cancel *c);
bool cancel_thrown(const struct cancel *c);

#endif
