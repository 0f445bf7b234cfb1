/*
 * Image VMs.
 */
#include "vm/image_vm.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/own.h"
#include "qemu/command.h"
#include "value/value.h"
#include "vm/hostel.h"
#include "vm/nic_names.h"
#include "vm/ports.h"

/* Beside the image, for the faster start (tools/image-vm/build). */
#define KERNEL_NAME  "vmlinux"
#define INITRD_NAME  "initramfs.cpio"
#define CMDLINE_NAME "cmdline"
#define CMDLINE_MAX  4096
/* A boot sector ends with 55 AA; qcow2 begins with QFI. */
#define SECTOR_SIZE	   512
#define QCOW2_MAGIC	   "QFI\xfb"
#define FINGERPRINT_TYPE   "SHA256:"
#define FINGERPRINT_DIGITS 43
#define KNOWN_HOSTS	   "known_hosts"
#define SSH_HOST	   "127.0.0.1"

struct preparation {
	char *image;
	const char *format;
	char *kernel;
	char *initrd;
	char *append;
	enum guest_memory memory;
	bool kvm;
};

static void preparation_clear(struct preparation *p)
{
	free(p->image);
	free(p->kernel);
	free(p->initrd);
	free(p->append);
}

static int check_image(struct node *node, struct preparation *p, bool snapshot,
		       const struct wait *w, struct error *err)
{
	auto_str head = { 0 };

	if (node_read_file(node, p->image, 0, SECTOR_SIZE, w, &head, err) < 0)
		return error_prefix(err, "argument 'image' (tools/image-vm/build makes one)");
	if (!snapshot && !node_may_write(node, p->image, w))
		return error_set(
			err, EACCES,
			"argument 'image': %s is read-only, and snapshot=False writes to it",
			p->image);
	if (head.length >= 4 && !memcmp(head.text, QCOW2_MAGIC, 4))
		p->format = "qcow2";
	else if (head.length == SECTOR_SIZE && !memcmp(head.text + 510, "\x55\xaa", 2))
		p->format = "raw";
	else
		return error_set(err, EINVAL,
				 "argument 'image': %s is no disk image: expected qcow2, or a raw "
				 "disk with a boot sector",
				 p->image);
	return 0;
}

static char *beside(const char *image, const char *name)
{
	const char *slash = strrchr(image, '/');

	return own_printf("%.*s%s", slash ? (int)(slash - image) + 1 : 0, image, name);
}

static bool is_there(struct node *node, const char *path, const struct wait *w)
{
	auto_str byte = { 0 };

	return !node_read_file(node, path, 0, 1, w, &byte, NULL) && byte.length;
}

/* Kernel, initramfs and command line beside the image, when all three are there. */
static void find_kernel(struct node *node, struct preparation *p, const struct wait *w)
{
	auto_free char *cmdline = beside(p->image, CMDLINE_NAME);
	auto_free char *kernel = beside(p->image, KERNEL_NAME);
	auto_free char *initrd = beside(p->image, INITRD_NAME);
	auto_str text = { 0 };

	if (!is_there(node, kernel, w) || !is_there(node, initrd, w) ||
	    node_read_file(node, cmdline, 0, CMDLINE_MAX, w, &text, NULL) < 0 || !text.length)
		return;
	text.text[strcspn(text.text, "\n")] = '\0';
	p->append = str_take(&text);
	p->kernel = take_ptr(kernel);
	p->initrd = take_ptr(initrd);
}

/* SHA-256 in base64 has 43 characters without its padding. Source: ssh-keygen(1), -l. */
static int check_host_key(const char *text, struct error *err)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *digest = text ? text + strlen(FINGERPRINT_TYPE) : NULL;

	if (!text || (str_starts(text, FINGERPRINT_TYPE) && strlen(digest) == FINGERPRINT_DIGITS &&
		      strspn(digest, digits) == FINGERPRINT_DIGITS))
		return 0;
	return error_set(err, EINVAL,
			 "argument 'host_key': expected " FINGERPRINT_TYPE
			 " and %d characters, as ssh-keygen -l prints it, got '%s'",
			 FINGERPRINT_DIGITS, text);
}

