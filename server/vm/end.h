/*
 * How VMs end: stopped, killed, all of them at once, or by themselves.
 */
#ifndef VM_END_H
#define VM_END_H

#include "vm/vm.h"

/*
 * vm_destroy - SIGKILL, reap, remove files and sockets; the console log stays
 *
 * The gate is held. It has its own short deadline: nothing cancels a clean-up. Afterwards the
 * state is @state, and nobody finds a process, a socket or a file of the VM.
 */
void vm_destroy(struct vm *vm, enum vm_state state);
/* vm_kill - end @vm at once, whatever it is doing, and forget it */
int vm_kill(struct vm *vm, const struct wait *w, struct error *err);
/* vm_stop - power off, then SIGTERM, then SIGKILL, all before @w ends; then forget it */
int vm_stop(struct vm *vm, const struct wait *w, struct trail *trail, struct error *err);
/*
 * vm_kill_list - vm_kill() of several: all get SIGKILL first, then each is waited for
 * @vms:    borrowed
 * @killed: names are appended
 */
int vm_kill_list(struct vm *const *vms, size_t count, const struct wait *w, json_t *killed,
		 struct error *err);
/*
 * vm_kill_all - end every VM of @node (NULL: all nodes)
 * @ret_killed: a new list of names
 *
 * All get SIGKILL first, then each is waited for.
 */
int vm_kill_all(struct hostel *hostel, struct node *node, const struct wait *w, json_t **ret_killed,
		struct error *err);
/* node_kill_qemus - end every QEMU process of @node, whoever started it; appends pids to @killed */
int node_kill_qemus(struct node *node, const struct wait *w, json_t *killed, struct error *err);
/* vm_await_end - until QEMU is gone; *@ret_reason is owned by the caller */
int vm_await_end(struct vm *vm, const struct wait *w, char **ret_reason, struct error *err);
/* vm_reset - and wait until QEMU says that it did */
int vm_reset(struct vm *vm, const struct wait *w, struct error *err);
/* vm_set_paused - stop or go on, and wait until QEMU says that it did */
int vm_set_paused(struct vm *vm, bool paused, const struct wait *w, struct error *err);

#endif
