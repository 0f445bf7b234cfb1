/*
 * The plan of NF chains: where it is placed, and every reason when it does not fit.
 */
#include "plan_fixture.h"

static void the_numa_node_with_room_for_cpus_and_pages_is_chosen(void **state)
{
	struct plan_request r = request(1, 2);
	auto_chain_plan *plan = NULL;

	(void)state;
	r.page_size = PAGE_CHOICE_2M;
	pages[0][PAGE_2M] = (struct node_hugepages) { 1000, 511 };
	pages[1][PAGE_2M] = (struct node_hugepages) { 1000, 512 };
	plan = made(&r);
	assert_int_equal(plan->numa_node, 1);
	assert_cpus(&plan->vms[0], "23, 24, 64");
	assert_int_equal(plan->backing, GUEST_MEMORY_2M);
	assert_int_equal(plan->totals.hugepages, 512);
	pages[1][PAGE_2M].free = 500;
	assert_refused(
		&r, ENOSPC,
		"1 x 2 network functions do not fit on node 'DUT1': huge pages: 2 VMs of 512 "
		"MiB need 512 pages of 2M, NUMA node 0 has 511 of 1000 free");
}

static void huge_pages_are_taken_where_enough_for_all_vms_are_free(void **state)
{
	struct plan_request r = request(1, 2);
	auto_chain_plan *without = made(&r), *small = NULL, *large = NULL, *told = NULL;

	(void)state;
	assert_int_equal(without->backing, GUEST_MEMORY_MEMFD);
	assert_int_equal(without->totals.hugepages, 512);
	pages[0][PAGE_2M] = (struct node_hugepages) { 512, 512 };
	small = made(&r);
	assert_int_equal(small->backing, GUEST_MEMORY_2M);
	pages[0][PAGE_1G] = (struct node_hugepages) { 4, 4 };
	r.memory_mib = 2048;
	large = made(&r);
	assert_int_equal(large->backing, GUEST_MEMORY_1G);
	assert_int_equal(large->totals.hugepages, 4);
	constants.qemu.memory_backend = MEMORY_BACKEND_MEMFD;
	told = made(&r);
	assert_int_equal(told->backing, GUEST_MEMORY_MEMFD);
}

static void pages_and_memory_that_are_promised_are_not_counted_on(void **state)
{
	static const struct plan_reserve reserves[] = {
		{ .numa_node = 0, .backing = GUEST_MEMORY_2M, .pages = 100 },
		{ .numa_node = 1, .backing = GUEST_MEMORY_2M, .pages = 1000 },
		{ .numa_node = -1, .backing = GUEST_MEMORY_2M, .pages = 1 },
		{ .numa_node = -1, .backing = GUEST_MEMORY_1G, .pages = 7 },
		{ .numa_node = -1, .backing = GUEST_MEMORY_MEMFD, .memory_mib = 59489 },
	};
	struct plan_request r = request(1, 1);
	auto_chain_plan *fits = NULL, *automatic = NULL;

	(void)state;
	r.rules.numa_node = 0;
	r.reserves = reserves;
	r.reserve_count = 5;
	pages[0][PAGE_2M] = (struct node_hugepages) { 400, 357 };
	fits = made(&r);
	assert_int_equal(fits->backing, GUEST_MEMORY_2M);
	pages[0][PAGE_2M].free--;
	r.page_size = PAGE_CHOICE_2M;
	assert_refused(&r, ENOSPC,
		       "1 x 1 network functions do not fit on node 'DUT1': huge pages: 1 VMs of "
		       "512 MiB need 256 pages of 2M, NUMA node 0 has 356 of 400 free, 101 of them "
		       "for others that start");
	r.page_size = PAGE_CHOICE_AUTO;
	assert_refused(&r, ENOSPC,
		       "1 x 1 network functions do not fit on node 'DUT1': memory: 1 VMs of 512 "
		       "MiB need 512 MiB, the node has 60000 of 65536 MiB available, 59489 of them "
		       "for others that start");
	r.reserve_count = 4;
	automatic = made(&r);
	assert_int_equal(automatic->backing, GUEST_MEMORY_MEMFD);
}

