/*
 * Arguments that many keywords take, declared once, and what their handlers do with them.
 */
#ifndef KEYWORDS_USUAL_ARGS_H
#define KEYWORDS_USUAL_ARGS_H

#include "keywords/keyword.h"
#include "vm/hostel.h"

/* The longest time-out that a keyword takes: a day, in milliseconds. */
#define TIMEOUT_MAX_MS 86400000
/* The longest text that a keyword takes. */
#define TEXT_MAX (1024 * 1024)

/* The arguments `vm`, `node` (of a struct with these members) and `timeout` (timeout_ms). */
#define ARGUMENT_VM(arguments)                                                           \
	{                                                                                \
		.name = "vm", .type = ARG_STR, .offset = offsetof(struct arguments, vm), \
		.doc = "Name of the VM: 1 to 32 characters of `A-Z a-z 0-9 . _ -`."      \
	}
#define ARGUMENT_NODE(arguments, default_node)                                                  \
	{                                                                                       \
		.name = "node", .type = ARG_STR, .fallback = (default_node),                    \
		.offset = offsetof(struct arguments, node), .doc = "Node of the topology file." \
	}
#define ARGUMENT_TIMEOUT(arguments, key, argument_kind)                            \
	{                                                                          \
		.name = "timeout", .kind = (argument_kind), .type = ARG_TIMEDELTA, \
		.constant = (key), .min = 1, .max = TIMEOUT_MAX_MS,                \
		.offset = offsetof(struct arguments, timeout_ms),                  \
		.doc = "How long to wait at most."                                 \
	}

/* Keywords whose only argument is a VM. */
struct vm_args {
	const char *vm;
};
extern const struct keyword_arg vm_only_args[1];
#define VM_ONLY_ARGS .args = vm_only_args, .arg_count = 1, .args_size = sizeof(struct vm_args)

/* call_find - the VM of that name, a new reference; errors as hostel_find() */
int call_find(struct call *call, const char *name, struct vm **ret, struct error *err);
/* call_nodes - the node of that name, or NULL for "ALL" */
int call_nodes(struct call *call, const char *name, struct node **ret, struct error *err);
/* call_qmp_wait - for a quick question to QEMU: timeout.qmp */
struct wait call_qmp_wait(struct call *call);
/* result_process - {rc, stdout, stderr} of a program, a new reference */
json_t *result_process(const struct process_result *r);

#endif
