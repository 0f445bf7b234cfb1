/*
 * CPU placement: the vectors, the formula against an independent oracle, cores and isolation,
 * and how each refusal reads.
 */
#include "nfv/placement.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/own.h"
#include "value/value.h"

#define VECTORS "tests/data/cpu_placement.json"

/* A machine of @sockets NUMA nodes with @cores each, numbered as Linux does on servers. */
static struct node_cpu *machine(int sockets, int cores, int threads, size_t *ret_count)
{
	int per_thread = sockets * cores;
	struct node_cpu *cpus;

	*ret_count = (size_t)(per_thread * threads);
	cpus = own_alloc(*ret_count * sizeof(*cpus));
	for (int i = 0; i < (int)*ret_count; i++)
		cpus[i] = (struct node_cpu) { .cpu = i,
					      .core = i % per_thread,
					      .socket = i % per_thread / cores,
					      .numa_node = i % per_thread / cores };
	return cpus;
}

static struct placement_rules rules(int chains, int nodes)
{
	struct placement_rules r = PLACEMENT_DEFAULTS;

	r.chains = chains;
	r.nodes_per_chain = nodes;
	return r;
}

/* The CPUs as text, or the error's. */
static char *place(const struct placement_rules *r, const struct node_cpu *cpus, size_t count,
		   int chain, int node)
{
	auto_placement p = { 0 };
	auto_cpu_list list = { 0 };
	struct error err = { 0 };

	if (placement_prepare(r, cpus, count, &p, &err) < 0 ||
	    placement_cpus(&p, chain, node, &list, &err) < 0)
		return own_strdup(err.text);
	return cpu_list_text(&list);
}

static void assert_place(const struct placement_rules *r, const struct node_cpu *cpus, size_t count,
			 int chain, int node, const char *expected)
{
	auto_free char *got = place(r, cpus, count, chain, node);

	assert_string_equal(got, expected);
}

static void assert_refused(const struct placement_rules *r, const struct node_cpu *cpus,
			   size_t count, const char *fragment)
{
	auto_placement p = { 0 };
	struct error err = { 0 };

	assert_int_equal(placement_prepare(r, cpus, count, &p, &err), -1);
	if (!strstr(err.text, fragment))
		fail_msg("'%s' is not in: %s", fragment, err.text);
}

static int vector_int(const json_t *vector, const char *name)
{
	return (int)json_integer_value(json_object_get(vector, name));
}

static void assert_vector(const json_t *layouts, const json_t *vector)
{
	const json_t *rows =
		json_object_get(layouts, json_string_value(json_object_get(vector, "layout")));
	struct placement_rules r = {
		.chains = vector_int(vector, "nf_chains"),
		.nodes_per_chain = vector_int(vector, "nf_nodes"),
		.nf_dtc = json_number_value(json_object_get(vector, "nf_dtc")),
		.nf_dtcr = vector_int(vector, "nf_dtcr"),
		.nf_mtcr = vector_int(vector, "nf_mtcr"),
		.vs_dtc = vector_int(vector, "vs_dtc"),
		.numa_node = vector_int(vector, "numa"),
	};
	auto_free struct node_cpu *cpus = NULL;
	auto_placement p = { 0 };
	auto_cpu_list got = { 0 };
	auto_json *expected = json_incref(json_object_get(vector, "cpus"));
	auto_json *list = json_array();
	struct error err = { 0 };
	size_t count;
	int rc;

	assert_int_equal(cores_parse_layout(rows, &cpus, &count, &err), 0);
	rc = placement_prepare(&r, cpus, count, &p, &err);
	if (!rc)
		rc = placement_cpus(&p, vector_int(vector, "nf_chain"),
				    vector_int(vector, "nf_node"), &got, &err);
	if (json_is_true(json_object_get(vector, "error"))) {
		assert_int_equal(rc, -1);
		assert_true(err.code == EINVAL || err.code == ENOSPC);
		assert_true(strlen(err.text) > 20);
		return;
	}
	if (rc)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < got.count; i++)
		json_array_append_new(list, json_integer(got.items[i]));
	assert_true(json_equal(list, expected));
}

