/*
 * The plan of NF chains on a node as it is: what its machine has, and what other VMs have of it.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "nfv/chain_vms.h"
#include "node/facts.h"

/* Everything that a plan borrows, while it is made. */
struct known {
	struct node_facts facts;
	struct node_cpu *layout;
	size_t layout_count;
	int *ids;
	size_t id_count;
	struct chain_claims claims;
	struct taken_cpu *taken;
	char *socket_dir;
	struct strv used_sockets;
	struct strv missing;
};

static void clear_known(struct known *k)
{
	node_facts_clear(&k->facts);
	free(k->layout);
	free(k->ids);
	chain_claims_clear(&k->claims);
	free(k->taken);
	free(k->socket_dir);
	strv_clear(&k->used_sockets);
	strv_clear(&k->missing);
}

#define auto_known __attribute__((cleanup(clear_known))) struct known

/* "<node>_<number>" is the name that a plan would give to VM number @ret of its own. */
static int id_in_name(const char *name, const struct node *node)
{
	size_t length = strlen(node->name);
	long long id;

	if (!str_starts(name, node->name) || name[length] != '_' ||
	    str_to_int(name + length + 1, 1, INT_MAX, &id) < 0)
		return 0;
	return (int)id;
}

static bool has_name(const struct strv *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (!strcmp(names->items[i], name))
			return true;
	return false;
}

/* Its number, that which its name would have in a plan, and its CPUs. Chains' own are known. */
static void note_vm(struct vm *vm, struct known *k)
{
	int id = id_in_name(vm->name, vm->node);
	lock_scope(&vm->mutex);

	k->ids[k->id_count++] = vm->qemu_id;
	if (id && id != vm->qemu_id)
		k->ids[k->id_count++] = id;
	if (vm->state == VM_STOPPED || vm->state == VM_FAILED ||
	    has_name(&k->claims.names, vm->name))
		return;
	for (size_t i = 0; i < vm->host_cpu_count; i++) {
		cpu_list_add(&k->claims.cpus, vm->host_cpus[i]);
		strv_add(&k->claims.cpu_vms, vm->name);
	}
}

static void note_vms(struct hostel *hostel, struct node *node, struct known *k)
{
	struct vm **vms;
	size_t count = hostel_vms(hostel, node, &vms);

	chain_set_claims(hostel, node, &k->claims);
	k->ids = own_alloc((2 * count + 1) * sizeof(*k->ids));
	for (size_t i = 0; i < count; i++) {
		note_vm(vms[i], k);
		vm_put(vms[i]);
	}
	free(vms);
	k->taken = own_alloc((k->claims.cpus.count + 1) * sizeof(*k->taken));
	for (size_t i = 0; i < k->claims.cpus.count; i++)
		k->taken[i] =
			(struct taken_cpu) { k->claims.cpus.items[i], k->claims.cpu_vms.items[i] };
}

/* A machine that is not here has no memory to look at, no VMs, and no way to fall back on. */
static int take_layout(const struct chain_request *q, struct known *k, struct plan_request *plan,
		       struct error *err)
{
	if (cores_parse_layout(q->layout, &k->layout, &k->layout_count, err) < 0)
		return -1;
	plan->cpus = k->layout;
	plan->cpu_count = k->layout_count;
	if (plan->pinning == PINNING_AUTO)
		plan->pinning = PINNING_REQUIRED;
	return 0;
}

/* Sockets of this name's own chains that run are no obstacle: those have to be stopped anyway. */
static bool run_already(struct hostel *hostel, const char *name)
{
	auto_chain_set *set = chain_set_find(hostel, name, NULL);

	if (!set)
		return false;
	lock_scope(&set->mutex);
	return set->plan != NULL;
}

/* @there: the names in its directory */
static void note_socket(struct hostel *hostel, const struct chain_request *q, const char *name,
			const struct strv *there, const struct wait *w, struct known *k)
{
	auto_free char *path = own_printf("%s/%s", k->socket_dir, name);
	auto_vm *user = hostel_socket_user(hostel, q->node, path);
	bool bound = false;

	/* Without an answer it counts as free: what defines the VM looks again. */
	if (!user && has_name(there, name) && node_socket_bound(q->node, path, w, &bound, NULL) < 0)
		return;
	if (user || bound)
		strv_add(&k->used_sockets, path);
}

