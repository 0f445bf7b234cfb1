/*
 * The QMP arguments that make a network interface, and its place in the state file.
 */
#include "vm/nic.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/own.h"
#include "value/value.h"

static struct nic make_nic(void)
{
	struct nic nic = { .number = 2,
			   .slot = 7,
			   .mac = "52:54:00:00:01:02",
			   .socket = own_strdup("/tmp/sock-1-2"),
			   .server = true,
			   .queues = 1,
			   .queue_size = 1024,
			   .mrg_rxbuf = -1,
			   .feature_mask = -1,
			   .name = own_strdup("") };

	return nic;
}

static void assert_json(json_t *value, const char *expected)
{
	auto_json *wanted = json_loads(expected, 0, NULL);
	auto_free char *got = json_dumps(value, 0);

	assert_non_null(wanted);
	if (!json_equal(value, wanted))
		fail_msg("got %s, expected %s", got, expected);
	json_decref(value);
}

static void number_and_slot_name_the_interface(void **state)
{
	struct nic nic = make_nic();
	char id[NIC_ID_SIZE];
	auto_free char *sixth = nic_pci_address(&nic);
	auto_free char *last = NULL;

	(void)state;
	nic_id(&nic, id);
	assert_string_equal(id, "vhost2");
	assert_string_equal(sixth, "0000:00:07.0");
	nic.slot = 31;
	last = nic_pci_address(&nic);
	assert_string_equal(last, "0000:00:1f.0");
	nic_clear(&nic);
}

static void a_mac_address_is_checked(void **state)
{
	static const char *const wrong[] = { "",
					     "52:54:00:00:01",
					     "52:54:00:00:01:0",
					     "52:54:00:00:01:012",
					     "52-54-00-00-01-01",
					     "52:54:00:00:01:0g",
					     "525400000101xxxxx" };
	struct error err;

	(void)state;
	assert_int_equal(nic_check_mac("52:54:00:00:01:01", &err), 0);
	assert_int_equal(nic_check_mac("AA:bb:CC:dd:EE:ff", &err), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(nic_check_mac(wrong[i], &err), -1);
		assert_int_equal(err.code, EINVAL);
	}
}

static void an_automatic_mac_has_the_vms_and_the_interfaces_number(void **state)
{
	struct nic nic = make_nic();

	(void)state;
	nic_auto_mac(&nic, "52:54:00:00", 10);
	assert_string_equal(nic.mac, "52:54:00:00:0a:02");
	nic_clear(&nic);
}

static void a_server_socket_does_not_block_qemu(void **state)
{
	struct nic nic = make_nic();

	(void)state;
	assert_json(nic_chardev(&nic),
		    "{\"id\": \"vhost2\", \"backend\": {\"type\": \"socket\", \"data\": {"
		    "\"addr\": {\"type\": \"unix\", \"data\": {\"path\": \"/tmp/sock-1-2\"}}, "
		    "\"server\": true, \"wait\": false}}}");
	nic_clear(&nic);
}

static void a_client_socket_connects_again(void **state)
{
	struct nic nic = make_nic();

	(void)state;
	nic.server = false;
	assert_json(nic_chardev(&nic),
		    "{\"id\": \"vhost2\", \"backend\": {\"type\": \"socket\", \"data\": {"
		    "\"addr\": {\"type\": \"unix\", \"data\": {\"path\": \"/tmp/sock-1-2\"}}, "
		    "\"server\": false, \"reconnect\": 1}}}");
	nic_clear(&nic);
}

static void the_netdev_has_the_queues(void **state)
{
	struct nic nic = make_nic();

	(void)state;
	nic.queues = 4;
	assert_json(nic_netdev(&nic),
		    "{\"type\": \"vhost-user\", \"id\": \"net-vhost2\", \"chardev\": \"vhost2\", "
		    "\"queues\": 4}");
	nic_clear(&nic);
}

static void the_plain_device_has_no_offloads_and_no_option_rom(void **state)
{
	struct nic nic = make_nic();

	(void)state;
	assert_json(nic_device(&nic, false),
		    "{\"driver\": \"virtio-net-pci\", \"id\": \"vhost2\", \"bus\": \"pci.0\", "
		    "\"addr\": \"7.0\", \"netdev\": \"net-vhost2\", "
		    "\"mac\": \"52:54:00:00:01:02\", \"romfile\": \"\", "
		    "\"rx_queue_size\": 1024, \"tx_queue_size\": 1024, \"mq\": false, "
		    "\"packed\": false, \"mrg_rxbuf\": false, \"vectors\": 0, \"csum\": false, "
		    "\"guest_csum\": false, \"gso\": false, \"guest_tso4\": false, "
		    "\"guest_tso6\": false, \"guest_ecn\": false, \"guest_ufo\": false, "
		    "\"host_tso4\": false, \"host_tso6\": false, \"host_ufo\": false}");
	nic_clear(&nic);
}

