/*
 * Keywords: NF chains.
 */
#include "nfv/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/own.h"
#include "keywords/chain_args.h"
#include "keywords/html.h"
#include "keywords/payload_args.h"
#include "keywords/start_args.h"
#include "nfv/traffic.h"
#include "value/value.h"

/* Longest frame that a testpmd payload takes with jumbo=True: as the interfaces' MTU of 9200. */
#define JUMBO_PKT_LEN 9218

struct chain_args {
	int chains;
	int nodes_per_chain;
	const char *node;
	int topology;
	int vnf;
	int cpus_per_nf;
	double nf_dtc;
	int nf_dtcr;
	int nf_mtcr;
	int vs_dtc;
	int numa_node;
	json_t *layout;
	int memory;
	int queues;
	const char *name;
	int pinning;
	int parallel;
	int vswitch;
	int64_t timeout_ms;
	int page_size;
	const char *socket_dir;
	struct strv traffic_macs;
	const char *init_template;
	bool jumbo;
	bool interfaces;
	bool paused;
	json_t *options;
};

#define FIELD(member) .offset = offsetof(struct chain_args, member)

#define COUNT_ARGUMENT(argument, text_default, lowest, text)                                     \
	{                                                                                        \
		.name = #argument, .type = ARG_INT, .fallback = (text_default), .min = (lowest), \
		.max = PLACEMENT_COUNT_MAX, FIELD(argument), .doc = (text)                       \
	}

/* What placement needs, in the two orders that the keywords have it. */
#define ARGUMENT_NF_DTC                                                                           \
	{                                                                                         \
		.name = "nf_dtc", .type = ARG_FLOAT, .fallback = "1", .min = PLACEMENT_HALF_CORE, \
		.max = PLACEMENT_COUNT_MAX, FIELD(nf_dtc),                                        \
		.doc = "Physical data-plane cores of a function; 0.5 is one hardware thread."     \
	}
#define ARGUMENT_NF_DTCR(value) \
	COUNT_ARGUMENT(nf_dtcr, value, 1, "Functions that share the data-plane cores of one.")
#define ARGUMENT_NF_MTCR \
	COUNT_ARGUMENT(nf_mtcr, "2", 1, "Functions whose main threads share a core.")
#define ARGUMENT_VS_DTC COUNT_ARGUMENT(vs_dtc, "1", 0, "Cores of the vswitch's data plane.")
#define ARGUMENT_NUMA_NODE(value)                                                                  \
	{                                                                                          \
		.name = "numa_node", .type = ARG_INT, .fallback = (value), .or_auto = true,        \
		.max = NUMA_NODE_MAX, FIELD(numa_node),                                            \
		.doc = "NUMA node of CPUs and memory; `auto`: the first on which everything fits." \
	}
#define ARGUMENT_LAYOUT                                                                                  \
	{                                                                                                \
		.name = "layout", .type = ARG_ANY, .fallback = "auto", .or_auto = true,                  \
		FIELD(layout),                                                                           \
		.doc = "List of [cpu, core, socket, numa] rows, as `lscpu -p=CPU,CORE,SOCKET,NODE` has " \
		       "them, of a machine that is not here; `auto`: the node itself."                   \
	}

