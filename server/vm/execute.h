/*
 * Commands in a guest, by whichever way leads into it.
 */
#ifndef VM_EXECUTE_H
#define VM_EXECUTE_H

#include "vm/vm.h"

/* Names in the order of the enum, NULL-terminated: the argument `via`. */
enum execute_way { EXECUTE_AUTO, EXECUTE_AGENT, EXECUTE_SSH };
extern const char *const execute_ways[];

/*
 * vm_execute - run a program in the guest to its end, its output cut at limit.output_kib
 * @input: standard input or NULL; borrowed
 *
 * Errors: EINVAL when the way does not lead into this VM; otherwise as agent_run().
 */
int vm_execute(struct vm *vm, enum execute_way way, char *const *argv, const struct str *input,
	       const struct wait *w, struct process_result *ret, struct error *err);
/* vm_ask_agent - one agent command, once the guest opened the agent's port */
int vm_ask_agent(struct vm *vm, const char *command, const json_t *arguments, const struct wait *w,
		 json_t **ret, struct error *err);

#endif