static void pages_of_1g_are_not_taken_for_a_part_of_one(void **state)
{
	struct plan_request r = request(1, 1);
	auto_chain_plan *plan = NULL;

	(void)state;
	pages[0][PAGE_1G] = (struct node_hugepages) { 4, 4 };
	r.memory_mib = 1536;
	r.rules.numa_node = 0;
	plan = made(&r);
	assert_int_equal(plan->backing, GUEST_MEMORY_MEMFD);
	r.page_size = PAGE_CHOICE_1G;
	assert_refused(&r, ENOSPC,
		       "1 x 1 network functions do not fit on node 'DUT1': huge pages: argument "
		       "'memory': expected a multiple of 1024 MiB, the page size, got 1536");
}

static void huge_pages_that_the_constants_want_are_a_must(void **state)
{
	struct plan_request r = request(1, 1);

	(void)state;
	constants.qemu.memory_backend = MEMORY_BACKEND_HUGEPAGES;
	r.rules.numa_node = 0;
	assert_refused(
		&r, ENOSPC,
		"1 x 1 network functions do not fit on node 'DUT1': huge pages: 1 VMs of 512 "
		"MiB need 256 pages of 2M, NUMA node 0 has 0 of 0 free");
}

static void all_reasons_are_told_at_once(void **state)
{
	struct plan_request r = request(20, 15);

	(void)state;
	r.rules.numa_node = 1;
	r.page_size = PAGE_CHOICE_2M;
	r.memory_mib = 129;
	r.queues = 16;
	r.socket_dir = "/a/directory/with/so/long/a/name/that/no/socket/can/be/in/it/because/the/"
		       "kernel/takes/only/108/bytes/for";
	r.node_name = "a-node-with-a-name-that-is-long";
	constants.qemu.serial_port_base = 10000;
	pages[1][PAGE_2M] = (struct node_hugepages) { 10, 9 };
	assert_refused(
		&r, ENOSPC,
		"20 x 15 network functions do not fit on node 'a-node-with-a-name-that-is-long':\n"
		"- CPUs: NUMA node 1 has 20 cores, 303 are needed: 1 system + 1 vswitch main + 1 "
		"vswitch data plane (vs_dtc) + 150 main threads (300 functions, nf_mtcr=2) + 150 "
		"data plane (nf_dtcr=2, nf_dtc=1)\n"
		"- huge pages: argument 'memory': expected a multiple of 2 MiB, the page size, got "
		"129\n"
		"- huge pages: 300 VMs of 129 MiB need 19500 pages of 2M, NUMA node 1 has 9 of 10 "
		"free\n"
		"- guest memory: the payload needs 102 huge pages of 2 MiB in the guest, with the "
		"guest itself 300 MiB; argument 'memory' gives 129 MiB\n"
		"- qemu_ids: 300 VMs need consecutive ones from 1 to 255 (qemu.max_vms), at most "
		"255 are free in a row\n"
		"- vhost-user socket path: expected at most 107 characters, got 115: "
		"'/a/directory/with/so/long/a/name/that/no/socket/can/be/in/it/because/the/kernel/"
		"takes/only/108/bytes/for/sock-255-2'\n"
		"- VM name: expected at most 32 characters, got 35: "
		"'a-node-with-a-name-that-is-long_255'\n"
		"- ports: qemu.ssh_port_base (10021) and qemu.serial_port_base (10000) are 21 "
		"apart: the ports of 300 VMs collide");
}

static void memory_that_the_node_lacks_is_a_reason(void **state)
{
	struct plan_request r = request(2, 2);

	(void)state;
	facts.memory_available_mib = 2047;
	assert_refused(
		&r, ENOSPC,
		"2 x 2 network functions do not fit on node 'DUT1': memory: 4 VMs of 512 MiB "
		"need 2048 MiB, the node has 2047 of 65536 MiB available");
	r.facts = NULL;
	chain_plan_free(made(&r));
}

