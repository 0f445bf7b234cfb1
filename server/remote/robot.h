/*
 * The remote library protocol of Robot Framework: its XML-RPC methods, and keyword calls in flight.
 */
#ifndef REMOTE_ROBOT_H
#define REMOTE_ROBOT_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/str.h"
#include "base/wait.h"
#include "config/constants.h"
#include "keywords/keyword.h"
#include "remote/rpc.h"

/* The methods of contract section 7. Their callers' @robot must be set. */
extern const struct rpc_methods robot_methods;

/* What get_library_information answers, as XML; made anew when the constants have changed. */
struct robot_information {
	pthread_mutex_t mutex;
	const struct constants *made_with; /* held, so that it is not mistaken for a later one */
	struct str xml;
};

/*
 * @hostel:    passed to the keywords; borrowed
 * @constants: for allow_remote_stop; borrowed
 * @stopping:  thrown when the server ends: cancels every call
 * @request_stop: what stop_remote_server does
 */
struct robot {
	struct hostel *hostel;
	struct constants_box *constants;
	struct cancel stopping;
	void (*request_stop)(void);
	atomic_ulong calls;
	struct robot_information information;
};

int robot_init(struct robot *robot, struct hostel *hostel, struct constants_box *constants,
	       void (*request_stop)(void), struct error *err);
void robot_clear(struct robot *robot);

/* robot_call_wait - without deadline: cancelled by the server's stop, and by a hang-up on @fd */
struct wait robot_call_wait(struct robot *robot, int fd);
/*
 * robot_run_keyword - run a keyword on this thread
 * @args:   array; borrowed
 * @kwargs: object or NULL; borrowed
 * @fd:     a hang-up on it cancels the call; -1 for none
 *
 * Returns the dictionary that run_keyword answers, whatever happened: a new reference.
 */
json_t *robot_run_keyword(struct robot *robot, const char *name, const json_t *args,
			  const json_t *kwargs, int fd, const char *peer);

#endif
