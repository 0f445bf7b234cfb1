/*
 * A QMP connection: commands with their answers, and events.
 * Source: QEMU docs/interop/qmp-spec.rst.
 */
#ifndef QEMU_QMP_H
#define QEMU_QMP_H

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/wait.h"
#include "qemu/watcher.h"

/* The longest line taken from QEMU; query-qmp-schema is 300 KB. */
#define QMP_LINE_MAX (8 * 1024 * 1024)

struct qmp;

/*
 * What the owner of a connection is told, on the watcher's thread; may not call qmp_*().
 * @event: an event; @data is borrowed, NULL when it has none
 * @gone:  QEMU closed the connection; the last call
 */
struct qmp_listener {
	void (*event)(void *owner, const char *name, const json_t *data);
	void (*gone)(void *owner);
	void *owner;
};

/*
 * qmp_open - read the greeting and negotiate
 * @fd: a connected non-blocking stream; taken in any case
 *
 * Errors: ETIMEDOUT when no greeting comes; ECONNRESET; EPROTO.
 */
int qmp_open(struct watcher *watcher, int fd, const struct qmp_listener *listener,
	     const struct wait *w, struct qmp **ret, struct error *err);
/* qmp_close - afterwards the listener is not running; nobody may be in qmp_execute() */
void qmp_close(struct qmp *qmp);
/* qmp_version - of the greeting, "7.2.22"; borrowed */
const char *qmp_version(const struct qmp *qmp);

/*
 * qmp_execute - run one QMP command and wait for its answer
 * @arguments: object or NULL; borrowed
 * @ret_value: the "return" member, set on success only; the caller owns it; may be NULL
 *
 * Events that arrive meanwhile are delivered first. Safe from several threads.
 * Errors: ETIMEDOUT; ECONNRESET when QEMU went away, unless it was to quit; EREMOTEIO for a QMP
 * error, its class and description in the text.
 */
int qmp_execute(struct qmp *qmp, const char *command, const json_t *arguments, const struct wait *w,
		json_t **ret_value, struct error *err);
/* qmp_executef - the same with arguments made by json_pack(); NULL: none */
int qmp_executef(struct qmp *qmp, const struct wait *w, json_t **ret_value, struct error *err,
		 const char *command, const char *format, ...);

#endif
