/*
 * Keywords: the life of a VM, whatever kind it is.
 */
#include "vm/vm.h"

#include <errno.h>
#include <regex.h>
#include <string.h>

#include "base/own.h"
#include "guest/testpmd.h"
#include "keywords/usual_args.h"
#include "nfv/chain.h"
#include "value/value.h"
#include "vm/end.h"
#include "vm/launch.h"
#include "vm/plug.h"

struct timed_args {
	const char *vm;
	int64_t timeout_ms;
};

static const struct keyword_arg stop_args[] = {
	ARGUMENT_VM(timed_args),
	ARGUMENT_TIMEOUT(timed_args, "timeout.stop_vm", ARG_POSITIONAL),
};

static int stop_vm(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct timed_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	(void)ret;
	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	return vm_stop(vm, &w, &call->trail, err);
}

static struct wait kill_wait(struct call *call)
{
	auto_constants held = hostel_hold(call->hostel);

	return call_wait(call, held.c->timeout.kill_vm_ms);
}

static int kill_vm(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct vm_args *a = args;
	struct wait w = kill_wait(call);
	auto_vm *vm = NULL;

	(void)ret;
	if (vm_check_name(a->vm, err) < 0)
		return -1;
	if (call_find(call, a->vm, &vm, err) < 0) {
		trail_note(&call->trail, TRAIL_INFO, "VM '%s' is gone already", a->vm);
		return 0;
	}
	if (vm_kill(vm, &w, err) < 0)
		return -1;
	trail_step(&call->trail, "killed VM '%s'", a->vm);
	return 0;
}

struct kill_all_args {
	const char *node;
	bool force;
};

static const struct keyword_arg kill_all_args[] = {
	ARGUMENT_NODE(kill_all_args, "ALL"),
	{ .name = "force",
	  .type = ARG_BOOL,
	  .fallback = "False",
	  .offset = offsetof(struct kill_all_args, force),
	  .doc = "Also end every other QEMU process on the node, whoever started it." },
};

/* The QEMU processes that nobody here started. */
static int force_all(struct call *call, struct node *node, const struct wait *w, json_t *killed,
		     struct error *err)
{
	for (size_t i = 0; i < hostel_node_count(call->hostel); i++) {
		struct node *one = hostel_node_at(call->hostel, i);

		if ((!node || node == one) && node_kill_qemus(one, w, killed, err) < 0)
			return error_prefix(err, "node '%s'", one->name);
	}
	return 0;
}

static int kill_all(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct kill_all_args *a = args;
	struct wait w = kill_wait(call);
	struct node *node;
	json_t *killed;

	if (call_nodes(call, a->node, &node, err) < 0)
		return -1;
	if (vm_kill_all(call->hostel, node, &w, &killed, err) < 0 ||
	    (a->force && force_all(call, node, &w, killed, err) < 0)) {
		json_decref(killed);
		return -1;
	}
	chain_vswitch_end_idle(call->hostel, node, &w);
	trail_step(&call->trail, "killed %zu VM(s)", json_array_size(killed));
	*ret = killed;
	return 0;
}

static int set_paused(struct call *call, const char *name, bool paused, struct error *err)
{
	struct wait w = call_qmp_wait(call);
	auto_vm *vm = NULL;

	if (call_find(call, name, &vm, err) < 0 || vm_check_running(vm, err) < 0)
		return -1;
	return vm_set_paused(vm, paused, &w, err);
}

static int pause_vm(struct call *call, void *args, json_t **ret, struct error *err)
{
	(void)ret;
	return set_paused(call, ((struct vm_args *)args)->vm, true, err);
}

static int resume_vm(struct call *call, void *args, json_t **ret, struct error *err)
{
	(void)ret;
	return set_paused(call, ((struct vm_args *)args)->vm, false, err);
}

static int reset_vm(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct wait w = call_qmp_wait(call);
	auto_vm *vm = NULL;

	(void)ret;
	if (call_find(call, ((struct vm_args *)args)->vm, &vm, err) < 0 ||
	    vm_check_running(vm, err) < 0)
		return -1;
	return vm_reset(vm, &w, err);
}

static int get_info(struct call *call, void *args, json_t **ret, struct error *err)
{
	auto_vm *vm = NULL;

	if (call_find(call, ((struct vm_args *)args)->vm, &vm, err) < 0)
		return -1;
	*ret = vm_info(vm);
	return 0;
}

static int get_state(struct call *call, void *args, json_t **ret, struct error *err)
{
	auto_vm *vm = NULL;

	if (call_find(call, ((struct vm_args *)args)->vm, &vm, err) < 0)
		return -1;
	*ret = json_string(vm_state_names[vm_state_now(vm)]);
	return 0;
}

struct node_args {
	const char *node;
};

static const struct keyword_arg list_args[] = { ARGUMENT_NODE(node_args, "ALL") };

