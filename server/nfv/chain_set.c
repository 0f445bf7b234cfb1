/*
 * Named sets of NF chains, and their register.
 */
#include "nfv/chain_set.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "vm/vswitch_dir.h"

struct sets {
	struct hostel *hostel;
	struct gate planning;
	pthread_mutex_t mutex; /* everything below */
	struct chain_set **items;
	size_t count;
};

static void *make_sets(struct hostel *hostel)
{
	struct sets *sets = own_alloc(sizeof(*sets));
	struct error err;

	*sets = (struct sets) { .hostel = hostel, .planning.fd = -1 };
	pthread_mutex_init(&sets->mutex, NULL);
	if (gate_init(&sets->planning, &err) < 0)
		log_error("%s", err.text);
	return sets;
}

/* The server closes: no call is in flight. VMs are the hostel's; vswitches end with us. */
static void end_sets(void *annex)
{
	struct sets *sets = annex;

	for (size_t i = 0; i < sets->count; i++) {
		struct vswitch *v = chain_set_take_vswitch(sets->items[i], false);

		if (v)
			vswitch_stop(v);
		vswitch_put(v);
		chain_set_put(sets->items[i]);
	}
	free(sets->items);
	gate_clear(&sets->planning);
	pthread_mutex_destroy(&sets->mutex);
	free(sets);
}

static struct sets *sets_of(struct hostel *hostel)
{
	return hostel_annex(hostel, make_sets, end_sets);
}

struct gate *chain_set_planning(struct hostel *hostel)
{
	return &sets_of(hostel)->planning;
}

static struct chain_set *lookup(struct sets *sets, const char *name)
{
	for (size_t i = 0; i < sets->count; i++)
		if (!strcmp(sets->items[i]->name, name))
			return sets->items[i];
	return NULL;
}

static struct chain_set *get(struct chain_set *set)
{
	atomic_fetch_add(&set->references, 1);
	return set;
}

static int make_set(struct sets *sets, const char *name, struct node *node, struct chain_set **ret,
		    struct error *err)
{
	struct chain_set *set = own_alloc(sizeof(*set));

	*set = (struct chain_set) { .hostel = sets->hostel,
				    .name = own_strdup(name),
				    .node = node,
				    .dir = own_printf("%s/%c%s", hostel_run_dir(sets->hostel),
						      VSWITCH_DIR_MARK, name),
				    .gate.fd = -1,
				    .end.fd = -1 };
	atomic_init(&set->references, 1);
	pthread_mutex_init(&set->mutex, NULL);
	if (gate_init(&set->gate, err) < 0 || cancel_init(&set->end, err) < 0) {
		chain_set_put(set);
		return -1;
	}
	sets->items = own_realloc(sets->items, (sets->count + 1) * sizeof(*sets->items));
	sets->items[sets->count++] = set;
	*ret = get(set);
	return 0;
}

static int get_or_make(struct sets *sets, const char *name, struct node *node,
		       struct chain_set **ret, struct error *err)
{
	struct chain_set *set;
	lock_scope(&sets->mutex);

	set = lookup(sets, name);
	if (!set)
		return make_set(sets, name, node, ret, err);
	if (set->node != node)
		return error_set(err, EINVAL,
				 "argument 'node': chains '%s' are on node '%s', got '%s'", name,
				 set->node->name, node->name);
	*ret = get(set);
	return 0;
}

static bool is_registered(struct sets *sets, struct chain_set *set)
{
	lock_scope(&sets->mutex);

	return lookup(sets, set->name) == set;
}

int chain_set_open(struct hostel *hostel, const char *name, struct node *node, const struct wait *w,
		   struct chain_set **ret, struct error *err)
{
	struct sets *sets = sets_of(hostel);

	if (vm_check_name(name, NULL) < 0)
		return error_set(err, EINVAL,
				 "argument 'name': expected 1 to %d characters of A-Z a-z 0-9 . _ "
				 "-, got '%s'",
				 VM_NAME_MAX, name);
	for (;;) {
		auto_chain_set *set = NULL;

		if (get_or_make(sets, name, node, &set, err) < 0 ||
		    chain_set_enter(set, w, err) < 0)
			return -1;
		/* Whoever was in the gate before may have left the register. */
		if (is_registered(sets, set)) {
			*ret = take_ptr(set);
			return 0;
		}
		gate_leave(&set->gate);
	}
}

