/*
 * Whether a plan fits on its node, and where: NUMA node, pinning, memory, qemu_ids.
 */
#ifndef NFV_PLAN_FIT_H
#define NFV_PLAN_FIT_H

#include "nfv/plan.h"

/*
 * @placement: prepared when @pinned
 * @numa_node: that CPUs and memory are bound to, -1: none
 * @cpus:      vCPUs of each VM
 * @unpinned:  why nothing is pinned although PINNING_AUTO wanted it, or NULL
 */
struct plan_fit {
	struct placement placement;
	bool pinned;
	bool shared;
	int numa_node;
	int cpus;
	enum guest_memory backing;
	int guest_hugepages;
	int mbufs;
	int first_id;
	char *unpinned;
};

/*
 * plan_fit_find - where the VMs of @request, whose arguments are in range, can be
 * @ret:     cleared by plan_fit_clear() in any case; complete when no reason was added
 * @reasons: one text is added for everything that does not fit
 */
void plan_fit_find(const struct plan_request *request, struct plan_fit *ret, struct strv *reasons);
void plan_fit_clear(struct plan_fit *fit);
#define auto_plan_fit __attribute__((cleanup(plan_fit_clear))) struct plan_fit
/*
 * plan_fit_cpus - the CPUs of one VM's vCPUs, added to @ret; nothing without pinning
 * @ret_emulator: the main thread's CPU, -1 without pinning
 */
void plan_fit_cpus(const struct plan_fit *fit, int chain, int node_in_chain, struct cpu_list *ret,
		   int *ret_emulator);
/* plan_vm_count - chains x nodes_per_chain */
int plan_vm_count(const struct plan_request *request);
/* plan_host_pages - pages that hold @memory_mib, of 1 GB with that backing, else of 2 MB */
int plan_host_pages(enum guest_memory backing, int memory_mib);
/* plan_socket - "<socket_dir>/sock-<id>-<side>", side 1 or 2; owned by the caller */
char *plan_socket(const struct plan_request *request, int id, int side);
/* plan_vm_name, plan_run_dir - of the VM with that qemu_id; owned by the caller */
char *plan_vm_name(const struct plan_request *request, int id);
char *plan_run_dir(const struct plan_request *request, int id);

#endif
