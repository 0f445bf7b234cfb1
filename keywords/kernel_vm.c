/*
 * Keywords: starting kernel VMs.
 */
#include "vm/kernel_vm.h"

#include <errno.h>
#include <string.h>

#include "base/own.h"
#include "keywords/html.h"
#include "keywords/payload_args.h"
#include "keywords/start_args.h"
#include "keywords/usual_args.h"
#include "value/value.h"

struct start_args {
	const char *vm;
	const char *node;
	int vnf;
	struct machine_args machine;
	int queues;
	const char *init_template;
	int64_t timeout_ms;
	json_t *options;
};

#define FIELD(member) .offset = offsetof(struct start_args, member)

static const struct keyword_arg start_arguments[] = {
	ARGUMENT_VM(start_args),
	ARGUMENT_NODE(start_args, "DUT1"),
	{ .name = "vnf",
	  .type = ARG_ENUM,
	  .fallback = "none",
	  .choices = payload_names,
	  FIELD(vnf),
	  .doc = "The network function: `none` (ready when the guest agent answers), `testpmd` with "
		 "the options of *Run Testpmd In VM*, `testpmd_io`, `testpmd_mac`; `iperf3` (a "
		 "server), `vpp`, `l3fwd`, `ipv4`, `bridge` with the options of their *Run ... In "
		 "VM*, which stops them too; or `command` with `command=` (shell text for "
		 "`$vnf_bin`) and `ready_pattern=` (a console line)." },
	ARGUMENT_CPUS(start_args),
	ARGUMENT_MEMORY(start_args, "512"),
	{ .name = "queues",
	  .type = ARG_INT,
	  .fallback = "1",
	  .min = 1,
	  .max = NIC_QUEUES_MAX,
	  FIELD(queues),
	  .doc = "Queue pairs of each port that a testpmd payload uses." },
	ARGUMENT_HOST_CPUS(start_args),
	ARGUMENT_PAGE_SIZE(start_args),
	{ .name = "init_template",
	  .type = ARG_STR,
	  .fallback = "default",
	  .min = 1,
	  .max = 4096,
	  FIELD(init_template),
	  .doc = "The init script: `default`, a path, or a name in the template directory." },
	ARGUMENT_QEMU_ID(start_args),
	ARGUMENT_TIMEOUT(start_args, "timeout.start_kernel_vm", ARG_POSITIONAL),
	ARGUMENT_PAUSED(start_args),
	ARGUMENT_CORES(start_args),
	{ .name = "options",
	  .kind = ARG_KWARGS,
	  .type = ARG_DICT,
	  FIELD(options),
	  .doc = "Options of the payload; every other `name` replaces `$name` in the init script." },
};

static int start_with(struct call *call, const struct start_args *a,
		      const struct payload_args *payload, struct vm **ret, struct error *err)
{
	struct wait w = call_wait(call, a->timeout_ms);
	struct node *node;
	const struct kernel_vm_options options = {
		.machine = machine_options(&a->machine),
		.payload = payload_args_options(payload),
		.template = a->init_template,
		.names = payload->names,
		.began_us = clock_us(),
	};

	if (hostel_node(call->hostel, a->node, &node, err) < 0)
		return -1;
	return kernel_vm_start(call->hostel, a->vm, node, &options, &w, &call->trail, ret, err);
}

static int start_kernel_vm(struct call *call, void *args, json_t **ret, struct error *err)
{
	auto_payload_args payload = { 0 };
	struct start_args *a = args;
	auto_vm *vm = NULL;

	if (payload_args_take(a->vnf, a->queues, a->options, &payload, err) < 0 ||
	    start_with(call, a, &payload, &vm, err) < 0) {
		html_console_log(call, a->vm, err);
		return error_prefix(err, "Start Kernel VM");
	}
	*ret = vm_info(vm);
	return 0;
}

static const struct keyword keywords[] = {
	{ .name = "Start Kernel VM",
	  .tags = "vm start kernel",
	  .doc = "Boots a kernel directly, with the host's root file system as its read-only root "
		 "over 9p, and runs the init script.\n\n"
		 "In the script `$vnf_bin` and every `$name` of the free named arguments are "
		 "replaced. Interfaces that *Configure Vhost Interfaces* defined before become its "
		 "NICs: the start waits until the vswitch is connected to all of them. Returns "
		 "when the payload is ready, or with `vnf=none` when the guest agent answers. A "
		 "start that fails leaves nothing but the console log, and says why: QEMU's own "
		 "words, a kernel panic, the payload's end, or what was waited for, with the last "
		 "console lines.",
	  KEYWORD_ARGS(start_arguments),
	  .args_size = sizeof(struct start_args),
	  .returns = "The VM's info, as *Get VM Info* has it",
	  .run = start_kernel_vm },
};

const struct keyword_family kernel_vm_family = KEYWORD_FAMILY("Kernel VMs", keywords);
