/*
 * What a node is made of: CPUs, NUMA nodes, memory, huge pages, KVM. Read from its /proc and /sys.
 */
#ifndef NODE_FACTS_H
#define NODE_FACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "node/node.h"

/* Sizes of huge pages that the product knows. */
enum page_size { PAGE_2M, PAGE_1G, PAGE_SIZES };

/* Names in the order of the enum, NULL-terminated: "2M", "1G"; and their sizes in KiB. */
extern const char *const page_size_names[];
extern const int page_size_kib[];

/* One CPU, as `lscpu -p=CPU,CORE,SOCKET,NODE` has it. */
struct node_cpu {
	int cpu;
	int core;
	int socket;
	int numa_node;
	bool isolated;
};

struct node_hugepages {
	int total;
	int free;
};

/*
 * @kvm:        whether KVM can run guests
 * @kvm_reason: why it cannot, "" when it can
 * @hugepages:  of the whole node; @numa_hugepages has one array of PAGE_SIZES per NUMA node
 */
struct node_facts {
	char *arch;
	char *kernel;
	bool kvm;
	char *kvm_reason;
	struct node_cpu *cpus;
	size_t cpu_count;
	int numa_nodes;
	int memory_mib;
	int memory_available_mib;
	struct node_hugepages hugepages[PAGE_SIZES];
	struct node_hugepages (*numa_hugepages)[PAGE_SIZES];
};

/* node_facts_read - all of it, now; @ret is cleared by node_facts_clear() in any case */
int node_facts_read(struct node *node, const struct wait *w, struct node_facts *ret,
		    struct error *err);
void node_facts_clear(struct node_facts *f);
#define auto_facts __attribute__((cleanup(node_facts_clear))) struct node_facts

/* node_facts_cpu - the entry of CPU number @cpu, NULL when the node has none online */
const struct node_cpu *node_facts_cpu(const struct node_facts *f, int cpu);

#endif