#define PLAN_ARGUMENTS                                                                             \
	ARGUMENT_COUNT(chain_args, "chains", chains, "Service instances."),                        \
		ARGUMENT_COUNT(chain_args, "nodes_per_chain", nodes_per_chain,                     \
			       "Network functions of each."),                                      \
		ARGUMENT_NODE(chain_args, "DUT1"), ARGUMENT_TOPOLOGY(chain_args, topology),        \
		{ .name = "vnf",                                                                   \
		  .type = ARG_ENUM,                                                                \
		  .fallback = "testpmd_mac",                                                       \
		  .choices = payload_names,                                                        \
		  FIELD(vnf),                                                                      \
		  .doc = "The network function, as in *Start Kernel VM*." },                       \
		{ .name = "cpus_per_nf",                                                           \
		  .type = ARG_INT,                                                                 \
		  .fallback = "auto",                                                              \
		  .or_auto = true,                                                                 \
		  .min = 1,                                                                        \
		  .max = VM_CPUS_MAX,                                                              \
		  FIELD(cpus_per_nf),                                                              \
		  .doc = "vCPUs of a VM; `auto`: one for the main thread and nf_dtc cores." },     \
		ARGUMENT_NF_DTC, ARGUMENT_NF_DTCR("2"), ARGUMENT_NF_MTCR, ARGUMENT_VS_DTC,         \
		ARGUMENT_NUMA_NODE("auto"), ARGUMENT_LAYOUT,                                       \
		{ .name = "memory",                                                                \
		  .type = ARG_INT,                                                                 \
		  .fallback = "512",                                                               \
		  .min = PLAN_MEMORY_MIN_MIB,                                                      \
		  .max = PLAN_MEMORY_MAX_MIB,                                                      \
		  .unit = "MiB",                                                                   \
		  FIELD(memory),                                                                   \
		  .doc = "Memory of a VM." },                                                      \
		{ .name = "queues",                                                                \
		  .type = ARG_INT,                                                                 \
		  .fallback = "1",                                                                 \
		  .min = 1,                                                                        \
		  .max = NIC_QUEUES_MAX,                                                           \
		  FIELD(queues),                                                                   \
		  .doc = "Queue pairs of an interface." },                                         \
		ARGUMENT_CHAIN_NAME(chain_args),                                                   \
	{                                                                                          \
		.name = "pinning", .type = ARG_ENUM, .fallback = "auto", .choices = pinning_names, \
		FIELD(pinning),                                                                    \
		.doc = "`required`: CPUs of their own, or no plan; `auto`: without pinning "       \
		       "where the node has too few (with `layout` as `required`); `shared`: "      \
		       "CPUs of other VMs too, wrapped around; `none`."                            \
	}

/* Behind those that contract and habit give a place. */
#define PLAN_NAMED_ARGUMENTS                                                                   \
	{ .name = "page_size",                                                                 \
	  .kind = ARG_NAMED_ONLY,                                                              \
	  .type = ARG_ENUM,                                                                    \
	  .fallback = "auto",                                                                  \
	  .choices = page_choice_names,                                                        \
	  FIELD(page_size),                                                                    \
	  .doc = "Pages of the VMs' memory; `auto`: huge ones when enough are free." },        \
		ARGUMENT_SOCKET_DIR(chain_args), ARGUMENT_JUMBO(chain_args),                   \
		{ .name = "traffic_macs",                                                      \
		  .kind = ARG_NAMED_ONLY,                                                      \
		  .type = ARG_STR_LIST,                                                        \
		  .fallback = "[]",                                                            \
		  FIELD(traffic_macs),                                                         \
		  .doc = "MAC addresses of the traffic at sides 1 and 2 of the chains; none: " \
			 "`" PLAN_TRAFFIC_MAC_1 "` and `" PLAN_TRAFFIC_MAC_2 "`." },           \
	{                                                                                      \
		.name = "options", .kind = ARG_KWARGS, .type = ARG_DICT, FIELD(options),       \
		.doc = "Options of the payload, as in *Start Kernel VM*."                      \
	}

static const struct keyword_arg plan_arguments[] = { PLAN_ARGUMENTS, PLAN_NAMED_ARGUMENTS };

static const struct keyword_arg start_arguments[] = {
	PLAN_ARGUMENTS,
	{ .name = "parallel",
	  .type = ARG_INT,
	  .fallback = "auto",
	  .or_auto = true,
	  .min = 1,
	  .max = PLACEMENT_COUNT_MAX,
	  FIELD(parallel),
	  .doc = "VMs that start at a time; `auto`: as many as the node has CPUs." },
	{ .name = "vswitch",
	  .type = ARG_ENUM,
	  .fallback = "none",
	  .choices = vswitch_or_none_names,
	  FIELD(vswitch),
	  .doc = "The vswitch to start with them, and to end with them; `none`: the one that "
		 "*Start Vswitch* started for this name, or any other that connects to the sockets." },
	ARGUMENT_TIMEOUT(chain_args, "timeout.start_nf_chains", ARG_POSITIONAL),
	{ .name = "interfaces",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_BOOL,
	  .fallback = "True",
	  FIELD(interfaces),
	  .doc = "False: VMs without vhost-user interfaces, to see how many fit." },
	{ .name = "paused",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_BOOL,
	  .fallback = "False",
	  FIELD(paused),
	  .doc = "Leave the VMs before their first instruction." },
	{ .name = "init_template",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_STR,
	  .fallback = "default",
	  .min = 1,
	  .max = 4096,
	  FIELD(init_template),
	  .doc = "The init script, as in *Start Kernel VM*." },
	PLAN_NAMED_ARGUMENTS,
};

