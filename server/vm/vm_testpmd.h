/*
 * testpmd in a VM: started through the guest agent on a terminal of its own, or as the payload of
 * a kernel VM on its console.
 */
#ifndef VM_VM_TESTPMD_H
#define VM_VM_TESTPMD_H

#include "config/constants.h"
#include "guest/testpmd.h"
#include "vm/vm.h"

/* vm_testpmd_place - the guest as testpmd sees it; @addresses is filled and lent to the result */
struct testpmd_place vm_testpmd_place(struct vm *vm, const struct constants *c,
				      struct strv *addresses);
/*
 * vm_testpmd_attach - testpmd has its prompt on @stream; NULL: there is none any more
 * @from: where the stream was when it forwarded
 */
void vm_testpmd_attach(struct vm *vm, struct stream *stream, off_t from);
/*
 * vm_testpmd_run - bind the NICs, start testpmd, wait until it forwards
 * @ret: {pid, command, ports}, a new reference
 *
 * Errors: EINVAL when it runs already or for an option; ECONNRESET with testpmd's own output when
 * it ends; ETIMEDOUT with its last lines.
 */
int vm_testpmd_run(struct vm *vm, const struct testpmd_options *o, const struct wait *w,
		   struct trail *trail, json_t **ret, struct error *err);
/*
 * vm_testpmd_stop - the last statistics, then the end of testpmd
 *
 * A testpmd that is the payload of a kernel VM only stops forwarding: with it the VM would end.
 */
int vm_testpmd_stop(struct vm *vm, const struct wait *w, struct trail *trail, json_t **ret,
		    struct error *err);
int vm_testpmd_stats(struct vm *vm, const struct wait *w, json_t **ret, struct error *err);
/* vm_testpmd_command - as testpmd_execute() */
int vm_testpmd_command(struct vm *vm, const char *command, const struct wait *w, char **ret,
		       struct error *err);

#endif
