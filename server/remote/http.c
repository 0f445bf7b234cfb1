/*
 * HTTP on one connection, by libmicrohttpd, on the thread that calls.
 *
 * How it works: each worker thread owns a daemon that has no thread and no listening socket of its
 * own. http_serve() hands it one accepted socket and turns its loop, so a keyword runs on this
 * thread from top to bottom, and the time limits, which libmicrohttpd has for inactivity only, are
 * the deadline of the loop: for the headers from the accept or the last answer on, for the body
 * from the headers on, for the taking of the answer from the answer on.
 *
 * A request is answered before its connection is closed, whatever is wrong with it: Robot sends a
 * request again when its connection just ends. Where the answer comes before the body was read, the
 * socket is kept a moment by a second descriptor and drained, because closing a socket with
 * unread data makes the kernel drop the answer too.
 */
#include "remote/http.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "base/str.h"
#include "remote/request.h"

/* How long a client may take to stop sending after it was answered early. */
#define LINGER_MS 2000

/* How long libmicrohttpd gets to notice that its socket was shut down. */
#define CUT_MS 1000

static void set_deadline(struct http *h, enum http_phase phase, int64_t ms)
{
	h->phase = phase;
	h->deadline_ms = clock_ms() + ms;
}

static void set_fd(struct http *h, int fd)
{
	lock_scope(&h->mutex);

	h->fd = fd;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct http *h = cls;
	struct request *r = *state;
	bool last = atomic_load(&h->shared->stopping) || (r && request_is_last(r, h));

	(void)connection, (void)why;
	request_free(r, h->shared);
	*state = NULL;
	set_deadline(h, HTTP_PHASE_IDLE, h->policy->idle_ms);
	if (last)
		http_stop_reading(h);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	struct http *h = cls;

	(void)connection, (void)context;
	if (what != MHD_CONNECTION_NOTIFY_CLOSED)
		return;
	h->closed = true;
	/* libmicrohttpd closes the socket next; its number may then be anybody's. */
	set_fd(h, -1);
}

void http_stop_reading(struct http *h)
{
	lock_scope(&h->mutex);

	if (h->fd >= 0)
		shutdown(h->fd, SHUT_RD);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct http *h = cls;
	struct request *r = *state;
	enum MHD_Result rc;

	if (!r) {
		*state = r = request_new(h->shared);
		set_deadline(h, HTTP_PHASE_RECEIVING, h->policy->request_ms);
		if (!request_admit(r, h, connection, url, method, version))
			return MHD_YES;
		if (request_has_body(r))
			h->linger_fd = fcntl(h->fd, F_DUPFD_CLOEXEC, 0);
		set_deadline(h, HTTP_PHASE_ANSWERING, h->policy->request_ms);
		return request_respond(r, h, connection);
	}
	if (*size) {
		request_add_body(r, h, data, *size);
		*size = 0;
		return MHD_YES;
	}
	request_answer(r, h, connection);
	rc = request_respond(r, h, connection);
	set_deadline(h, HTTP_PHASE_ANSWERING, h->policy->request_ms);
	return rc;
}