static bool is_on(const struct nic *nic, const char *feature)
{
	auto_json *device = nic_device(nic, false);
	const json_t *value = json_object_get(device, feature);

	if (!json_is_boolean(value))
		fail_msg("no %s", feature);
	return json_is_true(value);
}

static void offloads_come_with_what_asks_for_them(void **state)
{
	struct nic nic = make_nic();

	(void)state;
	nic.csum = true;
	assert_true(is_on(&nic, "csum") && is_on(&nic, "guest_csum"));
	assert_false(is_on(&nic, "gso") || is_on(&nic, "guest_tso4"));
	nic.csum = false;
	nic.gso = true;
	assert_true(is_on(&nic, "gso") && is_on(&nic, "host_tso6") && is_on(&nic, "guest_tso4"));
	assert_false(is_on(&nic, "csum") || is_on(&nic, "guest_ufo") || is_on(&nic, "host_ufo"));
	nic_clear(&nic);
}

static void a_feature_mask_decides_alone(void **state)
{
	struct nic nic = make_nic();

	(void)state;
	nic.csum = true;
	nic.gso = true;
	nic.jumbo = true;
	nic.feature_mask = 1 << 1 | 1 << 10 | 1 << 15;
	assert_true(is_on(&nic, "guest_csum") && is_on(&nic, "guest_ufo"));
	assert_true(is_on(&nic, "mrg_rxbuf"));
	assert_false(is_on(&nic, "csum") || is_on(&nic, "gso") || is_on(&nic, "host_tso4"));
	nic.feature_mask = 0;
	assert_false(is_on(&nic, "guest_csum") || is_on(&nic, "mrg_rxbuf"));
	nic_clear(&nic);
}

static void mergeable_buffers_come_with_jumbo_frames_unless_chosen(void **state)
{
	struct nic nic = make_nic();
	auto_json *device = NULL;

	(void)state;
	assert_false(is_on(&nic, "mrg_rxbuf"));
	nic.jumbo = true;
	assert_true(is_on(&nic, "mrg_rxbuf"));
	nic.mrg_rxbuf = 0;
	assert_false(is_on(&nic, "mrg_rxbuf"));
	nic.feature_mask = 1 << 15;
	assert_false(is_on(&nic, "mrg_rxbuf"));
	nic.jumbo = false;
	nic.mrg_rxbuf = 1;
	assert_true(is_on(&nic, "mrg_rxbuf"));
	nic.jumbo = true;
	device = nic_device(&nic, false);
	assert_int_equal(json_integer_value(json_object_get(device, "host_mtu")), 9200);
	nic_clear(&nic);
}

static void several_queues_need_vectors_only_under_kvm(void **state)
{
	struct nic nic = make_nic();
	auto_json *kvm = NULL, *tcg = NULL;

	(void)state;
	nic.queues = 4;
	nic.packed = true;
	kvm = nic_device(&nic, true);
	tcg = nic_device(&nic, false);
	assert_int_equal(json_integer_value(json_object_get(kvm, "vectors")), 10);
	/* QEMU 7.2 dies under TCG once the guest enables MSI-X on a vhost-user NIC. */
	assert_int_equal(json_integer_value(json_object_get(tcg, "vectors")), 0);
	assert_true(json_is_true(json_object_get(tcg, "mq")));
	assert_true(json_is_true(json_object_get(tcg, "packed")));
	nic_clear(&nic);
}

static void a_host_device_is_passed_through(void **state)
{
	struct nic nic = make_nic();

	(void)state;
	nic.host_address = own_strdup("0000:3b:00.1");
	assert_json(nic_device(&nic, true),
		    "{\"driver\": \"vfio-pci\", \"id\": \"vhost2\", \"bus\": \"pci.0\", "
		    "\"addr\": \"7.0\", \"host\": \"0000:3b:00.1\"}");
	nic_clear(&nic);
}

