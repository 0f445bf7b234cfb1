/*
 * QEMU's command line, read by this test and by the real QEMU.
 */
#include "qemu/command.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/own.h"
#include "base/process.h"
#include "qemu/qmp.h"
#include "value/value.h"

#define LONG_MS 60000

static const int cores_of_two[] = { 0, 0, 1, 1 };

static struct qemu_spec kernel_spec(void)
{
	return (struct qemu_spec) {
		.name = "nf1",
		.binary = "qemu-system-x86_64",
		.machine = "pc,usb=off",
		.cpu = "max",
		.sandbox = true,
		.cpus = 4,
		.cores = cores_of_two,
		.memory_mib = 512,
		.numa_node = -1,
		.run_dir = "/run/vhostel/nf1",
		.firmware = "qboot.rom",
		.kernel = "/k/vmlinux",
		.initrd = "/k/initramfs",
		.append = "console=ttyS0 init=/run/vhostel/nf1/init",
		.host_root = "/",
	};
}

/* Whether @value follows @option somewhere. */
static bool has(const struct strv *v, const char *option, const char *value)
{
	for (size_t i = 0; i + 1 < v->count; i++)
		if (!strcmp(v->items[i], option) && !strcmp(v->items[i + 1], value))
			return true;
	return false;
}

static bool has_word(const struct strv *v, const char *word)
{
	for (size_t i = 0; i < v->count; i++)
		if (strstr(v->items[i], word))
			return true;
	return false;
}

static void a_kernel_vm_starts_paused_and_confined(void **state)
{
	struct qemu_spec spec = kernel_spec();
	auto_strv v = { 0 };

	(void)state;
	qemu_command(&spec, &v);
	assert_string_equal(v.items[0], "qemu-system-x86_64");
	assert_true(has_word(&v, "-S"));
	assert_true(has_word(&v, "-nodefaults"));
	assert_true(has_word(&v, "-no-user-config"));
	assert_true(has(&v, "-sandbox",
			"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"));
	assert_true(has(&v, "-accel", "tcg,thread=multi"));
	assert_true(has(&v, "-smp", "4,sockets=1,cores=2,threads=2"));
	assert_true(has(&v, "-cpu", "max,vendor=GenuineIntel"));
	assert_true(has(&v, "-m", "512M"));
	assert_true(has(&v, "-object", "memory-backend-memfd,id=mem,size=512M,share=on"));
	assert_true(has(&v, "-numa", "node,memdev=mem"));
	assert_true(has(&v, "-bios", "qboot.rom"));
	assert_true(has(&v, "-kernel", "/k/vmlinux"));
	assert_true(has(&v, "-initrd", "/k/initramfs"));
	assert_true(has(&v, "-append", "console=ttyS0 init=/run/vhostel/nf1/init"));
	assert_true(has(&v, "-pidfile", "/run/vhostel/nf1/pid"));
	/* Nothing of another kind of VM. */
	assert_false(has_word(&v, "-drive") || has_word(&v, "hostfwd") || has_word(&v, "tcp:"));
}

static void cores_may_differ_in_their_threads(void **state)
{
	static const int mixed[] = { 0, 1, 1, 2 };
	struct qemu_spec spec = kernel_spec();
	auto_strv v = { 0 }, plain = { 0 };

	(void)state;
	spec.cores = mixed;
	spec.kvm = true;
	spec.cpu = "qemu64,+ssse3";
	qemu_command(&spec, &v);
	assert_true(has(&v, "-smp", "1,maxcpus=6,sockets=1,cores=3,threads=2"));
	assert_true(has(&v, "-device", "qemu64-x86_64-cpu,socket-id=0,core-id=1,thread-id=0"));
	assert_true(has(&v, "-device", "qemu64-x86_64-cpu,socket-id=0,core-id=1,thread-id=1"));
	assert_true(has(&v, "-device", "qemu64-x86_64-cpu,socket-id=0,core-id=2,thread-id=0"));
	spec.cores = NULL;
	qemu_command(&spec, &plain);
	assert_true(has(&plain, "-smp", "4,sockets=1,cores=4,threads=1"));
	assert_false(has_word(&plain, "thread-id"));
}

