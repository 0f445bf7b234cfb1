/*
 * NF chains: planned on a node as it is, started side by side, listed, stopped.
 */
#ifndef NFV_CHAIN_H
#define NFV_CHAIN_H

#include "nfv/chain_set.h"
#include "nfv/plan.h"
#include "vm/kernel_vm.h"

#define CHAIN_PARALLEL_AUTO (-1)

/*
 * What the keywords are given; everything borrowed.
 * @plan:       rules, topology, pinning, cpus_per_nf, memory_mib, page_size, queues, testpmd; the
 *              rest of it is filled in here
 * @layout:     rows of a machine that is not here, or NULL
 * @payload:    for each VM; of a testpmd the peer MACs are set along the chain
 * @socket_dir: or NULL: a directory of the chains' own below the run directory
 * @interfaces: false: VMs without vhost-user interfaces
 * @paused:     VMs stay before their first instruction
 * @parallel:   VMs that start at a time; CHAIN_PARALLEL_AUTO: as many as the node has CPUs
 */
struct chain_request {
	const char *name;
	struct node *node;
	struct plan_request plan;
	const json_t *layout;
	struct payload_options payload;
	const char *template;
	const json_t *names;
	const char *socket_dir;
	bool jumbo;
	bool interfaces;
	bool paused;
	int parallel;
	enum vswitch_driver vswitch;
};

/*
 * chain_plan - the plan on the node as it is now, or on @layout; starts nothing
 * @ret: owned by the caller
 * Errors: as plan_make().
 */
int chain_plan(struct hostel *hostel, const struct chain_request *request, const struct wait *w,
	       struct chain_plan **ret, struct error *err);
/*
 * chain_start - all VMs of the plan, and the vswitch if one is wanted, until every one is ready
 * @ret: the VMs' infos with `chain` and `node_in_chain`, in the order of the plan
 *
 * When one fails the others are given up, nothing is left, and the error is that of the first.
 * Errors: EINVAL when the chains run already; as plan_make(), vswitch_start(), kernel_vm_start();
 * ECONNRESET when the vswitch ends meanwhile.
 */
int chain_start(struct hostel *hostel, const struct chain_request *request, const struct wait *w,
		struct trail *trail, json_t **ret, struct error *err);
/*
 * chain_stop - kill the VMs and the vswitch that was started with them
 * @ret: names of the VMs; empty when there are no such chains
 */
int chain_stop(struct hostel *hostel, const char *name, const struct wait *w, struct trail *trail,
	       json_t **ret, struct error *err);
/* chain_list - {name, chain, node_in_chain, qemu_id, state, host_cpus, sockets, ...} of each VM */
json_t *chain_list(struct hostel *hostel, const char *name);

/*
 * chain_vswitch_start - a vswitch for the chains of that name, there or yet to come
 * @jumbo, @queues, ...: of @spec, whose @dir is set here; a NULL @socket_dir is the chains' own
 * @ret: what vswitch_stats() says of it
 *
 * One that takes the place of a vswitch that died belongs to the VMs if that one did: it ends with
 * them. Errors: EINVAL when they have one already or are of another shape; as vswitch_start().
 */
int chain_vswitch_start(struct hostel *hostel, const struct vswitch_spec *spec,
			const struct wait *w, struct trail *trail, json_t **ret, struct error *err);
/*
 * chain_vswitch_end_idle - end the vswitches that were started with VMs of which none is left
 * @node: or NULL: on all
 */
void chain_vswitch_end_idle(struct hostel *hostel, const struct node *node, const struct wait *w);
/* chain_vswitch_stop - end it; the VMs stay. False in @ret when there was none. */
int chain_vswitch_stop(struct hostel *hostel, const char *name, const struct node *node,
		       const struct wait *w, bool *ret, struct error *err);
/* chain_vswitch - a new reference; EINVAL when the chains have none */
int chain_vswitch(struct hostel *hostel, const char *name, const struct node *node,
		  struct vswitch **ret, struct error *err);

#endif