static struct placement_rules rules_of(const struct chain_args *a)
{
	return (struct placement_rules) { .chains = a->chains,
					  .nodes_per_chain = a->nodes_per_chain,
					  .nf_dtc = a->nf_dtc,
					  .nf_dtcr = a->nf_dtcr,
					  .nf_mtcr = a->nf_mtcr,
					  .vs_dtc = a->vs_dtc,
					  .numa_node = a->numa_node == ARG_AUTO
							       ? PLACEMENT_NUMA_AUTO
							       : a->numa_node };
}

static int take_traffic_macs(const struct strv *macs, struct plan_request *plan, struct error *err)
{
	if (macs->count && macs->count != PLAN_NICS)
		return error_set(err, EINVAL,
				 "argument 'traffic_macs': expected %d addresses, of sides 1 and "
				 "2, got %zu",
				 PLAN_NICS, macs->count);
	for (size_t i = 0; i < macs->count; i++)
		plan->traffic_macs[i] = macs->items[i];
	return 0;
}

/* The request of both keywords; borrows from @a and @payload. */
static int make_request(struct call *call, struct chain_args *a, struct payload_args *payload,
			struct chain_request *ret, struct error *err)
{
	struct plan_request plan = PLAN_REQUEST_DEFAULTS;

	if (payload_args_take(a->vnf, a->queues, a->options, payload, err) < 0)
		return -1;
	if (a->jumbo && payload->is_testpmd && payload->testpmd.max_pkt_len == ARG_AUTO)
		payload->testpmd.max_pkt_len = JUMBO_PKT_LEN;
	plan.rules = rules_of(a);
	plan.topology = (enum plan_topology)a->topology;
	plan.pinning = (enum pinning)a->pinning;
	plan.cpus_per_nf = a->cpus_per_nf;
	plan.memory_mib = a->memory;
	plan.page_size = (enum page_choice)a->page_size;
	plan.queues = a->queues;
	if (take_traffic_macs(&a->traffic_macs, &plan, err) < 0)
		return -1;
	plan.testpmd = payload->is_testpmd ? &payload->testpmd : NULL;
	*ret = (struct chain_request) {
		.name = a->name,
		.plan = plan,
		.layout = a->layout,
		.payload = payload_args_options(payload),
		.template = a->init_template,
		.names = payload->names,
		.socket_dir = strcasecmp(a->socket_dir, "auto") ? a->socket_dir : NULL,
		.jumbo = a->jumbo,
		.interfaces = a->interfaces,
		.paused = a->paused,
		.parallel = a->parallel,
		.vswitch = (enum vswitch_driver)a->vswitch,
	};
	return hostel_node(call->hostel, a->node, &ret->node, err);
}

/* What tells the VMs of a plan apart. */
static const char *const plan_columns[] = { "name",	 "chain",     "node_in_chain",
					    "qemu_id",	 "host_cpus", "macs",
					    "peer_macs", "sockets",   NULL };

static int plan_chains(struct call *call, void *args, json_t **ret, struct error *err)
{
	auto_constants held = hostel_hold(call->hostel);
	struct wait w = call_wait(call, held.c->timeout.node_ms);
	struct chain_args *a = args;
	auto_payload_args payload = { 0 };
	auto_chain_plan *plan = NULL;
	struct chain_request request;

	a->interfaces = true;
	a->init_template = "default";
	if (make_request(call, a, &payload, &request, err) < 0 ||
	    chain_plan(call->hostel, &request, &w, &plan, err) < 0)
		return error_prefix(err, "Plan NF Chains");
	*ret = chain_plan_json(plan);
	html_table(call, "VMs", json_object_get(*ret, "vms"), plan_columns);
	html_members(call, "Totals", json_object_get(*ret, "totals"));
	return 0;
}

