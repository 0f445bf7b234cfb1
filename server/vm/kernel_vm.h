/*
 * Kernel VMs: a kernel booted directly, the host's root file system read-only over 9p, an init
 * script in which $vnf_bin is the network function.
 */
#ifndef VM_KERNEL_VM_H
#define VM_KERNEL_VM_H

#include "vm/launch.h"
#include "vm/payload.h"

/* What the guest needs beside its huge pages: kernel, agent, page tables. */
#define KERNEL_VM_RESERVE_MIB 96

/*
 * @template: "default", a path, or a name below kernel_vm.template_dir
 * @names:    an object of strings: what $name in the template stands for; borrowed
 */
struct kernel_vm_options {
	struct machine_options machine;
	struct payload_options payload;
	const char *template;
	const json_t *names;
	int64_t began_us;
};

/*
 * kernel_vm_start - boot a kernel VM until its payload, or the guest agent, is ready
 * @ret: a new reference to the running VM
 *
 * Everything is checked before anything starts. Errors: EINVAL naming the argument; ETIMEDOUT with
 * the last stage; ECONNRESET when guest or payload failed; ECANCELED. The last console lines
 * stand in the text.
 */
int kernel_vm_start(struct hostel *hostel, const char *name, struct node *node,
		    const struct kernel_vm_options *options, const struct wait *w,
		    struct trail *trail, struct vm **ret, struct error *err);

/*
 * kernel_vm_command - QEMU's argument list as kernel_vm_start() would have it; starts nothing
 * @place: the guest as a testpmd payload would see it
 * @ret:   added to
 * Errors: EINVAL for the payload's options.
 */
int kernel_vm_command(const struct constants *c, struct node *node,
		      const struct kernel_vm_options *options, const struct testpmd_place *place,
		      const char *name, const char *run_dir, enum guest_memory memory, bool kvm,
		      const struct wait *w, struct strv *ret, struct error *err);

#endif
