/*
 * NF chains: started, listed, stopped.
 */
#include "nfv/chain.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "nfv/chain_vms.h"
#include "value/value.h"
#include "vm/vswitch_dir.h"

/* What undoing a start may take. */
#define UNDO_MS 10000
/* Times that a plan is made anew when another VM took its number. */
#define PLANS_MAX 8

static void set_vswitch(struct chain_set *set, struct vswitch *vswitch, bool owned)
{
	lock_scope(&set->mutex);

	set->vswitch = vswitch;
	set->owns_vswitch = owned;
}

static void end_vswitch(struct chain_set *set, bool only_owned)
{
	auto_vswitch *vswitch = chain_set_take_vswitch(set, only_owned);

	if (vswitch)
		vswitch_stop(vswitch);
}

/* Kills the VMs, ends the vswitch that came with them, removes the directory. In the gate. */
static int take_down(struct chain_set *set, const struct wait *w, json_t *killed, struct error *err)
{
	int rc = set->plan ? chain_vms_kill(set, w, killed, err) : 0;

	chain_set_set_plan(set, NULL, NULL);
	end_vswitch(set, true);
	if (!set->vswitch)
		vswitch_dir_clean(set->node, set->dir, w);
	return rc;
}

/* How many VMs of the plan there are. */
static size_t count_vms(struct chain_set *set)
{
	size_t count = 0;

	for (size_t i = 0; set->plan && i < set->plan->vm_count; i++) {
		auto_vm *vm = chain_set_vm(set, i);

		count += vm != NULL;
	}
	return count;
}

/* Chains whose VMs were all killed one by one, or by Qemu Kill All, make room for new ones. */
static int check_idle(struct chain_set *set, const struct wait *w, struct error *err)
{
	size_t count = count_vms(set);

	if (count)
		return error_set(err, EINVAL,
				 "argument 'name': chains '%s' have %zu VMs already: call Stop NF "
				 "Chains before, or give these another name",
				 set->name, count);
	return set->plan ? take_down(set, w, NULL, err) : 0;
}

static int plan_and_define(struct chain_set *set, const struct chain_request *q,
			   const struct wait *w, struct error *err)
{
	for (int attempt = 1;; attempt++) {
		auto_chain_plan *plan = NULL;
		struct vm **vms;

		if (chain_plan(set->hostel, q, w, &plan, err) < 0)
			return -1;
		if (!chain_vms_define(set, q, plan, w, &vms, err)) {
			chain_set_set_plan(set, take_ptr(plan), vms);
			return 0;
		}
		/* A VM that was defined since took a number: the next plan sees it. */
		if (attempt == PLANS_MAX || !strstr(err->text, "argument 'qemu_id'"))
			return -1;
	}
}

/* One plan at a time, until the registry has its VMs: so no two count on the same. */
static int reserve(struct chain_set *set, const struct chain_request *q, const struct wait *w,
		   struct error *err)
{
	struct gate *planning = chain_set_planning(set->hostel);
	const char *dir = q->socket_dir ? q->socket_dir : set->dir;
	int rc;

	if (q->interfaces && node_make_dirs(set->node, dir, 0700, w, err) < 0)
		return -1;
	if (gate_enter(planning, w, err) < 0)
		return error_prefix(err, "other chains are being planned");
	rc = plan_and_define(set, q, w, err);
	gate_leave(planning);
	return rc;
}

static int check_shape(const struct vswitch *v, int chains, int nodes, struct error *err)
{
	if (v->spec.chains == chains && v->spec.nodes_per_chain == nodes)
		return 0;
	return error_set(err, EINVAL,
			 "the vswitch of chains '%s' is wired for %d x %d VMs, these are %d x %d: "
			 "call Stop Vswitch before",
			 v->spec.name, v->spec.chains, v->spec.nodes_per_chain, chains, nodes);
}

static struct vswitch_spec spec_of(const struct chain_set *set, const struct chain_request *q)
{
	auto_constants held = hostel_hold(set->hostel);
	bool placed = !vswitch_is_foreign(q->vswitch, held.c);

	return (struct vswitch_spec) {
		.name = set->name,
		.node = set->node,
		.driver = q->vswitch,
		.chains = q->plan.rules.chains,
		.nodes_per_chain = q->plan.rules.nodes_per_chain,
		.topology = q->plan.topology,
		.queues = q->plan.queues,
		.jumbo = q->jumbo,
		.dir = set->dir,
		.socket_dir = q->socket_dir ? q->socket_dir : set->dir,
		.host_cpus = set->plan->vswitch_cpus.items,
		.host_cpu_count = placed ? set->plan->vswitch_cpus.count : 0,
	};
}

