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
	chain_plan_free(set->plan);
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

static void add_plan(const struct chain_plan *plan, struct cpu_list *ret_cpus, struct strv *ret_vms)
{
	for (size_t i = 0; plan && i < plan->vm_count; i++)
		for (size_t k = 0; k < plan->vms[i].host_cpus.count; k++) {
			cpu_list_add(ret_cpus, plan->vms[i].host_cpus.items[k]);
			strv_add(ret_vms, plan->vms[i].name);
		}
}

void chain_set_taken_cpus(struct hostel *hostel, struct cpu_list *ret_cpus, struct strv *ret_vms)
{
	struct sets *sets = sets_of(hostel);
	lock_scope(&sets->mutex);

	for (size_t i = 0; i < sets->count; i++) {
		pthread_mutex_lock(&sets->items[i]->mutex);
		add_plan(sets->items[i]->plan, ret_cpus, ret_vms);
		pthread_mutex_unlock(&sets->items[i]->mutex);
	}
}