static void emulation_has_no_gap_between_cores(void **state)
{
	static const int gap[] = { 0, 1, 1, 2 }, last[] = { 0, 0, 1, 1 };
	struct qemu_spec spec = kernel_spec();
	auto_strv flat = { 0 }, shown = { 0 };

	(void)state;
	spec.cores = gap;
	assert_false(qemu_shows_cores(&spec));
	qemu_command(&spec, &flat);
	assert_true(has(&flat, "-smp", "4,sockets=1,cores=4,threads=1"));
	assert_true(has(&flat, "-cpu", "max"));
	spec.cores = last;
	spec.cpus = 3;
	assert_true(qemu_shows_cores(&spec));
	qemu_command(&spec, &shown);
	assert_true(has(&shown, "-smp", "1,maxcpus=4,sockets=1,cores=2,threads=2"));
	assert_true(has(&shown, "-device", "max-x86_64-cpu,socket-id=0,core-id=1,thread-id=0"));
}

static void cores_stand_in_the_guests_order(void **state)
{
	static const int good[] = { 0, 1, 1, 2 }, late[] = { 1, 1 }, gap[] = { 0, 2 },
			 back[] = { 0, 1, 0 };
	struct error err;

	(void)state;
	assert_int_equal(qemu_check_cores(good, 4, &err), 0);
	assert_int_equal(qemu_check_cores(NULL, 0, &err), 0);
	assert_int_equal(qemu_check_cores(late, 2, &err), -1);
	assert_int_equal(qemu_check_cores(gap, 2, &err), -1);
	assert_non_null(strstr(err.text, "got 2 behind 0"));
	assert_int_equal(qemu_check_cores(back, 3, &err), -1);
}

static void the_hosts_root_is_read_only_at_the_device(void **state)
{
	struct qemu_spec spec = kernel_spec();
	auto_strv v = { 0 };

	(void)state;
	spec.host_root = "/srv/a,b";
	qemu_command(&spec, &v);
	assert_true(has(&v, "-fsdev",
			"local,id=root,path=/srv/a,,b,security_model=none,readonly=on,"
			"multidevs=remap"));
	assert_true(has(&v, "-device", "virtio-9p-pci,fsdev=root,mount_tag=virtioroot,addr=4"));
}

static void an_image_vm_has_a_disk_and_a_way_in(void **state)
{
	struct qemu_spec spec = kernel_spec();
	auto_strv v = { 0 };

	(void)state;
	spec.kernel = spec.initrd = spec.append = spec.host_root = NULL;
	spec.firmware = "";
	spec.drive = "/images/a.img";
	spec.drive_format = "raw";
	spec.snapshot = true;
	spec.agent_isa = true;
	spec.ssh_port = 10022;
	spec.serial_port = 4556;
	spec.kvm = true;
	spec.sandbox = false;
	qemu_command(&spec, &v);
	assert_true(has(&v, "-drive", "file=/images/a.img,format=raw,if=none,id=disk,snapshot=on"));
	assert_true(has(&v, "-netdev", "user,id=mgmt,hostfwd=tcp:127.0.0.1:10022-:22"));
	assert_true(has(&v, "-serial", "tcp:127.0.0.1:4556,server=on,wait=off"));
	assert_true(has(&v, "-serial", "chardev:char-agent"));
	assert_true(has(&v, "-accel", "kvm"));
	assert_false(has_word(&v, "-kernel") || has_word(&v, "-fsdev") || has_word(&v, "-bios") ||
		     has_word(&v, "-sandbox") || has_word(&v, "virtserialport"));
}

static void memory_comes_from_huge_pages_of_a_numa_node(void **state)
{
	struct qemu_spec spec = kernel_spec();
	auto_strv small = { 0 }, large = { 0 };

	(void)state;
	spec.memory = GUEST_MEMORY_2M;
	spec.numa_node = 1;
	qemu_command(&spec, &small);
	assert_true(has(&small, "-object",
			"memory-backend-memfd,id=mem,size=512M,share=on,hugetlb=on,hugetlbsize=2M,"
			"prealloc=on,host-nodes=1,policy=bind"));
	spec.memory = GUEST_MEMORY_1G;
	spec.memory_mib = 2048;
	spec.numa_node = -1;
	qemu_command(&spec, &large);
	assert_true(has(&large, "-object",
			"memory-backend-memfd,id=mem,size=2048M,share=on,hugetlb=on,"
			"hugetlbsize=1G,prealloc=on"));
}