/* The vswitch that is there, or a new one when one is wanted; @ret may be NULL. */
static int get_vswitch(struct chain_set *set, const struct chain_request *q, const struct wait *w,
		       struct trail *trail, struct vswitch **ret, struct error *err)
{
	auto_vswitch *v = chain_set_vswitch(set);
	struct vswitch_spec spec = spec_of(set, q);

	if (v && q->vswitch != VSWITCH_NONE && q->vswitch != v->spec.driver)
		return error_set(err, EINVAL,
				 "argument 'vswitch': chains '%s' have a vswitch '%s' already, got "
				 "'%s'",
				 set->name, vswitch_or_none_names[v->spec.driver],
				 vswitch_or_none_names[q->vswitch]);
	if (v && (check_shape(v, spec.chains, spec.nodes_per_chain, err) < 0 ||
		  vswitch_check(v, err) < 0))
		return -1;
	if (!v && q->vswitch != VSWITCH_NONE) {
		if (vswitch_start(set->hostel, &spec, w, trail, &v, err) < 0)
			return -1;
		set_vswitch(set, vswitch_get(v), true);
	}
	*ret = take_ptr(v);
	return 0;
}

static int start(struct chain_set *set, const struct chain_request *q, const struct wait *w,
		 struct trail *trail, json_t **ret, struct error *err)
{
	auto_vswitch *vswitch = NULL;

	if (reserve(set, q, w, err) < 0)
		return -1;
	trail_step(trail, "planned %d x %d VMs, %s", set->plan->chains, set->plan->nodes_per_chain,
		   set->plan->pinned ? "pinned" : "not pinned");
	if (set->plan->unpinned)
		trail_note(trail, TRAIL_INFO, "the VMs are not pinned: %s", set->plan->unpinned);
	if (get_vswitch(set, q, w, trail, &vswitch, err) < 0)
		return -1;
	return chain_vms_start(set, q, set->plan, vswitch, w, trail, ret, err);
}

static int start_or_undo(struct chain_set *set, const struct chain_request *q, const struct wait *w,
			 struct trail *trail, json_t **ret, struct error *err)
{
	struct wait both = chain_set_wait(set, w), undo;
	struct error ignored;

	if (check_idle(set, &both, err) < 0)
		return -1;
	if (!start(set, q, &both, trail, ret, err))
		return 0;
	undo = wait_for_ms(UNDO_MS);
	if (take_down(set, &undo, NULL, &ignored) < 0)
		log_error("chains '%s': %s", set->name, ignored.text);
	if (err->code == ECANCELED)
		log_info("chains '%s': start cancelled, destroyed: %s", set->name, err->text);
	return error_prefix(err, "chains '%s'", set->name);
}

int chain_start(struct hostel *hostel, const struct chain_request *q, const struct wait *w,
		struct trail *trail, json_t **ret, struct error *err)
{
	struct chain_set *set;
	int rc;

	if (!q->interfaces && q->vswitch != VSWITCH_NONE)
		return error_set(err, EINVAL,
				 "argument 'vswitch': VMs without interfaces have none, got '%s'",
				 vswitch_or_none_names[q->vswitch]);
	if (chain_set_open(hostel, q->name, q->node, w, &set, err) < 0)
		return -1;
	rc = start_or_undo(set, q, w, trail, ret, err);
	chain_set_close(set);
	return rc;
}

int chain_stop(struct hostel *hostel, const char *name, const struct wait *w, struct trail *trail,
	       json_t **ret, struct error *err)
{
	auto_chain_set *set = chain_set_find(hostel, name, NULL);
	auto_json *killed = json_array();
	int rc;

	if (set) {
		if (chain_set_clear(set, w, err) < 0)
			return -1;
		rc = take_down(set, w, killed, err);
		cancel_reset(&set->end);
		chain_set_close(take_ptr(set));
		if (rc < 0)
			return -1;
		trail_step(trail, "killed %zu VM(s)", json_array_size(killed));
	}
	*ret = take_ptr(killed);
	return 0;
}

static json_t *cpus_json(const struct cpu_list *cpus)
{
	json_t *ret = json_array();

	for (size_t i = 0; i < cpus->count; i++)
		json_array_append_new(ret, json_integer(cpus->items[i]));
	return ret;
}

static json_t *list_vm(struct chain_set *set, size_t index)
{
	const struct vm_plan *plan = &set->plan->vms[index];
	auto_vm *vm = chain_set_vm(set, index);
	const char *state = vm ? vm_state_names[vm_state_now(vm)] : "gone";

	return json_pack("{s:s,s:i,s:i,s:i,s:s,s:s,s:o,s:[s,s],s:[s,s]}", "name", plan->name,
			 "chain", plan->chain, "node_in_chain", plan->node_in_chain, "qemu_id",
			 plan->qemu_id, "node", set->node->name, "state", state, "host_cpus",
			 cpus_json(&plan->host_cpus), "sockets", plan->nics[0].socket,
			 plan->nics[1].socket, "macs", plan->nics[0].mac, plan->nics[1].mac);
}

