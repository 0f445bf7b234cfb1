/*
 * The plan of NF chains: everything about the VMs, computed and checked before anything starts.
 */
#include "nfv/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "nfv/plan_fit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *const plan_topology_names[] = {
	[TOPOLOGY_CHAIN] = "chain", [TOPOLOGY_PIPELINE] = "pipeline", NULL
};
_Static_assert(COUNT(plan_topology_names) == TOPOLOGY_PIPELINE + 2, "one name for each topology");

const char *const pinning_names[] = { [PINNING_REQUIRED] = "required",
				      [PINNING_AUTO] = "auto",
				      [PINNING_SHARED] = "shared",
				      [PINNING_NONE] = "none",
				      NULL };
_Static_assert(COUNT(pinning_names) == PINNING_NONE + 2, "one name for each pinning");

const char *const segment_kind_names[] = {
	[SEGMENT_BRIDGE] = "bridge", [SEGMENT_CROSS_CONNECT] = "cross-connect", NULL
};
_Static_assert(COUNT(segment_kind_names) == SEGMENT_CROSS_CONNECT + 2, "one name for each kind");

static void check_range(const char *name, int value, int min, int max, const char *or_else,
			struct strv *reasons)
{
	if (value < min || value > max)
		strv_addf(reasons, "argument '%s': expected %s%d to %d, got %d", name, or_else, min,
			  max, value);
}

static void check_numa_node(const struct plan_request *r, struct strv *reasons)
{
	int numa_node = r->rules.numa_node;
	struct error err;

	/* Out of range it is a reason already. */
	if (numa_node >= 0 && cores_check_numa_node(r->cpus, r->cpu_count, numa_node, &err) < 0)
		strv_add(reasons, err.text);
}

/* The arguments one by one; what they need together is plan_fit's. */
static void check_arguments(const struct plan_request *r, struct strv *reasons)
{
	placement_check(&r->rules, reasons);
	if (r->cpus_per_nf != PLAN_CPUS_AUTO)
		check_range("cpus_per_nf", r->cpus_per_nf, 1, VM_CPUS_MAX, "auto or ", reasons);
	check_range("memory", r->memory_mib, PLAN_MEMORY_MIN_MIB, PLAN_MEMORY_MAX_MIB, "", reasons);
	check_range("queues", r->queues, 1, NIC_QUEUES_MAX, "", reasons);
	check_range("first_id", r->first_id, 0, r->constants->qemu.max_vms, "", reasons);
	check_numa_node(r, reasons);
	if (r->socket_dir && r->socket_dir[0] != '/')
		strv_addf(reasons, "argument 'socket_dir': expected an absolute path, got '%s'",
			  r->socket_dir);
	for (int i = 0; i < PLAN_NICS; i++) {
		struct error err;

		if (r->traffic_macs[i] && nic_check_mac(r->traffic_macs[i], &err) < 0)
			strv_addf(reasons, "argument 'traffic_macs': %s", err.text);
	}
}

/* A single reason speaks for itself; several stand below each other. */
static int refuse(const struct plan_request *r, int code, const struct strv *reasons,
		  struct error *err)
{
	auto_free char *lines = strv_join(reasons, "\n- ");

	if (code == EINVAL && reasons->count == 1)
		return error_set(err, code, "%s", reasons->items[0]);
	if (code == EINVAL)
		return error_set(err, code, "%zu arguments are wrong:\n- %s", reasons->count,
				 lines);
	return error_set(err, code, "%d x %d network functions do not fit on node '%s':%s%s",
			 r->rules.chains, r->rules.nodes_per_chain, r->node_name,
			 reasons->count == 1 ? " " : "\n- ", lines);
}

static void set_traffic_mac(const struct plan_request *r, int side, char ret[MAC_LENGTH + 1])
{
	static const char *const fallbacks[PLAN_NICS] = { PLAN_TRAFFIC_MAC_1, PLAN_TRAFFIC_MAC_2 };
	const char *mac = r->traffic_macs[side] ? r->traffic_macs[side] : fallbacks[side];

	snprintf(ret, MAC_LENGTH + 1, "%s", mac);
}

static void set_mac(const struct plan_request *r, int id, int side, char ret[MAC_LENGTH + 1])
{
	struct nic nic = { .number = side + 1 };

	nic_auto_mac(&nic, r->constants->qemu.mac_prefix, id);
	memcpy(ret, nic.mac, sizeof(nic.mac));
}