struct chain_set *chain_set_find(struct hostel *hostel, const char *name, const struct node *node)
{
	struct sets *sets = sets_of(hostel);
	struct chain_set *set;
	lock_scope(&sets->mutex);

	set = lookup(sets, name);
	return set && (!node || set->node == node) ? get(set) : NULL;
}

size_t chain_set_all(struct hostel *hostel, const struct node *node, struct chain_set ***ret)
{
	struct sets *sets = sets_of(hostel);
	size_t count = 0;
	lock_scope(&sets->mutex);

	*ret = own_alloc((sets->count + 1) * sizeof(**ret));
	for (size_t i = 0; i < sets->count; i++)
		if (!node || sets->items[i]->node == node)
			(*ret)[count++] = get(sets->items[i]);
	return count;
}

char *chain_set_names(struct hostel *hostel)
{
	struct sets *sets = sets_of(hostel);
	struct str names = { 0 };
	lock_scope(&sets->mutex);

	for (size_t i = 0; i < sets->count; i++)
		str_addf(&names, "%s%s", i ? ", " : "", sets->items[i]->name);
	if (!sets->count)
		str_adds(&names, "none");
	return str_take(&names);
}

/* With the register's mutex held. */
static bool take_out(struct sets *sets, struct chain_set *set)
{
	for (size_t i = 0; i < sets->count; i++)
		if (sets->items[i] == set) {
			sets->items[i] = sets->items[--sets->count];
			return true;
		}
	return false;
}

void chain_set_forget(struct chain_set *set)
{
	struct sets *sets = sets_of(set->hostel);
	bool was_there;

	pthread_mutex_lock(&sets->mutex);
	was_there = take_out(sets, set);
	pthread_mutex_unlock(&sets->mutex);
	if (was_there)
		chain_set_put(set);
}

static bool is_empty(struct chain_set *set)
{
	lock_scope(&set->mutex);

	return !set->plan && !set->vswitch;
}

void chain_set_close(struct chain_set *set)
{
	if (is_empty(set))
		chain_set_forget(set);
	gate_leave(&set->gate);
	chain_set_put(set);
}

void chain_set_put(struct chain_set *set)
{
	if (!set || atomic_fetch_sub(&set->references, 1) > 1)
		return;
	chain_set_set_plan(set, NULL, NULL);
	vswitch_put(set->vswitch);
	gate_clear(&set->gate);
	cancel_clear(&set->end);
	pthread_mutex_destroy(&set->mutex);
	free(set->name);
	free(set->dir);
	free(set);
}

void chain_set_drop(struct chain_set **set)
{
	chain_set_put(*set);
}

struct wait chain_set_wait(const struct chain_set *set, const struct wait *w)
{
	struct wait both = *w;

	wait_add_cancel(&both, set->end.fd, POLLIN, "the chains are being stopped");
	return both;
}

int chain_set_enter(struct chain_set *set, const struct wait *w, struct error *err)
{
	struct wait both = chain_set_wait(set, w);

	if (gate_enter(&set->gate, &both, err) < 0)
		return error_prefix(err, "chains '%s' are busy", set->name);
	return 0;
}

int chain_set_clear(struct chain_set *set, const struct wait *w, struct error *err)
{
	cancel_throw(&set->end);
	if (!gate_enter(&set->gate, w, err))
		return 0;
	cancel_reset(&set->end);
	return error_prefix(err, "chains '%s' do not end", set->name);
}

struct vswitch *chain_set_vswitch(struct chain_set *set)
{
	lock_scope(&set->mutex);

	return set->vswitch ? vswitch_get(set->vswitch) : NULL;
}

struct vswitch *chain_set_take_vswitch(struct chain_set *set, bool only_owned)
{
	lock_scope(&set->mutex);

	return only_owned && !set->owns_vswitch ? NULL : take_ptr(set->vswitch);
}

