/*
 * Keywords: the vswitch of NF chains.
 */
#include "nfv/vswitch.h"

#include <errno.h>
#include <strings.h>

#include "keywords/chain_args.h"
#include "keywords/html.h"

struct vswitch_args {
	const char *node;
	int driver;
	int chains;
	int nodes_per_chain;
	int topology;
	const char *name;
	int64_t timeout_ms;
	int queues;
	bool jumbo;
	struct int_list host_cpus;
	const char *socket_dir;
};

#define FIELD(member) .offset = offsetof(struct vswitch_args, member)

static const struct keyword_arg start_arguments[] = {
	ARGUMENT_NODE(vswitch_args, "DUT1"),
	{ .name = "driver",
	  .type = ARG_ENUM,
	  .fallback = "testpmd",
	  .choices = vswitch_driver_names,
	  FIELD(driver),
	  .doc = "`testpmd`: DPDK's own, without huge pages; it has no bridge, so that every segment "
		 "is a pair of ports tied together. `ovs`: a private Open vSwitch with DPDK, or the "
		 "one that the constant ovs.database names. `vpp`: the VPP that runs on the node." },
	ARGUMENT_COUNT(vswitch_args, "chains", chains, "Service instances to wire."),
	ARGUMENT_COUNT(vswitch_args, "nodes_per_chain", nodes_per_chain,
		       "Network functions of each."),
	ARGUMENT_TOPOLOGY(vswitch_args, topology),
	ARGUMENT_CHAIN_NAME(vswitch_args),
	ARGUMENT_TIMEOUT(vswitch_args, "timeout.vswitch", ARG_POSITIONAL),
	{ .name = "queues",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_INT,
	  .fallback = "1",
	  .min = 1,
	  .max = NIC_QUEUES_MAX,
	  FIELD(queues),
	  .doc = "Queue pairs of an interface." },
	ARGUMENT_JUMBO(vswitch_args),
	{ .name = "host_cpus",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_INT_LIST,
	  .fallback = "[]",
	  .max = 8191,
	  FIELD(host_cpus),
	  .doc = "CPUs of its main thread and, from the second one on, of its data plane; none: "
		 "wherever the kernel puts it. Not for a vswitch that runs already." },
	ARGUMENT_SOCKET_DIR(vswitch_args),
};

static int start_vswitch(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct vswitch_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	struct vswitch_spec spec = {
		.name = a->name,
		.driver = (enum vswitch_driver)(a->driver + 1),
		.chains = a->chains,
		.nodes_per_chain = a->nodes_per_chain,
		.topology = (enum plan_topology)a->topology,
		.queues = a->queues,
		.jumbo = a->jumbo,
		.host_cpus = a->host_cpus.items,
		.host_cpu_count = a->host_cpus.count,
		.socket_dir = strcasecmp(a->socket_dir, "auto") ? a->socket_dir : NULL,
	};

	if (hostel_node(call->hostel, a->node, &spec.node, err) < 0 ||
	    chain_vswitch_start(call->hostel, &spec, &w, &call->trail, ret, err) < 0)
		return error_prefix(err, "Start Vswitch");
	return 0;
}

static const struct keyword_arg stop_arguments[] = {
	ARGUMENT_NODE(vswitch_args, "DUT1"),
	ARGUMENT_CHAIN_NAME(vswitch_args),
	ARGUMENT_TIMEOUT(vswitch_args, "timeout.vswitch", ARG_POSITIONAL),
};

static int stop_vswitch(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct vswitch_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	struct node *node;
	bool was_there;

	if (hostel_node(call->hostel, a->node, &node, err) < 0 ||
	    chain_vswitch_stop(call->hostel, a->name, node, &w, &was_there, err) < 0)
		return error_prefix(err, "Stop Vswitch");
	*ret = json_boolean(was_there);
	return 0;
}

static int get_stats(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct vswitch_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_vswitch *v = NULL;
	struct node *node;

	if (hostel_node(call->hostel, a->node, &node, err) < 0 ||
	    chain_vswitch(call->hostel, a->name, node, &v, err) < 0 ||
	    vswitch_stats(v, &w, ret, err) < 0)
		return error_prefix(err, "Get Vswitch Stats");
	html_table(call, "Ports", json_object_get(*ret, "ports"), NULL);
	return 0;
}

static const struct keyword keywords[] = {
	{ .name = "Start Vswitch",
	  .tags = "chain vswitch start",
	  .doc = "Starts a vswitch for the chains of that name, before *Start NF Chains* or again "
		 "while they run: it connects to the VMs' sockets as they appear. Every two "
		 "neighbours of a chain, and the traffic port at each end, are one L2 context.",
	  KEYWORD_ARGS(start_arguments),
	  .args_size = sizeof(struct vswitch_args),
	  .returns = "What *Get Vswitch Stats* returns",
	  .run = start_vswitch },
	{ .name = "Stop Vswitch",
	  .tags = "chain vswitch stop",
	  .doc = "Ends the vswitch of the chains; their VMs go on, disconnected.",
	  KEYWORD_ARGS(stop_arguments),
	  .args_size = sizeof(struct vswitch_args),
	  .returns = "Whether there was one",
	  .cleans_up = true,
	  .run = stop_vswitch },
	{ .name = "Get Vswitch Stats",
	  .tags = "chain vswitch info",
	  .doc = "The vswitch's own counters, port by port along the chains.",
	  KEYWORD_ARGS(stop_arguments),
	  .args_size = sizeof(struct vswitch_args),
	  .returns =
		  "{`driver`, `name`, `node`, `chains`, `nodes_per_chain`, `topology`, `pid`, "
		  "`ports`: [{`chain`, `segment`, `side`, `socket` or `interface`, `rx_packets`, "
		  "`tx_packets`, ...}]}",
	  .run = get_stats },
};

const struct keyword_family vswitch_family = KEYWORD_FAMILY("Vswitch", keywords);
