/*
 * Whether a plan fits on its node, and where: NUMA node, pinning, memory, qemu_ids.
 *
 * How it works: an attempt is one NUMA node with or without pinning, and the reasons why it does
 * not fit. The first attempt without reasons wins; when none is, the one with the fewest reasons
 * is what the tester reads about. Without pinning is tried only for lack of room: an argument that
 * is wrong for the machine stays wrong. What does not depend on the NUMA node is checked once.
 */
#include "nfv/plan_fit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/own.h"
#include "vm/kernel_vm.h"

#define GUEST_PAGE_MIB	  2
#define RESERVE_NOTE_SIZE 64
#define SOCKET_PATH_MAX	  ((int)sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

/* @wrong: an argument is, so that no other machine state would help */
struct attempt {
	struct plan_fit fit;
	bool wrong;
	struct strv reasons;
};

static void clear_attempt(struct attempt *a)
{
	plan_fit_clear(&a->fit);
	strv_clear(&a->reasons);
}

#define auto_attempt __attribute__((cleanup(clear_attempt))) struct attempt

void plan_fit_clear(struct plan_fit *fit)
{
	placement_clear(&fit->placement);
	free(fit->unpinned);
	*fit = (struct plan_fit) { 0 };
}

int plan_vm_count(const struct plan_request *r)
{
	return r->rules.chains * r->rules.nodes_per_chain;
}

static enum page_size page_of(enum guest_memory backing)
{
	return backing == GUEST_MEMORY_1G ? PAGE_1G : PAGE_2M;
}

int plan_host_pages(enum guest_memory backing, int memory_mib)
{
	int page_mib = page_size_kib[page_of(backing)] / 1024;

	return (memory_mib + page_mib - 1) / page_mib;
}

char *plan_socket(const struct plan_request *r, int id, int side)
{
	return own_printf("%s/sock-%d-%d", r->socket_dir ? r->socket_dir : PLAN_SOCKET_DIR, id,
			  side);
}

char *plan_vm_name(const struct plan_request *r, int id)
{
	return own_printf("%s_%d", r->node_name, id);
}

char *plan_run_dir(const struct plan_request *r, int id)
{
	auto_free char *name = plan_vm_name(r, id);

	return own_printf("%s/%s", r->run_dir ? r->run_dir : "", name);
}

void plan_fit_cpus(const struct plan_fit *fit, int chain, int node_in_chain, struct cpu_list *ret,
		   int *ret_emulator)
{
	auto_cpu_list all = { 0 };

	*ret_emulator = -1;
	if (!fit->pinned)
		return;
	placement_cpus(&fit->placement, chain, node_in_chain, &all, NULL);
	*ret_emulator = all.items[0];
	/* A single vCPU forwards: it belongs on the data-plane CPU. */
	if (fit->cpus == 1) {
		cpu_list_add(ret, all.items[1]);
		return;
	}
	for (int i = 0; i < fit->cpus; i++)
		cpu_list_add(ret, all.items[i]);
}

/* Every CPU that the VMs and QEMU's own threads get, once. */
static void used_cpus(const struct plan_request *r, const struct plan_fit *fit,
		      struct cpu_list *ret)
{
	for (int i = 0; i < plan_vm_count(r); i++) {
		auto_cpu_list cpus = { 0 };
		int emulator;

		plan_fit_cpus(fit, i / r->rules.nodes_per_chain + 1,
			      i % r->rules.nodes_per_chain + 1, &cpus, &emulator);
		cpu_list_add(&cpus, emulator);
		for (size_t k = 0; k < cpus.count; k++)
			if (!cpu_list_has(ret, cpus.items[k]))
				cpu_list_add(ret, cpus.items[k]);
	}
}

