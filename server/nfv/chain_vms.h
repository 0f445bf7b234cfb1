/*
 * The VMs of a plan: defined, started side by side, killed.
 */
#ifndef NFV_CHAIN_VMS_H
#define NFV_CHAIN_VMS_H

#include "nfv/chain.h"

/*
 * chain_vms_define - put the plan's VMs and their interfaces into the registry
 * @ret: their references in the order of the plan, for chain_set_set_plan()
 *
 * Errors: EINVAL when a name or a number was taken meanwhile, or a socket is in use. None of them
 * is left then.
 */
int chain_vms_define(struct chain_set *set, const struct chain_request *request,
		     const struct chain_plan *plan, const struct wait *w, struct vm ***ret,
		     struct error *err);
/*
 * chain_vms_start - start them side by side until all are ready
 * @ret: array of their infos in the order of the plan, a new reference
 *
 * Threads exist during the call only, at most request->parallel. On the first failure all others
 * are given up; killing what runs is the caller's. Errors: those of the first failure.
 */
int chain_vms_start(struct chain_set *set, const struct chain_request *request,
		    const struct chain_plan *plan, struct vswitch *vswitch, const struct wait *w,
		    struct trail *trail, json_t **ret, struct error *err);
/* chain_vms_kill - kill those of the set's plan that there are; @killed: gets their names, or NULL
 */
int chain_vms_kill(struct chain_set *set, const struct wait *w, json_t *killed, struct error *err);
/*
 * chain_vm_options - how the VM of the plan is started
 * @room: for what the result borrows: the payload's options with the VM's peers along the chain,
 *        the vCPUs' cores and host CPUs in the order in which the guest counts its CPUs
 */
struct chain_vm_room {
	struct testpmd_options testpmd;
	struct vm_payload_options guest;
	struct strv peers;
	int *cores;
	int *host_cpus;
};
struct kernel_vm_options chain_vm_options(const struct chain_request *request,
					  const struct chain_plan *chains,
					  const struct vm_plan *plan, struct chain_vm_room *room);
void chain_vm_room_clear(struct chain_vm_room *room);
#define auto_chain_vm_room __attribute__((cleanup(chain_vm_room_clear))) struct chain_vm_room

#endif
