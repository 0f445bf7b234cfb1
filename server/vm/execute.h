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

enum copy_direction { COPY_TO_VM, COPY_FROM_VM };

/*
 * vm_copy - a regular file between this machine and the guest
 * @here:  path on this machine, as the server sees it
 * @there: path in the guest
 *
 * Over SSH where the VM has it, else through the agent, at some 200 KiB a second under TCG.
 * Errors: as ssh_copy_to() and agent_copy_to().
 */
int vm_copy(struct vm *vm, enum copy_direction direction, const char *here, const char *there,
	    const struct wait *w, struct guest_copy *ret, struct error *err);

#endif