/* CPUs of other VMs: a reason, or with PINNING_SHARED only noted. */
static void check_taken(const struct plan_request *r, struct attempt *a)
{
	auto_cpu_list used = { 0 };
	auto_strv clashes = { 0 };
	auto_free char *all = NULL;

	if (!r->taken_cpu_count || plan_vm_count(r) > r->constants->qemu.max_vms)
		return;
	used_cpus(r, &a->fit, &used);
	for (size_t i = 0; i < r->taken_cpu_count; i++)
		if (cpu_list_has(&used, r->taken_cpus[i].cpu))
			strv_addf(&clashes, "CPU %d to '%s'", r->taken_cpus[i].cpu,
				  r->taken_cpus[i].vm);
	if (!clashes.count)
		return;
	a->fit.shared = true;
	all = strv_join(&clashes, ", ");
	if (r->pinning != PINNING_SHARED)
		strv_addf(&a->reasons,
			  "CPUs: given to other VMs already: %.400s; pinning=shared allows that",
			  all);
}

static void place_cpus(const struct plan_request *r, int numa_node, struct attempt *a)
{
	struct placement_rules rules = r->rules;
	auto_cpu_list taken = { 0 };
	struct error err;
	int most;

	for (size_t i = 0; r->pinning == PINNING_AUTO && i < r->taken_cpu_count; i++)
		cpu_list_add(&taken, r->taken_cpus[i].cpu);
	rules.numa_node = numa_node;
	rules.share = r->pinning == PINNING_SHARED;
	rules.avoid = &taken;
	if (placement_prepare(&rules, r->cpus, r->cpu_count, &a->fit.placement, &err) < 0) {
		strv_addf(&a->reasons, "CPUs: %s", err.text);
		a->wrong = err.code == EINVAL;
		return;
	}
	most = placement_cpu_count(&a->fit.placement);
	a->fit.cpus = r->cpus_per_nf == PLAN_CPUS_AUTO ? most : r->cpus_per_nf;
	a->fit.pinned = a->fit.cpus <= most;
	a->fit.shared = a->fit.placement.wrapped;
	a->wrong = !a->fit.pinned;
	if (a->fit.pinned)
		check_taken(r, a);
	else
		strv_addf(&a->reasons,
			  "CPUs: argument 'cpus_per_nf': expected 1 to %d, the CPUs that nf_dtc=%g "
			  "gives on NUMA node %d, got %d",
			  most, rules.nf_dtc, numa_node, r->cpus_per_nf);
}

static struct node_hugepages pages_there(const struct plan_request *r, int numa_node,
					 enum page_size size)
{
	if (numa_node >= 0 && numa_node < r->facts->numa_nodes && r->facts->numa_hugepages)
		return r->facts->numa_hugepages[numa_node][size];
	return r->facts->hugepages[size];
}

/* Pages of that size that are free there, but promised. */
static int reserved_pages(const struct plan_request *r, int numa_node, enum page_size size)
{
	int pages = 0;

	for (size_t i = 0; i < r->reserve_count; i++) {
		const struct plan_reserve *reserve = &r->reserves[i];
		bool there =
			numa_node < 0 || reserve->numa_node < 0 || reserve->numa_node == numa_node;

		if (there && reserve->backing != GUEST_MEMORY_MEMFD &&
		    page_of(reserve->backing) == size)
			pages += reserve->pages;
	}
	return pages;
}

static int reserved_memory(const struct plan_request *r)
{
	int memory_mib = 0;

	for (size_t i = 0; i < r->reserve_count; i++)
		if (r->reserves[i].backing == GUEST_MEMORY_MEMFD)
			memory_mib += r->reserves[i].memory_mib;
	return memory_mib;
}

/* Whether all VMs fit into free pages of that size. */
static bool suits(const struct plan_request *r, int numa_node, enum guest_memory backing)
{
	enum page_size size = page_of(backing);
	long long need = (long long)plan_vm_count(r) * plan_host_pages(backing, r->memory_mib);

	return r->facts && r->memory_mib % (page_size_kib[size] / 1024) == 0 &&
	       pages_there(r, numa_node, size).free - reserved_pages(r, numa_node, size) >= need;
}

static enum guest_memory choose_backing(const struct plan_request *r, int numa_node)
{
	static const enum guest_memory chosen[] = {
		[PAGE_CHOICE_4K] = GUEST_MEMORY_MEMFD,
		[PAGE_CHOICE_2M] = GUEST_MEMORY_2M,
		[PAGE_CHOICE_1G] = GUEST_MEMORY_1G,
	};

