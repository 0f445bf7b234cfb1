/*
 * Whether a node can have a machine of the wanted size, and on what it stands there.
 */
#include <errno.h>

#include "base/own.h"
#include "vm/launch.h"

const char *const page_choice_names[] = {
	[PAGE_CHOICE_AUTO] = "auto",
	[PAGE_CHOICE_4K] = "4K",
	[PAGE_CHOICE_2M] = "2M",
	[PAGE_CHOICE_1G] = "1G",
	NULL,
};

static int free_mib(const struct node_facts *facts, enum page_size size)
{
	return (int)((long long)facts->hugepages[size].free * page_size_kib[size] / 1024);
}

/* With huge pages of that size the guest's memory must be a multiple of them. */
static bool suits(const struct node_facts *facts, enum page_size size, int memory_mib)
{
	return free_mib(facts, size) >= memory_mib &&
	       memory_mib % (page_size_kib[size] / 1024) == 0;
}

static enum guest_memory choose_memory(const struct constants *c, const struct node_facts *facts,
				       int memory_mib)
{
	if (c->qemu.memory_backend == MEMORY_BACKEND_MEMFD)
		return GUEST_MEMORY_MEMFD;
	if (suits(facts, PAGE_1G, memory_mib))
		return GUEST_MEMORY_1G;
	if (suits(facts, PAGE_2M, memory_mib) || c->qemu.memory_backend == MEMORY_BACKEND_HUGEPAGES)
		return GUEST_MEMORY_2M;
	return GUEST_MEMORY_MEMFD;
}

static int check_pages(const struct node_facts *facts, enum page_size size, int memory_mib,
		       struct error *err)
{
	if (suits(facts, size, memory_mib))
		return 0;
	return error_set(err, EINVAL,
			 "argument 'page_size': %d MiB in pages of %s need %d free ones, the node "
			 "has %d of %d free",
			 memory_mib, page_size_names[size],
			 (memory_mib * 1024 + page_size_kib[size] - 1) / page_size_kib[size],
			 facts->hugepages[size].free, facts->hugepages[size].total);
}

static int check_memory(const struct machine_options *o, const struct constants *c,
			const struct node_facts *facts, enum guest_memory *ret, struct error *err)
{
	static const enum guest_memory backends[] = {
		[PAGE_CHOICE_4K] = GUEST_MEMORY_MEMFD,
		[PAGE_CHOICE_2M] = GUEST_MEMORY_2M,
		[PAGE_CHOICE_1G] = GUEST_MEMORY_1G,
	};

	if (o->memory_mib > facts->memory_mib)
		return error_set(err, EINVAL, "argument 'memory': the node has %d MiB, got %d MiB",
				 facts->memory_mib, o->memory_mib);
	*ret = o->page_size == PAGE_CHOICE_AUTO ? choose_memory(c, facts, o->memory_mib)
						: backends[o->page_size];
	if (*ret == GUEST_MEMORY_2M)
		return check_pages(facts, PAGE_2M, o->memory_mib, err);
	if (*ret == GUEST_MEMORY_1G)
		return check_pages(facts, PAGE_1G, o->memory_mib, err);
	return 0;
}

static int check_cores(const struct machine_options *o, struct error *err)
{
	if (o->core_count && o->core_count != (size_t)o->cpus)
		return error_set(err, EINVAL,
				 "argument 'cores': expected %d, one for each vCPU, got %zu",
				 o->cpus, o->core_count);
	if (qemu_check_cores(o->cores, o->core_count, err) < 0)
		return error_prefix(err, "argument 'cores'");
	return 0;
}

static int check_cpus(const struct machine_options *o, const struct node_facts *facts,
		      struct error *err)
{
	if (check_cores(o, err) < 0)
		return -1;
	if (o->host_cpu_count && o->host_cpu_count != (size_t)o->cpus)
		return error_set(err, EINVAL,
				 "argument 'host_cpus': expected %d, one for each vCPU, got %zu",
				 o->cpus, o->host_cpu_count);
	for (size_t i = 0; i < o->host_cpu_count; i++)
		if (!node_facts_cpu(facts, o->host_cpus[i]))
			return error_set(err, EINVAL,
					 "argument 'host_cpus': the node has no CPU %d; it has %zu "
					 "CPUs, the last is %d",
					 o->host_cpus[i], facts->cpu_count,
					 facts->cpus[facts->cpu_count - 1].cpu);
	return 0;
}

int machine_check(const struct machine_options *o, const struct constants *c, struct node *node,
		  const struct node_facts *facts, enum guest_memory *ret_memory, bool *ret_kvm,
		  struct error *err)
{
	if (c->qemu.accelerator == ACCELERATOR_KVM && !facts->kvm)
		return error_set(err, EINVAL,
				 "node '%s' cannot use KVM (%s), but qemu.accelerator is kvm; auto "
				 "falls back to tcg",
				 node->name, facts->kvm_reason);
	*ret_kvm = c->qemu.accelerator != ACCELERATOR_TCG && facts->kvm;
	if (check_cpus(o, facts, err) < 0)
		return -1;
	return check_memory(o, c, facts, ret_memory, err);
}
