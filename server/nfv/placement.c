/*
 * Which host CPUs a network function gets: the placement formula of FD.io CSIT.
 */
#include "nfv/placement.h"

#include <errno.h>

#include "base/own.h"

/* The vswitch's main thread has a core of its own. */
#define VSWITCH_MAIN_CORES 1

static void check_count(const char *name, int value, int min, struct strv *reasons)
{
	if (value < min || value > PLACEMENT_COUNT_MAX)
		strv_addf(reasons, "argument '%s': expected %d to %d, got %d", name, min,
			  PLACEMENT_COUNT_MAX, value);
}

static bool is_dtc(double n)
{
	return n == PLACEMENT_HALF_CORE ||
	       (n >= 1 && n <= PLACEMENT_COUNT_MAX && n == (double)(int)n);
}

void placement_check(const struct placement_rules *r, struct strv *reasons)
{
	check_count("chains", r->chains, 1, reasons);
	check_count("nodes_per_chain", r->nodes_per_chain, 1, reasons);
	if (!is_dtc(r->nf_dtc))
		strv_addf(reasons,
			  "argument 'nf_dtc': expected 0.5 or a whole number from 1 to %d, "
			  "got %g",
			  PLACEMENT_COUNT_MAX, r->nf_dtc);
	check_count("nf_dtcr", r->nf_dtcr, 1, reasons);
	check_count("nf_mtcr", r->nf_mtcr, 1, reasons);
	check_count("vs_dtc", r->vs_dtc, 0, reasons);
	if (r->numa_node < 0 && r->numa_node != PLACEMENT_NUMA_AUTO)
		strv_addf(reasons, "argument 'numa_node': expected auto or 0 and above, got %d",
			  r->numa_node);
}

static int divide_up(int n, int by)
{
	return (n + by - 1) / by;
}

/* Takes cores with a CPU of @avoid out of those that functions can get. */
static void leave_out(struct placement *p, const struct cpu_list *avoid)
{
	size_t kept = p->skip < p->cores.count ? p->skip : p->cores.count;

	for (size_t i = kept; i < p->cores.count; i++) {
		struct core core = p->cores.items[i];

		if (!cpu_list_has(avoid, core.cpu) && !cpu_list_has(avoid, core.sibling))
			p->cores.items[kept++] = core;
	}
	p->cores.count = kept;
}

/* The first core that functions may get; all cores where nothing is left behind the skipped. */
static size_t first_core(const struct placement *p)
{
	return p->skip < p->cores.count ? p->skip : 0;
}

/* The first CPU of a core for functions whose sibling is missing, -1 when none is. */
static int single_threaded_cpu(const struct placement *p)
{
	for (size_t i = first_core(p); i < p->cores.count; i++)
		if (p->cores.items[i].sibling < 0)
			return p->cores.items[i].cpu;
	return -1;
}

static int check_smt(const struct placement_rules *r, struct placement *p, struct error *err)
{
	int single = single_threaded_cpu(p);

	p->smt = single < 0;
	if (p->half_core && !p->smt)
		return error_set(err, EINVAL,
				 "argument 'nf_dtc': expected a whole number, got %g: one hardware "
				 "thread needs SMT, but CPU %d of NUMA node %d has no sibling that "
				 "can be used (SMT is off, or it is offline or not isolated)",
				 r->nf_dtc, single, p->cores.numa_node);
	return 0;
}

static int check_capacity(const struct placement_rules *r, struct placement *p, size_t all_cores,
			  struct error *err)
{
	size_t need = p->skip + (size_t)p->mt_req + (size_t)p->dt_req * (size_t)p->width;
	size_t avoided = all_cores - p->cores.count;

	if (need <= p->cores.count)
		return 0;
	if (r->share) {
		p->wrapped = true;
		return 0;
	}
	error_set(err, ENOSPC,
		  "NUMA node %d has %zu cores, %zu are needed: %zu system + %d vswitch main + %d "
		  "vswitch data plane (vs_dtc) + %d main threads (%d functions, nf_mtcr=%d) + %d "
		  "data plane (nf_dtcr=%d, nf_dtc=%g)",
		  p->cores.numa_node, all_cores, need, p->cores.system, VSWITCH_MAIN_CORES,
		  r->vs_dtc, p->mt_req, r->chains * r->nodes_per_chain, r->nf_mtcr,
		  p->dt_req * p->width, r->nf_dtcr, r->nf_dtc);
	if (avoided)
		error_append(err, "; %zu cores are given to other VMs", avoided);
	return -1;
}

