/*
 * The families of keywords, in the order of the documentation. A new file of keywords is added
 * here; nothing else knows that it exists.
 */
#include "keywords/keyword.h"

extern const struct keyword_family kernel_vm_family, image_vm_family, vm_family, console_family,
	vhost_family, testpmd_family, payload_family, guest_family, chain_family, vswitch_family,
	node_family;

const struct keyword_family *const keyword_families[] = {
	&kernel_vm_family, &image_vm_family, &vm_family,      &console_family,
	&vhost_family,	   &testpmd_family,  &payload_family, &guest_family,
	&chain_family,	   &vswitch_family,  &node_family,
};

const size_t keyword_family_count = sizeof(keyword_families) / sizeof(keyword_families[0]);
