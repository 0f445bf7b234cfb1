/*
 * What payloads need done in a guest, as its root: programs run to their end, drivers bound,
 * huge pages reserved, interfaces found and configured. All of it goes through the guest agent.
 */
#ifndef VM_VM_PAYLOAD_GUEST_H
#define VM_VM_PAYLOAD_GUEST_H

#include "vm/vm.h"

/* The kernel's own driver of vhost-user NICs. */
#define GUEST_KERNEL_DRIVER "virtio-pci"

/*
 * guest_ready - the guest agent answers
 *
 * Errors: EINVAL for a VM that runs not; as vm_await_agent(), waiting no longer than timeout.agent
 * for an agent that did not answer at the VM's start either.
 */
int guest_ready(struct vm *vm, const struct wait *w, struct error *err);
/* guest_run - as agent_run(), with text as standard input (NULL: none) and 1 MiB of output */
int guest_run(struct vm *vm, char *const *argv, const char *input, const struct wait *w,
	      struct process_result *ret, struct error *err);
/*
 * guest_must - the same for a program that has to succeed
 * @ret: its standard output, appended; may be NULL
 * Errors: EREMOTEIO with the exit status and its standard error.
 */
int guest_must(struct vm *vm, char *const *argv, const char *input, const struct wait *w,
	       struct str *ret, struct error *err);
/* guest_has - ENOENT with the name when the guest has no such program */
int guest_has(struct vm *vm, const char *program, const struct wait *w, struct error *err);
/*
 * guest_bind - hand PCI devices to a kernel driver, which is loaded when it can be
 * @addresses: "0000:00:06.0", ...; those that the driver has already are left alone
 * Errors: EREMOTEIO when the driver does not take one.
 */
int guest_bind(struct vm *vm, const struct strv *addresses, const char *driver,
	       const struct wait *w, struct error *err);
/* guest_reserve_hugepages - @pages free ones of 2 MB. ENOMEM says what the guest has. */
int guest_reserve_hugepages(struct vm *vm, int pages, const struct wait *w, struct error *err);
/* guest_links - what `ip -j -s link show` says, an array; a new reference */
int guest_links(struct vm *vm, const struct wait *w, json_t **ret, struct error *err);
/* guest_link_of - the first link with that MAC address, borrowed; NULL when there is none */
const json_t *guest_link_of(const json_t *links, const char *mac);
/* guest_ip - a batch of `ip` commands, one a line; the first that fails ends it */
int guest_ip(struct vm *vm, const struct str *batch, const struct wait *w, struct error *err);

#endif