static void every_vector_of_the_file_holds(void **state)
{
	auto_json *file = json_load_file(VECTORS, 0, NULL);
	const json_t *vector;
	size_t i;

	(void)state;
	assert_non_null(file);
	assert_true(json_array_size(json_object_get(file, "vectors")) >= 19);
	json_array_foreach (json_object_get(file, "vectors"), i, vector)
		assert_vector(json_object_get(file, "layouts"), vector);
}

static void the_refusals_of_the_vectors_name_their_reason(void **state)
{
	auto_free struct node_cpu *eight = NULL;
	struct placement_rules r = rules(1, 4);
	size_t count;

	(void)state;
	eight = machine(1, 8, 1, &count);
	assert_place(&r, eight, count, 1, 4,
		     "NUMA node 0 has 8 cores, 9 are needed: 1 system + 1 vswitch main + 1 vswitch "
		     "data plane (vs_dtc) + 2 main threads (4 functions, nf_mtcr=2) + 4 data plane "
		     "(nf_dtcr=1, nf_dtc=1)");
	r = rules(1, 1);
	r.nf_dtc = 0.5;
	assert_place(&r, eight, count, 1, 1,
		     "argument 'nf_dtc': expected a whole number, got 0.5: one hardware thread "
		     "needs SMT, but CPU 3 of NUMA node 0 has no sibling that can be used (SMT is "
		     "off, or it is offline or not isolated)");
	r.nf_dtc = 1;
	assert_place(&r, eight, count, 2, 1, "argument 'chain': expected 1 to 1, got 2");
	r = rules(1, 3);
	r.nf_dtcr = 4;
	assert_place(&r, eight, count, 1, 4, "argument 'node_in_chain': expected 1 to 3, got 4");
	assert_place(&r, eight, count, 0, 1, "argument 'chain': expected 1 to 1, got 0");
	assert_place(&r, eight, count, 1, 0, "argument 'node_in_chain': expected 1 to 3, got 0");
}

static void wide_data_planes_count_in_full_against_the_capacity(void **state)
{
	auto_free struct node_cpu *cpus = NULL;
	struct placement_rules r = rules(1, 4);
	size_t count;

	(void)state;
	/* 3 + 2 + 4 cores would suffice for FD.io CSIT's check; 3 + 2 + 4 * 2 are needed. */
	cpus = machine(1, 12, 1, &count);
	r.nf_dtc = 2;
	assert_refused(&r, cpus, count, "has 12 cores, 13 are needed");
	free(cpus);
	cpus = machine(1, 13, 1, &count);
	assert_place(&r, cpus, count, 1, 1, "3, 5, 6");
	assert_place(&r, cpus, count, 1, 4, "4, 11, 12");
}

static void whole_cores_bring_their_siblings(void **state)
{
	auto_free struct node_cpu *cpus = NULL;
	struct placement_rules r = rules(1, 2);
	size_t count;

	(void)state;
	cpus = machine(2, 10, 2, &count);
	r.nf_dtc = 2;
	r.numa_node = 1;
	assert_place(&r, cpus, count, 1, 1, "13, 14, 15, 34, 35");
	assert_place(&r, cpus, count, 1, 2, "33, 16, 17, 36, 37");
}

static void siblings_come_from_the_topology_whatever_the_numbering(void **state)
{
	/* Siblings side by side, as many firmwares number them; rows in no order. */
	struct node_cpu cpus[16];
	struct placement_rules r = rules(1, 2);

	(void)state;
	for (int i = 0; i < 16; i++)
		cpus[15 - i] = (struct node_cpu) { .cpu = i, .core = i / 2 };
	assert_place(&r, cpus, 16, 1, 1, "6, 8, 9");
	assert_place(&r, cpus, 16, 1, 2, "7, 10, 11");
	r.nf_dtc = 0.5;
	r.nf_dtcr = 2;
	assert_place(&r, cpus, 16, 1, 2, "7, 9");
}