static void a_run_directory_that_is_too_deep_for_sockets_is_a_reason(void **state)
{
	struct plan_request r = request(1, 1);
	struct chain_plan *plan = NULL;
	struct error err = { 0 };
	char deep[88 + 1];

	(void)state;
	memset(deep, 'd', sizeof(deep));
	deep[0] = '/';
	deep[87] = '\0';
	r.run_dir = deep;
	chain_plan_free(made(&r));
	deep[87] = 'd';
	deep[88] = '\0';
	assert_int_equal(plan_make(&r, &plan, &err), -1);
	assert_non_null(strstr(err.text, "socket path in the run directory: expected at most 107 "
					 "characters, got 108: '/ddd"));
}

static void ids_of_other_vms_are_stepped_around(void **state)
{
	static const int taken[] = { 1, 2, 6 };
	struct plan_request r = request(1, 4);
	auto_chain_plan *four = NULL, *three = NULL;

	(void)state;
	r.taken_ids = taken;
	r.taken_id_count = 3;
	four = made(&r);
	assert_int_equal(four->vms[0].qemu_id, 7);
	assert_string_equal(four->vms[1].nics[0].peer_mac, "52:54:00:00:07:02");
	r.rules.nodes_per_chain = 3;
	three = made(&r);
	assert_int_equal(three->vms[0].qemu_id, 3);
	r.first_id = 4;
	assert_refused(&r, ENOSPC,
		       "1 x 3 network functions do not fit on node 'DUT1': qemu_ids: 6 is another "
		       "VM's");
	r.first_id = 254;
	assert_refused(&r, ENOSPC,
		       "1 x 3 network functions do not fit on node 'DUT1': qemu_ids: 3 VMs from id "
		       "254 on end at 256, expected at most 255 (qemu.max_vms)");
	constants.qemu.max_vms = 8;
	r.first_id = 0;
	r.rules.nodes_per_chain = 4;
	assert_refused(&r, ENOSPC,
		       "1 x 4 network functions do not fit on node 'DUT1': qemu_ids: 4 VMs need "
		       "consecutive ones from 1 to 8 (qemu.max_vms), at most 3 are free in a row");
}

static void the_last_free_id_can_be_used(void **state)
{
	struct plan_request r = request(1, 8);
	auto_chain_plan *plan = NULL;

	(void)state;
	constants.qemu.max_vms = 8;
	plan = made(&r);
	assert_int_equal(plan->vms[7].qemu_id, 8);
}

static void ports_that_collide_are_a_reason(void **state)
{
	struct plan_request r = request(1, 2);

	(void)state;
	constants.qemu.serial_port_base = 10022;
	assert_refused(&r, ENOSPC,
		       "1 x 2 network functions do not fit on node 'DUT1': ports: "
		       "qemu.ssh_port_base (10021) and qemu.serial_port_base (10022) are 1 apart: "
		       "the ports of 2 VMs collide");
}

