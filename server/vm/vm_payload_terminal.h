/*
 * The terminal on which a VM's payload runs, a virtio console of its own: one program at a time.
 */
#ifndef VM_VM_PAYLOAD_TERMINAL_H
#define VM_VM_PAYLOAD_TERMINAL_H

#include <regex.h>

#include "vm/vm.h"

/*
 * What a program is waited for.
 * @name:    for errors: "l3fwd"
 * @awaits:  "testpmd to forward"
 * @ready, @failure: lines of its output; borrowed
 */
struct terminal_program {
	const char *name;
	const char *awaits;
	const regex_t *ready;
	const regex_t *failure;
};

/* terminal_runner - the program in the guest that puts another one on a terminal; a literal */
const char *terminal_runner(const struct vm *vm);
/*
 * terminal_start - start a program on the terminal and wait until it is ready
 * @ret_pid: the runner's, in the guest
 *
 * A program that is not ready in time is killed. Errors: ECONNRESET when it failed, ETIMEDOUT, both
 * with the end of its output.
 */
int terminal_start(struct vm *vm, const struct strv *command, const struct terminal_program *p,
		   const struct wait *w, int *ret_pid, struct error *err);
/* terminal_add_output - the end of what the program @name printed behind @offset, for an error */
void terminal_add_output(struct vm *vm, off_t offset, const char *name, struct error *err);
/* terminal_await_end - until the runner says that the program ended, behind @offset */
int terminal_await_end(struct vm *vm, off_t offset, const struct wait *w, struct error *err);
/*
 * terminal_stop - SIGTERM, and SIGKILL shortly before @w ends
 *
 * A program that ended by itself before is no error.
 */
int terminal_stop(struct vm *vm, int pid, const struct wait *w, struct error *err);

#endif
