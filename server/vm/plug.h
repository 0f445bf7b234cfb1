/*
 * vhost-user NICs in a VM: defining, plugging, unplugging, link, who is connected.
 */
#ifndef VM_PLUG_H
#define VM_PLUG_H

#include "vm/vm.h"

/* What Configure Vhost Interfaces can choose for each of its sockets. */
struct vhost_options {
	bool server;
	int queues;
	int queue_size;
	bool jumbo;
	bool csum;
	bool gso;
	int mrg_rxbuf;
	bool packed;
	const char *mac; /* NULL: computed; only for a single socket */
	int feature_mask;
};

/*
 * vhost_define - give @vm one NIC more for each socket
 *
 * Before the start they become the VM's NICs; a running VM has them plugged, which waits for the
 * vswitch until @w ends. When one cannot be had, none of this call is left.
 * Errors: EINVAL naming the argument (path too long, directory missing, socket in use).
 */
int vhost_define(struct vm *vm, char *const *sockets, size_t count,
		 const struct vhost_options *options, const struct wait *w, struct trail *trail,
		 struct error *err);
/* vhost_add_passthrough - a vfio-pci device of the host, in the next slot */
int vhost_add_passthrough(struct vm *vm, const char *pci_address, const struct wait *w,
			  struct trail *trail, struct error *err);
/*
 * vhost_plug_all - plug every defined NIC into a VM that was launched
 *
 * All sockets listen first, then each NIC is plugged as soon as its vswitch is connected.
 * Errors: ETIMEDOUT names the interfaces that are still disconnected, with their sockets.
 */
int vhost_plug_all(struct vm *vm, const struct wait *w, struct trail *trail, struct error *err);
/*
 * vhost_reconcile - take out the NICs that QEMU does not have
 *
 * For an adopted VM: the earlier server may have ended while it plugged one or took one out.
 * Errors: as qmp_execute() and run_dir_save().
 */
int vhost_reconcile(struct vm *vm, const struct wait *w, struct error *err);
/* vhost_connections - who is connected now, by index; all false when QEMU does not answer */
void vhost_connections(struct vm *vm, bool connected[NICS_MAX]);
/* vhost_find - the index of "vhost1"; EINVAL names those that there are */
int vhost_find(struct vm *vm, const char *interface, size_t *ret, struct error *err);
/* vhost_await_connected - until all of @interfaces (none: all of the VM) are connected */
int vhost_await_connected(struct vm *vm, char *const *interfaces, size_t count,
			  const struct wait *w, struct error *err);
int vhost_set_link(struct vm *vm, const char *interface, bool up, const struct wait *w,
		   struct error *err);
/* vhost_remove - hot-unplug; waits until the guest let go. ETIMEDOUT when it does not. */
int vhost_remove(struct vm *vm, const char *interface, const struct wait *w, struct trail *trail,
		 struct error *err);
/* vhost_remove_sockets - what a QEMU that was killed left of its listening sockets */
void vhost_remove_sockets(struct vm *vm, const struct wait *w);

#endif