static int start_chains(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct chain_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);
	auto_payload_args payload = { 0 };
	struct chain_request request;

	if (a->layout)
		return error_set(err, EINVAL,
				 "Start NF Chains: argument 'layout': a machine that is not here "
				 "can be planned for only, with Plan NF Chains");
	if (make_request(call, a, &payload, &request, err) < 0 ||
	    chain_start(call->hostel, &request, &w, &call->trail, ret, err) < 0)
		return error_prefix(err, "Start NF Chains");
	return 0;
}

struct name_args {
	const char *name;
	const char *node;
	int64_t timeout_ms;
};

static const struct keyword_arg stop_arguments[] = {
	ARGUMENT_CHAIN_NAME(name_args),
	ARGUMENT_TIMEOUT(name_args, "timeout.stop_vm", ARG_POSITIONAL),
};

static int stop_chains(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct name_args *a = args;
	struct wait w = call_wait(call, a->timeout_ms);

	return chain_stop(call->hostel, a->name, &w, &call->trail, ret, err);
}

static const struct keyword_arg list_arguments[] = { ARGUMENT_CHAIN_NAME(name_args) };

static int list_chains(struct call *call, void *args, json_t **ret, struct error *err)
{
	(void)err;
	*ret = chain_list(call->hostel, ((struct name_args *)args)->name);
	html_table(call, "VMs of the chains", *ret, NULL);
	return 0;
}

struct placement_args {
	struct chain_args rules;
	int chain;
	int node_in_chain;
};
_Static_assert(offsetof(struct placement_args, rules) == 0, "FIELD() works for both");

#define POSITION_ARGUMENT(argument, text)                                                 \
	{                                                                                 \
		.name = #argument, .type = ARG_INT, .min = 1, .max = PLACEMENT_COUNT_MAX, \
		.offset = offsetof(struct placement_args, argument), .doc = (text)        \
	}

static const struct keyword_arg placement_arguments[] = {
	COUNT_ARGUMENT(chains, NULL, 1, "Service instances."),
	COUNT_ARGUMENT(nodes_per_chain, NULL, 1, "Network functions of each."),
	POSITION_ARGUMENT(chain, "Which chain, from 1."),
	POSITION_ARGUMENT(node_in_chain, "Which function of it, from 1."),
	ARGUMENT_NF_DTC,
	ARGUMENT_NF_DTCR("1"),
	ARGUMENT_NF_MTCR,
	ARGUMENT_VS_DTC,
	ARGUMENT_NUMA_NODE("0"),
	ARGUMENT_LAYOUT,
	{ .name = "node",
	  .kind = ARG_NAMED_ONLY,
	  .type = ARG_STR,
	  .fallback = "DUT1",
	  FIELD(node),
	  .doc = "Node of the topology file." },
};

/* The rows of a layout, or the node's own; owned by the caller. */
static int read_rows(struct call *call, const struct chain_args *a, struct node_cpu **ret,
		     size_t *ret_count, struct error *err)
{
	auto_constants held = hostel_hold(call->hostel);
	struct wait w = call_wait(call, held.c->timeout.node_ms);
	auto_facts facts = { 0 };
	struct node *node;

	if (hostel_node(call->hostel, a->node, &node, err) < 0)
		return -1;
	if (a->layout)
		return cores_parse_layout(a->layout, ret, ret_count, err);
	if (node_facts_read(node, &w, &facts, err) < 0)
		return -1;
	*ret = take_ptr(facts.cpus);
	*ret_count = facts.cpu_count;
	facts.cpu_count = 0;
	return 0;
}