static void equal_core_numbers_of_two_sockets_are_two_cores(void **state)
{
	struct node_cpu cpus[12];
	struct placement_rules r = rules(1, 1);

	(void)state;
	/* Both sockets in NUMA node 0, as without NUMA. */
	for (int i = 0; i < 12; i++)
		cpus[i] = (struct node_cpu) { .cpu = i, .core = i % 6, .socket = i / 6 };
	assert_place(&r, cpus, 12, 1, 1, "3, 4");
	r.nf_dtc = 0.5;
	r.nf_dtcr = 2;
	assert_refused(&r, cpus, 12, "CPU 3 of NUMA node 0 has no sibling");
}

static void an_offline_sibling_turns_hardware_threads_off(void **state)
{
	auto_free struct node_cpu *cpus = NULL;
	struct placement_rules r = rules(1, 1);
	size_t count;

	(void)state;
	cpus = machine(1, 6, 2, &count);
	/* CPU 11, the sibling of 5, is offline: whole cores are their first threads then. */
	assert_place(&r, cpus, count, 1, 1, "3, 4, 10");
	assert_place(&r, cpus, count - 1, 1, 1, "3, 4");
	/* Siblings of the system's and the vswitch's cores do not matter. */
	cpus[6] = cpus[9];
	cpus[7] = cpus[10];
	cpus[8] = cpus[11];
	assert_place(&r, cpus, 9, 1, 1, "3, 4, 10");
}

static void isolated_cores_are_for_the_functions_and_the_others_for_the_system(void **state)
{
	auto_free struct node_cpu *cpus = NULL;
	struct placement_rules r = rules(1, 1);
	size_t count;

	(void)state;
	cpus = machine(1, 10, 2, &count);
	/* As FD.io CSIT's machines: all but the first core; nothing changes. */
	for (size_t i = 0; i < count; i++)
		cpus[i].isolated = cpus[i].core != 0;
	assert_place(&r, cpus, count, 1, 1, "3, 4, 14");
	/* The kernel keeps three cores, the last ones: the vswitch begins behind them. */
	for (size_t i = 0; i < count; i++)
		cpus[i].isolated = cpus[i].core < 7;
	assert_place(&r, cpus, count, 1, 1, "2, 3, 13");
	/* Everything: the first core is left to the system all the same. */
	for (size_t i = 0; i < count; i++)
		cpus[i].isolated = true;
	assert_place(&r, cpus, count, 1, 1, "3, 4, 14");
}

static void half_isolated_cores_give_their_isolated_threads(void **state)
{
	auto_free struct node_cpu *cpus = NULL;
	struct placement_rules r = rules(1, 1);
	size_t count;

	(void)state;
	cpus = machine(1, 6, 2, &count);
	for (size_t i = 0; i < count; i++)
		cpus[i].isolated = i > 6;
	assert_place(&r, cpus, count, 1, 1, "9, 10");
	/* One core entirely isolated: halves of others are the system's. */
	cpus[1].isolated = true;
	r.vs_dtc = 0;
	assert_refused(&r, cpus, count, "has 6 cores, 8 are needed: 5 system");
}

static void the_lowest_numa_node_that_has_room_is_chosen(void **state)
{
	struct node_cpu cpus[13];
	struct placement_rules r = rules(1, 1);

	(void)state;
	for (int i = 0; i < 13; i++)
		cpus[12 - i] =
			(struct node_cpu) { .cpu = i, .core = i, .numa_node = i < 4 ? 0 : 2 };
	r.numa_node = PLACEMENT_NUMA_AUTO;
	assert_place(&r, cpus, 13, 1, 1, "7, 8");
	r.numa_node = 1;
	assert_place(&r, cpus, 13, 1, 1, "argument 'numa_node': expected one of 0, 2, got 1");
	r = rules(9, 9);
	r.numa_node = PLACEMENT_NUMA_AUTO;
	assert_refused(&r, cpus, 13, "; it fits on none of the 2 NUMA nodes");
}

