/*
 * The plan of NF chains: everything about the VMs, computed and checked before anything starts.
 *
 * How it works: chains x nodes_per_chain VMs with two vhost-user NICs each. In a chain, packets
 * go from the traffic side 1 through the VMs in order to the traffic side 2, and back. Between two
 * neighbours lies a segment that the vswitch has to wire; nodes_per_chain + 1 segments a chain:
 *
 *	side 1 --segment 0-- [1 VM 1 2] --segment 1-- [1 VM 2 2] --segment 2-- side 2
 *
 * Topology "chain": every segment is a bridge (an L2 context) of the vswitch, the snake path.
 * Topology "pipeline": only the edge functions belong on the vswitch, and the functions are linked
 * directly. vhost-user always has a vswitch at its other end (FD.io CSIT uses memif for these
 * links), so the inner segments are cross connects within the vswitch: two ports tied together,
 * without MAC learning or lookup; the edge segments stay bridges.
 * Source: draft-mkonstan-nf-service-density, sections 4.1 and 4.2; names and numbers: FD.io CSIT.
 *
 * Planning is a computation: it takes what is known about the machine, starts nothing and reads
 * nothing. What is taken by other VMs is the caller's to know.
 */
#ifndef NFV_PLAN_H
#define NFV_PLAN_H

#include <jansson.h>

#include "config/constants.h"
#include "guest/testpmd.h"
#include "nfv/placement.h"
#include "node/facts.h"
#include "qemu/command.h"
#include "vm/launch.h"
#include "vm/nic.h"

#define PLAN_NICS	   2
#define PLAN_SOCKET_DIR	   "/run/vpp"
#define PLAN_TRAFFIC_MAC_1 "02:00:00:00:00:01"
#define PLAN_TRAFFIC_MAC_2 "02:00:00:00:00:02"
#define PLAN_CPUS_AUTO	   (-1)
/* Limits of the arguments. */
#define PLAN_MEMORY_MIN_MIB 64
#define PLAN_MEMORY_MAX_MIB (1024 * 1024)

enum plan_topology { TOPOLOGY_CHAIN, TOPOLOGY_PIPELINE };

/*
 * PINNING_REQUIRED: vCPUs on CPUs of their own (shared by the ratios only), or no plan
 * PINNING_AUTO:     the same, around CPUs of other VMs; without pinning where there is no room
 * PINNING_SHARED:   CPUs of other VMs are used too, and what does not fit is wrapped around
 * PINNING_NONE:     vCPUs run where the kernel puts them
 */
enum pinning { PINNING_REQUIRED, PINNING_AUTO, PINNING_SHARED, PINNING_NONE };

/* Names in the order of the enums, NULL-terminated. */
extern const char *const plan_topology_names[];
extern const char *const pinning_names[];

/* A CPU that another VM is pinned to. */
struct taken_cpu {
	int cpu;
	const char *vm;
};

/*
 * Memory that is promised, but not taken yet: of planned VMs, of a vswitch.
 * @numa_node: that it is bound to; -1: it may come from any
 * @pages:     of 1 GB with that backing, else of 2 MB; a memfd takes none
 */
struct plan_reserve {
	int numa_node;
	enum guest_memory backing;
	int pages;
	int memory_mib;
};

struct chain_plan;
struct vm_plan;

/*
 * A function that adds the VM's command line to @ret; the kernel VM room knows it.
 * Returns 0, or -1 with @err.
 */
typedef int (*plan_command_fn)(void *context, const struct chain_plan *plan,
			       const struct vm_plan *vm, struct strv *ret, struct error *err);

/*
 * What is asked for, and what is known; everything borrowed.
 * @rules:        placement.h; @share and @avoid are set by the plan. numa_node auto: the lowest
 *                NUMA node on which CPUs and memory suffice
 * @cpus_per_nf:  vCPUs; PLAN_CPUS_AUTO: as many as the placement gives. Fewer take its first ones;
 *                a single vCPU takes the first data-plane CPU
 * @page_size:    of the VMs' memory; auto: as qemu.memory_backend says, for all VMs alike
 * @testpmd:      the payload's options, for mbufs and the guest's huge pages; NULL: another payload
 * @socket_dir:   of the vhost-user sockets; NULL: PLAN_SOCKET_DIR
 * @run_dir:      in which each VM has a directory; NULL: "" (its paths are not checked)
 * @traffic_macs: of the traffic generator's sides 1 and 2; NULL: PLAN_TRAFFIC_MAC_1 and _2
 * @vswitch_pages: of 2 MB, that the vswitch started with the VMs takes; among @reserves already
 * @first_id:     qemu_id of the first VM; 0: the start of the first free range
 * @own_sockets:  @socket_dir is these chains' own: sockets are numbered from 1 along the chains, so
 *                that they are known before the qemu_ids are; else by qemu_id
 * @reserves:     what is not to be counted on although @facts has it free
 * @used_sockets: paths of vhost-user sockets that somebody has
 * @missing:      what else the node lacks, a reason each
 * @facts:        of the node; NULL with a layout: memory and huge pages are then not checked
 * @command:      NULL: no command lines
 */
struct plan_request {
	struct placement_rules rules;
	enum plan_topology topology;
	enum pinning pinning;
	int cpus_per_nf;
	int memory_mib;
	enum page_choice page_size;
	int queues;
	const struct testpmd_options *testpmd;
	const char *node_name;
	const char *socket_dir;
	const char *run_dir;
	const char *traffic_macs[PLAN_NICS];
	int vswitch_pages;
	int first_id;
	bool own_sockets;
	const int *taken_ids;
	size_t taken_id_count;
	const struct taken_cpu *taken_cpus;
	size_t taken_cpu_count;
	const struct plan_reserve *reserves;
	size_t reserve_count;
	struct strv used_sockets;
	struct strv missing;
	const struct node_cpu *cpus;
	size_t cpu_count;
	const struct node_facts *facts;
	const struct constants *constants;
	plan_command_fn command;
	void *command_context;
};

