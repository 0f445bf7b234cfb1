/*
 * The table of the constants, and constants.yaml over it.
 */
#include "config/constants.h"

#include <errno.h>
#include <stdlib.h>

#include "base/own.h"
#include "config/key_table.h"
#include "config/yaml_file.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *const on_exit_names[] = {
	[ON_EXIT_KILL] = "kill",
	[ON_EXIT_KEEP] = "keep",
	NULL,
};
_Static_assert(COUNT(on_exit_names) == ON_EXIT_KEEP + 2, "one name for each enum on_exit");

const char *const accelerator_names[] = {
	[ACCELERATOR_AUTO] = "auto",
	[ACCELERATOR_KVM] = "kvm",
	[ACCELERATOR_TCG] = "tcg",
	NULL,
};
_Static_assert(COUNT(accelerator_names) == ACCELERATOR_TCG + 2, "one name for each accelerator");

const char *const memory_backend_names[] = {
	[MEMORY_BACKEND_AUTO] = "auto",
	[MEMORY_BACKEND_HUGEPAGES] = "hugepages",
	[MEMORY_BACKEND_MEMFD] = "memfd",
	NULL,
};
_Static_assert(COUNT(memory_backend_names) == MEMORY_BACKEND_MEMFD + 2,
	       "one name for each memory backend");

/* When a key of the files takes effect that Set Constant does not change. */
#define AT_START  .effect = "when the server starts"
#define ON_RELOAD .effect = "when the server starts and when it reads its files anew"

