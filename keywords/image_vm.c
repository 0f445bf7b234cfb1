/*
 * Keywords: starting image VMs.
 */
#include "vm/image_vm.h"

#include <errno.h>

#include "keywords/start_args.h"
#include "keywords/usual_args.h"

struct start_args {
	const char *vm;
	const char *node;
	const char *image;
	struct machine_args machine;
	bool snapshot;
	int64_t timeout_ms;
};

#define FIELD(member) .offset = offsetof(struct start_args, member)

static const struct keyword_arg start_arguments[] = {
	ARGUMENT_VM(start_args),
	ARGUMENT_NODE(start_args, "DUT1"),
	{ .name = "image",
	  .type = ARG_STR,
	  .fallback = "default",
	  .min = 1,
	  .max = 4096,
	  FIELD(image),
	  .doc = "The disk image: `default` (image_vm.image) or an absolute path." },
	ARGUMENT_CPUS(start_args),
	ARGUMENT_MEMORY(start_args, "1024"),
	ARGUMENT_HOST_CPUS(start_args),
	ARGUMENT_PAGE_SIZE(start_args),
	ARGUMENT_QEMU_ID(start_args),
	{ .name = "snapshot",
	  .type = ARG_BOOL,
	  .fallback = "True",
	  FIELD(snapshot),
	  .doc = "Leave the image file untouched: what the guest writes goes with it." },
	ARGUMENT_TIMEOUT(start_args, "timeout.start_image_vm", ARG_POSITIONAL),
	ARGUMENT_PAUSED(start_args),
};

static int start_image_vm(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct start_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;
	struct node *node;
	const struct image_vm_options options = {
		.machine = machine_options(&a->machine),
		.image = a->image,
		.snapshot = a->snapshot,
		.began_us = clock_us(),
	};

	if (hostel_node(call->hostel, a->node, &node, err) < 0 ||
	    image_vm_start(call->hostel, a->vm, node, &options, &w, &call->trail, &vm, err) < 0)
		return error_prefix(err, "Start Image VM");
	*ret = vm_info(vm);
	return 0;
}

static const struct keyword keywords[] = {
	{ .name = "Start Image VM",
	  .tags = "vm start image",
	  .doc = "Boots a disk image with guest agent and SSH server.\n\n"
		 "SSH is forwarded from 127.0.0.1, port 10021 + `qemu_id`; the console is shown on "
		 "port 4555 + `qemu_id` too. Interfaces that *Configure Vhost Interfaces* defined "
		 "before become its NICs; their names in the guest are found by MAC address. "
		 "Returns when SSH and the guest agent answer; an agent that stays silent is a "
		 "warning and `agent` false.",
	  KEYWORD_ARGS(start_arguments),
	  .args_size = sizeof(struct start_args),
	  .returns = "The VM's info, as *Get VM Info* has it",
	  .run = start_image_vm },
};

const struct keyword_family image_vm_family = KEYWORD_FAMILY("Image VMs", keywords);
