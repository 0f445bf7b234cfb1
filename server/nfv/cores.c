/*
 * The physical cores of a NUMA node with their hardware threads, from topology rows.
 */
#include "nfv/cores.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "base/str.h"

/* Columns of a layout row. */
enum column { COLUMN_CPU, COLUMN_CORE, COLUMN_SOCKET, COLUMN_NUMA, COLUMNS };

void cpu_list_clear(struct cpu_list *list)
{
	free(list->items);
	*list = (struct cpu_list) { 0 };
}

void cpu_list_add(struct cpu_list *list, int cpu)
{
	list->items = own_realloc(list->items, (list->count + 1) * sizeof(*list->items));
	list->items[list->count++] = cpu;
}

bool cpu_list_has(const struct cpu_list *list, int cpu)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i] == cpu)
			return true;
	return false;
}

char *cpu_list_text(const struct cpu_list *list)
{
	struct str s = { 0 };

	for (size_t i = 0; i < list->count; i++)
		str_addf(&s, "%s%d", i ? ", " : "", list->items[i]);
	return str_take(&s);
}

void core_list_clear(struct core_list *cores)
{
	free(cores->items);
	*cores = (struct core_list) { 0 };
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void cores_numa_nodes(const struct node_cpu *cpus, size_t count, struct cpu_list *ret)
{
	for (size_t i = 0; i < count; i++)
		if (!cpu_list_has(ret, cpus[i].numa_node))
			cpu_list_add(ret, cpus[i].numa_node);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare_ints);
}

/* A core while its threads are gathered; @core has the isolated ones first. */
struct gathered {
	int socket;
	int core_id;
	struct core core;
	struct core isolated;
	bool wholly_isolated;
};

struct gathering {
	struct gathered *items;
	size_t count;
	bool some_isolated;
	bool some_wholly_isolated;
};

static void add_thread(struct core *core, int cpu)
{
	if (core->cpu < 0)
		core->cpu = cpu;
	else if (core->sibling < 0)
		core->sibling = cpu;
}

static struct gathered *gathered_core(struct gathering *g, const struct node_cpu *cpu)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->items[i].socket == cpu->socket && g->items[i].core_id == cpu->core)
			return &g->items[i];
	g->items = own_realloc(g->items, (g->count + 1) * sizeof(*g->items));
	g->items[g->count] = (struct gathered) { .socket = cpu->socket,
						 .core_id = cpu->core,
						 .core = { -1, -1 },
						 .isolated = { -1, -1 },
						 .wholly_isolated = true };
	return &g->items[g->count++];
}

static int compare_cpus(const void *a, const void *b)
{
	return ((const struct node_cpu *)a)->cpu - ((const struct node_cpu *)b)->cpu;
}

/* The rows of that NUMA node, in the order of their CPUs; owned by the caller. */
static struct node_cpu *rows_of(const struct node_cpu *cpus, size_t count, int numa_node,
				size_t *ret_count)
{
	struct node_cpu *rows = own_alloc(count * sizeof(*rows));

	*ret_count = 0;
	for (size_t i = 0; i < count; i++)
		if (cpus[i].numa_node == numa_node)
			rows[(*ret_count)++] = cpus[i];
	qsort(rows, *ret_count, sizeof(*rows), compare_cpus);
	return rows;
}

static void gather(const struct node_cpu *rows, size_t count, struct gathering *g)
{
	for (size_t i = 0; i < count; i++) {
		struct gathered *core = gathered_core(g, &rows[i]);

		add_thread(&core->core, rows[i].cpu);
		core->wholly_isolated &= rows[i].isolated;
		if (rows[i].isolated)
			add_thread(&core->isolated, rows[i].cpu);
	}
	for (size_t i = 0; i < g->count; i++) {
		g->some_isolated |= g->items[i].isolated.cpu >= 0;
		g->some_wholly_isolated |= g->items[i].wholly_isolated;
	}
}

/* Whether the kernel left the core, or with half-isolated cores all of its threads, to itself. */
static bool belongs_to_system(const struct gathering *g, const struct gathered *core)
{
	if (!g->some_isolated)
		return false;
	return g->some_wholly_isolated ? !core->wholly_isolated : core->isolated.cpu < 0;
}

static void add_cores(const struct gathering *g, bool of_system, struct core_list *ret)
{
	bool halves = g->some_isolated && !g->some_wholly_isolated && !of_system;

	for (size_t i = 0; i < g->count; i++)
		if (belongs_to_system(g, &g->items[i]) == of_system)
			ret->items[ret->count++] = halves ? g->items[i].isolated : g->items[i].core;
}

