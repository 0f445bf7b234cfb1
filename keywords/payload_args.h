/*
 * What the keywords that start kernel VMs take for the payload: free named arguments, sorted out.
 */
#ifndef KEYWORDS_PAYLOAD_ARGS_H
#define KEYWORDS_PAYLOAD_ARGS_H

#include "keywords/payload.h"
#include "keywords/testpmd.h"
#include "vm/payload.h"

/*
 * @guest: with @in_guest, of a payload of that @kind
 * @names: what $name in the init script stands for
 */
struct payload_args {
	const char *vnf;
	struct testpmd_options testpmd;
	bool is_testpmd;
	struct vm_payload_options guest;
	enum vm_payload_kind kind;
	bool in_guest;
	char *command;
	char *ready_pattern;
	json_t *names;
};

/*
 * payload_args_take - sort out free named arguments
 * @vnf:     index in payload_names
 * @queues:  of a testpmd payload, unless @options say otherwise
 * @options: an object, used up
 * @ret:     zeroed; cleared by payload_args_clear() in any case
 * Errors: EINVAL naming the argument.
 */
int payload_args_take(int vnf, int queues, json_t *options, struct payload_args *ret,
		      struct error *err);
void payload_args_clear(struct payload_args *a);
#define auto_payload_args __attribute__((cleanup(payload_args_clear))) struct payload_args
/* payload_args_options - the same as the machinery takes it; borrows from @a */
struct payload_options payload_args_options(const struct payload_args *a);

#endif
