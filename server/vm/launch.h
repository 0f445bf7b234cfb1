/*
 * What every kind of VM needs to come to life: QEMU started, NICs plugged, vCPUs pinned, resumed,
 * and the wait until it is ready.
 */
#ifndef VM_LAUNCH_H
#define VM_LAUNCH_H

#include <regex.h>

#include "config/constants.h"
#include "node/facts.h"
#include "qemu/command.h"
#include "vm/vm.h"

/* Names in the order of the enum, NULL-terminated: the argument page_size. */
enum page_choice { PAGE_CHOICE_AUTO, PAGE_CHOICE_4K, PAGE_CHOICE_2M, PAGE_CHOICE_1G };
extern const char *const page_choice_names[];

/*
 * What the start keywords have in common.
 *
 * @cores:     empty, or the core that each vCPU is a thread of, as qemu_check_cores() wants them
 * @host_cpus: empty, or one for each vCPU.
 * @bind_memory:  the guest's memory to NUMA node @numa_node
 * @pin_emulator: QEMU's other threads to @emulator_cpu
 */
struct machine_options {
	int cpus;
	int memory_mib;
	const int *cores;
	size_t core_count;
	const int *host_cpus;
	size_t host_cpu_count;
	enum page_choice page_size;
	int qemu_id;
	bool paused;
	bool bind_memory;
	int numa_node;
	bool pin_emulator;
	int emulator_cpu;
};

/*
 * machine_check - whether the node can have such a machine
 * @ret_memory: the backend chosen for the page size
 * @ret_kvm:    whether KVM runs it
 * Errors: EINVAL naming the argument, what was given and what the node has.
 */
int machine_check(const struct machine_options *o, const struct constants *c, struct node *node,
		  const struct node_facts *facts, enum guest_memory *ret_memory, bool *ret_kvm,
		  struct error *err);

/*
 * How a start knows that the guest is ready.
 * @ready:    a line on the console, or NULL: the guest agent answers
 * @failure:  a line that says the payload failed, or NULL
 * @awaits:   what is waited for, for errors: "testpmd to forward"
 */
struct readiness {
	const regex_t *ready;
	const regex_t *failure;
	const char *awaits;
};

/*
 * vm_bring_up - start @vm, which hostel_claim() made a starting one, until it is ready
 * @spec:       everything but the run directory
 * @prepare:    called once the run directory is there, to write files into it; may be NULL
 * @await:      waits until the guest is ready, instead of @readiness; what ends QEMU cancels it
 * @finish:     what is to be done in the guest once it is ready, before the start counts as
 *              complete; not with machine.paused; what ends QEMU cancels it; may be NULL
 *
 * On failure nothing is left but the console log, and the VM is out of the registry or, if it had
 * interfaces and was not killed, defined again.
 */
struct bring_up {
	struct qemu_spec spec;
	struct machine_options machine;
	struct readiness readiness;
	int (*prepare)(struct vm *vm, void *context, const struct wait *w, struct error *err);
	int (*await)(struct vm *vm, void *context, const struct wait *w, struct trail *trail,
		     struct error *err);
	int (*finish)(struct vm *vm, void *context, const struct wait *w, struct trail *trail,
		      struct error *err);
	void *context;
	int64_t began_us; /* of the call, on clock_us()'s scale */
};
int vm_bring_up(struct vm *vm, const struct bring_up *plan, const struct wait *w,
		struct trail *trail, struct error *err);
/* vm_pin - vCPU i, as the guest counts them, to @cpus[i]. EINVAL when the count does not match. */
int vm_pin(struct vm *vm, const int *cpus, size_t count, const struct wait *w, struct error *err);
/* vm_repin - the same for a VM that runs: what is written down about it changes too */
int vm_repin(struct vm *vm, const int *cpus, size_t count, const struct wait *w, struct error *err);
/* vm_schedule - scheduling policy of every vCPU thread, as node_set_scheduler() has it */
int vm_schedule(struct vm *vm, const char *policy, int priority, const struct wait *w,
		struct error *err);
/* vm_await_agent - until the guest opened the agent's port and the agent answers */
int vm_await_agent(struct vm *vm, const struct wait *w, struct error *err);

#endif