static int get_placement(struct call *call, void *args, json_t **ret, struct error *err)
{
	struct placement_args *a = args;
	struct placement_rules rules = rules_of(&a->rules);
	auto_free struct node_cpu *rows = NULL;
	auto_placement placement = { 0 };
	auto_cpu_list cpus = { 0 };
	size_t count;

	if (read_rows(call, &a->rules, &rows, &count, err) < 0 ||
	    placement_prepare(&rules, rows, count, &placement, err) < 0 ||
	    placement_cpus(&placement, a->chain, a->node_in_chain, &cpus, err) < 0)
		return error_prefix(err, "Get CPU Placement");
	*ret = json_array();
	for (size_t i = 0; i < cpus.count; i++)
		json_array_append_new(*ret, json_integer(cpus.items[i]));
	return 0;
}

struct measure_args {
	const char *name;
	int64_t duration_ms;
	int frame_size;
	const char *rate;
	int64_t timeout_ms;
};

static const struct keyword_arg measure_arguments[] = {
	ARGUMENT_CHAIN_NAME(measure_args),
	{ .name = "duration",
	  .type = ARG_TIMEDELTA,
	  .fallback = "10 seconds",
	  .min = 100,
	  .max = TRAFFIC_DURATION_MAX_MS,
	  .offset = offsetof(struct measure_args, duration_ms),
	  .doc = "How long to send." },
	{ .name = "frame_size",
	  .type = ARG_INT,
	  .fallback = "64",
	  .min = FRAME_MIN,
	  .max = FRAME_MAX,
	  .unit = "bytes",
	  .offset = offsetof(struct measure_args, frame_size),
	  .doc = "From the destination address to the frame check sequence." },
	{ .name = "rate",
	  .type = ARG_STR,
	  .fallback = "max",
	  .min = 1,
	  .max = 32,
	  .offset = offsetof(struct measure_args, rate),
	  .doc = "Frames a second that enter each chain at each of its two ends, such as `1000` or "
		 "`10kpps`; `max`: every direction keeps 256 frames on their way and sends as many "
		 "as come back (a closed loop), which finds the highest rate that the chain "
		 "carries, not what is left of a line at its full rate." },
	{ .name = "timeout",
	  .type = ARG_TIMEDELTA,
	  .fallback = "auto",
	  .or_auto = true,
	  .min = 1,
	  .max = TIMEOUT_MAX_MS,
	  .offset = offsetof(struct measure_args, timeout_ms),
	  .doc = "How long to wait at most; `auto`: timeout.node beyond `duration`." },
};

static int read_rate(const char *text, int *ret, struct error *err)
{
	static const struct {
		const char *suffix;
		int factor;
	} units[] = { { "", 1 },	{ "pps", 1 },	  { "k", 1000 },
		      { "kpps", 1000 }, { "m", 1000000 }, { "mpps", 1000000 } };
	char *end;
	double rate = strtod(text, &end);

	*ret = TRAFFIC_RATE_MAX;
	if (!strcasecmp(text, "max"))
		return 0;
	while (end > text && *end == ' ')
		end++;
	for (size_t i = 0; end > text && i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcasecmp(end, units[i].suffix) && rate * units[i].factor >= 1 &&
		    rate * units[i].factor <= TRAFFIC_RATE_LIMIT) {
			*ret = (int)(rate * units[i].factor);
			return 0;
		}
	return error_set(
		err, EINVAL,
		"argument 'rate': expected 'max' or 1 to %d frames a second such as '1000' "
		"or '10kpps', got '%s'",
		TRAFFIC_RATE_LIMIT, text);
}

static int find_set(struct call *call, const char *name, struct chain_set **ret, struct error *err)
{
	auto_free char *names = NULL;

	*ret = chain_set_find(call->hostel, name, NULL);
	if (*ret)
		return 0;
	names = chain_set_names(call->hostel);
	return error_set(err, EINVAL, "argument 'name': no chains '%s'; there are: %s", name,
			 names);
}

