/*
 * A plan as Robot sees it: what Plan NF Chains returns.
 */
#include "nfv/plan.h"
#include "value/value.h"

static json_t *cpus_json(const struct cpu_list *cpus)
{
	json_t *ret = json_array();

	for (size_t i = 0; i < cpus->count; i++)
		json_array_append_new(ret, json_integer(cpus->items[i]));
	return ret;
}

/* One text of each NIC, side 1 first. */
static json_t *pair_json(const char *first, const char *second)
{
	return json_pack("[s,s]", first, second);
}

static json_t *vcpus_json(const struct vm_plan *vm)
{
	json_t *ret = json_array();

	for (int i = 0; i < vm->cpus; i++)
		json_array_append_new(ret, json_pack("{s:i,s:i}", "core", vm->vcpus[i].core,
						     "thread", vm->vcpus[i].thread));
	return ret;
}

static json_t *vm_json(const struct vm_plan *vm)
{
	const struct nic_plan *n = vm->nics;

	return json_pack(
		"{s:s,s:i,s:i,s:i,s:i,s:o,s:i,s:o,s:o,s:o,s:o,s:o,s:i,s:i,s:i,s:i,s:i,s:i,"
		"s:o}",
		"name", vm->name, "qemu_id", vm->qemu_id, "chain", vm->chain, "node_in_chain",
		vm->node_in_chain, "cpus", vm->cpus, "host_cpus", cpus_json(&vm->host_cpus),
		"emulator_cpu", vm->emulator_cpu, "vcpus", vcpus_json(vm), "macs",
		pair_json(n[0].mac, n[1].mac), "peer_macs", pair_json(n[0].peer_mac, n[1].peer_mac),
		"sockets", pair_json(n[0].socket, n[1].socket), "pci_addresses",
		pair_json(n[0].pci_address, n[1].pci_address), "port", vm->ssh_port, "serial",
		vm->serial_port, "memory", vm->memory_mib, "mbufs", vm->mbufs, "guest_hugepages",
		vm->guest_hugepages, "host_hugepages", vm->host_hugepages, "command_line",
		value_string_list(vm->command_line.items, vm->command_line.count));
}

static json_t *vms_json(const struct chain_plan *plan)
{
	json_t *ret = json_array();

	for (size_t i = 0; i < plan->vm_count; i++)
		json_array_append_new(ret, vm_json(&plan->vms[i]));
	return ret;
}

/* A traffic port has no socket of a VM: "". */
static json_t *segments_json(const struct chain_plan *plan)
{
	json_t *ret = json_array();

	for (size_t i = 0; i < plan->segment_count; i++) {
		const struct plan_segment *s = &plan->segments[i];

		json_array_append_new(ret, json_pack("{s:i,s:i,s:s,s:[s,s]}", "chain", s->chain,
						     "number", s->number, "kind",
						     segment_kind_names[s->kind], "sockets",
						     s->sockets[0] ? s->sockets[0] : "",
						     s->sockets[1] ? s->sockets[1] : ""));
	}
	return ret;
}

static json_t *totals_json(const struct plan_totals *t)
{
	return json_pack("{s:i,s:i,s:i,s:i,s:i,s:i}", "vms", t->vms, "cpus", t->cpus, "vcpus",
			 t->vcpus, "memory", t->memory_mib, "hugepages", t->hugepages,
			 "guest_hugepages", t->guest_hugepages);
}

json_t *chain_plan_json(const struct chain_plan *plan)
{
	static const char *const backings[] = {
		[GUEST_MEMORY_MEMFD] = "4K", [GUEST_MEMORY_2M] = "2M", [GUEST_MEMORY_1G] = "1G"
	};

	return json_pack("{s:o,s:o,s:o,s:s,s:i,s:b,s:b,s:s,s:s,s:o}", "vms", vms_json(plan),
			 "totals", totals_json(&plan->totals), "segments", segments_json(plan),
			 "topology", plan_topology_names[plan->topology], "numa_node",
			 plan->numa_node, "pinned", plan->pinned, "shared", plan->shared,
			 "unpinned", plan->unpinned ? plan->unpinned : "", "page_size",
			 backings[plan->backing], "vswitch_cpus", cpus_json(&plan->vswitch_cpus));
}