static int index_of(const struct plan_request *r, const struct vm_plan *vm)
{
	return (vm->chain - 1) * r->rules.nodes_per_chain + vm->node_in_chain - 1;
}

static void fill_nic(const struct plan_request *r, struct vm_plan *vm, int side)
{
	struct nic nic = { .slot = r->constants->qemu.first_slot + side };
	struct nic_plan *ret = &vm->nics[side];
	int neighbour = side ? vm->node_in_chain + 1 : vm->node_in_chain - 1;

	set_mac(r, vm->qemu_id, side, ret->mac);
	if (neighbour < 1 || neighbour > r->rules.nodes_per_chain)
		set_traffic_mac(r, side, ret->peer_mac);
	else
		set_mac(r, side ? vm->qemu_id + 1 : vm->qemu_id - 1, !side, ret->peer_mac);
	ret->socket = plan_socket(r, r->own_sockets ? index_of(r, vm) + 1 : vm->qemu_id, side + 1);
	ret->pci_address = nic_pci_address(&nic);
}

/* The vCPU before @index that is the first thread of its core, alone there, on @sibling; or -1. */
static int partner(const struct vm_plan *vm, int index, int sibling)
{
	for (int i = 0; sibling >= 0 && i < index; i++) {
		bool alone = vm->host_cpus.items[i] == sibling && !vm->vcpus[i].thread;

		for (int k = i + 1; alone && k < index; k++)
			alone = vm->vcpus[k].core != vm->vcpus[i].core;
		if (alone)
			return i;
	}
	return -1;
}

/* vCPUs on siblings of one core are shown to the guest as threads of one core. */
static void place_vcpus(const struct plan_fit *fit, struct vm_plan *vm)
{
	int cores = 0;

	vm->vcpus = own_alloc((size_t)vm->cpus * sizeof(*vm->vcpus));
	for (int i = 0; i < vm->cpus; i++) {
		int cpu = fit->pinned ? vm->host_cpus.items[i] : -1;
		int first = partner(vm, i, placement_sibling(&fit->placement, cpu));

		if (first < 0)
			vm->vcpus[i].core = cores++;
		else
			vm->vcpus[i] = (struct vcpu_place) { vm->vcpus[first].core, 1 };
	}
}

static void fill_vm(const struct plan_request *r, const struct plan_fit *fit, int index,
		    struct vm_plan *vm)
{
	vm->qemu_id = fit->first_id + index;
	vm->name = plan_vm_name(r, vm->qemu_id);
	vm->chain = index / r->rules.nodes_per_chain + 1;
	vm->node_in_chain = index % r->rules.nodes_per_chain + 1;
	vm->cpus = fit->cpus;
	vm->memory_mib = r->memory_mib;
	vm->mbufs = fit->mbufs;
	vm->guest_hugepages = fit->guest_hugepages;
	vm->host_hugepages = plan_host_pages(fit->backing, r->memory_mib);
	vm->ssh_port = r->constants->qemu.ssh_port_base + vm->qemu_id;
	vm->serial_port = r->constants->qemu.serial_port_base + vm->qemu_id;
	vm->run_dir = plan_run_dir(r, vm->qemu_id);
	plan_fit_cpus(fit, vm->chain, vm->node_in_chain, &vm->host_cpus, &vm->emulator_cpu);
	place_vcpus(fit, vm);
	for (int side = 0; side < PLAN_NICS; side++)
		fill_nic(r, vm, side);
}

static void fill_segment(const struct chain_plan *plan, int chain, int number,
			 struct plan_segment *ret)
{
	bool inner = number > 0 && number < plan->nodes_per_chain;

	*ret = (struct plan_segment) { .chain = chain, .number = number };
	if (number > 0)
		ret->sockets[0] = plan_vm(plan, chain, number)->nics[1].socket;
	if (number < plan->nodes_per_chain)
		ret->sockets[1] = plan_vm(plan, chain, number + 1)->nics[0].socket;
	ret->kind = inner && plan->topology == TOPOLOGY_PIPELINE ? SEGMENT_CROSS_CONNECT
								 : SEGMENT_BRIDGE;
}