static int check_readable(const char *argument, const char *path, struct error *err)
{
	if (!path || !access(path, R_OK))
		return 0;
	return error_set_errno(err, errno, "argument '%s': %s", argument, path);
}

static int check_login(const struct vm_login *login, struct error *err)
{
	if (check_host_key(login->host_key, err) < 0 ||
	    check_readable("private_key", login->private_key, err) < 0 ||
	    check_readable("known_hosts", login->known_hosts, err) < 0)
		return -1;
	if (login->host_key && login->known_hosts)
		return error_set(
			err, EINVAL,
			"argument 'known_hosts': not together with 'host_key', which names "
			"the only one");
	if (login->passphrase && !login->private_key)
		return error_set(err, EINVAL, "argument 'passphrase': there is no 'private_key'");
	return 0;
}

static int prepare(struct vm *vm, const struct image_vm_options *o, const struct constants *c,
		   const struct wait *w, struct preparation *ret, struct error *err)
{
	auto_facts facts = { 0 };

	if (check_login(&o->login, err) < 0)
		return -1;
	if (ports_check(vm->node, c, vm->qemu_id, err) < 0)
		return -1;
	ret->image = own_strdup(strcasecmp(o->image, "default") ? o->image : c->image_vm.image);
	if (*ret->image != '/')
		return error_set(err, EINVAL,
				 "argument 'image': expected default or an absolute path, got '%s'",
				 o->image);
	if (node_facts_read(vm->node, w, &facts, err) < 0 ||
	    machine_check(&o->machine, c, vm->node, &facts, &ret->memory, &ret->kvm, err) < 0 ||
	    check_image(vm->node, ret, o->snapshot, w, err) < 0)
		return -1;
	if (o->direct_boot < 0 ? c->image_vm.direct_boot : o->direct_boot)
		find_kernel(vm->node, ret, w);
	return 0;
}

int image_vm_ssh(struct vm *vm, const struct constants *c, struct error *err)
{
	const struct vm_login *login = &vm->login;
	auto_free char *seen = qemu_path(vm->run_dir, KNOWN_HOSTS);
	const struct ssh_target target = {
		.host = SSH_HOST,
		.port = c->qemu.ssh_port_base + vm->qemu_id,
		.username = vm->username,
		.password = vm->password,
		.private_key = login->private_key,
		.passphrase = login->passphrase,
		.use_agent = login->ssh_agent,
		.fingerprint = login->host_key,
		.host_key_policy = login->host_key	? SSH_HOST_KEY_PINNED
				   : login->known_hosts ? SSH_HOST_KEY_KNOWN_HOSTS
							: SSH_HOST_KEY_ACCEPT_NEW,
		.known_hosts = login->known_hosts ? login->known_hosts : seen,
	};

	return ssh_new(&target, &vm->ssh, err);
}

/* The agent's answer, or a warning: not every image has one that works. */
static void greet_agent(struct vm *vm, const struct constants *c, const struct wait *w,
			struct trail *trail)
{
	struct wait once = wait_within(w, c->timeout.agent_ms);
	struct error err;

	if (agent_execute(vm->agent, "guest-ping", NULL, &once, NULL, &err) < 0) {
		trail_note(trail, TRAIL_WARN, "VM '%s': SSH answers, the guest agent does not: %s",
			   vm->name, err.text);
		return;
	}
	pthread_mutex_lock(&vm->mutex);
	vm->agent_open = true;
	pthread_mutex_unlock(&vm->mutex);
	trail_step(trail, "the guest agent answers");
}

