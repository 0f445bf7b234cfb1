/*
 * A QMP connection: commands with their answers, and events.
 *
 * How it works: the watcher's thread cuts the stream into lines. A line with an id is the answer
 * to the request of that id; it is hung on the request and the bell rings. A line with an event
 * goes to the listener before anything that came after it. End of file closes the connection and
 * rings the bell as well.
 */
#include "qemu/qmp.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "base/str.h"
#include "value/value.h"

struct request {
	struct request *next;
	json_int_t id;
	json_t *answer;
};

struct qmp {
	struct watch watch;
	struct qmp_listener listener;
	struct gate write_gate;
	struct bell bell;
	struct str in;
	size_t scanned;
	pthread_mutex_t mutex; /* everything below */
	struct request *requests;
	json_int_t last_id;
	char *version;
	bool closed;
	char *broken; /* why a line could not be taken, or NULL */
};

static void take_greeting(struct qmp *qmp, const json_t *greeting)
{
	int major, minor, micro;

	if (json_unpack((json_t *)greeting, "{s:{s:{s:i,s:i,s:i}}}", "version", "qemu", "major",
			&major, "minor", &minor, "micro", &micro) < 0)
		return;
	lock_scope(&qmp->mutex);
	if (!qmp->version)
		qmp->version = own_printf("%d.%d.%d", major, minor, micro);
}

static void take_answer(struct qmp *qmp, json_int_t id, json_t *message)
{
	lock_scope(&qmp->mutex);

	for (struct request *r = qmp->requests; r; r = r->next)
		if (r->id == id && !r->answer)
			r->answer = json_incref(message);
}

static void take_line(struct qmp *qmp, const char *line, size_t length)
{
	struct error err;
	auto_json *message = value_parse(line, length, "QMP", &err);
	const char *event = json_string_value(json_object_get(message, "event"));
	const json_t *id = json_object_get(message, "id");

	if (!message) {
		lock_scope(&qmp->mutex);
		free(qmp->broken);
		qmp->broken = own_strdup(err.text);
	} else if (event) {
		qmp->listener.event(qmp->listener.owner, event, json_object_get(message, "data"));
	} else if (json_object_get(message, "QMP")) {
		take_greeting(qmp, json_object_get(message, "QMP"));
	} else if (json_is_integer(id)) {
		take_answer(qmp, json_integer_value(id), message);
	}
}

static void take_lines(struct qmp *qmp)
{
	for (;;) {
		char *start = qmp->in.text, *end;

		end = start ? memchr(start + qmp->scanned, '\n', qmp->in.length - qmp->scanned)
			    : NULL;
		if (!end)
			break;
		if (end > start)
			take_line(qmp, start, (size_t)(end - start));
		str_cut(&qmp->in, (size_t)(end - start) + 1);
		qmp->scanned = 0;
	}
	qmp->scanned = qmp->in.length;
	if (!qmp->in.length)
		str_clear(&qmp->in);
}

static int end_of_stream(struct qmp *qmp)
{
	pthread_mutex_lock(&qmp->mutex);
	qmp->closed = true;
	pthread_mutex_unlock(&qmp->mutex);
	qmp->listener.gone(qmp->listener.owner);
	bell_ring(&qmp->bell);
	return -1;
}

static int qmp_ready(struct watch *watch)
{
	struct qmp *qmp = (struct qmp *)((char *)watch - offsetof(struct qmp, watch));
	char buffer[16384];
	ssize_t n = read(watch->fd, buffer, sizeof(buffer));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0 || qmp->in.length + (size_t)n > QMP_LINE_MAX)
		return end_of_stream(qmp);
	str_add(&qmp->in, buffer, (size_t)n);
	take_lines(qmp);
	bell_ring(&qmp->bell);
	return 0;
}

static bool greeted(struct qmp *qmp, bool *ret_closed)
{
	lock_scope(&qmp->mutex);

	*ret_closed = qmp->closed;
	return qmp->version != NULL;
}

static int negotiate(struct qmp *qmp, const struct wait *w, struct error *err)
{
	auto_listener heard = { .fd = -1 };
	bool closed;

	if (bell_listen(&qmp->bell, &heard, err) < 0 ||
	    watcher_add(qmp->watch.watcher, &qmp->watch, err) < 0)
		return -1;
	while (!greeted(qmp, &closed)) {
		if (closed)
			return error_set(err, ECONNRESET,
					 "QEMU closed the connection before its "
					 "greeting");
		if (bell_wait(&heard, w, err) < 0)
			return error_prefix(err, "waiting for QEMU's greeting");
	}
	return qmp_execute(qmp, "qmp_capabilities", NULL, w, NULL, err);
}

int qmp_open(struct watcher *watcher, int fd, const struct qmp_listener *listener,
	     const struct wait *w, struct qmp **ret, struct error *err)
{
	struct qmp *qmp = own_alloc(sizeof(*qmp));

	qmp->watch = (struct watch) { .fd = fd, .ready = qmp_ready, .watcher = watcher };
	qmp->listener = *listener;
	pthread_mutex_init(&qmp->mutex, NULL);
	bell_init(&qmp->bell);
	if (gate_init(&qmp->write_gate, err) < 0 || negotiate(qmp, w, err) < 0) {
		qmp_close(qmp);
		return -1;
	}
	*ret = qmp;
	return 0;
}