static int compare_names(const void *a, const void *b)
{
	return strcmp((*(struct vm *const *)a)->name, (*(struct vm *const *)b)->name);
}

static int list_vms(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct node_args *a = args;
	struct node *node;
	struct vm **vms;
	size_t count;

	if (call_nodes(call, a->node, &node, err) < 0)
		return -1;
	count = hostel_vms(call->hostel, node, &vms);
	qsort(vms, count, sizeof(*vms), compare_names);
	*ret = json_array();
	for (size_t i = 0; i < count; i++) {
		json_array_append_new(*ret, json_string(vms[i]->name));
		vm_put(vms[i]);
	}
	free(vms);
	return 0;
}

static const struct keyword_arg await_end_args[] = {
	ARGUMENT_VM(timed_args),
	ARGUMENT_TIMEOUT(timed_args, "timeout.stop_vm", ARG_POSITIONAL),
};

static int wait_until_stops(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct timed_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_free char *reason = NULL;
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	if (vm_state_now(vm) == VM_DEFINED)
		return error_set(err, EINVAL, "VM '%s' was not started", a->vm);
	if (vm_await_end(vm, &w, &reason, err) < 0) {
		vm_add_console(vm, err);
		return error_prefix(err, "VM '%s' still runs", a->vm);
	}
	*ret = json_string(reason);
	return 0;
}

static const struct keyword keywords[] = {
	{ .name = "Stop VM",
	  .tags = "vm stop",
	  .doc = "Powers the guest off: through the guest agent or ACPI, then by SIGTERM, then by "
		 "SIGKILL, all within the time-out. Its files go, the console log stays.",
	  KEYWORD_ARGS(stop_args),
	  .args_size = sizeof(struct timed_args),
	  .cleans_up = true,
	  .run = stop_vm },
	{ .name = "Kill VM",
	  .tags = "vm stop",
	  .doc = "Ends a VM at once, also one that is still starting. A VM that is already gone "
		 "passes.",
	  VM_ONLY_ARGS,
	  .cleans_up = true,
	  .run = kill_vm },
	{ .name = "Qemu Kill All",
	  .tags = "vm stop cleanup",
	  .doc = "Kills every VM that this server or an earlier run of it started, also those "
		 "still starting, and removes their sockets and files; the vswitch that was started "
		 "with NF chains ends with them. Never fails because there was nothing to kill.",
	  KEYWORD_ARGS(kill_all_args),
	  .args_size = sizeof(struct kill_all_args),
	  .returns = "The names of the VMs; with `force` also the pids of foreign processes",
	  .cleans_up = true,
	  .run = kill_all },
	{ .name = "Pause VM",
	  .tags = "vm",
	  .doc = "Stops the vCPUs of a VM.",
	  VM_ONLY_ARGS,
	  .run = pause_vm },
	{ .name = "Resume VM",
	  .tags = "vm",
	  .doc = "Lets the vCPUs of a paused VM go on.",
	  VM_ONLY_ARGS,
	  .run = resume_vm },
	{ .name = "Reset VM",
	  .tags = "vm",
	  .doc = "Resets a VM as its reset button would; returns once QEMU did it.",
	  VM_ONLY_ARGS,
	  .run = reset_vm },
	{ .name = "Get VM Info",
	  .tags = "vm info",
	  .doc = "Everything about a VM.",
	  VM_ONLY_ARGS,
	  .returns = "{`name`, `node`, `host`, `type`, `kind`, `qemu_id`, `state`, `pid`, `port`, "
		     "`serial`, `username`, `password`, `interfaces`, `vnf`, `cpus`, `memory`, "
		     "`host_cpus`, `qmp_socket`, `qga_socket`, `console_log`, `run_dir`, "
		     "`command_line`, `boot_time`}",
	  .run = get_info },
	{ .name = "Get VM State",
	  .tags = "vm info",
	  .doc = "The state of a VM.",
	  VM_ONLY_ARGS,
	  .returns =
		  "`defined`, `starting`, `running`, `paused`, `stopping`, `stopped` or `failed`",
	  .run = get_state },
	{ .name = "List VMs",
	  .tags = "vm info",
	  .doc = "The names of the VMs, sorted.",
	  KEYWORD_ARGS(list_args),
	  .args_size = sizeof(struct node_args),
	  .returns = "List of names",
	  .run = list_vms },
	{ .name = "Wait Until VM Stops",
	  .tags = "vm wait",
	  .doc = "Waits until the VM's QEMU is gone. A VM that ended by itself stays known until it "
		 "is killed, stopped or started again.",
	  KEYWORD_ARGS(await_end_args),
	  .args_size = sizeof(struct timed_args),
	  .returns = "`guest-shutdown`, `guest-reset`, `guest-panic`, `host-signal`, "
		     "`host-qmp-quit` or `crashed`",
	  .run = wait_until_stops },
};

const struct keyword_family vm_family = KEYWORD_FAMILY("Life of a VM", keywords);