/* The defaults of Plan NF Chains. */
#define PLAN_RULES_DEFAULTS                                                                 \
	{                                                                                   \
		.chains = 1, .nodes_per_chain = 1, .nf_dtc = 1, .nf_dtcr = 2, .nf_mtcr = 2, \
		.vs_dtc = 1, .numa_node = PLACEMENT_NUMA_AUTO                               \
	}
#define PLAN_REQUEST_DEFAULTS                                                                   \
	{                                                                                       \
		.rules = PLAN_RULES_DEFAULTS, .cpus_per_nf = PLAN_CPUS_AUTO, .memory_mib = 512, \
		.queues = 1, .node_name = "DUT1"                                                \
	}

/* A NIC of a planned VM; the strings are the plan's. */
struct nic_plan {
	char mac[MAC_LENGTH + 1];
	char peer_mac[MAC_LENGTH + 1];
	char *socket;
	char *pci_address;
};

/* Threads of a core that a plan gives out. */
#define PLAN_CORE_THREADS 2

/*
 * Where a vCPU is in the guest's topology: threads of one core are siblings on the host too, the
 * main thread's core has one.
 */
struct vcpu_place {
	int core;
	int thread;
};

/*
 * @name:            <node>_<qemu_id>
 * @cpus:            vCPUs; @vcpus has as many entries
 * @host_cpus:       of the vCPUs, in order; empty without pinning
 * @emulator_cpu:    for QEMU's other threads: the main thread's CPU; -1 without pinning
 * @mbufs:           of testpmd, 0 for another payload
 * @guest_hugepages: of 2 MB, inside the VM's memory
 * @host_hugepages:  that hold the VM's memory: of 1 GB with that backing, else of 2 MB
 */
struct vm_plan {
	char *name;
	int qemu_id;
	int chain;
	int node_in_chain;
	int cpus;
	struct cpu_list host_cpus;
	int emulator_cpu;
	struct vcpu_place *vcpus;
	struct nic_plan nics[PLAN_NICS];
	int ssh_port;
	int serial_port;
	int memory_mib;
	int mbufs;
	int guest_hugepages;
	int host_hugepages;
	char *run_dir;
	struct strv command_line;
};

enum segment_kind { SEGMENT_BRIDGE, SEGMENT_CROSS_CONNECT };
extern const char *const segment_kind_names[];

/*
 * One wire of the vswitch.
 * @number:  0 to nodes_per_chain along the chain
 * @sockets: of its two ends, borrowed from the VMs; NULL: the chain's traffic port on that side
 */
struct plan_segment {
	int chain;
	int number;
	enum segment_kind kind;
	const char *sockets[2];
};

/*
 * @cpus:      host CPUs that the VMs are pinned to, each counted once; 0 without pinning
 * @hugepages: that hold the VMs' memory, of the size that vm_plan's host_hugepages has; counted
 *             also when the memory is backed by a memfd, as what it would take
 */
struct plan_totals {
	int vms;
	int cpus;
	int vcpus;
	int memory_mib;
	int hugepages;
	int guest_hugepages;
};

/*
 * @numa_node:  that CPUs and memory are bound to, -1: none
 * @vswitch_cpus: of a vswitch started with the VMs, as vswitch_spec has them; empty: anywhere
 * @unpinned:   why nothing is pinned although PINNING_AUTO wanted it; NULL otherwise
 * @shared:     CPUs are shared beyond the ratios or with other VMs
 */
struct chain_plan {
	int chains;
	int nodes_per_chain;
	enum plan_topology topology;
	int numa_node;
	bool pinned;
	bool shared;
	char *unpinned;
	enum guest_memory backing;
	int vswitch_pages;
	struct cpu_list vswitch_cpus;
	int queues;
	struct vm_plan *vms;
	size_t vm_count;
	struct plan_segment *segments;
	size_t segment_count;
	struct plan_totals totals;
};

/*
 * plan_make - compute and check everything
 * @ret: owned by the caller, freed by chain_plan_free(); set on success only
 *
 * Errors: EINVAL for arguments out of range; ENOSPC when it does not fit: every reason on a line
 * of its own (CPUs, memory, huge pages, qemu_ids, path lengths, sockets in use, the payload's
 * memory), so that one look tells all that has to change.
 */
int plan_make(const struct plan_request *request, struct chain_plan **ret, struct error *err);
void chain_plan_free(struct chain_plan *plan);
void chain_plan_drop(struct chain_plan **plan);
#define auto_chain_plan __attribute__((cleanup(chain_plan_drop))) struct chain_plan
/* plan_vm - the VM of that place, borrowed; both from 1, within the plan */
const struct vm_plan *plan_vm(const struct chain_plan *plan, int chain, int node_in_chain);
/*
 * chain_plan_json - what Plan NF Chains returns, a new reference
 *
 * {"vms": [{name, qemu_id, chain, node_in_chain, host_cpus, macs, peer_macs, sockets,
 * pci_addresses, cpus, ... command_line}], "totals": {vms, cpus, memory, hugepages, ...},
 * "segments": [...], ...}
 */
json_t *chain_plan_json(const struct chain_plan *plan);

#endif