static void a_saved_interface_is_the_same_again(void **state)
{
	struct nic nic = make_nic(), loaded;
	auto_json *saved = NULL, *again = NULL;

	(void)state;
	nic.queues = 3;
	nic.queue_size = 512;
	nic.jumbo = nic.gso = nic.packed = true;
	nic.mrg_rxbuf = 1;
	nic.feature_mask = 0x42;
	free(nic.name);
	nic.name = own_strdup("ens7");
	saved = nic_save(&nic);
	assert_int_equal(nic_load(saved, &loaded), 0);
	assert_true(loaded.plugged);
	assert_string_equal(loaded.socket, nic.socket);
	assert_string_equal(loaded.name, "ens7");
	again = nic_save(&loaded);
	assert_true(json_equal(saved, again));
	nic_clear(&nic);
	nic_clear(&loaded);
}

static void a_passed_through_device_is_saved_without_a_socket(void **state)
{
	struct nic nic = make_nic(), loaded;
	auto_json *saved = NULL;

	(void)state;
	free(take_ptr(nic.socket));
	nic.host_address = own_strdup("0000:3b:00.1");
	saved = nic_save(&nic);
	assert_int_equal(nic_load(saved, &loaded), 0);
	assert_null(loaded.socket);
	assert_string_equal(loaded.host_address, "0000:3b:00.1");
	nic_clear(&nic);
	nic_clear(&loaded);
}

static void an_incomplete_state_is_refused(void **state)
{
	struct nic nic = make_nic(), loaded;
	auto_json *saved = nic_save(&nic);

	(void)state;
	json_object_del(saved, "queues");
	assert_int_equal(nic_load(saved, &loaded), -1);
	nic_clear(&loaded);
	nic_clear(&nic);
}

static void a_copy_is_defined_but_not_plugged(void **state)
{
	struct nic nic = make_nic(), copy;

	(void)state;
	nic.plugged = nic.deleted = true;
	free(nic.name);
	nic.name = own_strdup("ens7");
	copy = nic_copy(&nic);
	assert_false(copy.plugged || copy.deleted);
	assert_string_equal(copy.name, "");
	assert_string_equal(copy.socket, nic.socket);
	assert_ptr_not_equal(copy.socket, nic.socket);
	nic_clear(&nic);
	nic_clear(&copy);
}

static void features_have_the_numbers_of_the_specification(void **state)
{
	/* Source: Virtual I/O Device 1.2, 5.1.3 and 6.3; contract, section 3. */
	static const struct nic_feature expected[] = {
		{ "csum", 0 },	     { "guest_csum", 1 },  { "gso", 6 },
		{ "guest_tso4", 7 }, { "guest_tso6", 8 },  { "guest_ufo", 10 },
		{ "host_tso4", 11 }, { "host_tso6", 12 },  { "host_ufo", 14 },
		{ "mrg_rxbuf", 15 }, { "ctrl_vq", 17 },	   { "guest_announce", 21 },
		{ "mq", 22 },	     { "any_layout", 27 }, { "indirect_desc", 28 },
	};
	size_t count = 0;

	(void)state;
	for (const struct nic_feature *f = nic_features; f->name; f++, count++) {
		assert_true(count < sizeof(expected) / sizeof(expected[0]));
		assert_string_equal(f->name, expected[count].name);
		assert_int_equal(f->bit, expected[count].bit);
	}
	assert_int_equal(count, sizeof(expected) / sizeof(expected[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_and_slot_name_the_interface),
		cmocka_unit_test(a_mac_address_is_checked),
		cmocka_unit_test(an_automatic_mac_has_the_vms_and_the_interfaces_number),
		cmocka_unit_test(a_server_socket_does_not_block_qemu),
		cmocka_unit_test(a_client_socket_connects_again),
		cmocka_unit_test(the_netdev_has_the_queues),
		cmocka_unit_test(the_plain_device_has_no_offloads_and_no_option_rom),
		cmocka_unit_test(offloads_come_with_what_asks_for_them),
		cmocka_unit_test(a_feature_mask_decides_alone),
		cmocka_unit_test(mergeable_buffers_come_with_jumbo_frames_unless_chosen),
		cmocka_unit_test(several_queues_need_vectors_only_under_kvm),
		cmocka_unit_test(a_host_device_is_passed_through),
		cmocka_unit_test(a_saved_interface_is_the_same_again),
		cmocka_unit_test(a_passed_through_device_is_saved_without_a_socket),
		cmocka_unit_test(an_incomplete_state_is_refused),
		cmocka_unit_test(a_copy_is_defined_but_not_plugged),
		cmocka_unit_test(features_have_the_numbers_of_the_specification),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