static void on_log(void *cls, const char *format, va_list ap)
{
	char line[512];

	(void)cls;
	/* The format is libmicrohttpd's own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(line, sizeof(line), format, ap);
#pragma GCC diagnostic pop
	line[strcspn(line, "\n")] = '\0';
	log_debug("libmicrohttpd: %s", line);
}

int http_open(struct http *h, struct http_shared *shared, struct policy *policy, bool tls,
	      struct error *err)
{
	struct MHD_OptionItem tls_options[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, policy->certificate },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, policy->key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		  (void *)"NORMAL:-VERS-TLS1.0:-VERS-TLS1.1:-VERS-DTLS-ALL" },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct MHD_OptionItem no_options[] = { { MHD_OPTION_END, 0, NULL } };
	unsigned int flags = MHD_USE_NO_LISTEN_SOCKET | MHD_USE_EPOLL | MHD_USE_ERROR_LOG;

	*h = (struct http) { .shared = shared,
			     .policy = policy,
			     .tls = tls,
			     .mutex = PTHREAD_MUTEX_INITIALIZER,
			     .fd = -1,
			     .linger_fd = -1 };
	h->daemon = MHD_start_daemon(
		tls ? flags | MHD_USE_TLS : flags, 0, NULL, NULL, on_request, h,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_CONNECTION_LIMIT, 2u,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, policy->header_max,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_ARRAY,
		tls ? tls_options : no_options, MHD_OPTION_END);
	if (!h->daemon)
		return error_set(err, errno ? errno : EIO, "cannot start libmicrohttpd%s",
				 tls ? " with TLS" : "");
	return 0;
}

void http_close(struct http *h)
{
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	h->daemon = NULL;
}

/* Until the client has seen the answer and stopped sending. */
static void linger(struct http *h)
{
	auto_close int fd = take_fd(&h->linger_fd);
	struct wait w = wait_for_ms(LINGER_MS);
	struct error ignored;
	char buffer[16384];
	size_t n = 1;

	if (fd < 0)
		return;
	shutdown(fd, SHUT_WR);
	while (n && !wait_check(&w, &ignored))
		if (wait_read(&w, fd, buffer, sizeof(buffer), &n, &ignored) < 0)
			break;
}

/* The client was too slow: say so if it is waiting for an answer to a request, then end it. */
static void cut_off(struct http *h)
{
	static const char answer[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
				     "Content-Length: 0\r\n\r\n";

	if (h->phase == HTTP_PHASE_RECEIVING && !h->tls)
		send(h->fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	log_debug("%s: cut off, too slow", h->peer);
	shutdown(h->fd, SHUT_RDWR);
	h->cut = true;
	h->deadline_ms = clock_ms() + CUT_MS;
}

/*
 * libmicrohttpd waits for edges, and takes a short read for the end of what there is: an end of
 * file that came together with the last bytes is then never seen. Shutting down what is
 * shut already makes the kernel report it again.
 */
static void report_end_of_file(struct http *h)
{
	char byte;

	if (h->told_end || recv(h->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0)
		return;
	shutdown(h->fd, SHUT_RD);
	h->told_end = true;
}

/* One turn of libmicrohttpd's loop; false when the connection cannot be brought to its end. */
static bool turn(struct http *h)
{
	int64_t left = h->deadline_ms - clock_ms();

	if (left <= 0 && h->cut)
		return false;
	if (left <= 0) {
		cut_off(h);
		left = 0;
	}
	report_end_of_file(h);
	return MHD_run_wait(h->daemon, left > INT32_MAX ? INT32_MAX : (int32_t)left) == MHD_YES;
}

void http_serve(struct http *h, int fd, const char *peer, bool local)
{
	struct sockaddr_in nobody = { .sin_family = AF_INET };

	set_fd(h, fd);
	h->local = local;
	h->closed = h->cut = h->told_end = false;
	snprintf(h->peer, sizeof(h->peer), "%s", peer);
	set_deadline(h, HTTP_PHASE_RECEIVING, h->policy->request_ms);
	if (MHD_add_connection(h->daemon, fd, (struct sockaddr *)&nobody, sizeof(nobody)) !=
	    MHD_YES) {
		log_warn("%s: cannot serve the connection: %s", peer, strerror(errno));
		h->closed = true;
	}
	/* A stop that came before the socket was known here has not reached it. */
	if (atomic_load(&h->shared->stopping))
		http_stop_reading(h);
	while (!h->closed)
		if (!turn(h)) {
			/* Ends the connection with it; the owner opens another. */
			http_close(h);
			break;
		}
	set_fd(h, -1);
	linger(h);
}

void http_reject(int fd, int status, const char *reason)
{
	auto_free char *answer =
		own_printf("HTTP/1.1 %d %s\r\nConnection: close\r\n%s"
			   "Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s\n",
			   status, MHD_get_reason_phrase_for((unsigned int)status),
			   status == 503 ? "Retry-After: 1\r\n" : "", strlen(reason) + 1, reason);
	char unread[4096];

	send(fd, answer, strlen(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	/* What is unread would make the kernel drop the answer. */
	while (recv(fd, unread, sizeof(unread), MSG_DONTWAIT) > 0)
		;
	close(fd);
}