static void every_argument_out_of_range_is_named_with_what_is_allowed(void **state)
{
	auto_free struct node_cpu *cpus = NULL;
	struct placement_rules r = { .chains = 0,
				     .nodes_per_chain = 1025,
				     .nf_dtc = 1.5,
				     .nf_dtcr = -1,
				     .nf_mtcr = 0,
				     .vs_dtc = -1,
				     .numa_node = -2 };
	static const double wrong[] = { 0, 0.25, -0.5, -1, 1025, 1e300, __builtin_nan("") };
	size_t count;

	(void)state;
	cpus = machine(1, 40, 1, &count);
	assert_place(&r, cpus, count, 1, 1,
		     "argument 'chains': expected 1 to 1024, got 0; argument 'nodes_per_chain': "
		     "expected 1 to 1024, got 1025; argument 'nf_dtc': expected 0.5 or a whole "
		     "number from 1 to 1024, got 1.5; argument 'nf_dtcr': expected 1 to 1024, got "
		     "-1; argument 'nf_mtcr': expected 1 to 1024, got 0; argument 'vs_dtc': "
		     "expected 0 to 1024, got -1; argument 'numa_node': expected auto or 0 and "
		     "above, got -2");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		r = rules(1, 1);
		r.nf_dtc = wrong[i];
		assert_refused(&r, cpus, count,
			       "argument 'nf_dtc': expected 0.5 or a whole number");
	}
	/* The largest of everything does not overflow. */
	r = rules(1024, 1024);
	r.nf_dtc = 1024;
	r.vs_dtc = 1024;
	assert_refused(&r, cpus, count, "has 40 cores, 1074267138 are needed");
}

static void sharing_wraps_around_what_is_there(void **state)
{
	auto_free struct node_cpu *cpus = NULL;
	struct placement_rules r = rules(2, 2);
	size_t count;

	(void)state;
	r.share = true;
	cpus = machine(1, 2, 1, &count);
	for (int i = 0; i < 4; i++) {
		auto_free char *got = place(&r, cpus, count, i / 2 + 1, i % 2 + 1);

		assert_string_equal(got, i % 2 ? "1, 1" : "0, 0");
	}
	free(cpus);
	cpus = machine(1, 5, 1, &count);
	assert_place(&r, cpus, count, 1, 1, "3, 3");
	assert_place(&r, cpus, count, 1, 2, "4, 4");
	/* What fits is placed as without sharing. */
	free(cpus);
	cpus = machine(1, 9, 1, &count);
	assert_place(&r, cpus, count, 2, 2, "4, 8");
}

static void cores_of_other_vms_are_stepped_around(void **state)
{
	auto_free struct node_cpu *cpus = NULL;
	auto_cpu_list avoid = { 0 };
	struct placement_rules r = rules(1, 1);
	size_t count;

	(void)state;
	cpus = machine(1, 8, 2, &count);
	r.avoid = &avoid;
	cpu_list_add(&avoid, 3);
	cpu_list_add(&avoid, 13); /* the sibling of 5 */
	cpu_list_add(&avoid, 0);  /* not a function's in any case */
	assert_place(&r, cpus, count, 1, 1, "4, 6, 14");
	cpu_list_add(&avoid, 6);
	cpu_list_add(&avoid, 7);
	assert_refused(&r, cpus, count, "; 4 cores are given to other VMs");
}

/*
 * The formula as the specification writes it, on halves of a list: right for machine()'s numbering
 * only, which is what makes it independent of the code.
 */
static void oracle(const struct placement_rules *r, int cores, int threads, int base, int total,
		   int off, struct cpu_list *ret)
{
	int n = r->chains * r->nodes_per_chain;
	int mt_req = (n + r->nf_mtcr - 1) / r->nf_mtcr, dt_req = (n + r->nf_dtcr - 1) / r->nf_dtcr;
	int width = r->nf_dtc < 1 ? 1 : (int)r->nf_dtc, skip = 2 + r->vs_dtc;
	int mt = skip + off % mt_req, dt = skip + mt_req + off % dt_req * width;

	(void)cores;
	cpu_list_add(ret, base + mt + (threads == 2 && off / mt_req % 2 ? total : 0));
	if (r->nf_dtc < 1) {
		cpu_list_add(ret, base + dt + (off / dt_req % 2 ? total : 0));
		return;
	}
	for (int t = 0; t < threads; t++)
		for (int i = 0; i < width; i++)
			cpu_list_add(ret, base + dt + i + t * total);
}