static void find_names(struct vm *vm, const struct wait *w, struct trail *trail)
{
	size_t missing = nic_names_await(vm, false, w);

	if (missing)
		trail_note(trail, TRAIL_WARN, "VM '%s': %zu interface(s) have no name in the guest",
			   vm->name, missing);
}

/* Before the guest runs: one that is started paused is reached later. */
static int make_ssh(struct vm *vm, void *context, const struct wait *w, struct error *err)
{
	auto_constants held = hostel_hold(vm->hostel);

	(void)context;
	(void)w;
	return image_vm_ssh(vm, held.c, err);
}

static int await_guest(struct vm *vm, void *context, const struct wait *w, struct trail *trail,
		       struct error *err)
{
	auto_constants held = hostel_hold(vm->hostel);

	(void)context;
	if (ssh_wait_login(vm->ssh, w, err) < 0)
		return error_prefix(err, "waiting for SSH on port %d",
				    held.c->qemu.ssh_port_base + vm->qemu_id);
	trail_step(trail, "SSH answers");
	vm_set_stage(vm, "SSH answers");
	greet_agent(vm, held.c, w, trail);
	if (vm_agent_answers(vm))
		find_names(vm, w, trail);
	return 0;
}

static void take_login(struct vm *vm, const struct image_vm_options *o, const struct constants *c,
		       bool kvm)
{
	vm_describe(vm, VM_IMAGE, kvm, "none", o->username ? o->username : c->image_vm.username,
		    o->password ? o->password : c->image_vm.password);
	vm_describe_login(vm, &o->login);
}

static int bring_up(struct vm *vm, const struct image_vm_options *o, const struct constants *c,
		    const struct preparation *p, const struct wait *w, struct trail *trail,
		    struct error *err)
{
	const struct bring_up plan = {
		.spec = {
			.binary = c->qemu.binary,
			.machine = c->qemu.machine,
			.cpu = p->kvm ? c->qemu.cpu_kvm : c->qemu.cpu_tcg,
			.kvm = p->kvm,
			.sandbox = c->qemu.sandbox,
			.cpus = o->machine.cpus,
			.cores = o->machine.core_count ? o->machine.cores : NULL,
			.memory_mib = o->machine.memory_mib,
			.memory = p->memory,
			.numa_node = -1,
			.kernel = p->kernel,
			.initrd = p->initrd,
			.append = p->append,
			.drive = p->image,
			.drive_format = p->format,
			.snapshot = o->snapshot,
			.agent_isa = true,
			.ssh_port = c->qemu.ssh_port_base + vm->qemu_id,
			.serial_port = c->qemu.serial_port_base + vm->qemu_id,
		},
		.machine = o->machine,
		.prepare = make_ssh,
		.await = await_guest,
		.began_us = o->began_us,
	};

	take_login(vm, o, c, p->kvm);
	return vm_bring_up(vm, &plan, w, trail, err);
}

static int start(struct vm *vm, const struct image_vm_options *o, const struct wait *w,
		 struct trail *trail, struct error *err)
{
	__attribute__((cleanup(preparation_clear))) struct preparation p = { 0 };
	auto_constants held = hostel_hold(vm->hostel);

	if (prepare(vm, o, held.c, w, &p, err) < 0 || hostel_claim(vm->hostel, vm, err) < 0)
		return -1;
	trail_step(trail, "checked the arguments");
	return bring_up(vm, o, held.c, &p, w, trail, err);
}

int image_vm_start(struct hostel *hostel, const char *name, struct node *node,
		   const struct image_vm_options *o, const struct wait *w, struct trail *trail,
		   struct vm **ret, struct error *err)
{
	auto_vm *vm = NULL;

	if (hostel_define(hostel, name, node, o->machine.qemu_id, &vm, err) < 0)
		return -1;
	if (start(vm, o, w, trail, err) < 0) {
		hostel_unclaim(hostel, vm);
		return -1;
	}
	*ret = take_ptr(vm);
	return 0;
}
