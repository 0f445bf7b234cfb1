/*
 * A named set of NF chains on a node: its VMs, its vswitch, or both. And the register of all sets.
 *
 * How it works: whoever starts, stops or measures passes the set's gate, one at a time. A stop
 * throws @end first, which gets the others out of it; the set is out of the register then, and the
 * name is free. What others read meanwhile is guarded by the mutex.
 */
#ifndef NFV_CHAIN_SET_H
#define NFV_CHAIN_SET_H

#include <stdatomic.h>

#include "nfv/plan.h"
#include "nfv/vswitch.h"
#include "vm/hostel.h"

/*
 * @plan:         of its VMs; NULL: it has none. Set within the gate
 * @vms:          what was defined for the plan's VMs, in its order; references, for a VM that a
 *                tester starts under the name of a killed one is not the chains'
 * @vswitch:      or NULL
 * @owns_vswitch: the start of the VMs started it, so their end ends it
 */
struct chain_set {
	atomic_int references;
	struct hostel *hostel;
	char *name;
	struct node *node;
	char *dir; /* "<run_dir>/@<name>" */
	struct gate gate;
	struct cancel end;
	pthread_mutex_t mutex; /* everything below */
	struct chain_plan *plan;
	struct vm **vms;
	struct vswitch *vswitch;
	bool owns_vswitch;
};

/*
 * chain_set_open - the set of that name, made when there is none, its gate passed
 * @ret: a new reference, for chain_set_close()
 *
 * Errors: EINVAL for a name that no VM could have, and when the set is on another node; ECANCELED
 * when it is being stopped.
 */
int chain_set_open(struct hostel *hostel, const char *name, struct node *node, const struct wait *w,
		   struct chain_set **ret, struct error *err);
/* chain_set_close - leave the gate and drop the reference; an empty set leaves the register */
void chain_set_close(struct chain_set *set);
/* chain_set_find - a new reference, or NULL; of @node unless that is NULL */
struct chain_set *chain_set_find(struct hostel *hostel, const char *name, const struct node *node);
/* chain_set_all - new references to all sets of @node (NULL: of all nodes); *@ret is owned */
size_t chain_set_all(struct hostel *hostel, const struct node *node, struct chain_set ***ret);
/* chain_set_names - "nf, edge", owned by the caller; "none" without sets */
char *chain_set_names(struct hostel *hostel);
/* chain_set_forget - take it out of the register, whatever it has */
void chain_set_forget(struct chain_set *set);
void chain_set_put(struct chain_set *set);
void chain_set_drop(struct chain_set **set);
#define auto_chain_set __attribute__((cleanup(chain_set_drop))) struct chain_set

/* chain_set_enter - pass its gate; ECANCELED when it is being stopped */
int chain_set_enter(struct chain_set *set, const struct wait *w, struct error *err);
/*
 * chain_set_clear - pass its gate after telling whoever is there that the set is being stopped
 *
 * All are told so until the caller resets @end; when this fails, nobody is any more.
 */
int chain_set_clear(struct chain_set *set, const struct wait *w, struct error *err);
/* chain_set_wait - @w, cancelled also when the set is being stopped */
struct wait chain_set_wait(const struct chain_set *set, const struct wait *w);
/* chain_set_vswitch - its vswitch, a new reference, or NULL */
struct vswitch *chain_set_vswitch(struct chain_set *set);
/* chain_set_take_vswitch - it has none any more; the reference goes to the caller. Or NULL. */
struct vswitch *chain_set_take_vswitch(struct chain_set *set, bool only_owned);
/* chain_set_set_plan - @plan and @vms, which it takes; what was there is dropped. NULL: none */
void chain_set_set_plan(struct chain_set *set, struct chain_plan *plan, struct vm **vms);
/*
 * chain_set_vm - VM number @index of its plan, a new reference, or NULL when it is gone
 *
 * Within the gate, or with the mutex held.
 */
struct vm *chain_set_vm(const struct chain_set *set, size_t index);

/*
 * What the VMs of all sets on a node have, from the plan on; those that are gone have nothing.
 * @cpus, @cpu_vms: a CPU and the name of the VM that has it
 * @names:          of all these VMs
 * @reserves:       memory of those that do not run yet
 */
struct chain_claims {
	struct cpu_list cpus;
	struct strv cpu_vms;
	struct strv names;
	struct plan_reserve *reserves;
	size_t reserve_count;
};

/* chain_set_claims - @ret is cleared by chain_claims_clear() */
void chain_set_claims(struct hostel *hostel, const struct node *node, struct chain_claims *ret);
/* chain_claims_add_pages - so many pages of 2 MB of a vswitch, from any NUMA node */
void chain_claims_add_pages(struct chain_claims *claims, int pages);
void chain_claims_clear(struct chain_claims *claims);
/* chain_set_planning - the gate that plans pass until their VMs are in the registry */
struct gate *chain_set_planning(struct hostel *hostel);

#endif
