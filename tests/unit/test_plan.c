/*
 * The plan of NF chains: what each VM gets, and what the vswitch has to wire.
 */
#include "plan_fixture.h"

static void vms_are_numbered_along_the_chains(void **state)
{
	struct plan_request r = request(2, 3);
	auto_chain_plan *plan = made(&r);
	const struct vm_plan *vm = plan_vm(plan, 2, 3);

	(void)state;
	assert_int_equal(plan->vm_count, 6);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(plan->vms[i].qemu_id, i + 1);
		assert_int_equal(plan->vms[i].chain, i / 3 + 1);
		assert_int_equal(plan->vms[i].node_in_chain, i % 3 + 1);
	}
	assert_string_equal(vm->name, "DUT1_6");
	assert_string_equal(vm->nics[0].socket, "/run/vpp/sock-6-1");
	assert_string_equal(vm->nics[1].socket, "/run/vpp/sock-6-2");
	assert_string_equal(vm->nics[0].pci_address, "0000:00:06.0");
	assert_string_equal(vm->nics[1].pci_address, "0000:00:07.0");
	assert_string_equal(vm->nics[0].mac, "52:54:00:00:06:01");
	assert_string_equal(vm->nics[1].mac, "52:54:00:00:06:02");
	assert_int_equal(vm->ssh_port, 10027);
	assert_int_equal(vm->serial_port, 4561);
	assert_int_equal(vm->memory_mib, 512);
}

static void own_sockets_are_numbered_along_the_chains_whatever_the_ids_are(void **state)
{
	struct plan_request r = request(2, 2);
	auto_chain_plan *plan = NULL;

	(void)state;
	r.socket_dir = "/run/own";
	r.own_sockets = true;
	r.first_id = 40;
	plan = made(&r);
	assert_string_equal(plan_vm(plan, 1, 1)->nics[0].socket, "/run/own/sock-1-1");
	assert_string_equal(plan_vm(plan, 2, 2)->nics[1].socket, "/run/own/sock-4-2");
	assert_int_equal(plan_vm(plan, 2, 2)->qemu_id, 43);
}

static void each_port_faces_its_neighbour_along_the_chain(void **state)
{
	struct plan_request r = request(2, 3);
	auto_chain_plan *plan = NULL;

	(void)state;
	r.traffic_macs[0] = "aa:00:00:00:00:01";
	r.traffic_macs[1] = "aa:00:00:00:00:02";
	plan = made(&r);
	assert_string_equal(plan_vm(plan, 2, 1)->nics[0].peer_mac, "aa:00:00:00:00:01");
	assert_string_equal(plan_vm(plan, 2, 1)->nics[1].peer_mac, "52:54:00:00:05:01");
	assert_string_equal(plan_vm(plan, 2, 2)->nics[0].peer_mac, "52:54:00:00:04:02");
	assert_string_equal(plan_vm(plan, 2, 2)->nics[1].peer_mac, "52:54:00:00:06:01");
	assert_string_equal(plan_vm(plan, 2, 3)->nics[0].peer_mac, "52:54:00:00:05:02");
	assert_string_equal(plan_vm(plan, 2, 3)->nics[1].peer_mac, "aa:00:00:00:00:02");
}

static void a_chain_of_one_faces_the_traffic_on_both_sides(void **state)
{
	struct plan_request r = request(1, 1);
	auto_chain_plan *plan = made(&r);

	(void)state;
	assert_string_equal(plan->vms[0].nics[0].peer_mac, PLAN_TRAFFIC_MAC_1);
	assert_string_equal(plan->vms[0].nics[1].peer_mac, PLAN_TRAFFIC_MAC_2);
}

static void cpus_are_those_of_the_placement(void **state)
{
	struct plan_request r = request(2, 2);
	auto_chain_plan *plan = NULL;

	(void)state;
	r.rules.nf_dtcr = 1;
	plan = made(&r);
	assert_true(plan->pinned);
	assert_int_equal(plan->numa_node, 0);
	assert_cpus(&plan->vms[0], "3, 5, 45");
	assert_cpus(&plan->vms[1], "4, 6, 46");
	assert_cpus(&plan->vms[2], "43, 7, 47");
	assert_cpus(&plan->vms[3], "44, 8, 48");
	assert_int_equal(plan->vms[2].emulator_cpu, 43);
	assert_int_equal(plan->vms[0].cpus, 3);
	assert_int_equal(plan->totals.cpus, 12);
	assert_int_equal(plan->totals.vcpus, 12);
}