json_t *chain_list(struct hostel *hostel, const char *name)
{
	auto_chain_set *set = chain_set_find(hostel, name, NULL);
	json_t *list = json_array();

	if (!set)
		return list;
	lock_scope(&set->mutex);
	for (size_t i = 0; set->plan && i < set->plan->vm_count; i++)
		json_array_append_new(list, list_vm(set, i));
	return list;
}

static int check_plan_shape(const struct chain_set *set, const struct vswitch_spec *spec,
			    struct error *err)
{
	const struct chain_plan *plan = set->plan;

	if (!plan ||
	    (plan->chains == spec->chains && plan->nodes_per_chain == spec->nodes_per_chain))
		return 0;
	return error_set(err, EINVAL, "chains '%s' have %d x %d VMs, got %d x %d", set->name,
			 plan->chains, plan->nodes_per_chain, spec->chains, spec->nodes_per_chain);
}

/* In the gate. A vswitch that died is there still, until another one takes its place. */
static int start_vswitch(struct chain_set *set, const struct vswitch_spec *given,
			 const struct wait *w, struct trail *trail, json_t **ret, struct error *err)
{
	struct wait both = chain_set_wait(set, w);
	bool owned = set->vswitch && set->owns_vswitch;
	struct vswitch_spec spec = *given;
	auto_vswitch *v = NULL;

	if (set->vswitch && !vswitch_check(set->vswitch, NULL))
		return error_set(err, EINVAL,
				 "argument 'name': chains '%s' have a vswitch '%s' already: call "
				 "Stop Vswitch before",
				 set->name, vswitch_or_none_names[set->vswitch->spec.driver]);
	if (check_plan_shape(set, &spec, err) < 0)
		return -1;
	end_vswitch(set, false);
	spec.dir = set->dir;
	if (!spec.socket_dir)
		spec.socket_dir = set->dir;
	if (vswitch_start(set->hostel, &spec, &both, trail, &v, err) < 0)
		return -1;
	if (vswitch_stats(v, &both, ret, err) < 0) {
		vswitch_stop(v);
		return -1;
	}
	set_vswitch(set, take_ptr(v), owned);
	return 0;
}

int chain_vswitch_start(struct hostel *hostel, const struct vswitch_spec *spec,
			const struct wait *w, struct trail *trail, json_t **ret, struct error *err)
{
	struct chain_set *set;
	int rc;

	if (chain_set_open(hostel, spec->name, spec->node, w, &set, err) < 0)
		return -1;
	rc = start_vswitch(set, spec, w, trail, ret, err);
	chain_set_close(set);
	return rc;
}

/* Its vswitch came with VMs that are all gone. */
static bool is_idle(struct chain_set *set)
{
	lock_scope(&set->mutex);

	return set->vswitch && set->owns_vswitch && !count_vms(set);
}

static void end_if_idle(struct chain_set *set, const struct wait *w)
{
	struct error err;

	if (!is_idle(set))
		return;
	if (chain_set_clear(set, w, &err) < 0) {
		log_error("the vswitch of chains '%s' is left: %s", set->name, err.text);
		return;
	}
	if (is_idle(set))
		end_vswitch(set, true);
	cancel_reset(&set->end);
	gate_leave(&set->gate);
}

void chain_vswitch_end_idle(struct hostel *hostel, const struct node *node, const struct wait *w)
{
	auto_free struct chain_set **sets = NULL;
	size_t count = chain_set_all(hostel, node, &sets);

	for (size_t i = 0; i < count; i++) {
		end_if_idle(sets[i], w);
		chain_set_put(sets[i]);
	}
}

int chain_vswitch_stop(struct hostel *hostel, const char *name, const struct node *node,
		       const struct wait *w, bool *ret, struct error *err)
{
	auto_chain_set *found = chain_set_find(hostel, name, node);
	struct chain_set *set;

	*ret = false;
	if (!found)
		return 0;
	if (chain_set_open(hostel, name, found->node, w, &set, err) < 0)
		return -1;
	*ret = set->vswitch != NULL;
	end_vswitch(set, false);
	chain_set_close(set);
	return 0;
}

int chain_vswitch(struct hostel *hostel, const char *name, const struct node *node,
		  struct vswitch **ret, struct error *err)
{
	auto_chain_set *set = chain_set_find(hostel, name, node);
	auto_free char *names = NULL;

	*ret = set ? chain_set_vswitch(set) : NULL;
	if (*ret)
		return 0;
	names = chain_set_names(hostel);
	return error_set(err, EINVAL,
			 "argument 'name': chains '%s' have no vswitch: call Start Vswitch, or "
			 "Start NF Chains with vswitch=; there are chains: %s",
			 name, names);
}