static int measure(struct call *call, void *args, json_t **ret, struct error *err)
{
	auto_constants held = hostel_hold(call->hostel);
	struct measure_args *a = args;
	struct wait w =
		call_wait(call, a->timeout_ms == ARG_AUTO ? a->duration_ms + held.c->timeout.node_ms
							  : a->timeout_ms);
	struct traffic_request request = { .duration_ms = a->duration_ms,
					   .frame_size = a->frame_size };
	auto_chain_set *set = NULL;

	if (read_rate(a->rate, &request.rate, err) < 0 || find_set(call, a->name, &set, err) < 0 ||
	    traffic_measure(set, &request, &w, &call->trail, ret, err) < 0)
		return error_prefix(err, "Measure Chain Throughput");
	html_members(call, "All chains", *ret);
	html_table(call, "Chain by chain", json_object_get(*ret, "per_chain"), NULL);
	return 0;
}

static const struct keyword keywords[] = {
	{ .name = "Plan NF Chains",
	  .tags = "chain plan info",
	  .doc = "Plans chains of network functions and starts nothing: CPUs, memory, huge pages, "
		 "MAC addresses, sockets and ports of every VM. Fails with every reason at once "
		 "when it does not fit.",
	  KEYWORD_ARGS(plan_arguments),
	  .args_size = sizeof(struct chain_args),
	  .returns =
		  "{`vms`: [{`name`, `qemu_id`, `chain`, `node_in_chain`, `host_cpus`, `macs`, "
		  "`peer_macs`, `sockets`, `command_line`, ...}], `totals`: {`vms`, `cpus`, "
		  "`memory`, `hugepages`, ...}, `segments`, `pinned`, `unpinned`, `vswitch_cpus`, "
		  "...}",
	  .run = plan_chains },
	{ .name = "Get CPU Placement",
	  .tags = "chain plan info",
	  .doc = "The host CPUs of one network function by FD.io CSIT's formula: the main thread's "
		 "CPU, the data-plane cores' first threads, then their siblings.",
	  KEYWORD_ARGS(placement_arguments),
	  .args_size = sizeof(struct placement_args),
	  .returns = "List of host CPUs",
	  .run = get_placement },
	{ .name = "Start NF Chains",
	  .tags = "chain start",
	  .doc = "Starts all VMs of the plan side by side, and with `vswitch` a vswitch that wires "
		 "them with a traffic port at both ends of each chain. Returns when every VM is "
		 "ready. When one fails, all are ended and the error is that of the first failure.",
	  KEYWORD_ARGS(start_arguments),
	  .args_size = sizeof(struct chain_args),
	  .returns = "List of the VMs' infos, as *Get VM Info* has them, with `chain` and "
		     "`node_in_chain`",
	  .run = start_chains },
	{ .name = "Stop NF Chains",
	  .tags = "chain stop",
	  .doc = "Kills the VMs of the chains, also while they start, and ends the vswitch that was "
		 "started with them. Passes when there are no such chains.",
	  KEYWORD_ARGS(stop_arguments),
	  .args_size = sizeof(struct name_args),
	  .returns = "List of names of the VMs",
	  .cleans_up = true,
	  .run = stop_chains },
	{ .name = "List NF Chains",
	  .tags = "chain info",
	  .doc = "The VMs of the chains in order; the list is empty when there are no such chains.",
	  KEYWORD_ARGS(list_arguments),
	  .args_size = sizeof(struct name_args),
	  .returns = "List of {`name`, `chain`, `node_in_chain`, `qemu_id`, `node`, `state`, "
		     "`host_cpus`, `sockets`, `macs`}; `state` is `gone` for a VM that was killed",
	  .run = list_chains },
	{ .name = "Measure Chain Throughput",
	  .tags = "chain traffic",
	  .doc = "Sends frames through all chains in both directions and counts what comes out, on "
		 "the traffic ports of the vswitch that *Start Vswitch* or *Start NF Chains* "
		 "started.",
	  KEYWORD_ARGS(measure_arguments),
	  .args_size = sizeof(struct measure_args),
	  .returns =
		  "{`tx_packets`, `rx_packets`, `loss_ratio`, `tx_pps` (offered), `pps` "
		  "(received), `gbps`, `duration`, `frame_size`, `rate`, `misplaced`, `refused`, "
		  "`per_chain`: [the same with `chain` and `directions`]}",
	  .run = measure },
};

const struct keyword_family chain_family = KEYWORD_FAMILY("NF chains", keywords);