	if (r->page_size != PAGE_CHOICE_AUTO)
		return chosen[r->page_size];
	if (r->constants->qemu.memory_backend == MEMORY_BACKEND_MEMFD)
		return GUEST_MEMORY_MEMFD;
	if (suits(r, numa_node, GUEST_MEMORY_1G))
		return GUEST_MEMORY_1G;
	if (suits(r, numa_node, GUEST_MEMORY_2M) ||
	    r->constants->qemu.memory_backend == MEMORY_BACKEND_HUGEPAGES)
		return GUEST_MEMORY_2M;
	return GUEST_MEMORY_MEMFD;
}

/* "", or what is said behind a number of free ones. */
static const char *text_of_reserve(int reserved, char note[RESERVE_NOTE_SIZE])
{
	snprintf(note, RESERVE_NOTE_SIZE, reserved ? ", %d of them for others that start" : "",
		 reserved);
	return note;
}

static void check_pages(const struct plan_request *r, int numa_node, enum guest_memory backing,
			struct strv *reasons)
{
	enum page_size size = page_of(backing);
	long long need = (long long)plan_vm_count(r) * plan_host_pages(backing, r->memory_mib);
	char note[RESERVE_NOTE_SIZE];
	int reserved = reserved_pages(r, numa_node, size);
	struct node_hugepages there;
	auto_free char *where =
		numa_node < 0 ? own_printf("the node") : own_printf("NUMA node %d", numa_node);

	if (r->memory_mib % (page_size_kib[size] / 1024))
		strv_addf(reasons,
			  "huge pages: argument 'memory': expected a multiple of %d MiB, the page "
			  "size, got %d",
			  page_size_kib[size] / 1024, r->memory_mib);
	if (!r->facts)
		return;
	there = pages_there(r, numa_node, size);
	if (there.free - reserved < need)
		strv_addf(reasons,
			  "huge pages: %d VMs of %d MiB need %lld pages of %s, %s has %d of %d "
			  "free%s",
			  plan_vm_count(r), r->memory_mib, need, page_size_names[size], where,
			  there.free, there.total, text_of_reserve(reserved, note));
}

static void check_memory(const struct plan_request *r, int numa_node, struct attempt *a)
{
	long long need = (long long)plan_vm_count(r) * r->memory_mib;
	int reserved = reserved_memory(r);
	char note[RESERVE_NOTE_SIZE];

	a->fit.backing = choose_backing(r, numa_node);
	if (a->fit.backing != GUEST_MEMORY_MEMFD)
		check_pages(r, numa_node, a->fit.backing, &a->reasons);
	else if (r->facts && need > r->facts->memory_available_mib - reserved)
		strv_addf(&a->reasons,
			  "memory: %d VMs of %d MiB need %lld MiB, the node has %d of %d MiB "
			  "available%s",
			  plan_vm_count(r), r->memory_mib, need, r->facts->memory_available_mib,
			  r->facts->memory_mib, text_of_reserve(reserved, note));
}

/* vCPUs where no placement says how many: a main thread and the data plane's. */
static int cpus_without_placement(const struct plan_request *r)
{
	int data = r->rules.nf_dtc == PLACEMENT_HALF_CORE ? 1 : (int)r->rules.nf_dtc;

	return r->cpus_per_nf == PLAN_CPUS_AUTO ? 1 + data : r->cpus_per_nf;
}

/* A kernel that knows of no NUMA nodes cannot bind memory to one. */
static int bound_node(const struct plan_request *r, int numa_node)
{
	return r->facts && !r->facts->numa_nodes ? -1 : numa_node;
}

static void try_pinned(const struct plan_request *r, int numa_node, struct attempt *ret)
{
	*ret = (struct attempt) { .fit.numa_node = bound_node(r, numa_node),
				  .fit.cpus = cpus_without_placement(r) };
	place_cpus(r, numa_node, ret);
	check_memory(r, numa_node, ret);
}

