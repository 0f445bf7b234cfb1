/*
 * What the guest calls a VM's interfaces, found by MAC address.
 */
#ifndef VM_NIC_NAMES_H
#define VM_NIC_NAMES_H

#include "vm/vm.h"

/* nic_names_take - from the answer to guest-network-get-interfaces */
void nic_names_take(struct vm *vm, const json_t *interfaces);
/*
 * nic_names_await - until every interface has a name, for some seconds at most
 * @plugged: just now: the kernel's name may not be the last one
 *
 * The agent may see an interface a moment later. A VM whose agent was not heard yet is not asked.
 * Returns how many lack a name.
 */
size_t nic_names_await(struct vm *vm, bool plugged, const struct wait *w);
/* nic_names_refresh - ask a running guest once when a name is missing; hardly waits for an agent
 * that may be silent, and not every time */
void nic_names_refresh(struct vm *vm);

#endif
