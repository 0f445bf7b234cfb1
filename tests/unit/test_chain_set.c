/*
 * What the VMs of NF chains have, as plans of other chains see it.
 */
#include "nfv/chain_set.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"

struct fixture {
	char *top;
	struct hostel *hostel;
	struct node *node;
	struct chain_set *set;
	struct vm *vm;
	struct chain_claims claims;
};

/* One VM with a vCPU on CPU 5, QEMU's other threads on CPU 4, and a page of 1 GB. */
static struct chain_plan *make_plan(struct fixture *f)
{
	struct chain_plan *plan = own_alloc(sizeof(*plan));

	*plan = (struct chain_plan) { .vm_count = 1,
				      .numa_node = 1,
				      .vswitch_pages = 400,
				      .backing = GUEST_MEMORY_1G,
				      .vms = own_alloc(sizeof(*plan->vms)) };
	plan->vms[0].name = own_strdup("DUT1_1");
	plan->vms[0].emulator_cpu = 4;
	plan->vms[0].memory_mib = 1024;
	plan->vms[0].host_hugepages = 1;
	plan->vms[0].nics[0].socket = own_printf("%s/sock-1-1", f->top);
	cpu_list_add(&plan->vms[0].host_cpus, 5);
	return plan;
}

static int set_up(void **state)
{
	struct fixture *f = own_alloc(sizeof(*f));
	char template[] = "/tmp/vhostel-test-XXXXXX";
	struct hostel_options options = { 0 };
	struct wait w = wait_for_ms(5000);
	struct vm **vms = own_alloc(sizeof(*vms));
	struct error err;

	*f = (struct fixture) { .top = own_strdup(mkdtemp(template)) };
	options.run_dir = f->top;
	if (hostel_open(&options, &f->hostel, &err) < 0 ||
	    hostel_node(f->hostel, "DUT1", &f->node, &err) < 0 ||
	    hostel_define(f->hostel, "DUT1_1", f->node, 1, &f->vm, &err) < 0 ||
	    chain_set_open(f->hostel, "nf", f->node, &w, &f->set, &err) < 0)
		fail_msg("%s", err.text);
	vms[0] = vm_get(f->vm);
	chain_set_set_plan(f->set, make_plan(f), vms);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	chain_claims_clear(&f->claims);
	chain_set_set_plan(f->set, NULL, NULL);
	chain_set_close(f->set);
	vm_put(f->vm);
	hostel_close(f->hostel);
	file_remove_tree(f->top, NULL);
	free(f->top);
	free(f);
	return 0;
}

static void a_planned_vm_has_its_cpus_and_its_memory(void **state)
{
	struct fixture *f = *state;
	auto_free char *cpus = NULL;

	chain_set_claims(f->hostel, f->node, &f->claims);
	cpus = cpu_list_text(&f->claims.cpus);
	assert_string_equal(cpus, "5, 4");
	assert_string_equal(f->claims.cpu_vms.items[1], "DUT1_1");
	assert_int_equal(f->claims.names.count, 1);
	assert_int_equal(f->claims.reserve_count, 2);
	assert_int_equal(f->claims.reserves[0].backing, GUEST_MEMORY_2M);
	assert_int_equal(f->claims.reserves[0].pages, 400);
	assert_int_equal(f->claims.reserves[1].backing, GUEST_MEMORY_1G);
	assert_int_equal(f->claims.reserves[1].pages, 1);
	assert_int_equal(f->claims.reserves[1].numa_node, 1);
}

static void memory_of_a_vm_that_runs_is_not_promised_any_more(void **state)
{
	struct fixture *f = *state;

	vm_set_state(f->vm, VM_PAUSED);
	chain_set_claims(f->hostel, f->node, &f->claims);
	assert_int_equal(f->claims.cpus.count, 2);
	assert_int_equal(f->claims.reserve_count, 1);
	vm_set_state(f->vm, VM_DEFINED);
}

static void a_vm_that_ended_or_is_gone_has_nothing(void **state)
{
	struct fixture *f = *state;

	vm_set_state(f->vm, VM_FAILED);
	chain_set_claims(f->hostel, f->node, &f->claims);
	assert_int_equal(f->claims.cpus.count, 0);
	chain_claims_clear(&f->claims);
	vm_set_state(f->vm, VM_DEFINED);
	hostel_forget(f->hostel, f->vm, false);
	chain_set_claims(f->hostel, f->node, &f->claims);
	assert_int_equal(f->claims.cpus.count, 0);
	assert_int_equal(f->claims.names.count, 0);
}

static void another_node_has_cpus_of_its_own(void **state)
{
	struct fixture *f = *state;

	chain_set_claims(f->hostel, NULL, &f->claims);
	assert_int_equal(f->claims.cpus.count, 0);
	assert_int_equal(f->claims.reserve_count, 0);
}

static void a_vm_of_the_same_name_is_not_the_chains(void **state)
{
	struct fixture *f = *state;
	auto_vm *users = NULL;

	assert_ptr_equal(f->set->vms[0], f->vm);
	hostel_forget(f->hostel, f->vm, false);
	assert_null(chain_set_vm(f->set, 0));
	assert_int_equal(hostel_define(f->hostel, "DUT1_1", f->node, 1, &users, NULL), 0);
	assert_null(chain_set_vm(f->set, 0));
}

static void a_definition_left_by_a_start_that_failed_is_the_chains(void **state)
{
	struct fixture *f = *state;
	auto_vm *again = NULL;

	f->vm->nics[0].socket = own_strdup(f->set->plan->vms[0].nics[0].socket);
	f->vm->nic_count = 1;
	hostel_forget(f->hostel, f->vm, true);
	again = chain_set_vm(f->set, 0);
	assert_non_null(again);
	assert_ptr_not_equal(again, f->vm);
}

static void a_stop_that_ends_too_early_stops_nothing_that_comes_later(void **state)
{
	struct fixture *f = *state;
	struct wait w = wait_for_ms(1);
	struct error err;

	/* The gate is ours. */
	assert_int_equal(chain_set_clear(f->set, &w, &err), -1);
	assert_int_equal(err.code, ETIMEDOUT);
	assert_false(cancel_thrown(&f->set->end));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_planned_vm_has_its_cpus_and_its_memory, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(memory_of_a_vm_that_runs_is_not_promised_any_more,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_vm_that_ended_or_is_gone_has_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(another_node_has_cpus_of_its_own, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_vm_of_the_same_name_is_not_the_chains, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			a_definition_left_by_a_start_that_failed_is_the_chains, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_stop_that_ends_too_early_stops_nothing_that_comes_later, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
