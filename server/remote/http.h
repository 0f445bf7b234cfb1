/*
 * HTTP on one connection, by libmicrohttpd, on the thread that calls.
 */
#ifndef REMOTE_HTTP_H
#define REMOTE_HTTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/wait.h"
#include "remote/policy.h"
#include "remote/robot.h"

/*
 * What all connections share.
 * @body_bytes: of the requests that all connections hold
 * @policy:   the one in force judges each request
 * @long_bodies: see struct rpc_caller
 * @stopping: answers close their connection
 */
struct http_shared {
	struct robot *robot;
	struct policy_box policy;
	struct gate long_bodies;
	atomic_long body_bytes;
	atomic_bool stopping;
};

enum http_phase { HTTP_PHASE_IDLE, HTTP_PHASE_RECEIVING, HTTP_PHASE_ANSWERING };

/*
 * A libmicrohttpd daemon without a listening socket that serves one connection at a time.
 * @policy: what the daemon was made with: its certificate, memory and times
 * @fd: of the present connection, borrowed from libmicrohttpd; changed under @mutex
 */
struct http {
	struct http_shared *shared;
	struct policy *policy;
	struct MHD_Daemon *daemon;
	bool tls;
	bool local;
	pthread_mutex_t mutex;
	int fd;
	int linger_fd;
	bool closed;
	bool cut;
	bool told_end;
	enum http_phase phase;
	int64_t deadline_ms;
	char peer[64];
};

/* http_open - @policy is borrowed and must outlive it; @tls: with the policy's certificate */
int http_open(struct http *h, struct http_shared *shared, struct policy *policy, bool tls,
	      struct error *err);
void http_close(struct http *h);
/*
 * http_serve - serve a connection until it is closed
 * @fd:    taken
 * @peer:  the client's address, for the log
 * @local: a Unix socket: neither credentials nor host names are asked for
 *
 * Each request is judged by the policy that is in force when it comes; once that is another than
 * the daemon's, the connection ends after the answer. A client that takes longer than the policy's
 * times is answered with 408 and cut off.
 */
void http_serve(struct http *h, int fd, const char *peer, bool local);
/* http_stop_reading - from any thread: the connection ends after the answer it waits for, if any */
void http_stop_reading(struct http *h);
/* http_reject - answer without reading, on a plain socket that is then closed: 503 and the like */
void http_reject(int fd, int status, const char *reason);

#endif