static void the_vswitch_has_the_cores_that_are_left_out_for_it(void **state)
{
	struct plan_request r = request(1, 1);
	auto_chain_plan *two = NULL, *none = NULL, *wrapped = NULL;
	auto_free char *text = NULL;

	(void)state;
	r.rules.vs_dtc = 2;
	two = made(&r);
	text = cpu_list_text(&two->vswitch_cpus);
	assert_string_equal(text, "1, 2, 3, 42, 43");
	r.pinning = PINNING_NONE;
	none = made(&r);
	assert_int_equal(none->vswitch_cpus.count, 0);
	r.pinning = PINNING_SHARED;
	r.cpu_count = 2;
	wrapped = made(&r);
	assert_int_equal(wrapped->vswitch_cpus.count, 0);
}

static void siblings_are_threads_of_one_core_in_the_guest(void **state)
{
	static const struct vcpu_place expected[] = {
		{ 0, 0 }, { 1, 0 }, { 2, 0 }, { 1, 1 }, { 2, 1 }
	};
	struct plan_request r = request(1, 1);
	auto_chain_plan *plan = NULL;

	(void)state;
	r.rules.nf_dtc = 2;
	plan = made(&r);
	assert_cpus(&plan->vms[0], "3, 4, 5, 44, 45");
	assert_memory_equal(plan->vms[0].vcpus, expected, sizeof(expected));
}

static void each_vcpu_is_thread_of_one_core_even_where_cpus_are_shared(void **state)
{
	static const struct vcpu_place expected[] = {
		{ 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 }, { 2, 0 }
	};
	static const struct node_cpu one_core[] = { { 0, 0, 0, 0, false }, { 1, 0, 0, 0, false } };
	struct plan_request r = request(1, 2);
	auto_chain_plan *plan = NULL;

	(void)state;
	r.cpus = one_core;
	r.cpu_count = 2;
	r.pinning = PINNING_SHARED;
	r.rules.nf_dtc = 2;
	plan = made(&r);
	assert_cpus(&plan->vms[1], "1, 0, 0, 1, 1");
	assert_memory_equal(plan->vms[1].vcpus, expected, sizeof(expected));
}

static void fewer_vcpus_take_the_first_cpus_and_a_single_one_forwards(void **state)
{
	struct plan_request r = request(1, 1);
	auto_chain_plan *two = NULL, *one = NULL;

	(void)state;
	r.cpus_per_nf = 2;
	two = made(&r);
	assert_cpus(&two->vms[0], "3, 4");
	r.cpus_per_nf = 1;
	one = made(&r);
	assert_cpus(&one->vms[0], "4");
	assert_int_equal(one->vms[0].emulator_cpu, 3);
	r.cpus_per_nf = 4;
	assert_refused(&r, ENOSPC,
		       "1 x 1 network functions do not fit on node 'DUT1': CPUs: argument "
		       "'cpus_per_nf': expected 1 to 3, the CPUs that nf_dtc=1 gives on NUMA node "
		       "0, got 4");
}

static void every_segment_of_a_chain_is_a_bridge(void **state)
{
	struct plan_request r = request(2, 2);
	auto_chain_plan *plan = made(&r);
	const struct plan_segment *s = &plan->segments[3];

	(void)state;
	assert_int_equal(plan->segment_count, 6);
	assert_int_equal(s[0].chain, 2);
	assert_int_equal(s[0].number, 0);
	assert_null(s[0].sockets[0]);
	assert_string_equal(s[0].sockets[1], "/run/vpp/sock-3-1");
	assert_string_equal(s[1].sockets[0], "/run/vpp/sock-3-2");
	assert_string_equal(s[1].sockets[1], "/run/vpp/sock-4-1");
	assert_string_equal(s[2].sockets[0], "/run/vpp/sock-4-2");
	assert_null(s[2].sockets[1]);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(plan->segments[i].kind, SEGMENT_BRIDGE);
}

static void inner_segments_of_a_pipeline_are_cross_connects(void **state)
{
	struct plan_request r = request(1, 3);
	auto_chain_plan *plan = NULL;

	(void)state;
	r.topology = TOPOLOGY_PIPELINE;
	plan = made(&r);
	assert_int_equal(plan->segments[0].kind, SEGMENT_BRIDGE);
	assert_int_equal(plan->segments[1].kind, SEGMENT_CROSS_CONNECT);
	assert_int_equal(plan->segments[2].kind, SEGMENT_CROSS_CONNECT);
	assert_int_equal(plan->segments[3].kind, SEGMENT_BRIDGE);
}