/* How often each CPU was given out, by what. */
struct use {
	int main[256];
	int data[256];
};

static void assert_properties(const struct placement_rules *r, const struct use *use,
			      const struct node_cpu *cpus, size_t count)
{
	int dt_share = r->nf_dtc < 1 ? (r->nf_dtcr + 1) / 2 : r->nf_dtcr;

	for (size_t i = 0; i < count; i++) {
		const struct node_cpu *c = &cpus[i];
		int number = c->cpu;

		assert_true(use->data[number] <= dt_share);
		assert_true(use->main[number] <= r->nf_mtcr);
		assert_false(use->main[number] && use->data[number]);
		if (c->numa_node != r->numa_node || c->core % 12 < 2 + r->vs_dtc)
			assert_int_equal(use->main[number] + use->data[number], 0);
	}
}

/* All functions of one set of rules, against oracle and properties. Returns whether it fits. */
static bool check_rules(const struct placement_rules *r, int threads)
{
	auto_free struct node_cpu *cpus = NULL;
	auto_placement p = { 0 };
	struct use use = { 0 };
	struct error err;
	size_t count;
	int n = r->chains * r->nodes_per_chain, width = r->nf_dtc < 1 ? 1 : (int)r->nf_dtc;
	bool fits = 2 + r->vs_dtc + (n + r->nf_mtcr - 1) / r->nf_mtcr +
			    (n + r->nf_dtcr - 1) / r->nf_dtcr * width <=
		    12;

	cpus = machine(2, 12, threads, &count);
	assert_int_equal(placement_prepare(r, cpus, count, &p, &err), fits ? 0 : -1);
	for (int off = 0; fits && off < n; off++) {
		auto_cpu_list got = { 0 }, expected = { 0 };

		assert_int_equal(placement_cpus(&p, off / r->nodes_per_chain + 1,
						off % r->nodes_per_chain + 1, &got, &err),
				 0);
		oracle(r, 12, threads, 12 * r->numa_node, 24, off, &expected);
		assert_int_equal(got.count, expected.count);
		assert_int_equal(got.count, placement_cpu_count(&p));
		assert_memory_equal(got.items, expected.items, got.count * sizeof(int));
		use.main[got.items[0]]++;
		for (size_t i = 1; i < got.count; i++)
			use.data[got.items[i]]++;
	}
	if (fits)
		assert_properties(r, &use, cpus, count);
	return fits;
}

static void no_cpu_is_given_twice_beyond_the_ratios_in_any_combination(void **state)
{
	static const double dtcs[] = { 0.5, 1, 2, 3 };
	int fitting = 0, refused = 0;

	(void)state;
	for (int i = 0; i < 4 * 6 * 6 * 4 * 3 * 3 * 2 * 2; i++) {
		int k = i;
		struct placement_rules r = { 0 };
		int threads;

		r.nf_dtc = dtcs[k % 4], k /= 4;
		r.chains = k % 6 + 1, k /= 6;
		r.nodes_per_chain = k % 6 + 1, k /= 6;
		r.nf_dtcr = k % 4 + 1, k /= 4;
		r.nf_mtcr = k % 3 + 1, k /= 3;
		r.vs_dtc = k % 3, k /= 3;
		r.numa_node = k % 2, k /= 2;
		threads = k + 1;
		if (r.nf_dtc < 1 && threads == 1)
			continue;
		if (check_rules(&r, threads))
			fitting++;
		else
			refused++;
	}
	assert_true(fitting > 1000);
	assert_true(refused > 1000);
}

static void assert_layout_refused(const char *json, const char *expected)
{
	auto_json *layout = json_loads(json, JSON_DECODE_ANY, NULL);
	struct node_cpu *cpus = NULL;
	struct error err = { 0 };
	size_t count;

	assert_int_equal(cores_parse_layout(layout, &cpus, &count, &err), -1);
	assert_null(cpus);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.text, expected);
}

