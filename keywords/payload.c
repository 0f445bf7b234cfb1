/*
 * Keywords: payloads in a VM other than testpmd.
 */
#include "keywords/payload.h"

#include "keywords/html.h"
#include "keywords/options.h"
#include "keywords/usual_args.h"
#include "vm/vm.h"

#define PORT_IPERF3 "5201"
#define STREAMS_MAX 128

/* One struct for all of them; each keyword declares the arguments that it has. */
struct run_args {
	const char *vm;
	struct vm_payload_options o;
	int64_t timeout_ms;
};

#define OPTION(member) .offset = offsetof(struct run_args, o.member)

#define ARGUMENT_BINARY(program)                                                                  \
	{                                                                                         \
		.name = "binary", .kind = ARG_NAMED_ONLY, .type = ARG_STR, .fallback = (program), \
		.min = 1, .max = 4096, OPTION(binary),                                            \
		.doc = "The program in the guest; a name without a slash is looked up in PATH."   \
	}
#define ARGUMENT_THREADS(text)                                                                  \
	{                                                                                       \
		.name = "cpus", .type = ARG_INT, .fallback = "auto", .or_auto = true, .min = 1, \
		.max = VM_CPUS_MAX, OPTION(cpus), .doc = (text)                                 \
	}
#define ARGUMENT_ADDRESSES(text)                                                                \
	{                                                                                       \
		.name = "addresses", .type = ARG_STR_LIST, .fallback = "[]", OPTION(addresses), \
		.doc = (text)                                                                   \
	}
#define ARGUMENT_PEERS                                                                  \
	{                                                                               \
		.name = "peers", .type = ARG_STR_LIST, .fallback = "[]", OPTION(peers), \
		.doc = "Address of the next hop behind each interface."                 \
	}
#define ARGUMENT_PEER_MACS(text)                                                                \
	{                                                                                       \
		.name = "peer_macs", .type = ARG_STR_LIST, .fallback = "[]", OPTION(peer_macs), \
		.doc = (text)                                                                   \
	}
#define ARGUMENT_ROUTES(text)                                                             \
	{                                                                                 \
		.name = "routes", .type = ARG_STR_LIST, .fallback = "[]", OPTION(routes), \
		.doc = (text)                                                             \
	}
#define ARGUMENT_EXTRA                                                                            \
	{                                                                                         \
		.name = "extra_args", .type = ARG_STR_LIST, .fallback = "[]", OPTION(extra_args), \
		.doc = "Further arguments of the program itself."                                 \
	}
#define ARGUMENT_PAYLOAD_TIMEOUT ARGUMENT_TIMEOUT(run_args, "timeout.payload", ARG_POSITIONAL)

static const struct keyword_arg l3fwd_args[] = {
	ARGUMENT_VM(run_args),
	ARGUMENT_THREADS("Logical cores; `auto`: as many as vCPUs and queues allow."),
	ARGUMENT_PEER_MACS("Destination MAC address on port 0, 1, ...; without: "
			   "02:00:00:00:00:00, 02:00:00:00:00:01, ..."),
	ARGUMENT_EXTRA,
	ARGUMENT_PAYLOAD_TIMEOUT,
	ARGUMENT_BINARY("l3fwd"),
};

static const struct keyword_arg bridge_args[] = {
	ARGUMENT_VM(run_args),
	ARGUMENT_PAYLOAD_TIMEOUT,
};

static const struct keyword_arg ipv4_args[] = {
	ARGUMENT_VM(run_args),
	ARGUMENT_ADDRESSES("Address of each interface with its prefix length; without: 1.1.1.1/24, "
			   "1.1.2.1/24, ..."),
	ARGUMENT_PEERS,
	ARGUMENT_PEER_MACS("MAC address of each next hop; without: found by ARP."),
	ARGUMENT_ROUTES(
		"`PREFIX via ADDRESS`; when no address, peer and route is given: 10.0.0.0/8 "
		"via 1.1.1.2, 20.0.0.0/8 via 1.1.2.2."),
	ARGUMENT_PAYLOAD_TIMEOUT,
};