static const struct key constant_keys[] = {
	KEY_SECTION("server", "The server that Robot talks to."),
	KEY_STRING(constants, server.host, "127.0.0.1", "Address or name to listen on.", .min = 1,
		   .max = 255, AT_START),
	KEY_INT(constants, server.port, 0, 65535, NULL, "8270",
		"TCP port to listen on; 0 takes a free one.", AT_START),
	KEY_ENUM(constants, server.on_exit, enum on_exit, on_exit_names, "kill",
		 "What happens to running VMs when the server ends.", ON_RELOAD),
	KEY_BOOL(constants, server.allow_remote_stop, "true",
		 "Whether the keyword Stop Remote Server ends the server.", ON_RELOAD),

	KEY_SECTION("remote",
		    "Who may talk to the server, and how much of it one client can take."),
	KEY_PATH(constants, remote.unix_socket, "none",
		 "Unix socket to listen on as well; only the server's user can connect.",
		 .word = "none", .min = 1, .max = 107, AT_START),
	KEY_PATH(constants, remote.password_file, "none",
		 "File with a line NAME:HASH for each user, as `vhostelctl passwd` makes it. With "
		 "it every request needs HTTP Basic credentials.",
		 .word = "none", .min = 1, ON_RELOAD),
	KEY_PATH(constants, remote.tls_certificate, "none",
		 "Certificate chain in PEM; with it and remote.tls_key the TCP port speaks https. "
		 "SIGHUP reads both anew.",
		 .word = "none", .min = 1, ON_RELOAD),
	KEY_PATH(constants, remote.tls_key, "none", "Private key in PEM.", .word = "none", .min = 1,
		 ON_RELOAD),
	KEY_BOOL(constants, remote.allow_anonymous, "false",
		 "Whether to listen without a password file on an address that other machines "
		 "reach. Whoever reaches it can then run commands here.",
		 ON_RELOAD),
	KEY_STRING(constants, remote.allowed_hosts, "",
		   "Host names, separated by spaces, by which clients may call the server beside "
		   "its addresses, its own name and localhost.",
		   ON_RELOAD),
	KEY_STRING(constants, remote.allowed_origins, "",
		   "Web origins (https://lab.example), separated by spaces, whose pages may call "
		   "the server.",
		   ON_RELOAD),
	KEY_INT(constants, remote.body_kib, 1, 65536, "KiB", "4096",
		"Longest body of a request. One that nests more than 200 elements, or has more than "
		"200000 elements or 10000 struct members, is refused whatever its length.",
		ON_RELOAD),
	KEY_INT(constants, remote.bodies_kib, 64, 1048576, "KiB", "65536",
		"Bodies of requests that all connections together hold; more are answered with "
		"503. Those beyond 64 KiB are parsed one at a time.",
		ON_RELOAD),
	KEY_INT(constants, remote.header_kib, 4, 1024, "KiB", "32",
		"Memory for the headers of a request.", ON_RELOAD),
	KEY_INT(constants, remote.connections, 1, 10000, NULL, "512",
		"Connections at once; more are answered with 503.", ON_RELOAD),
	KEY_INT(constants, remote.connections_per_address, 1, 10000, NULL, "384",
		"Connections at once from one address.", ON_RELOAD),
	KEY_DURATION(constants, remote.idle, "60 s", "How long a kept connection may be idle.",
		     ON_RELOAD),
	KEY_DURATION(constants, remote.request, "30 s",
		     "How long a client may take to send a request, or to take its answer.",
		     ON_RELOAD),
	KEY_DURATION(constants, remote.stop, "20 s",
		     "How long a server that ends waits for cancelled calls.", ON_RELOAD),

	KEY_PATH(constants, run_dir, "auto",
		 "Directory in which each VM has its own, with sockets, state and console log. "
		 "'auto' is /run/vhostel for root, else vhostel in XDG_RUNTIME_DIR. Socket paths "
		 "have 107 bytes at most, so keep it short.",
		 .word = "auto", .min = 1, .max = 80, AT_START),

	KEY_SECTION("qemu", "How QEMU is started, for every VM."),
	KEY_PATH(constants, qemu.binary, "qemu-system-x86_64",
		 "The program; a name without a slash is looked up in PATH.", .bare = true,
		 .min = 1),
	KEY_ENUM(constants, qemu.accelerator, enum accelerator, accelerator_names, "auto",
		 "'auto' takes KVM where /dev/kvm works, else TCG."),
	KEY_STRING(constants, qemu.machine, "pc,usb=off,mem-merge=off",
		   "Machine type and its options, as after -machine.", .min = 1),
	KEY_STRING(constants, qemu.cpu_kvm, "host", "CPU model under KVM.", .min = 1),
	KEY_STRING(constants, qemu.cpu_tcg, "max", "CPU model under TCG.", .min = 1),
	KEY_ENUM(
		constants, qemu.memory_backend, enum memory_backend, memory_backend_names, "auto",
		"Guest memory; vhost-user needs it shared. 'auto' takes hugepages where enough are "
		"free, else memfd."),
	KEY_BOOL(constants, qemu.sandbox, "true",
		 "Whether QEMU runs in its own seccomp sandbox (-sandbox on)."),
	KEY_STRING(constants, qemu.mac_prefix, "52:54:00:00",
		   "First four octets of a NIC's MAC address; the number of the VM and of the NIC "
		   "follow.",
		   .pattern = "^[0-9a-fA-F][02468aceACE](:[0-9a-fA-F]{2}){3}$",
		   .allowed = "four octets of a unicast MAC address, such as 52:54:00:00"),
	KEY_INT(constants, qemu.first_slot, 1, 30, NULL, "6",
		"PCI slot of a VM's first vhost-user NIC; the others follow."),
	KEY_INT(constants, qemu.ssh_port_base, 1024, 65280, NULL, "10021",
		"A VM's SSH port on its host is this plus the VM's number."),
	KEY_INT(constants, qemu.serial_port_base, 1024, 65280, NULL, "4555",
		"A VM's serial port on its host is this plus the VM's number."),
	KEY_INT(constants, qemu.max_vms, 1, 255, NULL, "255",
		"VMs on one node; also the largest number of a VM, which is an octet of its MAC "
		"addresses."),

	KEY_SECTION("kernel_vm", "Kernel VMs: a kernel booted directly, on the host's root."),
	KEY_PATH(constants, kernel_vm.kernel, "../build/kernel-vm/vmlinux",
		 "The kernel: an uncompressed vmlinux with a PVH entry, or a bzImage.", .min = 1),
	KEY_PATH(constants, kernel_vm.initrd, "../build/kernel-vm/initramfs.cpio",
		 "The initramfs that loads the drivers and mounts the host's root; empty for a "
		 "kernel that has all built in."),
	KEY_PATH(constants, kernel_vm.firmware, "auto",
		 "Firmware, as after -bios; a name without a slash is one of QEMU's own. 'auto' "
		 "takes qboot.rom where QEMU has it.",
		 .word = "auto", .bare = true, .min = 1),
	KEY_PATH(constants, kernel_vm.template_dir, "templates",
		 "Directory of the init scripts and payload files.", .min = 1),
	KEY_PATH(constants, kernel_vm.host_root, "/",
		 "Directory that the guest has as its root, read-only.", .min = 1),
	KEY_STRING(constants, kernel_vm.command_line, "",
		   "More arguments for the kernel, behind those that a VM needs."),
	KEY_INT(constants, kernel_vm.hugepages, 0, 65536, "pages", "64",
		"Hugepages of 2 MB in the guest, from its memory."),

	KEY_SECTION("image_vm", "Image VMs: a disk image booted."),
	KEY_PATH(constants, image_vm.image, "../build/image-vm/vhostel.img",
		 "The disk image of 'image=default'.", .min = 1),
	KEY_BOOL(constants, image_vm.direct_boot, "true",
		 "Boot vmlinux, initramfs.cpio and cmdline beside the image, where they are there, "
		 "instead of the image's own boot loader: seconds faster."),
	KEY_STRING(constants, image_vm.username, "cisco",
		   "Who logs in over SSH; sudo asks no password.", .min = 1, .max = 32),
	KEY_STRING(constants, image_vm.password, "cisco", "The password of that user."),

	KEY_SECTION("testpmd", "DPDK's testpmd inside a VM."),
	KEY_PATH(constants, testpmd.binary, "dpdk-testpmd",
		 "The program in the guest; a name without a slash is looked up in PATH.",
		 .bare = true, .min = 1),
	KEY_STRING(constants, testpmd.driver, "uio_pci_generic",
		   "Kernel driver that NICs are bound to in the guest.", .min = 1, .max = 63),

	KEY_SECTION("ovs", "Open vSwitch, as the vswitch of NF chains."),
	KEY_PATH(constants, ovs.binary, "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk",
		 "ovs-vswitchd with DPDK; a name without a slash is looked up in PATH.",
		 .bare = true, .min = 1),
	KEY_PATH(constants, ovs.database, "none",
		 "The database socket of an Open vSwitch with DPDK that runs on the node, such as "
		 "/run/openvswitch/db.sock; none: a private one is started.",
		 .word = "none", .min = 1),
	KEY_PATH(constants, ovs.run_dir, "/run/openvswitch",
		 "Where that Open vSwitch has its other sockets.", .min = 1),

	KEY_SECTION("vpp", "VPP, as the vswitch of NF chains."),
	KEY_PATH(constants, vpp.cli_socket, "/run/vpp/cli.sock",
		 "The socket on which a running VPP takes commands.", .min = 1),
	KEY_PATH(constants, vpp.vppctl, "vppctl",
		 "The program that gives it commands; a name without a slash is looked up in PATH.",
		 .bare = true, .min = 1),

	KEY_SECTION("timeout", "How long is waited; a keyword's own timeout argument comes first."),
	KEY_DURATION(constants, timeout.launch, "10 s", "QEMU's start until it answers."),
	KEY_DURATION(constants, timeout.qmp, "5 s", "The answer to a QMP command."),
	KEY_DURATION(constants, timeout.vhost, "30 s", "The vswitch at the other end of a socket."),
	KEY_DURATION(constants, timeout.start_kernel_vm, "1 min", "Start Kernel VM."),
	KEY_DURATION(constants, timeout.start_image_vm, "2 min", "Start Image VM."),
	KEY_DURATION(constants, timeout.start_nf_chains, "5 min", "Start NF Chains, all VMs."),
	KEY_DURATION(constants, timeout.vswitch, "30 s", "A vswitch's start until it forwards."),
	KEY_DURATION(constants, timeout.stop_vm, "30 s", "Stop VM, before it kills."),
	KEY_DURATION(constants, timeout.kill_vm, "5 s", "The end of a QEMU that was killed."),
	KEY_DURATION(constants, timeout.console, "30 s", "A pattern on a VM's console."),
	KEY_DURATION(constants, timeout.agent, "10 s", "The answer of the guest agent."),
	KEY_DURATION(constants, timeout.execute, "30 s", "A command in a VM."),
	KEY_DURATION(constants, timeout.copy, "5 min", "A file into a VM or out of it."),
	KEY_DURATION(constants, timeout.testpmd, "1 min", "testpmd's start until it forwards."),
	KEY_DURATION(constants, timeout.payload, "1 min",
		     "Another payload's start until it forwards or listens."),
	KEY_DURATION(constants, timeout.unplug, "10 s", "The guest's consent to an unplugged NIC."),
	KEY_DURATION(constants, timeout.node, "30 s", "A command on a node, or the way to it."),

	KEY_SECTION("limit", "How much of what programs print is kept and shown."),
	KEY_INT(constants, limit.output_kib, 1, 65536, "KiB", "1024",
		"Output of one command, standard output and error each."),
	KEY_INT(constants, limit.console_tail_kib, 1, 65536, "KiB", "64",
		"End of a VM's console that is kept in memory; the log file has it all."),
	KEY_INT(constants, limit.console_lines, 0, 1000, "lines", "20",
		"Last console lines that an error shows."),
};

