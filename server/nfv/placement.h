/*
 * Which host CPUs a network function gets: the placement formula of FD.io CSIT.
 *
 * How it works: the cores of one NUMA node, in order, are dealt out as
 *
 *	[ system | vswitch main | vswitch data plane | main threads | data-plane threads ]
 *	  1        1              vs_dtc               mt_req         dt_req * nf_dtc
 *
 * n = chains * nodes_per_chain functions share mt_req = ceil(n / nf_mtcr) cores for their main
 * threads and dt_req = ceil(n / nf_dtcr) slices of nf_dtc cores for their data-plane threads.
 * Function number off = (chain - 1) * nodes_per_chain + node_in_chain - 1 has main core off %
 * mt_req and slice off % dt_req. With SMT the functions of every second round take the sibling of
 * the main core, and a slice of whole cores includes the siblings. nf_dtc 0.5 is one hardware
 * thread: a slice is a core then, and every second round takes the sibling.
 *
 * Everything has to fit: skip + mt_req + dt_req * nf_dtc cores. (CSIT checks skip + mt_req +
 * dt_req, and so gives the same CPU out twice once nf_dtc is above 1.)
 */
#ifndef NFV_PLACEMENT_H
#define NFV_PLACEMENT_H

#include "base/error.h"
#include "base/str.h"
#include "nfv/cores.h"

/* The largest value of each count below. */
#define PLACEMENT_COUNT_MAX 1024
/* One hardware thread instead of whole cores. */
#define PLACEMENT_HALF_CORE 0.5
#define PLACEMENT_NUMA_AUTO (-1)

/*
 * @nf_dtc:    physical data-plane cores of a function: 0.5 (one hardware thread) or 1, 2, ...
 * @nf_dtcr:   functions that share the data-plane cores of one
 * @nf_mtcr:   functions whose main threads share a core
 * @vs_dtc:    cores of the vswitch's data plane, 0 or more
 * @numa_node: PLACEMENT_NUMA_AUTO: the lowest one on which everything fits
 * @share:     what does not fit is wrapped around and shares CPUs, instead of being refused
 * @avoid:     CPUs whose cores are not dealt to functions, or NULL; borrowed
 */
struct placement_rules {
	int chains;
	int nodes_per_chain;
	double nf_dtc;
	int nf_dtcr;
	int nf_mtcr;
	int vs_dtc;
	int numa_node;
	bool share;
	const struct cpu_list *avoid;
};

/* The defaults of Get CPU Placement. */
#define PLACEMENT_DEFAULTS                                                                  \
	{                                                                                   \
		.chains = 1, .nodes_per_chain = 1, .nf_dtc = 1, .nf_dtcr = 1, .nf_mtcr = 2, \
		.vs_dtc = 1                                                                 \
	}

/*
 * Rules applied to a machine.
 * @skip:    cores of the system and the vswitch
 * @smt:     every core that functions get has a sibling
 * @wrapped: CPUs are shared beyond the ratios, because @share allowed it
 */
struct placement {
	int chains;
	int nodes_per_chain;
	bool half_core;
	int width; /* cores in a slice of data-plane cores */
	int mt_req;
	int dt_req;
	size_t skip;
	bool smt;
	bool wrapped;
	struct core_list cores;
};

/*
 * placement_check - whether each argument is in its range
 * @reasons: one text is added for each that is not: "argument 'chains': expected 1 to 1024, got 0"
 */
void placement_check(const struct placement_rules *rules, struct strv *reasons);
/*
 * placement_prepare - check the rules and that all functions fit on the machine
 * @cpus: borrowed during the call
 * @ret:  cleared by placement_clear() in any case
 *
 * Errors: EINVAL for arguments out of range, all of them, for an unknown NUMA node and for nf_dtc
 * 0.5 without SMT; ENOSPC when the cores do not suffice.
 */
int placement_prepare(const struct placement_rules *rules, const struct node_cpu *cpus,
		      size_t count, struct placement *ret, struct error *err);
void placement_clear(struct placement *p);
#define auto_placement __attribute__((cleanup(placement_clear))) struct placement
/*
 * placement_cpus - the CPUs of one function, added to @ret
 * @chain, @node_in_chain: from 1
 *
 * The main thread's CPU comes first, then the data-plane cores' first threads, then the same
 * cores' siblings.
 * Errors: EINVAL for a chain or a node out of range.
 */
int placement_cpus(const struct placement *p, int chain, int node_in_chain, struct cpu_list *ret,
		   struct error *err);
/*
 * placement_vswitch_cpus - the CPUs left for the vswitch, added to @ret
 *
 * Its main core's first thread comes first, then the data-plane cores' first threads, then their
 * siblings. None when the machine was too small and CPUs are shared.
 */
void placement_vswitch_cpus(const struct placement *p, struct cpu_list *ret);
/* placement_cpu_count - how many CPUs placement_cpus() gives to each function */
int placement_cpu_count(const struct placement *p);
/* placement_sibling - the other hardware thread of the core of @cpu, -1 without SMT */
int placement_sibling(const struct placement *p, int cpu);

#endif
