/*
 * Image VMs: a prepared disk image with guest agent and SSH server.
 */
#ifndef VM_IMAGE_VM_H
#define VM_IMAGE_VM_H

#include "vm/launch.h"

/*
 * @image:    "default", or a path
 * @snapshot: leave the image file untouched
 * @direct_boot: kernel and initramfs beside the image; -1: as image_vm.direct_boot says
 * @username, @password: NULL: those of the constants
 * @login:    its ways are tried before the password; the fingerprint is "SHA256:..."
 */
struct image_vm_options {
	struct machine_options machine;
	const char *image;
	bool snapshot;
	int direct_boot;
	const char *username;
	const char *password;
	struct vm_login login;
	int64_t began_us;
};

/*
 * image_vm_start - boot an image VM until SSH and the guest agent answer
 * @ret: a new reference to the running VM
 *
 * An agent that stays silent while SSH answers is a warning in the trail and `agent` false in the
 * info. Errors as kernel_vm_start(), and ports_check().
 */
int image_vm_start(struct hostel *hostel, const char *name, struct node *node,
		   const struct image_vm_options *options, const struct wait *w,
		   struct trail *trail, struct vm **ret, struct error *err);
/* image_vm_ssh - the SSH session of an image VM, opened by its first use; constants as given */
int image_vm_ssh(struct vm *vm, const struct constants *c, struct error *err);

#endif
