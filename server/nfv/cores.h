/*
 * The physical cores of a NUMA node with their hardware threads, from topology rows.
 *
 * Rows are struct node_cpu: a node's own (node_facts_read) or those of a machine that is not here
 * (cores_parse_layout). Siblings are the rows with the same socket and core, never guessed from
 * the order of a list.
 */
#ifndef NFV_CORES_H
#define NFV_CORES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "node/facts.h"

/* Rows of a layout, the largest number in one, and the largest NUMA node (Linux has 1024). */
#define LAYOUT_ROWS_MAX	  4096
#define LAYOUT_NUMBER_MAX 65535
#define LAYOUT_NUMA_MAX	  1023

/* A list of CPU numbers or of NUMA nodes; zero-initialised means empty. */
struct cpu_list {
	int *items;
	size_t count;
};

void cpu_list_clear(struct cpu_list *list);
void cpu_list_add(struct cpu_list *list, int cpu);
bool cpu_list_has(const struct cpu_list *list, int cpu);
/* cpu_list_text - "3, 4, 40", owned by the caller */
char *cpu_list_text(const struct cpu_list *list);

/* cpu_mask_text - "0x3000000000000000", however high the CPUs are, owned by the caller */
char *cpu_mask_text(const int *cpus, size_t count);

#define auto_cpu_list __attribute__((cleanup(cpu_list_clear))) struct cpu_list

/* A core: its thread with the lowest number, and the next one, -1 where there is none. */
struct core {
	int cpu;
	int sibling;
};

/*
 * @system: so many of the first cores are the system's, at least one
 */
struct core_list {
	int numa_node;
	struct core *items;
	size_t count;
	size_t system;
};

void core_list_clear(struct core_list *cores);
#define auto_core_list __attribute__((cleanup(core_list_clear))) struct core_list

/* cores_check_numa_node - EINVAL, naming those that there are, unless one of @cpus is on it */
int cores_check_numa_node(const struct node_cpu *cpus, size_t count, int numa_node,
			  struct error *err);
/*
 * cores_of_numa_node - its cores in the order of their lowest CPU, the system's first
 * @cpus: rows in any order; borrowed
 *
 * Without isolated CPUs on that NUMA node the first core is the system's. With isolated ones
 * (isolcpus=) the kernel's choice holds: cores with all threads isolated are for the vswitch and
 * the network functions, all others are the system's. Where no core has all its threads isolated,
 * the isolated threads are used, each as a core without sibling. Threads of a core beyond the
 * second are left alone.
 * Errors: as cores_check_numa_node().
 */
int cores_of_numa_node(const struct node_cpu *cpus, size_t count, int numa_node,
		       struct core_list *ret, struct error *err);
/* cores_numa_nodes - the NUMA nodes that have CPUs, ascending, added to @ret */
void cores_numa_nodes(const struct node_cpu *cpus, size_t count, struct cpu_list *ret);
/*
 * cores_parse_layout - argument 'layout': an array of [cpu, core, socket, numa] rows
 * @layout:  numbers may be integers or their text; borrowed
 * @ret:     owned by the caller, freed with free(); set on success only
 *
 * The columns are those of `lscpu -p=CPU,CORE,SOCKET,NODE`.
 * Errors: EINVAL naming the row, what was given and what is allowed.
 */
int cores_parse_layout(const json_t *layout, struct node_cpu **ret, size_t *ret_count,
		       struct error *err);

#endif