static const struct keyword_arg iperf3_args[] = {
	ARGUMENT_VM(run_args),
	{ .name = "interface",
	  .type = ARG_STR,
	  .fallback = "vhost1",
	  .min = 1,
	  .max = 16,
	  OPTION(interface),
	  .doc = "The interface that gets the address." },
	ARGUMENT_ADDRESSES("Its address with prefix length, a list of one; without: 2.2.2.2/30 in "
			   "VMs with odd `qemu_id`, 1.1.1.1/30 in others."),
	ARGUMENT_PEERS,
	ARGUMENT_PEER_MACS("MAC address of the next hop; without: found by ARP."),
	ARGUMENT_ROUTES("`PREFIX via ADDRESS`; when no address, peer and route is given: to the "
			"other kind of VM."),
	{ .name = "port",
	  .type = ARG_INT,
	  .fallback = PORT_IPERF3,
	  .min = 1,
	  .max = 65535,
	  OPTION(port),
	  .doc = "Port to listen on." },
	ARGUMENT_EXTRA,
	ARGUMENT_PAYLOAD_TIMEOUT,
	ARGUMENT_BINARY("iperf3"),
};

static const struct keyword_arg vpp_args[] = {
	ARGUMENT_VM(run_args),
	{ .name = "template",
	  .type = ARG_STR,
	  .fallback = "ip4",
	  .min = 1,
	  .max = 4096,
	  OPTION(template),
	  .doc = "What VPP executes at its start: `ip4`, `l2xc`, another NAME of a vpp-NAME.exec in "
		 "the template directory, or a path." },
	ARGUMENT_THREADS("VPP's main thread and workers; `auto`: all vCPUs."),
	ARGUMENT_ADDRESSES("Address of each interface with its prefix length; without: 1.1.1.1/24, "
			   "1.1.2.1/24, ..."),
	ARGUMENT_PEERS,
	ARGUMENT_PEER_MACS("MAC address of each next hop; without: 02:00:00:00:00:00, ..."),
	ARGUMENT_PAYLOAD_TIMEOUT,
	ARGUMENT_BINARY("vpp"),
};

static const struct keyword_arg only_vm_args[] = {
	ARGUMENT_VM(run_args),
	ARGUMENT_PAYLOAD_TIMEOUT,
};

#define RUN_ARGS(array)                                     \
	{                                                   \
		(array), sizeof(array) / sizeof((array)[0]) \
	}

/* What each kind takes, also as the vnf of a kernel VM. */
static const struct {
	const struct keyword_arg *args;
	size_t count;
} kinds[VM_PAYLOADS] = {
	[VM_PAYLOAD_L3FWD] = RUN_ARGS(l3fwd_args), [VM_PAYLOAD_BRIDGE] = RUN_ARGS(bridge_args),
	[VM_PAYLOAD_IPV4] = RUN_ARGS(ipv4_args),   [VM_PAYLOAD_IPERF3] = RUN_ARGS(iperf3_args),
	[VM_PAYLOAD_VPP] = RUN_ARGS(vpp_args),
};

int payload_options_take(enum vm_payload_kind kind, json_t *options, struct vm_payload_options *ret,
			 struct error *err)
{
	struct run_args bound = { 0 };
	int rc = options_take(kinds[kind].args, kinds[kind].count, options, &bound, err);

	*ret = bound.o;
	return rc;
}

void payload_options_clear(enum vm_payload_kind kind, struct vm_payload_options *o)
{
	struct run_args bound = { .o = *o };

	options_clear(kinds[kind].args, kinds[kind].count, &bound);
	*o = bound.o;
}

static int run_payload(struct call *call, const struct run_args *a, enum vm_payload_kind kind,
		       json_t **ret, struct error *err)
{
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	return vm_payload_run(vm, kind, &a->o, &w, &call->trail, ret, err);
}

