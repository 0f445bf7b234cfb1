/*
 * A keyword run on the server, and its answer on the terminal.
 */
#ifndef VHOSTELCTL_ANSWER_H
#define VHOSTELCTL_ANSWER_H

#include <jansson.h>

#include "base/error.h"
#include "tools/vhostelctl/client.h"
#include "tools/vhostelctl/options.h"

/*
 * answer_of - run a keyword
 * @args:   array; taken
 * @kwargs: object, or NULL; taken
 * @ret:    the whole answer: status, output, return, error, ...; owned by the caller
 *
 * Errors: as client_call; a FAIL is none.
 */
int answer_of(struct client *c, const char *keyword, json_t *args, json_t *kwargs, json_t **ret,
	      struct error *err);
/*
 * answer_check - whether the answer is PASS
 *
 * Errors: EREMOTEIO with "KEYWORD: " and the server's error.
 */
int answer_check(const json_t *answer, const char *keyword, struct error *err);
/*
 * answer_value - run a keyword whose messages nobody wants
 * @args: array; taken
 * @ret:  what it returns; owned by the caller
 *
 * Errors: as client_call and answer_check.
 */
int answer_value(struct client *c, const char *keyword, json_t *args, json_t **ret,
		 struct error *err);
/* answer_show_messages - the call's messages, one a line or more, on standard error */
void answer_show_messages(const json_t *answer, const struct options *o);

#endif