static void arguments_out_of_range_are_all_named(void **state)
{
	struct plan_request r = request(0, 2000);

	(void)state;
	r.cpus_per_nf = 256;
	r.memory_mib = 32;
	r.queues = 0;
	r.first_id = 256;
	r.socket_dir = "run/vpp";
	r.traffic_macs[1] = "52:54";
	assert_refused(&r, EINVAL,
		       "8 arguments are wrong:\n"
		       "- argument 'chains': expected 1 to 1024, got 0\n"
		       "- argument 'nodes_per_chain': expected 1 to 1024, got 2000\n"
		       "- argument 'cpus_per_nf': expected auto or 1 to 255, got 256\n"
		       "- argument 'memory': expected 64 to 1048576, got 32\n"
		       "- argument 'queues': expected 1 to 128, got 0\n"
		       "- argument 'first_id': expected 0 to 255, got 256\n"
		       "- argument 'socket_dir': expected an absolute path, got 'run/vpp'\n"
		       "- argument 'traffic_macs': expected a MAC address such as "
		       "52:54:00:00:01:01, got '52:54'");
	r = request(1, 1);
	r.rules.nf_mtcr = 0;
	assert_refused(&r, EINVAL, "argument 'nf_mtcr': expected 1 to 1024, got 0");
}

static int write_command(void *context, const struct chain_plan *plan, const struct vm_plan *vm,
			 struct strv *ret, struct error *err)
{
	if (vm->qemu_id == *(int *)context)
		return error_set(err, ENOENT, "there is no kernel");
	strv_addf(ret, "%s of %zu in %s", vm->name, plan->vm_count, vm->run_dir);
	return 0;
}

static void each_vm_has_its_command_line(void **state)
{
	struct plan_request r = request(1, 2);
	auto_chain_plan *plan = NULL;
	int broken = 0;

	(void)state;
	r.command = write_command;
	r.command_context = &broken;
	r.run_dir = "/run/vhostel";
	plan = made(&r);
	assert_string_equal(plan->vms[1].command_line.items[0],
			    "DUT1_2 of 2 in /run/vhostel/DUT1_2");
	broken = 2;
	assert_refused(&r, ENOENT, "VM 'DUT1_2': there is no kernel");
}

static void robot_gets_the_plan_as_the_contract_lists_it(void **state)
{
	static const char *const members[] = { "name",		"qemu_id",   "chain",
					       "node_in_chain", "macs",	     "peer_macs",
					       "sockets",	"host_cpus", "command_line" };
	struct plan_request r = request(2, 1);
	auto_chain_plan *plan = made(&r);
	auto_json *json = chain_plan_json(plan);
	auto_json *totals = json_pack("{s:i,s:i,s:i,s:i,s:i,s:i}", "vms", 2, "cpus", 4, "vcpus", 6,
				      "memory", 1024, "hugepages", 512, "guest_hugepages", 128);
	const json_t *vm = json_array_get(json_object_get(json, "vms"), 1);
	auto_json *cpus_wanted = json_pack("[i,i,i]", 43, 4, 44);
	auto_json *sockets = json_pack("[s,s]", "/run/vpp/sock-2-1", "/run/vpp/sock-2-2");

	(void)state;
	assert_non_null(json);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		assert_non_null(json_object_get(vm, members[i]));
	assert_true(json_is_array(json_object_get(vm, "command_line")));
	assert_true(json_equal(json_object_get(vm, "host_cpus"), cpus_wanted));
	assert_true(json_equal(json_object_get(vm, "sockets"), sockets));
	assert_string_equal(json_string_value(json_object_get(json, "topology")), "chain");
	assert_int_equal(json_array_size(json_object_get(json, "segments")), 4);
	assert_true(json_equal(json_object_get(json, "totals"), totals));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(vms_are_numbered_along_the_chains, set_up),
		cmocka_unit_test_setup(
			own_sockets_are_numbered_along_the_chains_whatever_the_ids_are, set_up),
		cmocka_unit_test_setup(each_port_faces_its_neighbour_along_the_chain, set_up),
		cmocka_unit_test_setup(a_chain_of_one_faces_the_traffic_on_both_sides, set_up),
		cmocka_unit_test_setup(cpus_are_those_of_the_placement, set_up),
		cmocka_unit_test_setup(siblings_are_threads_of_one_core_in_the_guest, set_up),
		cmocka_unit_test_setup(each_vcpu_is_thread_of_one_core_even_where_cpus_are_shared,
				       set_up),
		cmocka_unit_test_setup(fewer_vcpus_take_the_first_cpus_and_a_single_one_forwards,
				       set_up),
		cmocka_unit_test_setup(every_segment_of_a_chain_is_a_bridge, set_up),
		cmocka_unit_test_setup(inner_segments_of_a_pipeline_are_cross_connects, set_up),
		cmocka_unit_test_setup(the_vswitch_has_the_cores_that_are_left_out_for_it, set_up),
		cmocka_unit_test_setup(arguments_out_of_range_are_all_named, set_up),
		cmocka_unit_test_setup(each_vm_has_its_command_line, set_up),
		cmocka_unit_test_setup(robot_gets_the_plan_as_the_contract_lists_it, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