static void try_unpinned(const struct plan_request *r, struct attempt *ret)
{
	*ret = (struct attempt) { .fit.numa_node = bound_node(r, r->rules.numa_node),
				  .fit.cpus = cpus_without_placement(r) };
	check_memory(r, r->rules.numa_node, ret);
}

/* The first NUMA node without reasons, or else the one with the fewest. */
static void try_numa_nodes(const struct plan_request *r, struct attempt *ret)
{
	auto_cpu_list nodes = { 0 };

	if (r->rules.numa_node == PLACEMENT_NUMA_AUTO)
		cores_numa_nodes(r->cpus, r->cpu_count, &nodes);
	else
		cpu_list_add(&nodes, r->rules.numa_node);
	*ret = (struct attempt) { .fit.cpus = cpus_without_placement(r) };
	if (!nodes.count)
		strv_add(&ret->reasons, "CPUs: the node has none");
	for (size_t i = 0; i < nodes.count; i++) {
		auto_attempt a = { 0 };

		try_pinned(r, nodes.items[i], &a);
		if (!i || a.reasons.count < ret->reasons.count) {
			struct attempt worse = *ret;

			*ret = a;
			a = worse;
		}
		if (!ret->reasons.count)
			return;
	}
}

static void choose(const struct plan_request *r, struct attempt *ret)
{
	auto_attempt pinned = { 0 };

	if (r->pinning == PINNING_NONE) {
		try_unpinned(r, ret);
		return;
	}
	try_numa_nodes(r, &pinned);
	if (!pinned.reasons.count || r->pinning != PINNING_AUTO || pinned.wrong) {
		*ret = pinned;
		pinned = (struct attempt) { 0 };
		return;
	}
	try_unpinned(r, ret);
	ret->fit.unpinned = strv_join(&pinned.reasons, "; ");
}

static bool id_taken(const struct plan_request *r, int id)
{
	for (size_t i = 0; i < r->taken_id_count; i++)
		if (r->taken_ids[i] == id)
			return true;
	return false;
}

/* The start of the first free range of @count ids from @first on; 0: there is none. */
static int free_ids(const struct plan_request *r, int count, int *ret_longest)
{
	int length = 0;

	*ret_longest = 0;
	for (int id = 1; id <= r->constants->qemu.max_vms; id++) {
		length = id_taken(r, id) ? 0 : length + 1;
		if (length > *ret_longest)
			*ret_longest = length;
		if (length == count)
			return id - count + 1;
	}
	return 0;
}

static void choose_ids(const struct plan_request *r, struct plan_fit *fit, struct strv *reasons)
{
	int count = plan_vm_count(r), max = r->constants->qemu.max_vms, longest;

	fit->first_id = r->first_id ? r->first_id : free_ids(r, count, &longest);
	if (!fit->first_id)
		strv_addf(reasons,
			  "qemu_ids: %d VMs need consecutive ones from 1 to %d (qemu.max_vms), at "
			  "most %d are free in a row",
			  count, max, longest);
	if (!r->first_id)
		return;
	if (count > max - r->first_id + 1)
		strv_addf(reasons,
			  "qemu_ids: %d VMs from id %d on end at %lld, expected at most %d "
			  "(qemu.max_vms)",
			  count, r->first_id, (long long)r->first_id + count - 1, max);
	for (int id = r->first_id; id <= max && id - r->first_id < count; id++)
		if (id_taken(r, id)) {
			strv_addf(reasons, "qemu_ids: %d is another VM's", id);
			return;
		}
}

static void check_path(const char *what, char *path, struct strv *reasons)
{
	auto_free char *owned = path;

	if ((int)strlen(owned) > SOCKET_PATH_MAX)
		strv_addf(reasons, "%s: expected at most %d characters, got %zu: '%s'", what,
			  SOCKET_PATH_MAX, strlen(owned), owned);
}

/* The last VM has the longest names. */
static void check_names(const struct plan_request *r, const struct plan_fit *fit,
			struct strv *reasons)
{
	int max = r->constants->qemu.max_vms, count = plan_vm_count(r);
	int last = fit->first_id && count <= max - fit->first_id ? fit->first_id + count - 1 : max;
	auto_free char *name = plan_vm_name(r, last);
	auto_free char *dir = plan_run_dir(r, last);