static void fill_segments(struct chain_plan *plan)
{
	int per_chain = plan->nodes_per_chain + 1;

	plan->segment_count = (size_t)(plan->chains * per_chain);
	plan->segments = own_alloc(plan->segment_count * sizeof(*plan->segments));
	for (size_t i = 0; i < plan->segment_count; i++)
		fill_segment(plan, (int)i / per_chain + 1, (int)i % per_chain, &plan->segments[i]);
}

static void fill_totals(struct chain_plan *plan)
{
	struct plan_totals *t = &plan->totals;
	auto_cpu_list used = { 0 };

	for (size_t i = 0; i < plan->vm_count; i++) {
		const struct vm_plan *vm = &plan->vms[i];

		t->vcpus += vm->cpus;
		t->memory_mib += vm->memory_mib;
		t->hugepages += vm->host_hugepages;
		t->guest_hugepages += vm->guest_hugepages;
		for (size_t k = 0; k < vm->host_cpus.count; k++)
			if (!cpu_list_has(&used, vm->host_cpus.items[k]))
				cpu_list_add(&used, vm->host_cpus.items[k]);
	}
	t->vms = (int)plan->vm_count;
	t->cpus = (int)used.count;
}

static struct chain_plan *fill(const struct plan_request *r, struct plan_fit *fit)
{
	struct chain_plan *plan = own_alloc(sizeof(*plan));

	*plan = (struct chain_plan) { .chains = r->rules.chains,
				      .nodes_per_chain = r->rules.nodes_per_chain,
				      .topology = r->topology,
				      .numa_node = fit->numa_node,
				      .pinned = fit->pinned,
				      .shared = fit->shared,
				      .unpinned = take_ptr(fit->unpinned),
				      .backing = fit->backing,
				      .vswitch_pages = r->vswitch_pages,
				      .queues = r->queues,
				      .vm_count = (size_t)plan_vm_count(r) };
	plan->vms = own_alloc(plan->vm_count * sizeof(*plan->vms));
	for (size_t i = 0; i < plan->vm_count; i++)
		fill_vm(r, fit, (int)i, &plan->vms[i]);
	if (fit->pinned)
		placement_vswitch_cpus(&fit->placement, &plan->vswitch_cpus);
	fill_segments(plan);
	fill_totals(plan);
	return plan;
}

static int fill_command_lines(const struct plan_request *r, struct chain_plan *plan,
			      struct error *err)
{
	for (size_t i = 0; r->command && i < plan->vm_count; i++) {
		struct vm_plan *vm = &plan->vms[i];

		if (r->command(r->command_context, plan, vm, &vm->command_line, err) < 0)
			return error_prefix(err, "VM '%s'", vm->name);
	}
	return 0;
}

int plan_make(const struct plan_request *request, struct chain_plan **ret, struct error *err)
{
	auto_chain_plan *plan = NULL;
	auto_strv reasons = { 0 };
	auto_plan_fit fit = { 0 };

	check_arguments(request, &reasons);
	if (reasons.count)
		return refuse(request, EINVAL, &reasons, err);
	plan_fit_find(request, &fit, &reasons);
	if (reasons.count)
		return refuse(request, ENOSPC, &reasons, err);
	plan = fill(request, &fit);
	if (fill_command_lines(request, plan, err) < 0)
		return -1;
	*ret = take_ptr(plan);
	return 0;
}

static void clear_vm(struct vm_plan *vm)
{
	for (int i = 0; i < PLAN_NICS; i++) {
		free(vm->nics[i].socket);
		free(vm->nics[i].pci_address);
	}
	free(vm->name);
	free(vm->run_dir);
	free(vm->vcpus);
	cpu_list_clear(&vm->host_cpus);
	strv_clear(&vm->command_line);
}

void chain_plan_free(struct chain_plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->vm_count; i++)
		clear_vm(&plan->vms[i]);
	free(plan->vms);
	free(plan->segments);
	cpu_list_clear(&plan->vswitch_cpus);
	free(plan->unpinned);
	free(plan);
}

void chain_plan_drop(struct chain_plan **plan)
{
	chain_plan_free(*plan);
}

const struct vm_plan *plan_vm(const struct chain_plan *plan, int chain, int node_in_chain)
{
	return &plan->vms[(chain - 1) * plan->nodes_per_chain + node_in_chain - 1];
}
