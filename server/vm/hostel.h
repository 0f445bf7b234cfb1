/*
 * The running server's state: constants, nodes, VMs.
 */
#ifndef VM_HOSTEL_H
#define VM_HOSTEL_H

#include "base/trail.h"
#include "config/constants.h"
#include "config/topology.h"
#include "node/node.h"
#include "qemu/watcher.h"
#include "vm/vm.h"

/* Paths may be NULL: built-in defaults. @run_dir overrides the constant. All borrowed. */
struct hostel_options {
	const char *config_path;
	const char *site_path;
	const char *topology_path;
	const char *run_dir;
};

struct hostel;

/*
 * hostel_open - read the configuration, take the run directory, adopt what an earlier run left
 *
 * A VM whose QEMU still runs is adopted; files of others are removed, console logs excepted.
 * Errors: every error of the configuration; EBUSY when another server has the run directory.
 */
int hostel_open(const struct hostel_options *options, struct hostel **ret, struct error *err);
/* hostel_close - end or keep the VMs as server.on_exit says, and free everything. No call may be
 * in flight. */
void hostel_close(struct hostel *hostel);

struct constants_box *hostel_constants(struct hostel *hostel);
/* hostel_hold - the constants now; to be released with hostel_release(), as auto_constants does */
struct held_constants {
	struct hostel *hostel;
	const struct constants *c;
};
struct held_constants hostel_hold(struct hostel *hostel);
void hostel_release(struct held_constants *held);
#define auto_constants __attribute__((cleanup(hostel_release))) struct held_constants
/* hostel_reload - read the files again; what does not parse changes nothing */
int hostel_reload(struct hostel *hostel, struct error *err);

struct watcher *hostel_watcher(struct hostel *hostel);
/* hostel_node - the node of that name, borrowed. EINVAL names the nodes that there are. */
int hostel_node(struct hostel *hostel, const char *name, struct node **ret, struct error *err);
size_t hostel_node_count(struct hostel *hostel);
struct node *hostel_node_at(struct hostel *hostel, size_t index);

/* hostel_find - the VM, a new reference. EINVAL "unknown VM" names those that there are. */
int hostel_find(struct hostel *hostel, const char *name, struct vm **ret, struct error *err);
/*
 * hostel_define - the VM of that name on @node, made when there is none
 * @qemu_id: 0 for the next free one whose ports are free
 *
 * A VM that ended is replaced by a new one with its interfaces. A new reference.
 * Errors: EINVAL when it is on another node or the id is taken; ENOSPC when no id is free.
 */
int hostel_define(struct hostel *hostel, const char *name, struct node *node, int qemu_id,
		  struct vm **ret, struct error *err);
/* hostel_claim - make a defined VM of the registry a starting one. EINVAL with its state. */
int hostel_claim(struct hostel *hostel, struct vm *vm, struct error *err);
/* hostel_unclaim - take a VM out that is defined, has no interfaces and was never claimed */
void hostel_unclaim(struct hostel *hostel, struct vm *vm);
/* hostel_forget - take @vm out of the registry; @redefine: leave its definition in its place */
void hostel_forget(struct hostel *hostel, struct vm *vm, bool redefine);
/* hostel_vms - new references to all VMs, of @node or (NULL) of all; *@ret is owned */
size_t hostel_vms(struct hostel *hostel, const struct node *node, struct vm ***ret);
/* hostel_socket_user - the VM that has a NIC with that socket path, a new reference, or NULL */
struct vm *hostel_socket_user(struct hostel *hostel, const struct node *node, const char *socket);
/*
 * hostel_annex - what a room above this one keeps as long as the hostel
 * @make: makes it at the first call; @end ends and frees it when the hostel closes, before the VMs
 */
void *hostel_annex(struct hostel *hostel, void *(*make)(struct hostel *hostel),
		   void (*end)(void *annex));
/* hostel_run_dir - on a node, borrowed */
const char *hostel_run_dir(struct hostel *hostel);

#endif