/* QEMU as started by @spec, until it answers on its QMP socket. */
static void start_qemu(const struct qemu_spec *spec, struct node *node, struct process *ret,
		       int *ret_fd)
{
	auto_free char *path = qemu_path(spec->run_dir, QEMU_QMP_SOCKET);
	struct process_spec process = { .fds = { -1, -1, 2 } };
	struct node_process server = NODE_PROCESS_NONE;
	struct wait w = wait_for_ms(LONG_MS);
	auto_strv v = { 0 };
	struct error err;

	qemu_command(spec, &v);
	process.argv = v.items;
	if (process_start(&process, ret, &err) < 0)
		fail_msg("%s", err.text);
	server.local = *ret;
	if (node_connect_new(node, path, &server, &w, ret_fd, &err) < 0)
		fail_msg("%s", err.text);
}

static void ignore_event(void *owner, const char *name, const json_t *data)
{
	(void)owner;
	(void)name;
	(void)data;
}

static void ignore_end(void *owner)
{
	(void)owner;
}

/* The file name that QEMU has for the chardev @label; owned by the caller. */
static char *chardev_file(const json_t *chardevs, const char *label)
{
	const json_t *chardev;
	size_t i;

	json_array_foreach ((json_t *)chardevs, i, chardev) {
		if (!strcmp(json_string_value(json_object_get(chardev, "label")), label))
			return own_strdup(json_string_value(json_object_get(chardev, "filename")));
	}
	fail_msg("no chardev %s", label);
	return NULL;
}

static void the_real_qemu_takes_it_with_commas_in_every_path(void **state)
{
	char directory[] = "/tmp/vh,cmd,,XXXXXX";
	const struct qmp_listener listener = { .event = ignore_event, .gone = ignore_end };
	auto_free char *image = NULL, *console = NULL;
	auto_json *status = NULL, *chardevs = NULL;
	struct qemu_spec spec = kernel_spec();
	struct node *node = node_local_new("DUT1");
	struct wait w = wait_for_ms(LONG_MS);
	struct watcher *watcher;
	struct process p;
	struct error err;
	struct qmp *qmp;
	int fd = -1;

	(void)state;
	assert_non_null(mkdtemp(directory));
	image = qemu_path(directory, "disk,1.img");
	assert_int_equal(file_write(image, "x", 1, 0600, NULL), 0);
	assert_int_equal(truncate(image, 1024 * 1024), 0);
	spec.cpus = 1;
	spec.memory_mib = 64;
	spec.run_dir = directory;
	spec.host_root = directory;
	spec.kernel = spec.initrd = spec.append = NULL;
	spec.drive = image;
	spec.drive_format = "raw";
	spec.snapshot = true;
	assert_int_equal(watcher_new(&watcher, &err), 0);
	start_qemu(&spec, node, &p, &fd);
	if (qmp_open(watcher, fd, &listener, &w, &qmp, &err) < 0 ||
	    qmp_execute(qmp, "query-status", NULL, &w, &status, &err) < 0 ||
	    qmp_execute(qmp, "query-chardev", NULL, &w, &chardevs, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(json_string_value(json_object_get(status, "status")), "prelaunch");
	console = chardev_file(chardevs, "console");
	assert_true(str_starts(console, "disconnected:unix:/tmp/vh,cmd,,"));
	assert_int_equal(qmp_execute(qmp, "quit", NULL, &w, NULL, &err), 0);
	assert_int_equal(process_wait(&p, &w, NULL, &err), 0);
	process_clear(&p);
	qmp_close(qmp);
	watcher_free(watcher);
	node_free(node);
	assert_int_equal(file_remove_tree(directory, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_vm_starts_paused_and_confined),
		cmocka_unit_test(cores_may_differ_in_their_threads),
		cmocka_unit_test(emulation_has_no_gap_between_cores),
		cmocka_unit_test(cores_stand_in_the_guests_order),
		cmocka_unit_test(the_hosts_root_is_read_only_at_the_device),
		cmocka_unit_test(an_image_vm_has_a_disk_and_a_way_in),
		cmocka_unit_test(memory_comes_from_huge_pages_of_a_numa_node),
		cmocka_unit_test(the_real_qemu_takes_it_with_commas_in_every_path),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