	check_path("vhost-user socket path", plan_socket(r, last, PLAN_NICS), reasons);
	if (r->run_dir)
		check_path("socket path in the run directory", qemu_path(dir, QEMU_CONSOLE_SOCKET),
			   reasons);
	if (strlen(name) > VM_NAME_MAX)
		strv_addf(reasons, "VM name: expected at most %d characters, got %zu: '%s'",
			  VM_NAME_MAX, strlen(name), name);
}

static void check_ports(const struct plan_request *r, struct strv *reasons)
{
	int ssh = r->constants->qemu.ssh_port_base, serial = r->constants->qemu.serial_port_base;
	int apart = ssh > serial ? ssh - serial : serial - ssh;

	if (apart < plan_vm_count(r))
		strv_addf(reasons,
			  "ports: qemu.ssh_port_base (%d) and qemu.serial_port_base (%d) are %d "
			  "apart: the ports of %d VMs collide",
			  ssh, serial, apart, plan_vm_count(r));
}

static void size_testpmd(const struct plan_request *r, struct plan_fit *fit, struct strv *reasons)
{
	auto_strv addresses = { 0 };
	struct testpmd_place place = {
		.binary = "", .cpus = fit->cpus, .queues = r->queues, .pci_addresses = &addresses
	};
	struct error err;
	int pages;

	for (int i = 0; i < PLAN_NICS; i++)
		strv_take(&addresses, nic_pci_address(&(struct nic) {
					      .slot = r->constants->qemu.first_slot + i }));
	if (testpmd_check(r->testpmd, &place, &err) < 0)
		strv_addf(reasons, "payload testpmd: %s", err.text);
	fit->mbufs = testpmd_mbufs(r->testpmd, &place);
	pages = testpmd_hugepages_2m(r->testpmd, &place);
	if (pages > fit->guest_hugepages)
		fit->guest_hugepages = pages;
}

static void size_payload(const struct plan_request *r, struct plan_fit *fit, struct strv *reasons)
{
	int need;

	fit->guest_hugepages = r->constants->kernel_vm.hugepages;
	if (r->testpmd)
		size_testpmd(r, fit, reasons);
	need = fit->guest_hugepages * GUEST_PAGE_MIB + KERNEL_VM_RESERVE_MIB;
	if (need > r->memory_mib)
		strv_addf(reasons,
			  "guest memory: the payload needs %d huge pages of 2 MiB in the guest, "
			  "with the guest itself %d MiB; argument 'memory' gives %d MiB",
			  fit->guest_hugepages, need, r->memory_mib);
}

static bool has_text(const struct strv *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i], text))
			return true;
	return false;
}

static void check_sockets(const struct plan_request *r, const struct plan_fit *fit,
			  struct strv *reasons)
{
	for (int i = 0; r->used_sockets.count && i < PLAN_NICS * plan_vm_count(r); i++) {
		int id = fit->first_id + i / PLAN_NICS;
		auto_free char *name = plan_vm_name(r, id);
		auto_free char *socket =
			plan_socket(r, r->own_sockets ? i / PLAN_NICS + 1 : id, i % PLAN_NICS + 1);

		if (has_text(&r->used_sockets, socket))
			strv_addf(reasons, "VM '%s': socket '%s' is in use", name, socket);
	}
}

void plan_fit_find(const struct plan_request *r, struct plan_fit *ret, struct strv *reasons)
{
	auto_attempt chosen = { 0 };

	choose(r, &chosen);
	*ret = chosen.fit;
	chosen.fit = (struct plan_fit) { 0 };
	for (size_t i = 0; i < chosen.reasons.count; i++)
		strv_add(reasons, chosen.reasons.items[i]);
	size_payload(r, ret, reasons);
	choose_ids(r, ret, reasons);
	check_names(r, ret, reasons);
	check_ports(r, reasons);
	check_sockets(r, ret, reasons);
	for (size_t i = 0; i < r->missing.count; i++)
		strv_add(reasons, r->missing.items[i]);
}