static int prepare_on(const struct placement_rules *r, const struct node_cpu *cpus, size_t count,
		      int numa_node, struct placement *ret, struct error *err)
{
	int functions = r->chains * r->nodes_per_chain;
	size_t all_cores;

	*ret = (struct placement) { .chains = r->chains,
				    .nodes_per_chain = r->nodes_per_chain,
				    .half_core = r->nf_dtc == PLACEMENT_HALF_CORE,
				    .mt_req = divide_up(functions, r->nf_mtcr),
				    .dt_req = divide_up(functions, r->nf_dtcr) };
	ret->width = ret->half_core ? 1 : (int)r->nf_dtc;
	if (cores_of_numa_node(cpus, count, numa_node, &ret->cores, err) < 0)
		return -1;
	all_cores = ret->cores.count;
	ret->skip = ret->cores.system + VSWITCH_MAIN_CORES + (size_t)r->vs_dtc;
	if (r->avoid)
		leave_out(ret, r->avoid);
	if (check_smt(r, ret, err) < 0)
		return -1;
	return check_capacity(r, ret, all_cores, err);
}

static int prepare_anywhere(const struct placement_rules *r, const struct node_cpu *cpus,
			    size_t count, struct placement *ret, struct error *err)
{
	auto_cpu_list nodes = { 0 };

	cores_numa_nodes(cpus, count, &nodes);
	for (size_t i = 0; i < nodes.count; i++) {
		placement_clear(ret);
		if (!prepare_on(r, cpus, count, nodes.items[i], ret, NULL))
			return 0;
	}
	/* None fits: the reason is told for the first one. */
	placement_clear(ret);
	prepare_on(r, cpus, count, nodes.count ? nodes.items[0] : 0, ret, err);
	if (nodes.count > 1)
		error_append(err, "; it fits on none of the %zu NUMA nodes", nodes.count);
	return -1;
}

int placement_prepare(const struct placement_rules *rules, const struct node_cpu *cpus,
		      size_t count, struct placement *ret, struct error *err)
{
	auto_strv reasons = { 0 };

	*ret = (struct placement) { 0 };
	placement_check(rules, &reasons);
	if (reasons.count) {
		auto_free char *all = strv_join(&reasons, "; ");

		return error_set(err, EINVAL, "%s", all);
	}
	if (rules->numa_node == PLACEMENT_NUMA_AUTO)
		return prepare_anywhere(rules, cpus, count, ret, err);
	return prepare_on(rules, cpus, count, rules->numa_node, ret, err);
}

void placement_clear(struct placement *p)
{
	core_list_clear(&p->cores);
	*p = (struct placement) { 0 };
}

/* The @index-th core behind the skipped ones; wraps only when sharing was allowed. */
static const struct core *core_at(const struct placement *p, size_t index)
{
	size_t first = first_core(p);

	return &p->cores.items[first + index % (p->cores.count - first)];
}

static void add_thread_of_round(const struct placement *p, const struct core *core, int round,
				struct cpu_list *ret)
{
	cpu_list_add(ret, p->smt && round % 2 ? core->sibling : core->cpu);
}

static int check_position(const char *name, int value, int max, struct error *err)
{
	if (value < 1 || value > max)
		return error_set(err, EINVAL, "argument '%s': expected 1 to %d, got %d", name, max,
				 value);
	return 0;
}

int placement_cpus(const struct placement *p, int chain, int node_in_chain, struct cpu_list *ret,
		   struct error *err)
{
	int off = (chain - 1) * p->nodes_per_chain + node_in_chain - 1;
	size_t slice;

	if (check_position("chain", chain, p->chains, err) < 0 ||
	    check_position("node_in_chain", node_in_chain, p->nodes_per_chain, err) < 0)
		return -1;
	slice = (size_t)(p->mt_req + (off % p->dt_req) * p->width);
	add_thread_of_round(p, core_at(p, (size_t)(off % p->mt_req)), off / p->mt_req, ret);
	if (p->half_core) {
		add_thread_of_round(p, core_at(p, slice), off / p->dt_req, ret);
		return 0;
	}
	for (int i = 0; i < p->width; i++)
		cpu_list_add(ret, core_at(p, slice + (size_t)i)->cpu);
	for (int i = 0; p->smt && i < p->width; i++)
		cpu_list_add(ret, core_at(p, slice + (size_t)i)->sibling);
	return 0;
}

void placement_vswitch_cpus(const struct placement *p, struct cpu_list *ret)
{
	const struct core *main_core = &p->cores.items[p->cores.system];

	if (p->wrapped)
		return;
	cpu_list_add(ret, main_core->cpu);
	for (const struct core *c = main_core + 1; c < p->cores.items + p->skip; c++)
		cpu_list_add(ret, c->cpu);
	for (const struct core *c = main_core + 1; c < p->cores.items + p->skip; c++)
		if (c->sibling >= 0)
			cpu_list_add(ret, c->sibling);
}

int placement_cpu_count(const struct placement *p)
{
	return 1 + (p->smt && !p->half_core ? 2 * p->width : p->width);
}

int placement_sibling(const struct placement *p, int cpu)
{
	for (size_t i = 0; p->smt && i < p->cores.count; i++) {
		if (p->cores.items[i].cpu == cpu)
			return p->cores.items[i].sibling;
		if (p->cores.items[i].sibling == cpu)
			return p->cores.items[i].cpu;
	}
	return -1;
}