static int stop_payload(struct call *call, const struct run_args *a, enum vm_payload_kind kind,
			json_t **ret, struct error *err)
{
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	return vm_payload_stop(vm, kind, &w, &call->trail, ret, err);
}

static int get_stats(struct call *call, const struct run_args *a, enum vm_payload_kind kind,
		     json_t **ret, struct error *err)
{
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	if (vm_payload_stats(vm, kind, &w, ret, err) < 0)
		return -1;
	html_table(call, "Ports", json_object_get(*ret, "ports"), NULL);
	return 0;
}

/* The three handlers of a payload: the protocol does not tell a handler which keyword it is. */
#define HANDLERS(name, kind)                                                                   \
	static int run_##name(struct call *call, void *args, json_t **ret, struct error *err)  \
	{                                                                                      \
		return run_payload(call, args, kind, ret, err);                                \
	}                                                                                      \
	static int stop_##name(struct call *call, void *args, json_t **ret, struct error *err) \
	{                                                                                      \
		return stop_payload(call, args, kind, ret, err);                               \
	}                                                                                      \
	static int get_##name(struct call *call, void *args, json_t **ret, struct error *err)  \
	{                                                                                      \
		return get_stats(call, args, kind, ret, err);                                  \
	}

HANDLERS(l3fwd, VM_PAYLOAD_L3FWD)
HANDLERS(bridge, VM_PAYLOAD_BRIDGE)
HANDLERS(ipv4, VM_PAYLOAD_IPV4)
HANDLERS(iperf3, VM_PAYLOAD_IPERF3)
HANDLERS(vpp, VM_PAYLOAD_VPP)

struct client_args {
	const char *vm;
	struct iperf3_client c;
	int64_t timeout_ms;
};

#define CLIENT(member) .offset = offsetof(struct client_args, c.member)

static const struct keyword_arg client_args[] = {
	ARGUMENT_VM(client_args),
	{ .name = "server",
	  .type = ARG_STR,
	  .min = 1,
	  .max = 255,
	  CLIENT(server),
	  .doc = "Address of the server." },
	{ .name = "port",
	  .type = ARG_INT,
	  .fallback = PORT_IPERF3,
	  .min = 1,
	  .max = 65535,
	  CLIENT(port),
	  .doc = "The server's port." },
	{ .name = "duration",
	  .type = ARG_TIMEDELTA,
	  .fallback = "5 seconds",
	  .min = 1000,
	  .max = TIMEOUT_MAX_MS,
	  CLIENT(duration_ms),
	  .doc = "How long to send, whole seconds." },
	{ .name = "streams",
	  .type = ARG_INT,
	  .fallback = "1",
	  .min = 1,
	  .max = STREAMS_MAX,
	  CLIENT(streams),
	  .doc = "Connections side by side." },
	{ .name = "reverse",
	  .type = ARG_BOOL,
	  .fallback = "False",
	  CLIENT(reverse),
	  .doc = "The server sends." },
	{ .name = "interface",
	  .type = ARG_STR,
	  .fallback = "none",
	  .nullable = true,
	  CLIENT(interface),
	  .doc = "An interface that gets an address before: `vhost1`." },
	{ .name = "address",
	  .type = ARG_STR,
	  .fallback = "1.1.1.1/30",
	  CLIENT(address),
	  .doc = "That address, with its prefix length." },
	{ .name = "extra_args",
	  .type = ARG_STR_LIST,
	  .fallback = "[]",
	  CLIENT(extra_args),
	  .doc = "Further arguments of iperf3 itself." },
	ARGUMENT_TIMEOUT(client_args, "timeout.payload", ARG_POSITIONAL),
	{ .name = "binary",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_STR,
	  .fallback = "iperf3",
	  .min = 1,
	  .max = 4096,
	  CLIENT(binary),
	  .doc = "The program in the guest." },
};

static int run_client(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct client_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vm *vm = NULL;

	if (call_find(call, a->vm, &vm, err) < 0)
		return -1;
	return vm_iperf3_client(vm, &a->c, &w, &call->trail, ret, err);
}