static void cpus_of_other_vms_are_refused_unless_shared_or_stepped_around(void **state)
{
	static const struct taken_cpu taken[] = { { 4, "nf_a" }, { 9, "nf_b" }, { 44, "nf_c" } };
	/* Where QEMU's other threads run counts too. */
	static const struct taken_cpu mains = { 3, "nf_d" };
	struct plan_request r = request(1, 1);
	auto_chain_plan *shared = NULL, *around = NULL;

	(void)state;
	r.rules.numa_node = 0;
	r.taken_cpus = taken;
	r.taken_cpu_count = 3;
	assert_refused(
		&r, ENOSPC,
		"1 x 1 network functions do not fit on node 'DUT1': CPUs: given to other VMs "
		"already: CPU 4 to 'nf_a', CPU 44 to 'nf_c'; pinning=shared allows that");
	r.taken_cpus = &mains;
	r.taken_cpu_count = 1;
	r.cpus_per_nf = 1;
	assert_refused(
		&r, ENOSPC,
		"1 x 1 network functions do not fit on node 'DUT1': CPUs: given to other VMs "
		"already: CPU 3 to 'nf_d'; pinning=shared allows that");
	r.taken_cpus = taken;
	r.taken_cpu_count = 3;
	r.cpus_per_nf = PLAN_CPUS_AUTO;
	r.pinning = PINNING_SHARED;
	shared = made(&r);
	assert_cpus(&shared->vms[0], "3, 4, 44");
	assert_true(shared->shared);
	r.pinning = PINNING_AUTO;
	around = made(&r);
	assert_cpus(&around->vms[0], "3, 5, 45");
	assert_false(around->shared);
}

static void another_numa_node_is_taken_when_the_first_ones_cpus_are_given_out(void **state)
{
	static const struct taken_cpu taken[] = { { 3, "nf_a" } };
	struct plan_request r = request(1, 1);
	auto_chain_plan *plan = NULL;

	(void)state;
	r.taken_cpus = taken;
	r.taken_cpu_count = 1;
	plan = made(&r);
	assert_int_equal(plan->numa_node, 1);
}

static void a_machine_too_small_is_planned_without_pinning_when_that_is_allowed(void **state)
{
	struct plan_request r = request(2, 2);
	auto_chain_plan *automatic = NULL, *shared = NULL, *none = NULL;

	(void)state;
	r.cpus = cpus;
	r.cpu_count = 2;
	r.pinning = PINNING_AUTO;
	automatic = made(&r);
	assert_false(automatic->pinned);
	assert_int_equal(automatic->vms[0].host_cpus.count, 0);
	assert_int_equal(automatic->vms[0].emulator_cpu, -1);
	assert_int_equal(automatic->vms[0].cpus, 2);
	assert_int_equal(automatic->numa_node, -1);
	assert_non_null(strstr(automatic->unpinned, "NUMA node 0 has 2 cores, 7 are needed"));
	assert_int_equal(automatic->totals.cpus, 0);
	r.pinning = PINNING_SHARED;
	shared = made(&r);
	assert_true(shared->pinned);
	assert_true(shared->shared);
	assert_cpus(&shared->vms[0], "0, 0");
	assert_cpus(&shared->vms[1], "1, 1");
	r.pinning = PINNING_NONE;
	none = made(&r);
	assert_false(none->pinned);
	assert_null(none->unpinned);
}

static void memory_is_bound_only_where_the_kernel_knows_of_numa_nodes(void **state)
{
	struct plan_request r = request(1, 1);
	auto_chain_plan *bound = NULL, *pinned = NULL, *unpinned = NULL;

	(void)state;
	r.rules.numa_node = 1;
	r.pinning = PINNING_NONE;
	bound = made(&r);
	assert_int_equal(bound->numa_node, 1);
	facts.numa_nodes = 0;
	unpinned = made(&r);
	assert_int_equal(unpinned->numa_node, -1);
	r.pinning = PINNING_REQUIRED;
	pinned = made(&r);
	assert_int_equal(pinned->numa_node, -1);
	assert_cpus(&pinned->vms[0], "23, 24, 64");
}

