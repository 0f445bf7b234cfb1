/*
 * Calls of XML-RPC methods on a vhosteld server.
 */
#ifndef VHOSTELCTL_CLIENT_H
#define VHOSTELCTL_CLIENT_H

#include <jansson.h>

#include "base/error.h"

/* Bytes of an answer. */
#define CLIENT_ANSWER_MAX (256 * 1024 * 1024)

struct client;

/*
 * client_open - get ready to call; nothing is connected yet
 * @url: http://[USER:PASSWORD@]HOST:PORT[/PATH], https://..., or unix:PATH
 * @ret: owned by the caller
 *
 * Errors: EINVAL for a URL that is none.
 */
int client_open(const char *url, struct client **ret, struct error *err);
void client_free(struct client *c);
/* client_limit - answers that take longer than @timeout_ms are ERROR_NO_SERVER; 0: no limit */
void client_limit(struct client *c, long timeout_ms);

/*
 * client_call - call a method and wait for its answer
 * @params:   array; borrowed
 * @activity: what the progress line says, NULL for no such line; borrowed
 * @ret:      owned by the caller
 *
 * SIGINT, SIGTERM and SIGHUP close the connection, on which the server cancels the call. A call is
 * sent once only, whatever becomes of its connection.
 * Errors: ERROR_NO_SERVER when nobody answers, in time and in XML-RPC; ERROR_INTERRUPTED;
 * EREMOTEIO for a fault, its text in @err.
 */
int client_call(struct client *c, const char *method, const json_t *params, const char *activity,
		json_t **ret, struct error *err);

#define auto_client __attribute__((cleanup(client_drop))) struct client
void client_drop(struct client **c);

#endif