static const struct key_table constants_table = KEY_TABLE(constant_keys);

static void read_file(struct constants *c, const char *path, struct strv *errors)
{
	auto_free yaml_node_t **given = own_alloc(COUNT(constant_keys) * sizeof(*given));
	auto_yaml_file file;

	if (yaml_file_open(&file, path, errors) == 0)
		yaml_file_read(&file, yaml_file_root(&file), &constants_table, "", c, given);
}

int constants_load(const char *path, const char *site, struct constants **ret, struct error *err)
{
	struct constants *c = own_alloc(sizeof(*c));
	auto_strv errors = { 0 };

	c->directory = yaml_directory(path ? path : "config/constants.yaml");
	key_table_defaults(&constants_table, c, c->directory);
	if (path)
		read_file(c, path, &errors);
	if (site)
		read_file(c, site, &errors);
	if (yaml_errors_finish(&errors, err) < 0) {
		constants_free(c);
		return -1;
	}
	*ret = c;
	return 0;
}

void constants_free(struct constants *c)
{
	if (!c)
		return;
	key_table_clear(&constants_table, c);
	free(c->directory);
	free(c);
}

struct constants *constants_copy(const struct constants *c)
{
	struct constants *copy = own_alloc(sizeof(*copy));

	key_table_copy(&constants_table, c, copy);
	copy->directory = own_strdup(c->directory);
	return copy;
}