static void a_layout_that_is_none_is_refused_with_its_row(void **state)
{
	(void)state;
	assert_layout_refused("[]", "argument 'layout': expected a list of 1 to 4096 [cpu, core, "
				    "socket, numa] rows, got 0");
	assert_layout_refused("[[0,0,0,0],[1,1,0]]",
			      "argument 'layout': row 2: expected [cpu, core, socket, numa], from "
			      "0 to 65535, numa to 1023, got [1,1,0]");
	assert_layout_refused("[[0,0,0,-1]]",
			      "argument 'layout': row 1: expected [cpu, core, socket, numa], from "
			      "0 to 65535, numa to 1023, got [0,0,0,-1]");
	assert_layout_refused("[[0,0,0,1024]]",
			      "argument 'layout': row 1: expected [cpu, core, socket, numa], from "
			      "0 to 65535, numa to 1023, got [0,0,0,1024]");
	assert_layout_refused("[\"0,0,0,0\"]",
			      "argument 'layout': row 1: expected [cpu, core, socket, numa], from "
			      "0 to 65535, numa to 1023, got \"0,0,0,0\"");
	assert_layout_refused("[[0,0,0,0],[1,0,0,0],[0,1,0,0]]",
			      "argument 'layout': row 3: expected each CPU once, got CPU 0 again");
}

static void a_layout_takes_numbers_as_text(void **state)
{
	auto_json *layout = json_loads("[[\"7\",\"3\",1,\"2\"]]", 0, NULL);
	auto_free struct node_cpu *cpus = NULL;
	struct error err;
	size_t count;

	(void)state;
	assert_int_equal(cores_parse_layout(layout, &cpus, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(cpus[0].cpu, 7);
	assert_int_equal(cpus[0].core, 3);
	assert_int_equal(cpus[0].socket, 1);
	assert_int_equal(cpus[0].numa_node, 2);
	assert_false(cpus[0].isolated);
}

static void masks_have_as_many_digits_as_the_highest_cpu_needs(void **state)
{
	static const int few[] = { 0, 5 }, high[] = { 64, 2051 };
	auto_free char *small = cpu_mask_text(few, 2), *large = cpu_mask_text(high, 2);
	struct str expected = { 0 };

	(void)state;
	assert_string_equal(small, "0x21");
	str_adds(&expected, "0x8");
	for (int digit = 2048 / 4 - 1; digit >= 0; digit--)
		str_adds(&expected, digit == 64 / 4 ? "1" : "0");
	assert_string_equal(large, str_text(&expected));
	str_clear(&expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_of_the_file_holds),
		cmocka_unit_test(the_refusals_of_the_vectors_name_their_reason),
		cmocka_unit_test(wide_data_planes_count_in_full_against_the_capacity),
		cmocka_unit_test(whole_cores_bring_their_siblings),
		cmocka_unit_test(siblings_come_from_the_topology_whatever_the_numbering),
		cmocka_unit_test(equal_core_numbers_of_two_sockets_are_two_cores),
		cmocka_unit_test(an_offline_sibling_turns_hardware_threads_off),
		cmocka_unit_test(
			isolated_cores_are_for_the_functions_and_the_others_for_the_system),
		cmocka_unit_test(half_isolated_cores_give_their_isolated_threads),
		cmocka_unit_test(the_lowest_numa_node_that_has_room_is_chosen),
		cmocka_unit_test(every_argument_out_of_range_is_named_with_what_is_allowed),
		cmocka_unit_test(sharing_wraps_around_what_is_there),
		cmocka_unit_test(cores_of_other_vms_are_stepped_around),
		cmocka_unit_test(no_cpu_is_given_twice_beyond_the_ratios_in_any_combination),
		cmocka_unit_test(a_layout_that_is_none_is_refused_with_its_row),
		cmocka_unit_test(a_layout_takes_numbers_as_text),
		cmocka_unit_test(masks_have_as_many_digits_as_the_highest_cpu_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