static void note_sockets(struct hostel *hostel, const struct chain_request *q,
			 const struct constants *c, const struct wait *w, struct known *k)
{
	long vms = (long)q->plan.rules.chains * q->plan.rules.nodes_per_chain;
	auto_strv there = { 0 };
	struct error none_yet;

	if (!q->interfaces || vms > c->qemu.max_vms || run_already(hostel, q->name))
		return;
	if (node_list_dir(q->node, k->socket_dir, w, &there, &none_yet) < 0)
		strv_clear(&there);
	for (int i = 0; i < PLAN_NICS * vms; i++) {
		auto_free char *name =
			own_printf("sock-%d-%d", i / PLAN_NICS + 1, i % PLAN_NICS + 1);

		note_socket(hostel, q, name, &there, w, k);
	}
}

static void note_file(const char *key, const char *path, struct node *node, const struct wait *w,
		      struct known *k)
{
	auto_str bytes = { 0 };
	struct error err;

	if (*path && node_read_file(node, path, 0, 1, w, &bytes, &err) < 0)
		strv_addf(&k->missing, "%s (tools/kernel-vm/build makes one): %s", key, err.text);
}

static int take_node(struct hostel *hostel, const struct chain_request *q, const struct wait *w,
		     struct known *k, struct plan_request *plan, struct error *err)
{
	if (node_facts_read(q->node, w, &k->facts, err) < 0)
		return -1;
	note_vms(hostel, q->node, k);
	chain_claims_add_pages(&k->claims, plan->vswitch_pages);
	note_sockets(hostel, q, plan->constants, w, k);
	note_file("kernel_vm.kernel", plan->constants->kernel_vm.kernel, q->node, w, k);
	note_file("kernel_vm.initrd", plan->constants->kernel_vm.initrd, q->node, w, k);
	plan->used_sockets = k->used_sockets;
	plan->missing = k->missing;
	plan->facts = &k->facts;
	plan->cpus = k->facts.cpus;
	plan->cpu_count = k->facts.cpu_count;
	plan->taken_ids = k->ids;
	plan->taken_id_count = k->id_count;
	plan->taken_cpus = k->taken;
	plan->taken_cpu_count = k->claims.cpus.count;
	plan->reserves = k->claims.reserves;
	plan->reserve_count = k->claims.reserve_count;
	return 0;
}

/* What the command lines need beside the plan. */
struct commands {
	const struct chain_request *request;
	const struct constants *constants;
	const struct wait *wait;
	bool kvm;
};

static int add_command(void *context, const struct chain_plan *plan, const struct vm_plan *vm,
		       struct strv *ret, struct error *err)
{
	const struct commands *c = context;
	auto_strv addresses = { 0 };
	auto_chain_vm_room room = { 0 };
	const struct kernel_vm_options options = chain_vm_options(c->request, plan, vm, &room);
	const struct testpmd_place place = { .binary = c->constants->testpmd.binary,
					     .cpus = vm->cpus,
					     .queues = plan->queues,
					     .pci_addresses = &addresses };

	for (int i = 0; i < PLAN_NICS; i++)
		strv_add(&addresses, vm->nics[i].pci_address);
	return kernel_vm_command(c->constants, c->request->node, &options, &place, vm->name,
				 vm->run_dir, plan->backing, c->kvm, c->wait, ret, err);
}

int chain_plan(struct hostel *hostel, const struct chain_request *q, const struct wait *w,
	       struct chain_plan **ret, struct error *err)
{
	auto_constants held = hostel_hold(hostel);
	struct plan_request plan = q->plan;
	auto_known known = { 0 };
	struct commands commands = { .request = q, .constants = held.c, .wait = w };

	known.socket_dir = q->socket_dir ? own_strdup(q->socket_dir)
					 : own_printf("%s/@%s", hostel_run_dir(hostel), q->name);
	plan.constants = held.c;
	plan.node_name = q->node->name;
	plan.run_dir = hostel_run_dir(hostel);
	plan.socket_dir = known.socket_dir;
	plan.own_sockets = true;
	plan.vswitch_pages = vswitch_pages(q->vswitch, held.c);
	plan.command = add_command;
	plan.command_context = &commands;
	if ((q->layout ? take_layout(q, &known, &plan, err)
		       : take_node(hostel, q, w, &known, &plan, err)) < 0)
		return -1;
	commands.kvm = held.c->qemu.accelerator != ACCELERATOR_TCG && known.facts.kvm;
	return plan_make(&plan, ret, err);
}
