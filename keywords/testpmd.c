/*
 * Keywords: testpmd in a VM.
 */
#include "keywords/testpmd.h"

#include "keywords/html.h"
#include "keywords/options.h"
#include "keywords/usual_args.h"
#include "value/value.h"
#include "vm/vm_testpmd.h"

struct run_testpmd_args {
	const char *vm;
	struct testpmd_options o;
	int64_t timeout_ms;
};

#define OPTION(member) .offset = offsetof(struct run_testpmd_args, o.member)

static const struct keyword_arg run_args[] = {
	ARGUMENT_VM(run_testpmd_args),
	{ .name = "forward_mode",
	  .type = ARG_ENUM,
	  .fallback = "io",
	  .choices = testpmd_modes,
	  OPTION(mode),
	  .doc = "Forwarding mode." },
	{ .name = "cpus",
	  .type = ARG_INT,
	  .fallback = "auto",
	  .or_auto = true,
	  .min = 1,
	  .max = VM_CPUS_MAX,
	  OPTION(cpus),
	  .doc = "Logical cores, the main one included; `auto`: all vCPUs." },
	{ .name = "queues",
	  .type = ARG_INT,
	  .fallback = "auto",
	  .or_auto = true,
	  .min = 1,
	  .max = TESTPMD_QUEUES_MAX,
	  OPTION(queues),
	  .doc = "Queue pairs of each port; `auto`: as many as the interfaces have." },
	{ .name = "rxd",
	  .type = ARG_INT,
	  .fallback = "1024",
	  .min = 64,
	  .max = TESTPMD_RING_MAX,
	  OPTION(rxd),
	  .doc = "Descriptors of a receive ring." },
	{ .name = "txd",
	  .type = ARG_INT,
	  .fallback = "1024",
	  .min = 64,
	  .max = TESTPMD_RING_MAX,
	  OPTION(txd),
	  .doc = "Descriptors of a transmit ring." },
	{ .name = "burst",
	  .type = ARG_INT,
	  .fallback = "64",
	  .min = 1,
	  .max = TESTPMD_BURST_MAX,
	  OPTION(burst),
	  .doc = "Packets per burst." },
	{ .name = "peer_macs",
	  .type = ARG_STR_LIST,
	  .fallback = "[]",
	  OPTION(peer_macs),
	  .doc = "Destination MAC address of port 0, 1, ...; for mode `mac`." },
	{ .name = "max_pkt_len",
	  .type = ARG_INT,
	  .fallback = "auto",
	  .or_auto = true,
	  .min = TESTPMD_PKT_MIN,
	  .max = TESTPMD_PKT_MAX,
	  .unit = "bytes",
	  OPTION(max_pkt_len),
	  .doc = "Longest frame." },
	{ .name = "mbufs",
	  .type = ARG_INT,
	  .fallback = "auto",
	  .or_auto = true,
	  .min = 1,
	  .max = TESTPMD_MBUFS_MAX,
	  OPTION(mbufs),
	  .doc = "Packet buffers; `auto`: ports * queues * (rxd + txd) and what the caches take." },
	{ .name = "extra_args",
	  .type = ARG_STR_LIST,
	  .fallback = "[]",
	  OPTION(extra_args),
	  .doc = "Further arguments of testpmd itself." },
	ARGUMENT_TIMEOUT(run_testpmd_args, "timeout.testpmd", ARG_POSITIONAL),
};

#define RUN_ARG_COUNT (sizeof(run_args) / sizeof(run_args[0]))

int testpmd_options_take(json_t *options, struct testpmd_options *ret, struct error *err)
{
	struct run_testpmd_args bound = { 0 };
	int rc = options_take(run_args, RUN_ARG_COUNT, options, &bound, err);

	*ret = bound.o;
	return rc;
}

static int run_testpmd(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct run_testpmd_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	return vm_testpmd_run(vm, &a->o, &w, &call->trail, ret, err);
}

struct testpmd_args {
	const char *vm;
	const char *command;
	int64_t timeout_ms;
};

static const struct keyword_arg stop_args[] = {
	ARGUMENT_VM(testpmd_args),
	ARGUMENT_TIMEOUT(testpmd_args, "timeout.testpmd", ARG_POSITIONAL),
};

static int stop_testpmd(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct testpmd_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	return vm_testpmd_stop(vm, &w, &call->trail, ret, err);
}

static int get_stats(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct testpmd_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	if (vm_testpmd_stats(vm, &w, ret, err) < 0)
		return -1;
	html_table(call, "Ports", json_object_get(*ret, "ports"), NULL);
	return 0;
}

static const struct keyword_arg command_args[] = {
	ARGUMENT_VM(testpmd_args),
	{ .name = "command",
	  .type = ARG_STR,
	  .min = 1,
	  .max = 1024,
	  .offset = offsetof(struct testpmd_args, command),
	  .doc = "A line at testpmd's prompt, such as `show port info 0`." },
	ARGUMENT_TIMEOUT(testpmd_args, "timeout.testpmd", ARG_POSITIONAL),
};

static int command(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct testpmd_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;
	char *answer;

	if (call_find(call, a->vm, &vm, err) < 0 ||
	    vm_testpmd_command(vm, a->command, &w, &answer, err) < 0)
		return -1;
	*ret = json_string(answer);
	free(answer);
	return 0;
}

static const struct keyword keywords[] = {
	{ .name = "Run Testpmd In VM",
	  .tags = "vm payload testpmd",
	  .doc = "Binds the VM's vhost interfaces to DPDK and runs testpmd in it.\n\n"
		 "Returns once testpmd forwards. A bad option or a crash fails with testpmd's own "
		 "output.",
	  KEYWORD_ARGS(run_args),
	  .args_size = sizeof(struct run_testpmd_args),
	  .returns = "{`pid`, `command`, `ports`: [{`port`, `mac_address`, `pci_address`}]}",
	  .run = run_testpmd },
	{ .name = "Stop Testpmd In VM",
	  .tags = "vm payload testpmd",
	  .doc = "Stops forwarding, reads the last statistics and ends testpmd.\n\n"
		 "A testpmd that is the VM's `vnf` only stops forwarding: the VM would end with it.",
	  KEYWORD_ARGS(stop_args),
	  .args_size = sizeof(struct testpmd_args),
	  .returns = "The final statistics, as Get Testpmd Stats has them",
	  .cleans_up = true,
	  .run = stop_testpmd },
	{ .name = "Get Testpmd Stats",
	  .tags = "vm payload testpmd",
	  .doc = "Port statistics of the testpmd in a VM.",
	  KEYWORD_ARGS(stop_args),
	  .args_size = sizeof(struct testpmd_args),
	  .returns = "{`ports`: [{`port`, `rx_packets`, `tx_packets`, `rx_bytes`, `tx_bytes`, "
		     "`rx_missed`, `rx_errors`, `tx_errors`}]}",
	  .run = get_stats },
	{ .name = "Testpmd Command",
	  .tags = "vm payload testpmd",
	  .doc = "Runs one command at testpmd's prompt. A command that testpmd does not know fails.",
	  KEYWORD_ARGS(command_args),
	  .args_size = sizeof(struct testpmd_args),
	  .returns = "testpmd's answer",
	  .run = command },
};

const struct keyword_family testpmd_family = KEYWORD_FAMILY("Testpmd in a VM", keywords);