static void a_wrong_argument_is_no_lack_of_room(void **state)
{
	struct plan_request r = request(1, 1);

	(void)state;
	r.pinning = PINNING_AUTO;
	r.cpus_per_nf = 4;
	assert_refused(&r, ENOSPC,
		       "1 x 1 network functions do not fit on node 'DUT1': CPUs: argument "
		       "'cpus_per_nf': expected 1 to 3, the CPUs that nf_dtc=1 gives on NUMA node "
		       "0, got 4");
	r.cpus_per_nf = PLAN_CPUS_AUTO;
	r.rules.nf_dtc = PLACEMENT_HALF_CORE;
	r.cpu_count = CPUS / 2;
	assert_refused(&r, ENOSPC,
		       "1 x 1 network functions do not fit on node 'DUT1': CPUs: argument "
		       "'nf_dtc': expected a whole number, got 0.5: one hardware thread needs SMT, "
		       "but CPU 3 of NUMA node 0 has no sibling that can be used (SMT is off, or "
		       "it is offline or not isolated)");
	r.rules.nf_dtc = 1;
	r.rules.numa_node = 7;
	for (r.pinning = PINNING_REQUIRED; r.pinning <= PINNING_NONE; r.pinning++)
		assert_refused(&r, EINVAL, "argument 'numa_node': expected one of 0, 1, got 7");
}

static void mbufs_and_guest_pages_are_those_of_testpmd(void **state)
{
	struct plan_request r = request(1, 1);
	auto_chain_plan *plain = NULL, *wide = NULL;

	(void)state;
	r.testpmd = NULL;
	plain = made(&r);
	assert_int_equal(plain->vms[0].mbufs, 0);
	assert_int_equal(plain->vms[0].guest_hugepages, 64);
	r.testpmd = &testpmd;
	r.queues = 8;
	wide = made(&r);
	/* Two ports, eight queues, 1024 descriptors each way; buffers of at least 2 KiB. */
	assert_true(wide->vms[0].mbufs >= 2 * 8 * (1024 + 1024));
	assert_true(wide->vms[0].guest_hugepages >= wide->vms[0].mbufs / 1024);
	assert_true(wide->totals.guest_hugepages == wide->vms[0].guest_hugepages);
	testpmd.queues = 16;
	r.memory_mib = 256;
	assert_refused(&r, ENOSPC,
		       "1 x 1 network functions do not fit on node 'DUT1':\n"
		       "- payload testpmd: argument 'queues': the interfaces have 8 queues, got "
		       "16\n"
		       "- guest memory: the payload needs 102 huge pages of 2 MiB in the guest, "
		       "with the guest itself 300 MiB; argument 'memory' gives 256 MiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_numa_node_with_room_for_cpus_and_pages_is_chosen,
				       set_up),
		cmocka_unit_test_setup(huge_pages_are_taken_where_enough_for_all_vms_are_free,
				       set_up),
		cmocka_unit_test_setup(pages_and_memory_that_are_promised_are_not_counted_on,
				       set_up),
		cmocka_unit_test_setup(pages_of_1g_are_not_taken_for_a_part_of_one, set_up),
		cmocka_unit_test_setup(huge_pages_that_the_constants_want_are_a_must, set_up),
		cmocka_unit_test_setup(all_reasons_are_told_at_once, set_up),
		cmocka_unit_test_setup(memory_that_the_node_lacks_is_a_reason, set_up),
		cmocka_unit_test_setup(a_run_directory_that_is_too_deep_for_sockets_is_a_reason,
				       set_up),
		cmocka_unit_test_setup(ids_of_other_vms_are_stepped_around, set_up),
		cmocka_unit_test_setup(the_last_free_id_can_be_used, set_up),
		cmocka_unit_test_setup(ports_that_collide_are_a_reason, set_up),
		cmocka_unit_test_setup(
			cpus_of_other_vms_are_refused_unless_shared_or_stepped_around, set_up),
		cmocka_unit_test_setup(
			another_numa_node_is_taken_when_the_first_ones_cpus_are_given_out, set_up),
		cmocka_unit_test_setup(
			a_machine_too_small_is_planned_without_pinning_when_that_is_allowed,
			set_up),
		cmocka_unit_test_setup(memory_is_bound_only_where_the_kernel_knows_of_numa_nodes,
				       set_up),
		cmocka_unit_test_setup(a_wrong_argument_is_no_lack_of_room, set_up),
		cmocka_unit_test_setup(mbufs_and_guest_pages_are_those_of_testpmd, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