void qmp_close(struct qmp *qmp)
{
	if (!qmp)
		return;
	watcher_remove(&qmp->watch);
	own_close(&qmp->watch.fd);
	gate_clear(&qmp->write_gate);
	bell_clear(&qmp->bell);
	pthread_mutex_destroy(&qmp->mutex);
	str_clear(&qmp->in);
	free(qmp->version);
	free(qmp->broken);
	free(qmp);
}

const char *qmp_version(const struct qmp *qmp)
{
	return qmp->version;
}

static void add_request(struct qmp *qmp, struct request *request)
{
	lock_scope(&qmp->mutex);

	request->id = ++qmp->last_id;
	request->next = qmp->requests;
	qmp->requests = request;
}

static void remove_request(struct qmp *qmp, struct request *request)
{
	struct request **link;
	lock_scope(&qmp->mutex);

	for (link = &qmp->requests; *link != request; link = &(*link)->next)
		;
	*link = request->next;
	json_decref(request->answer);
}

static int send_request(struct qmp *qmp, json_int_t id, const char *command,
			const json_t *arguments, const struct wait *w, struct error *err)
{
	auto_json *message = json_pack("{s:s,s:I}", "execute", command, "id", id);
	auto_free char *text = NULL, *line = NULL;
	int rc;

	if (arguments)
		json_object_set(message, "arguments", (json_t *)arguments);
	text = json_dumps(message, JSON_COMPACT);
	/* In one piece: QEMU acts at the last brace, and after a quit nobody reads the rest. */
	line = own_printf("%s\n", text);
	if (gate_enter(&qmp->write_gate, w, err) < 0)
		return -1;
	rc = wait_write(w, qmp->watch.fd, line, strlen(line), err);
	gate_leave(&qmp->write_gate);
	if (rc < 0 && (err->code == EPIPE || err->code == ECONNRESET))
		return error_set(err, ECONNRESET, "QEMU is gone");
	return rc;
}

/* 1 when the answer is there, 0 when not yet, -1 when it will never come. */
static int look_for_answer(struct qmp *qmp, const struct request *request, struct error *err)
{
	lock_scope(&qmp->mutex);

	if (request->answer)
		return 1;
	if (qmp->broken)
		return error_set(err, EPROTO, "%s", qmp->broken);
	if (qmp->closed)
		return error_set(err, ECONNRESET, "QEMU is gone");
	return 0;
}

static int await_answer(struct qmp *qmp, struct request *request, const char *command,
			const struct wait *w, struct error *err)
{
	auto_listener heard = { .fd = -1 };
	int found;

	if (bell_listen(&qmp->bell, &heard, err) < 0)
		return -1;
	while (!(found = look_for_answer(qmp, request, err)))
		if (bell_wait(&heard, w, err) < 0)
			return -1;
	/*
	 * QEMU may end before its answer to "quit" has left: that is what was asked for.
	 * Source: QEMU qapi/misc.json, quit: "a premature EOF would not be unexpected".
	 */
	if (found < 0 && err->code == ECONNRESET && !strcmp(command, "quit")) {
		request->answer = json_pack("{s:{}}", "return");
		return 0;
	}
	return found < 0 ? -1 : 0;
}

static int read_answer(const json_t *answer, json_t **ret_value, struct error *err)
{
	const json_t *error = json_object_get(answer, "error");
	json_t *value = json_object_get(answer, "return");

	if (error)
		return error_set(err, EREMOTEIO, "%s: %s",
				 json_string_value(json_object_get(error, "class")),
				 json_string_value(json_object_get(error, "desc")));
	if (!value)
		return error_set(err, EPROTO, "an answer with neither return nor error");
	if (ret_value)
		*ret_value = json_incref(value);
	return 0;
}

int qmp_execute(struct qmp *qmp, const char *command, const json_t *arguments, const struct wait *w,
		json_t **ret_value, struct error *err)
{
	struct request request = { 0 };
	struct error own;
	int rc;

	err = error_or(err, &own);
	add_request(qmp, &request);
	rc = send_request(qmp, request.id, command, arguments, w, err);
	if (!rc)
		rc = await_answer(qmp, &request, command, w, err);
	if (!rc)
		rc = read_answer(request.answer, ret_value, err);
	remove_request(qmp, &request);
	return rc < 0 ? error_prefix(err, "QMP %s", command) : 0;
}

int qmp_executef(struct qmp *qmp, const struct wait *w, json_t **ret_value, struct error *err,
		 const char *command, const char *format, ...)
{
	auto_json *arguments = NULL;
	va_list ap;

	va_start(ap, format);
	arguments = format ? json_vpack_ex(NULL, 0, format, ap) : NULL;
	va_end(ap);
	if (format && !arguments)
		return error_set(err, EINVAL, "QMP %s: arguments are not valid UTF-8", command);
	return qmp_execute(qmp, command, arguments, w, ret_value, err);
}
