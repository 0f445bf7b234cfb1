/*
 * XML-RPC: a request's body in, an answer's body out.
 */
#ifndef REMOTE_RPC_H
#define REMOTE_RPC_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"
#include "base/str.h"
#include "base/wait.h"

/* Source: http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php */
#define RPC_FAULT_PARSE	  (-32700)
#define RPC_FAULT_METHOD  (-32601)
#define RPC_FAULT_PARAMS  (-32602)
#define RPC_FAULT_GENERAL (-32500)

/* A body beyond that many bytes is parsed alone: the parser needs fifty times its size. */
#define RPC_LONG_BODY 65536

/*
 * Who calls: what a method gets to know of its caller.
 * @long_bodies: passed one at a time by those that are parsed alone; NULL: no such limit
 * @parse:       the wait for that
 */
struct rpc_caller {
	struct robot *robot;
	int fd;		  /* the connection; a hang-up shows on it */
	const char *peer; /* for the log */
	struct gate *long_bodies;
	struct wait parse;
};

/*
 * @least, @most: how many parameters
 * @run: 0 with *@ret (a new reference), or -1: becomes a fault
 * @write: instead of @run, appends the result's <value> to @ret
 */
struct rpc_method {
	const char *name;
	size_t least, most;
	int (*run)(const struct rpc_caller *caller, const json_t *params, json_t **ret,
		   struct error *err);
	void (*write)(const struct rpc_caller *caller, struct str *ret);
};

struct rpc_methods {
	const struct rpc_method *items;
	size_t count;
};

/* rpc_start - once, before threads: the library's own limits. @body_max: bytes of a request */
void rpc_start(size_t body_max);
/*
 * rpc_answer - run the call in @body and append the answer, a result or a fault, to @ret
 * @body: NUL-terminated behind its @length bytes
 */
void rpc_answer(const struct rpc_methods *methods, const struct rpc_caller *caller,
		const char *body, size_t length, struct str *ret);
/* rpc_fault - append an answer that is a fault */
void rpc_fault(int code, const char *text, struct str *ret);

#endif
