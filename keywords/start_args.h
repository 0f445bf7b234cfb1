/*
 * The arguments that both start keywords take for the machine itself.
 */
#ifndef KEYWORDS_START_ARGS_H
#define KEYWORDS_START_ARGS_H

#include "keywords/keyword.h"
#include "vm/launch.h"

/* The largest guest: what fits into Robot's integers and a machine of today. */
#define MEMORY_MIN_MIB 64
#define MEMORY_MAX_MIB (16 * 1024 * 1024)
#define QEMU_ID_MAX    255
#define HOST_CPU_MAX   8191

/* Embedded as `machine` in the argument struct of a start keyword. */
struct machine_args {
	int cpus;
	int memory;
	struct int_list cores;
	struct int_list host_cpus;
	int page_size;
	int qemu_id;
	bool paused;
};

#define ARGUMENT_CPUS(arguments)                                                                \
	{                                                                                       \
		.name = "cpus", .type = ARG_INT, .fallback = "1", .min = 1, .max = VM_CPUS_MAX, \
		.offset = offsetof(struct arguments, machine.cpus), .doc = "vCPUs."             \
	}
#define ARGUMENT_CORES(arguments)                                                                    \
	{                                                                                            \
		.name = "cores", .kind = ARG_NAMED_ONLY, .type = ARG_INT_LIST, .fallback = "[]",     \
		.max = VM_CPUS_MAX - 1, .offset = offsetof(struct arguments, machine.cores),         \
		.doc = "Core of the guest that each vCPU is a thread of: `[0, 1, 1]` are one core "  \
		       "with one thread and one with two; without: a core each. Under TCG only the " \
		       "last core may have fewer threads than others."                               \
	}
#define ARGUMENT_MEMORY(arguments, mib)                                                      \
	{                                                                                    \
		.name = "memory", .type = ARG_INT, .fallback = (mib), .min = MEMORY_MIN_MIB, \
		.max = MEMORY_MAX_MIB, .unit = "MiB",                                        \
		.offset = offsetof(struct arguments, machine.memory),                        \
		.doc = "Memory of the guest."                                                \
	}
#define ARGUMENT_HOST_CPUS(arguments)                                                             \
	{                                                                                         \
		.name = "host_cpus", .type = ARG_INT_LIST, .fallback = "[]", .max = HOST_CPU_MAX, \
		.offset = offsetof(struct arguments, machine.host_cpus),                          \
		.doc = "Host CPU for each vCPU, pinned before the guest's first instruction."     \
	}
#define ARGUMENT_PAGE_SIZE(arguments)                                                         \
	{                                                                                     \
		.name = "page_size", .type = ARG_ENUM, .fallback = "auto",                    \
		.choices = page_choice_names,                                                 \
		.offset = offsetof(struct arguments, machine.page_size),                      \
		.doc = "Pages of the guest's memory; `auto`: huge ones when enough are free." \
	}
#define ARGUMENT_QEMU_ID(arguments)                                                                   \
	{                                                                                             \
		.name = "qemu_id", .type = ARG_INT, .fallback = "0", .max = QEMU_ID_MAX,              \
		.offset = offsetof(struct arguments, machine.qemu_id),                                \
		.doc = "Number of the VM on its node, from which ports and MAC addresses follow; 0: " \
		       "the next free one."                                                           \
	}
#define ARGUMENT_PAUSED(arguments)                                                                     \
	{                                                                                              \
		.name = "paused", .kind = ARG_NAMED_ONLY, .type = ARG_BOOL, .fallback = "False",       \
		.offset = offsetof(struct arguments, machine.paused),                                  \
		.doc = "Return with the guest stopped before its first instruction; *Resume VM* lets " \
		       "it go."                                                                        \
	}

static inline struct machine_options machine_options(const struct machine_args *a)
{
	return (struct machine_options) { .cpus = a->cpus,
					  .memory_mib = a->memory,
					  .cores = a->cores.items,
					  .core_count = a->cores.count,
					  .host_cpus = a->host_cpus.items,
					  .host_cpu_count = a->host_cpus.count,
					  .page_size = (enum page_choice)a->page_size,
					  .qemu_id = a->qemu_id,
					  .paused = a->paused };
}

#endif