char *constants_print(void)
{
	auto_str s = { 0 };

	str_adds(&s,
		 "# The constants of vhostel: every key, with its default. "
		 "`vhosteld --print-config` writes this file.\n"
		 "#\n"
		 "# A key that is left out has the value below. A site file may override single "
		 "keys, also\n"
		 "# written with dots (timeout.vhost: 5 s). Relative paths start at the directory "
		 "of the file\n"
		 "# that names them. Durations: 500 ms, 30 s, 2 min, 1 h, or a bare number of "
		 "seconds.\n");
	key_table_print(&constants_table, &s);
	return str_take(&s);
}

static const struct key *find_constant(const char *name, struct error *err)
{
	const struct key *key = key_find(&constants_table, name);
	const struct key *nearest;

	if (key && key->type != KEY_TYPE_SECTION)
		return key;
	nearest = key ? key + 1 : key_nearest(&constants_table, name);
	if (key)
		error_set(err, ENOENT, "constant '%s' is a section, name one of its keys: %s", name,
			  nearest->name);
	else if (nearest)
		error_set(err, ENOENT, "no constant '%s', did you mean %s?", name, nearest->name);
	else
		error_set(err, ENOENT, "no constant '%s', config/constants.yaml has them all",
			  name);
	return NULL;
}

int constants_get(const struct constants *c, const char *key, char **ret, struct error *err)
{
	const struct key *row = find_constant(key, err);

	if (!row)
		return -1;
	if (key_print_value(row, c, ret, err) < 0)
		return error_prefix(err, "constant '%s'", row->name);
	return 0;
}

int constants_settable(const char *key, struct error *err)
{
	const struct key *row = find_constant(key, err);

	if (!row)
		return -1;
	if (row->effect)
		return error_set(err, EPERM, "constant '%s': only constants.yaml sets it, %s",
				 row->name, row->effect);
	return 0;
}

int constants_set(struct constants *c, const char *key, const char *text, struct error *err)
{
	const struct key *row = find_constant(key, err);

	if (!row)
		return -1;
	if (key_store(row, c, text, c->directory, err) < 0)
		return error_prefix(err, "constant '%s'", row->name);
	return 0;
}
