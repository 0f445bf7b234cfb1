/*
 * XML-RPC as a client has it: a call's body out, an answer's body in.
 */
#ifndef VHOSTELCTL_WIRE_H
#define VHOSTELCTL_WIRE_H

#include <jansson.h>

#include "base/error.h"
#include "base/str.h"

/* wire_start - once; @answer_max: bytes of an answer */
void wire_start(size_t answer_max);
/* wire_add_call - append the body of a call; @params: array, borrowed */
void wire_add_call(const char *method, const json_t *params, struct str *ret);
/*
 * wire_read_answer - the value that @body returns; @ret is owned by the caller
 *
 * Errors: EREMOTEIO for a fault, its text in @err; ERROR_NO_SERVER for what is no XML-RPC.
 */
int wire_read_answer(const char *body, size_t length, json_t **ret, struct error *err);

#endif
