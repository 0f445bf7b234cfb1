/*
 * The Unix sockets of vhost-user NICs, before QEMU has them.
 */
#ifndef VM_VHOST_SOCKET_H
#define VM_VHOST_SOCKET_H

#include "vm/vm.h"

/*
 * vhost_check_sockets - whether @vm can have NICs on these sockets
 * @server: QEMU listens on them
 *
 * Changes nothing. Errors: EINVAL naming the argument 'sockets': a path that is not absolute or too
 * long, a directory that is not there, a file in the way, a socket that is in use or given twice.
 */
int vhost_check_sockets(struct vm *vm, char *const *sockets, size_t count, bool server,
			const struct wait *w, struct error *err);

#endif