#define RUN_RESULT                                                                           \
	"{`payload`, `pid`, `command`, `interfaces`: [{`interface`, `name`, `mac_address`, " \
	"`pci_address`, `address`}]}"
#define STATS_RESULT                                                                        \
	"{`ports`: [{`port`, `interface`, `name`, `rx_packets`, `tx_packets`, `rx_bytes`, " \
	"`tx_bytes`, `rx_missed`, `rx_errors`, `tx_errors`}]}"

/* Start, stop and statistics of one payload. */
#define PAYLOAD(title, stats_title, tag, function, array, text)                                    \
	{ .name = "Run " title " In VM",                                                           \
	  .tags = "vm payload " tag,                                                               \
	  .doc = (text),                                                                           \
	  KEYWORD_ARGS(array),                                                                     \
	  .args_size = sizeof(struct run_args),                                                    \
	  .returns = RUN_RESULT,                                                                   \
	  .run = run_##function },                                                                 \
		{ .name = "Stop " title " In VM",                                                  \
		  .tags = "vm payload " tag,                                                       \
		  .doc = "Reads the last statistics and ends what *Run " title " In VM* started.", \
		  KEYWORD_ARGS(only_vm_args),                                                      \
		  .args_size = sizeof(struct run_args),                                            \
		  .returns = "The last statistics, as *Get " stats_title " Stats* has them",       \
		  .cleans_up = true,                                                               \
		  .run = stop_##function },                                                        \
	{                                                                                          \
		.name = "Get " stats_title " Stats", .tags = "vm payload " tag,                    \
		.doc = "What its interfaces counted since *Run " title " In VM*.",                 \
		KEYWORD_ARGS(only_vm_args), .args_size = sizeof(struct run_args),                  \
		.returns = STATS_RESULT, .run = get_##function                                     \
	}

#define NEEDS_AGENT                                                                            \
	"\n\nIt needs the guest agent, and fails with nothing changed when the guest has not " \
	"the program."

static const struct keyword keywords[] = {
	PAYLOAD("L3fwd", "L3fwd", "l3fwd", l3fwd, l3fwd_args,
		"Binds the VM's vhost interfaces to DPDK and runs its l3fwd on them: packets to "
		"198.18.N.0/24 leave by port N.\n\nReturns once it forwards." NEEDS_AGENT),
	PAYLOAD("Linux Bridge", "Linux Bridge", "bridge", bridge, bridge_args,
		"Joins the VM's vhost interfaces by a bridge of the guest's kernel.\n\nReturns "
		"once every one of them forwards." NEEDS_AGENT),
	PAYLOAD("Linux IPv4 Forwarding", "Linux IPv4 Forwarding", "ipv4", ipv4, ipv4_args,
		"Makes the guest's kernel a router between the VM's vhost interfaces.\n\nReturns "
		"once every one of them has its address and a carrier." NEEDS_AGENT),
	PAYLOAD("Iperf3 Server", "Iperf3 Server", "iperf3", iperf3, iperf3_args,
		"Gives an interface its address and runs an iperf3 server in the VM.\n\nReturns "
		"once it listens." NEEDS_AGENT),
	PAYLOAD("VPP", "VPP", "vpp", vpp, vpp_args,
		"Binds the VM's vhost interfaces to DPDK and runs VPP on them, with "
		"vpp-startup.conf and an exec file of the template directory.\n\nReturns once it "
		"executed that file." NEEDS_AGENT),
	{ .name = "Run Iperf3 Client In VM",
	  .tags = "vm payload iperf3",
	  .doc = "Runs iperf3 in the VM against a server, to its end.",
	  KEYWORD_ARGS(client_args),
	  .args_size = sizeof(struct client_args),
	  .returns = "{`bits_per_second`, `sent_bytes`, `received_bytes`, `retransmits`, "
		     "`seconds`, `report`: all that iperf3 reports}",
	  .run = run_client },
};

const struct keyword_family payload_family = KEYWORD_FAMILY("Other payloads in a VM", keywords);