char *cpu_mask_text(const int *cpus, size_t count)
{
	static const char digits[] = "0123456789abcdef";
	struct str s = { 0 };
	int highest = 0;

	for (size_t i = 0; i < count; i++)
		if (cpus[i] > highest)
			highest = cpus[i];
	str_adds(&s, "0x");
	for (int nibble = highest / 4; nibble >= 0; nibble--) {
		int bits = 0;

		for (size_t i = 0; i < count; i++)
			if (cpus[i] / 4 == nibble)
				bits |= 1 << cpus[i] % 4;
		str_add(&s, &digits[bits], 1);
	}
	return str_take(&s);
}

int cores_check_numa_node(const struct node_cpu *cpus, size_t count, int numa_node,
			  struct error *err)
{
	auto_cpu_list nodes = { 0 };
	auto_free char *known = NULL;

	cores_numa_nodes(cpus, count, &nodes);
	if (cpu_list_has(&nodes, numa_node))
		return 0;
	known = cpu_list_text(&nodes);
	return error_set(err, EINVAL, "argument 'numa_node': expected one of %s, got %d",
			 nodes.count ? known : "none (there are no CPUs)", numa_node);
}

int cores_of_numa_node(const struct node_cpu *cpus, size_t count, int numa_node,
		       struct core_list *ret, struct error *err)
{
	auto_free struct node_cpu *rows = NULL;
	struct gathering g = { 0 };
	size_t row_count;

	*ret = (struct core_list) { .numa_node = numa_node };
	if (cores_check_numa_node(cpus, count, numa_node, err) < 0)
		return -1;
	rows = rows_of(cpus, count, numa_node, &row_count);
	gather(rows, row_count, &g);
	ret->items = own_alloc(g.count * sizeof(*ret->items));
	add_cores(&g, true, ret);
	ret->system = ret->count ? ret->count : 1;
	add_cores(&g, false, ret);
	free(g.items);
	return 0;
}

/* A number of a layout row, or -1. */
static int layout_number(const json_t *item, int max)
{
	long long n = -1;

	if (json_is_integer(item))
		n = json_integer_value(item);
	else if (json_is_string(item) && str_to_int(json_string_value(item), 0, max, &n) < 0)
		return -1;
	return n >= 0 && n <= max ? (int)n : -1;
}

static int parse_row(const json_t *row, size_t index, struct node_cpu *ret, struct error *err)
{
	int numbers[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++) {
		int max = i == COLUMN_NUMA ? LAYOUT_NUMA_MAX : LAYOUT_NUMBER_MAX;

		numbers[i] = json_array_size(row) == COLUMNS
				     ? layout_number(json_array_get(row, i), max)
				     : -1;
		if (numbers[i] < 0) {
			auto_free char *given = json_dumps(row, JSON_ENCODE_ANY | JSON_COMPACT);

			return error_set(err, EINVAL,
					 "argument 'layout': row %zu: expected [cpu, core, socket, "
					 "numa], from 0 to %d, numa to %d, got %.200s",
					 index + 1, LAYOUT_NUMBER_MAX, LAYOUT_NUMA_MAX,
					 given ? given : "no value");
		}
	}
	*ret = (struct node_cpu) { .cpu = numbers[COLUMN_CPU],
				   .core = numbers[COLUMN_CORE],
				   .socket = numbers[COLUMN_SOCKET],
				   .numa_node = numbers[COLUMN_NUMA] };
	return 0;
}

int cores_parse_layout(const json_t *layout, struct node_cpu **ret, size_t *ret_count,
		       struct error *err)
{
	size_t count = json_array_size(layout);
	auto_free struct node_cpu *cpus = NULL;
	auto_free bool *seen = NULL;

	if (!count || count > LAYOUT_ROWS_MAX)
		return error_set(
			err, EINVAL,
			"argument 'layout': expected a list of 1 to %d [cpu, core, socket, "
			"numa] rows, got %zu",
			LAYOUT_ROWS_MAX, count);
	cpus = own_alloc(count * sizeof(*cpus));
	seen = own_alloc((LAYOUT_NUMBER_MAX + 1) * sizeof(*seen));
	memset(seen, 0, (LAYOUT_NUMBER_MAX + 1) * sizeof(*seen));
	for (size_t i = 0; i < count; i++) {
		if (parse_row(json_array_get(layout, i), i, &cpus[i], err) < 0)
			return -1;
		if (seen[cpus[i].cpu])
			return error_set(err, EINVAL,
					 "argument 'layout': row %zu: expected each CPU once, got "
					 "CPU %d again",
					 i + 1, cpus[i].cpu);
		seen[cpus[i].cpu] = true;
	}
	*ret = take_ptr(cpus);
	*ret_count = count;
	return 0;
}
