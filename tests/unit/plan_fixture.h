/*
 * A machine and a request for the tests of plans.
 */
#ifndef UNIT_PLAN_FIXTURE_H
#define UNIT_PLAN_FIXTURE_H

#include "nfv/plan.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/own.h"
#include "value/value.h"

/* Two NUMA nodes of 20 cores with two threads each. */
#define CORES	   20
#define NUMA_NODES 2
#define CPUS	   (2 * NUMA_NODES * CORES)

static struct node_cpu cpus[CPUS];
static struct constants constants;
static struct testpmd_options testpmd;
static struct node_hugepages pages[NUMA_NODES][PAGE_SIZES];
static struct node_facts facts;

static inline int set_up(void **state)
{
	static char prefix[] = "52:54:00:00";

	(void)state;
	for (int i = 0; i < CPUS; i++)
		cpus[i] = (struct node_cpu) { .cpu = i,
					      .core = i % (CPUS / 2),
					      .socket = i % (CPUS / 2) / CORES,
					      .numa_node = i % (CPUS / 2) / CORES };
	memset(&constants, 0, sizeof(constants));
	constants.qemu.mac_prefix = prefix;
	constants.qemu.first_slot = 6;
	constants.qemu.ssh_port_base = 10021;
	constants.qemu.serial_port_base = 4555;
	constants.qemu.max_vms = 255;
	constants.kernel_vm.hugepages = 64;
	testpmd = (struct testpmd_options)TESTPMD_DEFAULTS;
	memset(pages, 0, sizeof(pages));
	memset(&facts, 0, sizeof(facts));
	facts.memory_mib = 65536;
	facts.memory_available_mib = 60000;
	facts.numa_nodes = NUMA_NODES;
	facts.numa_hugepages = pages;
	return 0;
}

static inline struct plan_request request(int chains, int nodes)
{
	struct plan_request r = PLAN_REQUEST_DEFAULTS;

	r.rules.chains = chains;
	r.rules.nodes_per_chain = nodes;
	r.cpus = cpus;
	r.cpu_count = CPUS;
	r.facts = &facts;
	r.constants = &constants;
	r.testpmd = &testpmd;
	return r;
}

static inline struct chain_plan *made(const struct plan_request *r)
{
	struct chain_plan *plan = NULL;
	struct error err = { 0 };

	if (plan_make(r, &plan, &err) < 0)
		fail_msg("%s", err.text);
	return plan;
}

static inline void assert_refused(const struct plan_request *r, int code, const char *expected)
{
	struct chain_plan *plan = NULL;
	struct error err = { 0 };

	assert_int_equal(plan_make(r, &plan, &err), -1);
	assert_null(plan);
	assert_string_equal(err.text, expected);
	assert_int_equal(err.code, code);
}

static inline void assert_cpus(const struct vm_plan *vm, const char *expected)
{
	auto_free char *got = cpu_list_text(&vm->host_cpus);

	assert_string_equal(got, expected);
}

#endif
