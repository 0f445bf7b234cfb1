/*
 * How the VMs of a plan are started.
 */
#include "nfv/chain_vms.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plan_fixture.h"

static void the_guest_sees_siblings_side_by_side(void **state)
{
	static const int cores[] = { 0, 1, 1, 2, 2 }, host_cpus[] = { 3, 4, 44, 5, 45 };
	struct chain_request q = { .plan = request(1, 1), .payload.vnf = "none" };
	auto_chain_vm_room room = { 0 };
	auto_chain_plan *plan = NULL;
	struct kernel_vm_options o;

	(void)state;
	q.plan.rules.nf_dtc = 2;
	plan = made(&q.plan);
	o = chain_vm_options(&q, plan, &plan->vms[0], &room);
	assert_int_equal(o.machine.core_count, 5);
	assert_int_equal(o.machine.host_cpu_count, 5);
	assert_memory_equal(o.machine.cores, cores, sizeof(cores));
	assert_memory_equal(o.machine.host_cpus, host_cpus, sizeof(host_cpus));
}

static void without_pinning_each_vcpu_is_a_core(void **state)
{
	static const int cores[] = { 0, 1, 2 };
	struct chain_request q = { .plan = request(1, 1), .payload.vnf = "none" };
	auto_chain_vm_room room = { 0 };
	auto_chain_plan *plan = NULL;
	struct kernel_vm_options o;

	(void)state;
	q.plan.pinning = PINNING_NONE;
	q.plan.cpus_per_nf = 3;
	plan = made(&q.plan);
	o = chain_vm_options(&q, plan, &plan->vms[0], &room);
	assert_int_equal(o.machine.host_cpu_count, 0);
	assert_memory_equal(o.machine.cores, cores, sizeof(cores));
}

static void peers_along_the_chain_reach_the_payload(void **state)
{
	const struct vm_payload_options guest = { 0 };
	struct chain_request q = { .plan = request(1, 2),
				   .payload = { .vnf = "ipv4", .guest = &guest } };
	auto_chain_plan *plan = made(&q.plan);
	auto_chain_vm_room first = { 0 }, iperf3 = { 0 };
	struct kernel_vm_options o = chain_vm_options(&q, plan, &plan->vms[0], &first);

	(void)state;
	assert_int_equal(o.payload.guest->peer_macs.count, 2);
	assert_string_equal(o.payload.guest->peer_macs.items[0], plan->vms[0].nics[0].peer_mac);
	assert_string_equal(o.payload.guest->peer_macs.items[1], plan->vms[1].nics[0].mac);
	q.payload.vnf = "iperf3";
	o = chain_vm_options(&q, plan, &plan->vms[0], &iperf3);
	assert_int_equal(o.payload.guest->peer_macs.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_guest_sees_siblings_side_by_side, set_up),
		cmocka_unit_test_setup(without_pinning_each_vcpu_is_a_core, set_up),
		cmocka_unit_test_setup(peers_along_the_chain_reach_the_payload, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