void chain_set_set_plan(struct chain_set *set, struct chain_plan *plan, struct vm **vms)
{
	struct chain_plan *old_plan;
	struct vm **old_vms;

	pthread_mutex_lock(&set->mutex);
	old_plan = set->plan;
	old_vms = set->vms;
	set->plan = plan;
	set->vms = vms;
	pthread_mutex_unlock(&set->mutex);
	/* The last reference closes what the VM had: not while others wait for the set. */
	for (size_t i = 0; old_plan && i < old_plan->vm_count; i++)
		vm_put(old_vms[i]);
	free(old_vms);
	chain_plan_free(old_plan);
}

/* A start that failed leaves the definition of its VM in a new object. */
static bool has_sockets_of(struct vm *vm, const struct vm_plan *plan)
{
	lock_scope(&vm->mutex);

	return vm->nic_count && !strcmp(vm->nics[0].socket, plan->nics[0].socket);
}

struct vm *chain_set_vm(const struct chain_set *set, size_t index)
{
	const struct vm_plan *plan = &set->plan->vms[index];
	auto_vm *vm = NULL;

	if (hostel_find(set->hostel, plan->name, &vm, NULL) < 0 ||
	    (vm != set->vms[index] && !has_sockets_of(vm, plan)))
		return NULL;
	return take_ptr(vm);
}

static void claim_cpu(struct chain_claims *c, int cpu, const char *name)
{
	cpu_list_add(&c->cpus, cpu);
	strv_add(&c->cpu_vms, name);
}

static void claim_cpus(struct chain_claims *c, const struct vm_plan *plan)
{
	for (size_t i = 0; i < plan->host_cpus.count; i++)
		claim_cpu(c, plan->host_cpus.items[i], plan->name);
	if (plan->emulator_cpu >= 0 && !cpu_list_has(&plan->host_cpus, plan->emulator_cpu))
		claim_cpu(c, plan->emulator_cpu, plan->name);
}

static void reserve(struct chain_claims *c, const struct plan_reserve *reserve)
{
	c->reserves = own_realloc(c->reserves, (c->reserve_count + 1) * sizeof(*c->reserves));
	c->reserves[c->reserve_count++] = *reserve;
}

void chain_claims_add_pages(struct chain_claims *c, int pages)
{
	if (pages)
		reserve(c, &(struct plan_reserve) {
				   .numa_node = -1, .backing = GUEST_MEMORY_2M, .pages = pages });
}

/* Of a VM that runs the node itself says what is left. */
static void claim_memory(struct chain_claims *c, const struct chain_plan *plan,
			 const struct vm_plan *vm)
{
	reserve(c, &(struct plan_reserve) { .numa_node = plan->numa_node,
					    .backing = plan->backing,
					    .pages = vm->host_hugepages,
					    .memory_mib = vm->memory_mib });
}

static void claim_set(const struct chain_set *set, struct chain_claims *c)
{
	if (set->plan && !set->vswitch)
		chain_claims_add_pages(c, set->plan->vswitch_pages);
	for (size_t i = 0; set->plan && i < set->plan->vm_count; i++) {
		const struct vm_plan *plan = &set->plan->vms[i];
		auto_vm *vm = chain_set_vm(set, i);
		enum vm_state state = vm ? vm_state_now(vm) : VM_STOPPED;

		if (state == VM_STOPPED || state == VM_FAILED)
			continue;
		strv_add(&c->names, plan->name);
		claim_cpus(c, plan);
		if (state == VM_DEFINED || state == VM_STARTING)
			claim_memory(c, set->plan, plan);
	}
}

void chain_set_claims(struct hostel *hostel, const struct node *node, struct chain_claims *ret)
{
	struct sets *sets = sets_of(hostel);
	lock_scope(&sets->mutex);

	*ret = (struct chain_claims) { 0 };
	for (size_t i = 0; i < sets->count; i++) {
		struct chain_set *set = sets->items[i];

		if (set->node != node)
			continue;
		pthread_mutex_lock(&set->mutex);
		claim_set(set, ret);
		pthread_mutex_unlock(&set->mutex);
	}
}

void chain_claims_clear(struct chain_claims *c)
{
	cpu_list_clear(&c->cpus);
	strv_clear(&c->cpu_vms);
	strv_clear(&c->names);
	free(c->reserves);
	*c = (struct chain_claims) { 0 };
}
